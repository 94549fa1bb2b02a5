"""One batch in several processes, one or more for each device. Each gets the next pictures when it has room,
so that fast devices do more. A process that dies takes nothing with it but its own work, which is done again.
"""

import logging
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import torch

from ..devices import choose_device
from ..errors import LeapsrError, UsageError
from . import pipeline, worker
from .jobs import Job
from .stages import Outcome
from .worker import Brief, Notice, Order, Ready, Tiles

logger = logging.getLogger("leapsr")

AT_ONCE = 2 + pipeline.READ_AHEAD
"""Pictures that a process has at most: one restored, one written, the next ones read."""
SECONDS_TO_STOP = 60.0


def devices(listed: str, each: int) -> list[str]:
    """The device of each process. listed: as auto, cpu, "cuda:0,cuda:1", or "cuda:all". each: processes.

    Raises UsageError for a device that is not there.
    """
    names: list[str] = []
    for name in listed.split(","):
        every = range(torch.cuda.device_count()) if name == "cuda:all" else None
        names += [name.strip()] if every is None else [f"cuda:{index}" for index in every]
    if not names:
        raise UsageError("This computer has no usable CUDA device; use '--device auto' or '--device cpu'.")
    return [str(choose_device(name)) for name in names for _ in range(each)]


def threads(processes: int) -> int:
    """Of torch, for each process of this machine."""
    return max(1, torch.get_num_threads() // processes)


def run(
    jobs: Sequence[Job], brief: Brief, places: Sequence[str], watch: pipeline.Watch | None = None
) -> Iterator[Outcome]:
    """Work through the jobs and yield each outcome when its file is complete, in whatever order they end.

    places: the device of each process. A job whose process died is given to another one, alone; if that dies
    too, the job has failed. Otherwise as batch.run. Raises LeapsrError when a process dies as it begins.
    """
    crew = _Crew(jobs, brief, watch)
    try:
        for place in places[: len(jobs)]:
            crew.hire(place)
        yield from crew.work()
    except GeneratorExit:
        raise
    except BaseException:
        yield from crew.dismiss()
        raise
    finally:
        for _ in crew.dismiss():
            pass


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """What a process ignores as it starts another one, that one ignores from its first moment. Ctrl-C at a
    terminal reaches all of them, as other signals to end may, and only this one is to act on it. Those are
    put off rather than ignored, for nobody would send them again.
    """
    if threading.current_thread() is not threading.main_thread():  # where signals do not arrive
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    put_off = signal.pthread_sigmask(signal.SIG_BLOCK, worker.deaf_to()) if worker.deaf_to() else None
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if put_off is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, put_off)


@dataclass(eq=False)
class _Worker:
    """jobs: what it has. alone: whether that is one job that a process died of before."""

    device: str
    process: BaseProcess
    connection: Connection
    jobs: list[Job] = field(default_factory=list)
    alone: bool = False
    ready: bool = False
    ending: bool = False

    def send(self, order: Order) -> None:
        with suppress(OSError):  # it is dead, which recv will tell
            self.connection.send(order)

    def how_it_ended(self) -> str:
        self.process.join()
        code = self.process.exitcode or 0
        return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


class _Crew:
    def __init__(self, jobs: Sequence[Job], brief: Brief, watch: pipeline.Watch | None) -> None:
        self.fresh, self.again = deque(jobs), deque[Job]()
        self.brief, self.watch = brief, watch
        self.workers: list[_Worker] = []

    def hire(self, device: str) -> None:
        context = get_context("spawn")  # the only way that CUDA bears
        ours, theirs = context.Pipe()
        process = context.Process(target=worker.serve, args=(theirs, self.brief, device), daemon=True)
        with _interrupts_ignored():
            process.start()
        theirs.close()
        self.workers.append(_Worker(device, process, ours))

    def work(self) -> Iterator[Outcome]:
        while self.workers:
            for connection in wait([each.connection for each in self.workers]):
                one = next(each for each in self.workers if each.connection is connection)
                try:
                    message = one.connection.recv()
                except (EOFError, OSError):
                    yield from self._lost(one)
                    continue
                outcome = self._heard(one, message)
                if outcome is not None:
                    yield outcome
                if outcome is not None and outcome.last:
                    yield from self.dismiss()
                    return
                self._supply(one)

    def _heard(self, one: _Worker, message: object) -> Outcome | None:
        match message:
            case Ready():
                one.ready = True
            case Tiles() if self.watch is not None:
                self.watch(message.job, message.done, message.total)
            case Notice():
                logger.log(message.level, message.text)
            case Outcome():
                one.jobs.remove(message.job)
                return message
            case BaseException():
                raise message
        return None

    def _supply(self, one: _Worker) -> None:
        """As much as it may have, fewer towards the end, so that all end together."""
        if not one.ready or one.ending:
            return
        if not one.jobs:
            one.alone = bool(self.again)
            if self.again:
                self._give(one, self.again.popleft())
                return
        most = max(1, min(AT_ONCE, len(self.fresh) // len(self.workers)))
        while self.fresh and not self.again and not one.alone and len(one.jobs) < most:
            self._give(one, self.fresh.popleft())
        if not one.jobs:
            one.ending = True
            one.send("end")

    def _give(self, one: _Worker, job: Job) -> None:
        one.jobs.append(job)
        one.send(job)

    def _lost(self, one: _Worker) -> Iterator[Outcome]:
        """It has ended. Whatever it still had is somebody else's now, or has failed."""
        self.workers.remove(one)
        one.connection.close()
        how = one.how_it_ended()
        if not one.ready:
            raise LeapsrError(f"The process for {one.device} ended before its model was loaded ({how}).")
        if one.alone:
            for job in one.jobs:
                yield Outcome(job, "failed", f"{job.source}: two processes died of it, the last {how}.")
        else:
            self.again.extend(one.jobs)
        if one.jobs:
            logger.warning("The process for %s died (%s); another one takes its work.", one.device, how)
        if not one.ending and (self.again or self.fresh):
            self.hire(one.device)

    def dismiss(self) -> Iterator[Outcome]:
        """End every process; what they are writing is finished and told."""
        for one in self.workers:
            if one.ready:
                one.send("stop")
            else:  # it has nothing yet, and would not listen before its model is loaded
                one.process.kill()
        until = time.monotonic() + SECONDS_TO_STOP
        while self.workers:
            one = self.workers.pop()
            while one.connection.poll(max(0.0, until - time.monotonic())):
                try:
                    message = one.connection.recv()
                except Exception:  # the end, or the rest of a message that the interrupt cut
                    break
                if isinstance(message, Outcome):
                    yield message
            one.connection.close()
            one.process.join(max(0.0, until - time.monotonic()))
            one.process.kill()
            one.process.join()
