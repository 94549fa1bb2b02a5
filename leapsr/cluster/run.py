"""The plan's tasks through workers on a cluster, by Ray Data."""

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import inf
from typing import Any

from ..errors import UsageError, first_line, optional
from .ledger import Result
from .plan import Task
from .worker import Tracker, Worker, WorkerConfig

ROWS = 16
"""That a worker is given at once; as many are done again when it dies."""


@dataclass(frozen=True)
class Resources:
    """workers: at most; None is as many as the cluster has room for. cpus, gpus: of each; gpus may be a
    part."""

    workers: int | None = None
    cpus: float = 1.0
    gpus: float = 0.0

    @property
    def on_gpu(self) -> int:
        """Workers that share one."""
        return max(1, int(1 / self.gpus)) if self.gpus else 0

    def room(self, there: Mapping[str, float]) -> float:
        """For how many workers a machine has the resources; infinity where they need none."""
        cpus, gpus = there.get("CPU", 0.0), there.get("GPU", 0.0)
        counts = [int(cpus / self.cpus)] if self.cpus else []
        if self.gpus:
            counts.append(int(gpus * self.on_gpu if self.gpus < 1 else gpus / self.gpus))
        return min(counts, default=inf)


def connect(address: str | None) -> Any:
    """Ray, joined to a cluster; None: to one on this machine, which ends with this process.

    Raises MissingExtra, UsageError where no cluster answers.
    """
    ray = optional("ray", "ray")
    optional("ray.data", "ray")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it tells of every worker that dies
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray reports to its makers
    if not ray.is_initialized():
        try:
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level=logging.ERROR,
                include_dashboard=False if address is None else None,
            )
        except Exception as error:  # also a bare one, where this machine is too busy for half a minute
            what = f"No Ray cluster answers at {address}" if address else "Ray cannot begin on this machine"
            raise UsageError(f"{what}: {first_line(error)}") from error
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors are raised, and told once
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    return ray


def run(
    ray: Any,
    tasks: Sequence[Task],
    config: WorkerConfig,
    resources: Resources,
    worker: type[Worker] = Worker,
) -> Iterator[list[Result]]:
    """Results as they come, in whatever order. One list holds all results of some tasks.

    Raises UsageError where no worker has room, or one cannot begin, because it has no such model or sees no
    such folder, and for a setting that the model does not have.
    """
    pyarrow = optional("pyarrow", "ray")
    tracker = ray.remote(num_cpus=0)(Tracker).remote()
    rows = [
        {**task.photo._asdict(), "output": task.output, "is_doubtful": task.is_doubtful} for task in tasks
    ]
    blocks = [pyarrow.Table.from_pylist(rows[at : at + ROWS]) for at in range(0, len(rows), ROWS)]
    workers = min(room(ray, resources), len(blocks))
    processes = int(min(workers, max(map(resources.room, _machines(ray)))))
    on_device = min(processes, resources.on_gpu) if resources.gpus else processes
    config = replace(config, processes=processes, on_device=on_device)
    done = ray.data.from_arrow(blocks).map_batches(
        worker,
        fn_constructor_args=(config, tracker),
        batch_size=ROWS,
        batch_format="numpy",
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=resources.cpus,
        num_gpus=resources.gpus or None,
    )
    names = [field.name for field in fields(Result)]
    try:
        for batch in done.iter_batches(batch_size=None, batch_format="pyarrow"):
            table = batch.to_pylist()
            tracker.forget.remote([row["task"] for row in table])
            yield [Result(**{name: row[name] for name in names}) for row in table]
    except ray.exceptions.RayError as error:
        if (ours := re.search(r"leapsr\.errors\.\w+: (.+)", str(error))) is None:
            raise
        raise UsageError(ours[1]) from error


def room(ray: Any, resources: Resources) -> int:
    """How many workers there will be: of those asked for, as many as the machines of the cluster hold now.

    Raises UsageError for none, which Ray would wait for without an end.
    """
    machines = _machines(ray)
    most = sum(map(resources.room, machines))
    if most < 1:
        sizes = {f"{each.get('CPU', 0):g} CPUs and {each.get('GPU', 0):g} GPUs" for each in machines}
        raise UsageError(
            f"The cluster has machines of {', '.join(sorted(sizes)) or 'no CPUs'}, too few for one worker of "
            f"{resources.cpus:g} and {resources.gpus:g}: change --cpus or --gpus."
        )
    return int(min(most, resources.workers or (1 if most == inf else most)))


def _machines(ray: Any) -> list[dict[str, float]]:
    """The resources of each."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]
