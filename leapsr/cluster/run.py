"""The plan's tasks through workers on a cluster, by Ray Data."""

import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..errors import UsageError, first_line, optional
from .ledger import Result
from .plan import Task
from .worker import Tracker, Worker, WorkerConfig

ROWS = 16
"""That a worker is given at once; as many are done again when it dies."""


@dataclass(frozen=True)
class Resources:
    """workers: None is as many as the cluster has room for. cpus, gpus: of each; gpus may be a part."""

    workers: int | None = None
    cpus: float = 1.0
    gpus: float = 0.0


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
    logging.getLogger("ray.data").setLevel(logging.ERROR)
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

    Raises UsageError where a worker cannot begin, because it has no such model or sees no such folder.
    """
    pyarrow = optional("pyarrow", "ray")
    tracker = ray.remote(num_cpus=0)(Tracker).remote()
    rows = [
        {**task.photo._asdict(), "output": task.output, "is_doubtful": task.is_doubtful} for task in tasks
    ]
    blocks = [pyarrow.Table.from_pylist(rows[at : at + ROWS]) for at in range(0, len(rows), ROWS)]
    workers = min(resources.workers or room(ray, resources), len(blocks))
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
    """How many workers the cluster has resources for. Raises UsageError for none."""
    there = ray.cluster_resources()
    counts = [there.get("CPU", 0) / resources.cpus if resources.cpus else None]
    counts += [there.get("GPU", 0) / resources.gpus if resources.gpus else None]
    most = int(min((count for count in counts if count is not None), default=1))
    if most < 1:
        raise UsageError(
            f"The cluster has {there.get('CPU', 0):g} CPUs and {there.get('GPU', 0):g} GPUs, too few for one "
            f"worker of {resources.cpus:g} and {resources.gpus:g}: change --cpus or --gpus."
        )
    return most
