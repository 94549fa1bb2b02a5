"""Upscale many files, several stages at once: while the network restores one picture, the next are read and
the last are written in threads of their own. One picture that fails does not stop the others.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

import torch

from .. import memory
from ..errors import DiskFull, ImageError, OutputError
from ..files import remove_stale_parts
from ..pictures.picture import Picture, from_pil
from ..pictures.result_metadata import update_metadata
from ..upscaling.upscaler import Upscaler
from . import sidecars, stages
from .existing import ExistingPolicy, FileState
from .jobs import Job
from .memory_limit import MemoryLimit
from .options import Options, for_job
from .sidecars import NO_SIDECARS, Sidecars
from .stages import Examined, Outcome, Seconds, Status

Watch = Callable[[Job, float, int], None]
"""Called with a job, its tiles done (and the part of the one in work), and its tiles in all."""
Tell = Callable[[Outcome], None]
"""Called with an outcome in the thread that has written its file."""

WRITERS = min(4, os.cpu_count() or 1)
"""Encoding a result takes longer than decoding its source, which is much smaller."""
READ_AHEAD = 2
_UNKNOWN_MEMORY = 1 << 32
_SECONDS_TO_STOP = 5.0


def run(
    jobs: Iterable[Job],
    upscaler: Upscaler,
    options: Options,
    existing: ExistingPolicy | None = None,
    watch: Watch | None = None,
    processes: int = 1,
    tell: Tell | None = None,
) -> Iterator[Outcome]:
    """Work through the jobs, and yield each outcome, in their order, when its file is complete.

    Errors of one picture become outcomes; others are raised. When that happens, or Ctrl-C, what is being
    written is finished and its outcomes are yielded before the error goes on; the rest leaves nothing behind.
    A full disk ends the work in the same way, but with an outcome.

    Args:
        jobs: taken one by one when there is room, from another thread.
        existing: None refuses to replace files and remembers nothing.
        processes: how many share the memory of this machine.
        tell: hears of each file as soon as it is written, which is earlier than its outcome is yielded.
    """
    limit = MemoryLimit(1 + READ_AHEAD + WRITERS, _free_memory() // (4 * processes))
    writers = ThreadPoolExecutor(WRITERS, "leapsr-writer")
    existing = existing or ExistingPolicy("refuse")
    pipeline = Pipeline(upscaler, options, existing, limit, writers, watch, tell)
    reader = threading.Thread(target=pipeline.read, args=(jobs,), name="leapsr-reader", daemon=True)
    pending: deque[Future[Outcome]] = deque()
    reader.start()
    try:
        with suppress(_DiskIsFull):
            while (event := pipeline.events.get()) is not None:
                if not isinstance(event, str):
                    pending.append(pipeline.restore(event))
                while pending and pending[0].done():
                    yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except GeneratorExit:
        raise
    except BaseException:
        while pending:
            yield pending.popleft().result()
        raise
    finally:
        limit.close()
        writers.shutdown(wait=True, cancel_futures=True)
        reader.join(_SECONDS_TO_STOP)


def _free_memory() -> int:
    free = memory.available(torch.device("cpu"))
    return _UNKNOWN_MEMORY if free is None else free


@dataclass(frozen=True)
class _Task:
    """A job between two stages. original: to remember the source by. picture: the source, then the result."""

    work: Examined
    original: FileState | None
    picture: Picture
    seconds: Seconds
    sidecars: Sidecars = NO_SIDECARS

    def outcome(self, status: Status, message: str = "") -> Outcome:
        work = self.work
        return Outcome(
            work.job,
            status,
            message,
            self.seconds,
            work.size,
            work.result if status == "failed" else self.picture.size,
            status == "done" and work.decision.is_uncertain,
            self.sidecars,
        )


class _DiskIsFull(Exception):
    pass


class Pipeline:
    """The stages: `read` runs in a thread of its own, `restore` in the caller's, `_write` in several."""

    def __init__(
        self,
        upscaler: Upscaler,
        options: Options,
        existing: ExistingPolicy,
        limit: MemoryLimit,
        writers: ThreadPoolExecutor,
        watch: Watch | None,
        tell: Tell | None = None,
    ) -> None:
        self.upscaler, self.options, self.existing = upscaler, options, existing
        self.limit, self.writers, self.watch, self.tell = limit, writers, watch, tell
        self.events: SimpleQueue[_Task | Outcome | BaseException | Literal["written"] | None] = SimpleQueue()
        """What has happened in the other threads; None once everything is read."""
        self._disk_is_full = threading.Event()

    def read(self, jobs: Iterable[Job]) -> None:
        """Make jobs ready until there are none or the limit is closed."""
        cleaned: set[Path] = set()
        try:
            for job in jobs:
                if job.output.parent not in cleaned:
                    cleaned.add(job.output.parent)
                    remove_stale_parts(job.output.parent)
                task = self._read(job)
                if task is None:
                    break
                self.events.put(task)
        except BaseException as error:  # raised again in the caller's thread
            self.events.put(error)
        finally:
            self.events.put(None)

    def _read(self, job: Job) -> _Task | Outcome | None:
        """None once the limit is closed."""
        begun = time.monotonic()
        try:
            work = stages.examine(job, self.upscaler.restorer.scale, self.options, self.existing)
        except (ImageError, OutputError) as error:
            return Outcome(job, "failed", str(error), Seconds(time.monotonic() - begun))
        examining = time.monotonic() - begun
        if isinstance(work, Outcome):
            return replace(work, seconds=Seconds(examining))
        if not self.limit.acquire(work.footprint):
            return None
        begun = time.monotonic()
        try:
            original = self.existing.fingerprint(job)
            picture = stages.load(work, self.upscaler, self.options)
        except (ImageError, OutputError) as error:
            self.limit.release(work.footprint)
            return Outcome(job, "failed", str(error), Seconds(examining), work.size)
        return _Task(work, original, picture, Seconds(examining + time.monotonic() - begun))

    def restore(self, event: _Task | Outcome | BaseException) -> Future[Outcome]:
        """Restore what was read, here and now, and let it be written. Raises what reading raised."""
        if isinstance(event, BaseException):
            raise event
        self._check_disk()
        if isinstance(event, Outcome):
            return _finished(event)
        begun, work, beside = time.monotonic(), event.work, NO_SIDECARS
        options = for_job(self.options, work.job)

        def progress(done: float, total: int) -> None:
            self._check_disk()
            if self.watch is not None:
                self.watch(work.job, done, total)

        try:
            with memory.translate_oom(work.job.source):
                if options.preview:
                    from ..upscaling.preview import preview  # its drawing loads tables and fonts

                    shown = preview(self.upscaler, event.picture, options.target, options.settings, progress)
                    result = update_metadata(from_pil(shown))
                elif work.copied:
                    keeps_bytes = stages.keeps_bytes(work, self.options)
                    result = event.picture if keeps_bytes else update_metadata(event.picture)
                elif options.has_sidecars or options.consistency is not None:
                    result, beside = sidecars.make(
                        self.upscaler, event.picture, work.job.output, options, progress, work.decision.keep
                    )
                else:
                    result = self.upscaler.upscale(event.picture, options.target, options.settings, progress)
        except (ImageError, OutputError) as error:
            self.limit.release(work.footprint)
            return _finished(self._failed(event, error))
        seconds = replace(event.seconds, restoring=time.monotonic() - begun)
        written = self.writers.submit(
            self._write_and_tell, replace(event, picture=result, seconds=seconds, sidecars=beside)
        )

        def ended(written: Future[Outcome]) -> None:
            if written.cancelled():
                sidecars.remove(beside.paths)
            self.events.put("written")

        written.add_done_callback(ended)
        return written

    def _write_and_tell(self, task: _Task) -> Outcome:
        outcome = self._write(task)
        if self.tell is not None:
            self.tell(outcome)
        return outcome

    def _write(self, task: _Task) -> Outcome:
        begun, work = time.monotonic(), task.work
        try:
            stages.write(work, task.picture, self.options, task.sidecars.paths)
            self.existing.remember(work.job, task.original, task.sidecars.paths)
        except BaseException as error:
            sidecars.remove(task.sidecars.paths)
            if not isinstance(error, OutputError):
                raise
            return self._failed(replace(task, sidecars=NO_SIDECARS), error)
        finally:
            self.limit.release(work.footprint)
        task = replace(task, seconds=replace(task.seconds, writing=time.monotonic() - begun))
        if not work.copied:
            return task.outcome("done", work.decision.reason)
        size = f"{work.size[1]} x {work.size[0]} pixels"
        return task.outcome("copied", f"{work.job.source} already has {size} and was only copied.")

    def _failed(self, task: _Task, error: Exception) -> Outcome:
        is_full = isinstance(error, DiskFull)
        if is_full:
            self._disk_is_full.set()
        return replace(task.outcome("failed", str(error)), last=is_full)

    def _check_disk(self) -> None:
        """Raises _DiskIsFull once a writer has found it full."""
        if self._disk_is_full.is_set():
            raise _DiskIsFull


def _finished(outcome: Outcome) -> Future[Outcome]:
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future
