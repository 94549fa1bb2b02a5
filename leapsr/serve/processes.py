"""Worker processes: each does one call at a time; one that dies costs that call and is started anew."""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from ..batch.workers import signals_blocked
from ..errors import LeapsrError
from . import work

logger = logging.getLogger(__name__)

CONTEXT = get_context("spawn") if sys.platform == "win32" else get_context("forkserver")
"""CUDA works in no process that was forked from one that uses it. The process that forks has only loaded the
libraries, once, so that a worker that takes the place of another is there at once."""
CONTEXT.set_forkserver_preload([work.__name__])


SECONDS_TO_CANCEL = 10.0
"""Until the process of a call that was cancelled, and does not end, is ended."""


class WorkerDied(Exception):
    """The process ended in the middle of a call."""


class TookTooLong(Exception):
    """The call was not done in its time; its process was ended."""


class Cancelled(Exception):
    """The call was to end early, and did."""


@dataclass(frozen=True)
class Call:
    """function: of a module. reports: whether its last argument is a function that tells its progress."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    reports: bool


@dataclass(frozen=True)
class Reported:
    done: float
    total: int


@dataclass(frozen=True)
class Returned:
    value: Any


@dataclass(frozen=True)
class Raised:
    error: Exception


Answer = Reported | Returned | Raised
Report = Callable[[float, int], None]


class Process:
    """One worker process, as the server's event loop sees it."""

    def __init__(self, name: str, threads: int) -> None:
        self.name, self._is_dead = name, False
        self._connection, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=serve_calls, args=(theirs, threads), name=name, daemon=True)
        with signals_blocked():
            self._process.start()
        theirs.close()
        self._loop = asyncio.get_running_loop()
        self._answers: asyncio.Queue[Answer | None] = asyncio.Queue()
        threading.Thread(target=self._listen, name=f"{name} listener", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def is_usable(self) -> bool:
        return not self._is_dead and self._process.is_alive()

    def _listen(self) -> None:
        answer: Answer | None = None
        while True:
            try:
                answer = self._connection.recv()
            except (EOFError, OSError):
                answer = None
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._answers.put_nowait, answer)
            if answer is None:
                return

    async def call(self, call: Call, report: Report | None = None) -> Any:
        """What the function returns; raises what it raises, and WorkerDied."""
        try:
            self._connection.send(call)
        except OSError:
            self._is_dead = True
            raise WorkerDied from None
        while (answer := await self._answers.get()) is not None:
            match answer:
                case Reported(done, total) if report is not None:
                    report(done, total)
                case Returned(value):
                    return value
                case Raised(error):
                    raise error
        self._is_dead = True
        raise WorkerDied

    def cancel(self) -> None:
        """Let a call that reports end at its next report."""
        with suppress(OSError):
            self._connection.send("cancel")

    def kill(self) -> None:
        self._is_dead = True
        self._process.kill()

    def close(self) -> None:
        self.kill()
        self._process.join()
        self._connection.close()


class Pool:
    """Processes of one kind. Calls wait for one that is free, first come first served."""

    def __init__(self, name: str, size: int, threads: int) -> None:
        self.name, self.size, self.threads = name, size, threads
        self.deaths, self.waiting = 0, 0
        self._free: asyncio.Queue[Process] = asyncio.Queue()
        self._all: set[Process] = set()
        self._is_retired = False

    def start(self) -> None:
        for _ in range(self.size):
            self._add()

    def _add(self) -> None:
        process = Process(self.name, self.threads)
        self._all.add(process)
        self._free.put_nowait(process)

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._all]

    async def call(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        report: Report | None = None,
        seconds: float | None = None,
        cancel: asyncio.Event | None = None,
        spare: bool = False,
    ) -> Any:
        """What function(*arguments) returns in one of the processes.

        report: makes the last argument of the function one that calls this. cancel: once set, Cancelled is
        raised; a call that still waits then is not begun, one that reports ends at its next report. spare:
        end no process because of `cancel` before the call has had its `seconds`, as others wait for what it
        has loaded. Raises what the function raises, WorkerDied, TookTooLong.
        """
        self.waiting += 1
        try:
            process = await self._free.get()
        finally:
            self.waiting -= 1
        if cancel is not None and cancel.is_set():
            self._give_back(process)
            raise Cancelled
        task = asyncio.ensure_future(process.call(Call(function, arguments, report is not None), report))
        watch = asyncio.ensure_future(cancel.wait()) if cancel is not None else None
        begun = time.monotonic()
        try:
            waited = {task} if watch is None else {task, watch}
            await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if watch is not None and watch.done() and not task.done():
                process.cancel()
                left = None if seconds is None else max(0.0, begun + seconds - time.monotonic())
                await asyncio.wait({task}, timeout=left if spare else SECONDS_TO_CANCEL)
                if not task.done():
                    process.kill()
                    await asyncio.wait({task})
                task.exception()
                raise Cancelled
            if not task.done():
                process.kill()
                await asyncio.wait({task})
                task.exception()
                raise TookTooLong
            return task.result()
        except asyncio.CancelledError:
            process.kill()
            raise
        finally:
            if watch is not None:
                watch.cancel()
            if not task.done():
                task.cancel()
            self._give_back(process)

    def _give_back(self, process: Process) -> None:
        if process.is_usable:
            self._free.put_nowait(process)
            return
        self._all.discard(process)
        process.close()
        if not self._is_retired:
            self.deaths += 1
            self._add()

    def retire(self) -> None:
        """Start no more processes in the place of those that end."""
        self._is_retired = True

    def close(self) -> None:
        self.retire()
        for process in self._all:
            process.close()


def serve_calls(connection: Connection, threads: int) -> None:
    """What runs in each process."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    import torch

    torch.set_num_threads(threads)
    calls: SimpleQueue[Call] = SimpleQueue()
    cancelled = threading.Event()

    def listen() -> None:
        """The end of the server ends this process, whatever it does."""
        while True:
            try:
                message = connection.recv()
            except (EOFError, OSError):
                os._exit(1)
            if isinstance(message, Call):
                cancelled.clear()
                calls.put(message)
            else:
                cancelled.set()

    def report(done: float, total: int) -> None:
        if cancelled.is_set():
            raise Cancelled
        connection.send(Reported(done, total))

    threading.Thread(target=listen, name="listener", daemon=True).start()
    while True:
        call = calls.get()
        answer: Answer
        try:
            arguments = (*call.arguments, report) if call.reports else call.arguments
            answer = Returned(call.function(*arguments))
        except (LeapsrError, Cancelled) as error:
            answer = Raised(error.with_traceback(None))
        except Exception as error:
            logger.exception("A worker process failed at %s", call.function.__name__)
            answer = Raised(RuntimeError(f"{type(error).__name__}: {error}"))
        connection.send(answer)
