"""What runs in a process of `workers`: jobs come in, outcomes go out, over one connection."""

import logging
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

import torch

from ..upscaling.upscaler import Upscaler
from . import pipeline
from .jobs import Job
from .ledger import Existing, Ledger
from .manifest import Recipe
from .options import Options

Order = Job | Literal["end", "stop"]
"""end: finish what you have. stop: leave it; only what is being written is finished."""


@dataclass(frozen=True)
class Brief:
    """What a process has to know to begin. processes: how many share this machine. threads: of torch.
    offload: see Restorer.offload. The rest: see Upscaler, Options and Ledger.
    """

    model: Path
    dtype: str
    options: Options
    existing: Existing
    recipe: Recipe
    processes: int
    threads: int
    offload: bool = False


@dataclass(frozen=True)
class Ready:
    """The model is loaded."""


@dataclass(frozen=True)
class Tiles:
    job: Job
    done: int
    total: int


@dataclass(frozen=True)
class Notice:
    level: int
    text: str


def deaf_to() -> set[signal.Signals]:
    """Other signals that ask for an end: those of them that this system can put off."""
    return set() if sys.platform == "win32" else {signal.SIGTERM, signal.SIGHUP}


def serve(connection: Connection, brief: Brief, device: str) -> None:
    """Send Ready, then Tiles, Notices and Outcomes, or the exception that ended it all."""
    for number in (signal.SIGINT, *deaf_to()):  # Ctrl-C reaches every process; the first one decides
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(brief.threads)
    line = _Line(connection)
    _log_to(line)
    try:
        upscaler = Upscaler.from_pretrained(brief.model, device, brief.dtype, offload=brief.offload)
        line.send(Ready())
        ledger = Ledger(brief.existing, brief.recipe)
        threading.Thread(target=line.listen, name="leapsr-listener", daemon=True).start()
        for outcome in pipeline.run(
            line.jobs(), upscaler, brief.options, ledger, line.watch, brief.processes
        ):
            line.send(outcome)
    except KeyboardInterrupt:  # of our own making, see watch
        pass
    except BaseException as error:
        error.add_note(f"In the process for {device}:\n{traceback.format_exc()}")
        with suppress(OSError):  # nobody is there any more
            line.send(error)


class _Line:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._one_at_a_time = threading.Lock()
        self._orders: SimpleQueue[Job | None] = SimpleQueue()
        self._stopped = threading.Event()

    def send(self, message: object) -> None:
        with self._one_at_a_time:
            self.connection.send(message)

    def listen(self) -> None:
        """Take orders until the last one. That the first process is gone counts as one to stop."""
        while True:
            try:
                order: Order = self.connection.recv()
            except (EOFError, OSError):
                order = "stop"
            if isinstance(order, Job):
                self._orders.put(order)
                continue
            if order == "stop":
                self._stopped.set()
            self._orders.put(None)
            return

    def jobs(self) -> Iterator[Job]:
        while (job := self._orders.get()) is not None and not self._stopped.is_set():
            yield job

    def watch(self, job: Job, done: int, total: int) -> None:
        """Raises KeyboardInterrupt once this process has been told to stop: between tiles, on any system."""
        if self._stopped.is_set():
            raise KeyboardInterrupt
        self.send(Tiles(job, done, total))


class _Sent(logging.Handler):
    def __init__(self, line: _Line) -> None:
        super().__init__()
        self.line = line

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            self.line.send(Notice(record.levelno, record.getMessage()))


def _log_to(line: _Line) -> None:
    logger = logging.getLogger("leapsr")
    logger.handlers, logger.propagate = [_Sent(line)], False
    logger.setLevel(logging.INFO)
