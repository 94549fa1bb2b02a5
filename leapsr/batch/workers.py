"""One batch in several processes, one or more for each device.

Each process is given the next pictures when it has room for them, so that fast devices do more. A process
that dies loses nothing but its own work, which is done again.
"""

import logging
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

import torch

from ..devices import choose_device
from ..errors import LeapsrError, UsageError
from ..upscaling.upscaler import Upscaler
from . import pipeline
from .existing import ExistingPolicy
from .jobs import Job
from .options import Options
from .stages import Outcome

logger = logging.getLogger("leapsr")

CONTEXT = get_context("spawn")
"""CUDA works in no process that was forked from one that uses it."""
AT_ONCE = 2 + pipeline.READ_AHEAD
"""Pictures that a process has at most: one restored, one written, the next ones read."""
SECONDS_TO_STOP = 60.0
_SIGNALS_TO_END = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

Command = Job | Literal["end", "stop"]
"""end: finish what you have. stop: leave it; only what is being written is finished."""


@dataclass(frozen=True)
class WorkerConfig:
    """What each process has to know. processes: how many share this machine. threads: of each on the CPU;
    None is torch's choice. The rest: see Upscaler."""

    model: Path
    dtype: str
    options: Options
    existing: ExistingPolicy
    processes: int
    offload: bool = False
    threads: int | None = None


@dataclass(frozen=True)
class ReadyForJob:
    """The model is loaded, and there is room for another job."""


@dataclass(frozen=True)
class TilesDone:
    job: Job
    done: float
    total: int


@dataclass(frozen=True)
class LogMessage:
    level: int
    text: str


def devices(listed: str, each: int) -> list[str]:
    """The device of each process. Raises UsageError for a device that is not there.

    Args:
        listed: as auto, cpu, "cuda:0,cuda:1", or "cuda:all".
        each: processes on each device.
    """
    names: list[str] = []
    for name in listed.split(","):
        every = range(torch.cuda.device_count()) if name == "cuda:all" else None
        names += [name.strip()] if every is None else [f"cuda:{index}" for index in every]
    if not names:
        raise UsageError("This computer has no usable CUDA device; use '--device auto' or '--device cpu'.")
    return [str(choose_device(name)) for name in names for _ in range(each)]


def run(
    jobs: Sequence[Job], config: WorkerConfig, devices: Sequence[str], watch: pipeline.Watch | None = None
) -> Iterator[Outcome]:
    """Work through the jobs and yield each outcome when its file is complete, in whatever order they end.

    A job whose process died is given to another one, alone; if that dies too, the job has failed. Otherwise
    as `pipeline.run`. Raises LeapsrError when a process dies before it has loaded the model.

    Args:
        devices: of each process.
    """
    pool = WorkerPool(jobs, config, watch)
    try:
        for device in devices[: len(jobs)]:
            pool.start(device)
        yield from pool.outcomes()
    except GeneratorExit:
        raise
    except BaseException:
        yield from pool.stop()
        raise
    finally:
        for _ in pool.stop():
            pass


@dataclass(eq=False)
class _Worker:
    """A process as the pool sees it. jobs: what it has. is_alone: whether that is one that a process died of.
    is_loaded: its model is. is_waiting: for a command."""

    device: str
    process: BaseProcess
    connection: Connection
    jobs: list[Job] = field(default_factory=list)
    is_alone: bool = False
    is_loaded: bool = False
    is_waiting: bool = False

    def send(self, command: Command) -> None:
        with suppress(OSError):  # it is dead, which recv will tell
            self.connection.send(command)


class WorkerPool:
    def __init__(self, jobs: Sequence[Job], config: WorkerConfig, watch: pipeline.Watch | None) -> None:
        self.new, self.retries = deque(jobs), deque[Job]()
        self.config, self.watch = config, watch
        self.workers: list[_Worker] = []

    def start(self, device: str) -> None:
        ours, theirs = CONTEXT.Pipe()
        process = CONTEXT.Process(target=serve, args=(theirs, self.config, device), daemon=True)
        with signals_blocked():
            process.start()
        theirs.close()
        self.workers.append(_Worker(device, process, ours))

    def outcomes(self) -> Iterator[Outcome]:
        while self.workers:
            for connection in wait([each.connection for each in self.workers]):
                worker = next(each for each in self.workers if each.connection is connection)
                try:
                    message = worker.connection.recv()
                except (EOFError, OSError):
                    yield from self._replace(worker)
                    continue
                match message:
                    case ReadyForJob():
                        worker.is_loaded = worker.is_waiting = True
                    case TilesDone() if self.watch is not None:
                        self.watch(message.job, message.done, message.total)
                    case LogMessage():
                        logger.log(message.level, message.text)
                    case Outcome():
                        worker.jobs.remove(message.job)
                        yield message
                        if message.last:
                            yield from self.stop()
                            return
                    case BaseException():
                        raise message
                self._supply(worker)

    def _supply(self, worker: _Worker) -> None:
        """Answer a process that waits: with fewer jobs towards the end, so that all end together."""
        most = max(1, min(AT_ONCE, len(self.new) // len(self.workers)))
        if self.retries or worker.is_alone:
            most = 1
        if not worker.is_waiting or len(worker.jobs) >= most:
            return
        worker.is_waiting, worker.is_alone = False, bool(self.retries)
        if queue := self.retries or self.new:
            worker.jobs.append(queue.popleft())
            worker.send(worker.jobs[-1])
        else:
            worker.send("end")

    def _replace(self, worker: _Worker) -> Iterator[Outcome]:
        """It has ended. Whatever it still had is done by another process, or has failed."""
        self.workers.remove(worker)
        worker.connection.close()
        worker.process.join()
        code = worker.process.exitcode or 0
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        if not worker.is_loaded:
            raise LeapsrError(f"The process for {worker.device} ended before its model was loaded ({how}).")
        if worker.jobs:
            logger.warning("The process for %s died (%s); another one takes its work.", worker.device, how)
        if worker.is_alone:
            for job in worker.jobs:
                yield Outcome(job, "failed", f"{job.source}: two processes died of it, the last {how}.")
        else:
            self.retries.extend(worker.jobs)
        if self.retries or self.new:
            self.start(worker.device)

    def stop(self) -> Iterator[Outcome]:
        """End every process; what they are writing is finished, and its outcomes are yielded."""
        for worker in self.workers:
            if worker.is_loaded:
                worker.send("stop")
            else:  # it has nothing yet, and does not listen before its model is loaded
                worker.process.kill()
        until = time.monotonic() + SECONDS_TO_STOP
        while self.workers:
            worker = self.workers.pop()
            while worker.connection.poll(max(0.0, until - time.monotonic())):
                try:
                    message = worker.connection.recv()
                except Exception:  # the end, or the rest of a message that the interrupt cut
                    break
                if isinstance(message, Outcome):
                    yield message
            worker.connection.close()
            worker.process.join(max(0.0, until - time.monotonic()))
            worker.process.kill()
            worker.process.join()


@contextmanager
def signals_blocked() -> Iterator[None]:
    """A process that is started meanwhile has these signals blocked from its first moment.

    Ctrl-C at a terminal reaches all processes, as other signals to end may; only the first one acts on it.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS_TO_END)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(connection: Connection, config: WorkerConfig, device: str) -> None:
    """What runs in each process. Sends what happens, and at last the exception that ended it, if any."""
    for number in _SIGNALS_TO_END:
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(max(1, torch.get_num_threads() // config.processes))
    pool = _PoolConnection(connection)
    log = logging.getLogger("leapsr")
    log.handlers, log.propagate = [pool], False
    log.setLevel(logging.DEBUG)
    try:
        if config.threads is not None:
            torch.set_num_threads(config.threads)
        upscaler = Upscaler.from_pretrained(config.model, device, config.dtype, offload=config.offload)
        if device == "cpu":  # whose memory all of them plan their tiles with
            upscaler.processes = config.processes
        threading.Thread(target=pool.listen, name="leapsr-listener", daemon=True).start()
        for outcome in pipeline.run(
            pool.jobs(), upscaler, config.options, config.existing, pool.watch, config.processes, pool.tell
        ):
            pool.tell(outcome)
    except KeyboardInterrupt:  # of our own making, see watch
        pass
    except BaseException as error:
        error.add_note(f"In the process for {device}:\n{traceback.format_exc()}")
        with suppress(OSError):  # nobody is there any more
            pool.send(error)


class _PoolConnection(logging.Handler):
    """The pool as a process sees it; what is logged is sent there too."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection
        self._one_at_a_time = threading.Lock()
        self._commands: SimpleQueue[Command] = SimpleQueue()
        self._is_stopped = threading.Event()
        self._told: set[Job] = set()

    def send(self, message: object) -> None:
        with self._one_at_a_time:
            self.connection.send(message)

    def tell(self, outcome: Outcome) -> None:
        """Send it once: at once when its file is written, so that a death right after does not take it."""
        with self._one_at_a_time:
            if outcome.job not in self._told:
                self._told.add(outcome.job)
                self.connection.send(outcome)

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            self.send(LogMessage(record.levelno, record.getMessage()))

    def listen(self) -> None:
        """Take commands until one to stop. That the first process is gone counts as one."""
        command: Command = "end"
        while command != "stop":
            try:
                command = self.connection.recv()
            except (EOFError, OSError):
                command = "stop"
            if command == "stop":
                self._is_stopped.set()
            self._commands.put(command)

    def jobs(self) -> Iterator[Job]:
        """Ask for a job each time there is room for one."""
        while True:
            self.send(ReadyForJob())
            command = self._commands.get()
            if not isinstance(command, Job) or self._is_stopped.is_set():
                return
            yield command

    def watch(self, job: Job, done: float, total: int) -> None:
        """Raises KeyboardInterrupt once this process has been told to stop: between tiles, on any system."""
        if self._is_stopped.is_set():
            raise KeyboardInterrupt
        self.send(TilesDone(job, done, total))
