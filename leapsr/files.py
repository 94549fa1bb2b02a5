"""What a process that was killed while it wrote a file has left in the folder of its results."""

import os
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from typing import IO

PATTERN = ".leapsr-*.part"
ABANDONED_AFTER = 600.0
"""Seconds without a change: whoever still writes, on this machine or another one, does so more often."""

if sys.platform == "win32":

    def hold(file: IO[bytes]) -> None:
        """Windows itself keeps others from removing a file that is open."""

    def _is_held(part: Path) -> bool:
        return False

else:
    import fcntl

    def hold(file: IO[bytes]) -> None:
        """Show that somebody works on it, until it is closed; where the file system knows locks."""
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_held(part: Path) -> bool:
        with part.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            except OSError:  # a file system without locks
                return False
            return False


def new(folder: Path) -> Path:
    """The name of a part that nobody else writes."""
    return folder / f".leapsr-{uuid.uuid4().hex}.part"


def sweep(folder: Path) -> None:
    """Remove abandoned parts of files. What cannot be removed stays."""
    with suppress(OSError):
        if parts := list(folder.glob(PATTERN)):
            now = _clock(folder)
            for part in parts:
                if now - part.stat().st_mtime > ABANDONED_AFTER and not _is_held(part):
                    part.unlink()


def _clock(folder: Path) -> float:
    """The time of the file system: a server's need not be that of this machine. Raises OSError."""
    probe = new(folder)
    handle = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, b"\0")  # the server sets the time, at the latest when it is written to
        os.fsync(handle)
        return os.fstat(handle).st_mtime
    finally:
        os.close(handle)
        probe.unlink()
