"""SIGTERM and SIGHUP (docker stop, systemd, slurm, a closed terminal) end a run in order, as Ctrl-C does."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside, the first such signal raises KeyboardInterrupt and further ones are ignored.

    A signal that was ignored before, as by nohup, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():  # where signals do not arrive
        yield
        return
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    handled = [number for number in numbers if before[number] != signal.SIG_IGN]

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    try:
        for number in handled:
            signal.signal(number, interrupt)
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
