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
from ..pictures.picture import Picture
from ..upscaling.upscaler import Upscaler
from . import stages
from .jobs import Job
from .ledger import Ledger
from .manifest import Fingerprint
from .memory_limit import Room
from .options import Options
from .sidecars import NOTHING, Extras
from .stages import Examined, Outcome, Seconds

Watch = Callable[[Job, int, int], None]
"""Called with a job, its tiles done, and its tiles in all."""

WRITERS = min(4, os.cpu_count() or 1)
"""Encoding a result takes longer than decoding its source, which is much smaller."""
READ_AHEAD = 2
_UNKNOWN_MEMORY = 1 << 32
_SECONDS_TO_STOP = 5.0


def run(
    jobs: Iterable[Job],
    upscaler: Upscaler,
    options: Options,
    ledger: Ledger | None = None,
    watch: Watch | None = None,
    processes: int = 1,
) -> Iterator[Outcome]:
    """Work through the jobs, and yield each outcome, in their order, when its file is complete.

    jobs: taken one by one when there is room, from another thread. ledger: None refuses to replace files and
    remembers nothing. processes: how many share the memory of this machine.
    Errors of one picture become outcomes; others are raised. When that happens, or Ctrl-C, what is being
    written is finished and its outcomes are yielded before the error goes on; the rest leaves nothing behind.
    A full disk ends the work in the same way, but with an outcome.
    """
    room = Room(1 + READ_AHEAD + WRITERS, _free_memory() // (4 * processes))
    line = _Line(upscaler, options, ledger or Ledger("refuse"), room)
    reader = threading.Thread(target=line.read, args=(jobs,), name="leapsr-reader", daemon=True)
    writers = ThreadPoolExecutor(WRITERS, "leapsr-writer")
    pending: deque[Future[Outcome]] = deque()
    reader.start()
    try:
        with suppress(_FullError):
            while (event := line.events.get()) is not None:
                if not isinstance(event, str):
                    pending.append(line.follow(event, writers, watch))
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
        room.close()
        writers.shutdown(wait=True, cancel_futures=True)
        reader.join(_SECONDS_TO_STOP)


def _free_memory() -> int:
    free = memory.available(torch.device("cpu"))
    return _UNKNOWN_MEMORY if free is None else free


@dataclass(frozen=True)
class _Task:
    """A job between two stages. picture: the source, then the result. original: to remember the source by."""

    work: Examined
    original: Fingerprint | None
    picture: Picture
    seconds: Seconds
    extras: Extras = NOTHING

    def outcome(self, status: stages.Status, message: str) -> Outcome:
        work = self.work
        return Outcome(work.job, status, message, self.seconds, work.size, work.result, extras=self.extras)


class _FullError(Exception):
    """The disk is, as a writer has found."""


class _Line:
    """The stages, and what has happened in the threads of `read` and `_write`, for the one that restores."""

    def __init__(self, upscaler: Upscaler, options: Options, ledger: Ledger, room: Room) -> None:
        self.upscaler, self.options, self.ledger, self.room = upscaler, options, ledger, room
        self.events: SimpleQueue[_Task | Outcome | BaseException | Literal["written"] | None] = SimpleQueue()
        self._full = threading.Event()

    def read(self, jobs: Iterable[Job]) -> None:
        """Make jobs ready until there are none or the room is closed; None in the queue is the end."""
        swept: set[Path] = set()
        try:
            for job in jobs:
                if job.home is not None and job.output.parent not in swept:
                    swept.add(job.output.parent)
                    remove_stale_parts(job.output.parent)
                task = self._read(job)
                if task is None:
                    break
                self.events.put(task)
        except BaseException as error:  # goes on in the thread that can tell of it
            self.events.put(error)
        finally:
            self.events.put(None)

    def _read(self, job: Job) -> _Task | Outcome | None:
        begun = time.monotonic()
        try:
            work = stages.examine(job, self.upscaler.restorer.scale, self.options, self.ledger)
        except (ImageError, OutputError) as error:
            return Outcome(job, "failed", str(error), Seconds(time.monotonic() - begun))
        seconds = Seconds(time.monotonic() - begun)
        if isinstance(work, Outcome):
            return replace(work, seconds=seconds)
        return self._load(work, seconds) if self.room.enter(work.footprint) else None

    def _load(self, work: Examined, seconds: Seconds) -> _Task | Outcome:
        begun = time.monotonic()
        try:
            original = stages.fingerprint(work.job, self.ledger)
            picture = stages.load(work, self.upscaler, self.options)
        except (ImageError, OutputError) as error:
            self.room.leave(work.footprint)
            return Outcome(work.job, "failed", str(error), seconds, work.size)
        return _Task(work, original, picture, Seconds(seconds.reading + time.monotonic() - begun))

    def follow(
        self, task: _Task | Outcome | BaseException, writers: ThreadPoolExecutor, watch: Watch | None
    ) -> Future[Outcome]:
        """Restore what was read, here and now, and let it be written. Raises _FullError."""
        if isinstance(task, BaseException):
            raise task
        self._check_disk()
        if isinstance(task, Outcome):
            return _finished(task)
        begun, job = time.monotonic(), task.work.job

        def tiles(done: int, total: int) -> None:
            self._check_disk()
            if watch is not None:
                watch(job, done, total)

        try:
            result, extras = stages.restore(task.work, task.picture, self.upscaler, self.options, tiles)
        except (ImageError, OutputError) as error:
            self.room.leave(task.work.footprint)
            return _finished(self._failed(task, error))
        seconds = replace(task.seconds, restoring=time.monotonic() - begun)
        task = replace(task, picture=result, seconds=seconds, extras=extras)
        written = writers.submit(self._write, task)
        written.add_done_callback(lambda _: self.events.put("written"))
        return written

    def _write(self, task: _Task) -> Outcome:
        begun = time.monotonic()
        try:
            stages.write(task.work, task.picture, self.options, task.extras.beside)
            self.ledger.remember(task.work.job, task.original, task.extras.beside)
        except OutputError as error:
            return self._failed(task, error)
        finally:
            self.room.leave(task.work.footprint)
        seconds = replace(task.seconds, writing=time.monotonic() - begun)
        return replace(task, seconds=seconds).outcome(*_told(task.work))

    def _failed(self, task: _Task, error: Exception) -> Outcome:
        full = isinstance(error, DiskFull)
        if full:
            self._full.set()
        return replace(task.outcome("failed", str(error)), last=full)

    def _check_disk(self) -> None:
        if self._full.is_set():
            raise _FullError


def _finished(outcome: Outcome) -> Future[Outcome]:
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future


def _told(work: Examined) -> tuple[stages.Status, str]:
    if not work.copied:
        return "done", work.reason
    height, width = work.size
    return "copied", f"{work.job.source} already has {width} x {height} pixels and was only copied."
