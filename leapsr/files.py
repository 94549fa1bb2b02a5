"""Write files all or nothing: into a temporary file beside the final one, then renamed.

A process that is killed leaves its temporary file behind; `remove_stale_parts` deletes those.
"""

import errno
import hashlib
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from .errors import DiskFull, OutputError

PATTERN = ".leapsr-*.part"
STALE_AFTER = 600.0
"""Seconds without a change after which nobody, on this machine or another one, still writes a part."""

if sys.platform == "win32":

    def _lock(file: IO[bytes], wait: bool = False) -> None:
        """Windows itself keeps others from removing a file that is open."""

    def _is_locked(part: Path) -> bool:
        return False

else:
    import fcntl

    def _lock(file: IO[bytes], wait: bool = False) -> None:
        """Show other processes that the file is in use, until it is closed; where locks exist.

        wait: until no other process has it.
        """
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

    def _is_locked(part: Path) -> bool:
        with part.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            except OSError:  # a file system without locks
                return False
            return False


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield an empty temporary file beside `path` to write into; it replaces `path` when the block ends.

    The folder is made. After an error `path` is as it was and nothing is left behind.

    Raises:
        DiskFull: the disk is full.
        OutputError: any other OSError or SafetensorError, also those of the block.
    """
    part = new_part(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            _lock(file)
            yield part
            os.fsync(file.fileno())
        part.replace(path)
    except Exception as error:
        from safetensors import SafetensorError  # not above: the command line has to start quickly

        if not isinstance(error, (OSError, SafetensorError)):
            raise
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"The disk is full: {path} cannot be written ({reason}); make room, then run again."
            ) from error
        raise OutputError(f"{path} cannot be written: {reason}.") from error
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Other processes of this machine that work on `path` so wait meanwhile; where locks and places exist."""
    with ExitStack() as stack:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            _lock(stack.enter_context(path.with_name(f"{path.name}.lock").open("ab")), wait=True)
        yield


def cache_folder() -> Path:
    """Where leapsr keeps what it can make again: $LEAPSR_CACHE, or `leapsr` in the user's cache."""
    if own := os.environ.get("LEAPSR_CACHE"):
        return Path(own).expanduser()
    usual = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    return Path(usual or "~/.cache").expanduser() / "leapsr"


def new_part(folder: Path) -> Path:
    """The name of a temporary file that nobody else uses."""
    return folder / f".leapsr-{uuid.uuid4().hex}.part"


def remove_stale_parts(folder: Path) -> None:
    """Delete temporary files that killed processes have left. Errors are ignored."""
    with suppress(OSError):
        if parts := list(folder.glob(PATTERN)):
            now = _clock(folder)
            for part in parts:
                if now - part.stat().st_mtime > STALE_AFTER and not _is_locked(part):
                    part.unlink()


def _clock(folder: Path) -> float:
    """The time of the file system, which on a server may differ from that of this machine. Raises OSError."""
    probe = new_part(folder)
    handle = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, b"\0")  # the server sets the time, at the latest when it is written to
        os.fsync(handle)
        return os.fstat(handle).st_mtime
    finally:
        os.close(handle)
        probe.unlink()


def sha256(path: Path) -> str:
    """Hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
