"""What a process that was killed while it wrote a file has left in the folder of its results."""

import time
from contextlib import suppress
from pathlib import Path

PATTERN = ".leapsr-*.part"
ABANDONED_AFTER = 600.0
"""Seconds without a change: whoever still writes, on this machine or another one, does so more often."""


def sweep(folder: Path) -> None:
    """Remove abandoned parts of files. What cannot be removed stays."""
    with suppress(OSError):
        for part in folder.glob(PATTERN):
            if time.time() - part.stat().st_mtime > ABANDONED_AFTER:
                part.unlink()
