"""The work of the queue on a Ray cluster: `leapsr serve --ray ADDRESS`.

The server, its page and its queue stay where they are; replicas of a Ray Serve deployment take the place of
its worker processes. Files travel as bytes, so that the machines share no disk. A replica or a machine that
dies costs a try of what it worked on.
"""

import asyncio
import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ..batch.options import Options
from ..cluster.run import connect
from ..errors import LeapsrError, first_line, optional
from ..hub import catalog
from ..pictures import save_file
from . import work
from .processes import Answer, Cancelled, Raised, Report, Reported, Returned, TookTooLong, WorkerDied

logger = logging.getLogger(__name__)

NAME = "leapsr"


@dataclass(frozen=True)
class Cluster:
    """address: of a cluster that runs, or auto; local is one on this machine. replicas: at most; one is there
    always, and more are started when requests wait. cpus, gpus: of each."""

    address: str
    replicas: int = 2
    cpus: float = 1.0
    gpus: float = 0.0


class Replica:
    """What runs on the cluster."""

    def upscale(
        self, data: bytes, suffix: str, name: str, result: str, model: work.Model, options: Options
    ) -> Iterator[Answer]:
        """Reports, and at last the files by name with what `work.upscale` says of them; or an error.

        suffix: of the source. result: the file name of the result.
        """
        answers: SimpleQueue[Answer] = SimpleQueue()
        is_given_up = threading.Event()

        def report(done: float, total: int) -> None:
            if is_given_up.is_set():
                raise Cancelled
            answers.put(Reported(done, total))

        def run() -> None:
            try:
                with tempfile.TemporaryDirectory(prefix="leapsr-") as place:
                    source, output = Path(place, f"source{suffix}"), Path(place, result)
                    source.write_bytes(data)
                    made = work.upscale(source, name, output, model, options, report)
                    files = {path.name: path.read_bytes() for path in Path(place).iterdir() if path != source}
                    answers.put(Returned((made, files)))
            except (LeapsrError, Cancelled) as error:
                answers.put(Raised(error.with_traceback(None)))
            except Exception as error:
                answers.put(Raised(RuntimeError(f"{type(error).__name__}: {error}")))

        threading.Thread(target=run, daemon=True).start()
        try:
            while isinstance(answer := answers.get(), Reported):
                yield answer
            yield answer
        finally:
            is_given_up.set()


class RayPool:
    """Replicas, called as a `processes.Pool` is; only for `work.upscale`."""

    name, waiting = "ray", 0

    def __init__(self, cluster: Cluster) -> None:
        """Raises MissingExtra, UsageError where no cluster answers."""
        self.size, self.deaths = cluster.replicas, 0
        self._device = "cuda" if cluster.gpus else "cpu"  # Ray hides none from replicas that asked for none
        self._serve = optional("ray.serve", "ray")
        self._ray = connect(None if cluster.address == "local" else cluster.address)
        deployment = self._serve.deployment(
            name="upscaler",
            max_ongoing_requests=1,
            autoscaling_config={
                "min_replicas": 1,
                "max_replicas": cluster.replicas,
                "target_ongoing_requests": 1,
                "upscale_delay_s": 2,
            },
            ray_actor_options={"num_cpus": cluster.cpus, "num_gpus": cluster.gpus},
        )(Replica)
        self._serve.start(proxy_location="Disabled")  # the server here is the only one
        self._handle = self._serve.run(deployment.bind(), name=NAME, route_prefix=None)

    def start(self) -> None:
        """They have been started."""

    def retire(self) -> None:
        """Ray alone starts others."""

    def close(self) -> None:
        self._serve.delete(NAME)
        self._ray.shutdown()

    async def call(
        self,
        function: object,
        source: Path,
        name: str,
        output: Path,
        model: work.Model,
        options: Options,
        *,
        report: Report,
        seconds: float | None = None,
        cancel: asyncio.Event,
    ) -> work.Result:
        """As `processes.Pool.call`, but for the model's device, which is the replicas'."""
        assert function is work.upscale, "only the queue is worked on by a cluster"
        data = await asyncio.to_thread(source.read_bytes)
        folder = Path(model.folder)
        is_packaged = folder.parent == catalog.PACKAGED  # which may lie elsewhere on other machines
        model = replace(model, folder=folder.name if is_packaged else model.folder, device=self._device)
        answers = self._handle.options(stream=True).upscale.remote(
            data, source.suffix, name, output.name, model, options
        )
        task = asyncio.ensure_future(self._last(answers, report))
        watch = asyncio.ensure_future(cancel.wait())
        try:
            await asyncio.wait({task, watch}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Cancelled if watch.done() else TookTooLong
            answer = task.result()
        finally:
            for each in (task, watch):
                each.cancel()
            with suppress(Exception):
                answers.cancel()
        if isinstance(answer, Raised):
            raise answer.error
        made, files = answer.value
        for file_name, content in files.items():
            await asyncio.to_thread(save_file.write, output.with_name(file_name), content)
        result: work.Result = made
        return result

    async def _last(self, answers: Any, report: Report) -> Returned | Raised:
        try:
            async for answer in answers:
                if not isinstance(answer, Reported):
                    found: Returned | Raised = answer
                    return found
                report(answer.done, answer.total)
        except (self._ray.exceptions.RayError, self._serve.exceptions.RayServeException) as error:
            self.deaths += 1
            logger.warning("A replica ended: %s", first_line(error))
        raise WorkerDied
