"""How much memory there is, and what running out of it looks like."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import torch

from .errors import ImageError

DECODING = 8
"""Bytes for each pixel of a file while it is decoded, at least: four in Pillow, and four of the samples taken
out of it."""
FLOAT_RGBA = 16
"""Bytes for each pixel of three colours and transparency in float32."""
LOOKED_AT = 100
"""Bytes for each pixel of a result that is looked at as a whole: 12 for its colours in float32, some 20
planes of 4 for a map. Measured: 87 for a map and less for the others, besides what the result takes
anyway."""
NETWORK = 8_192
"""Bytes for each low-resolution pixel of a tile with context; the U-Net presets take up to 3,500."""

_CGROUP = Path("/sys/fs/cgroup")
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def available(device: torch.device) -> int | None:
    """Bytes that can still be had on `device`; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        limits = (psutil.virtual_memory().available, _container_memory(), _process_memory())
    except (OSError, psutil.Error):  # no /proc
        return None
    return min(size for size in limits if size is not None)


def _container_memory() -> int | None:
    """What the control group that limits a container still allows, the cache of files included: the system
    gives it up when memory is needed."""
    try:
        limit, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        if limit == "max":
            return None
        cached = 0
        with suppress(OSError, ValueError):
            known = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
            cached = int(known.get("inactive_file", 0)) + int(known.get("active_file", 0))
        return max(0, int(limit) - int(used) + cached)
    except (OSError, ValueError):
        return None


def _process_memory() -> int | None:
    """What the limit on this process's address space (`ulimit -v`) still allows; None without one."""
    if not hasattr(psutil, "RLIMIT_AS"):  # Linux alone has it
        return None
    process = psutil.Process()
    limit, _ = process.rlimit(psutil.RLIMIT_AS)
    return None if limit == psutil.RLIM_INFINITY else max(0, limit - process.memory_info().vms)


@contextmanager
def translate_oom(name: Path) -> Iterator[None]:
    """Turn a lack of memory into an ImageError that names the picture."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_oom(error):
            raise
        raise ImageError(
            f"There is not enough memory for {name}: close other programs, or cut the picture into parts."
        ) from error


def is_oom(error: Exception) -> bool:
    """Only CUDA has a class of its own; the other devices raise RuntimeError and say so in the message."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(phrase in str(error).lower() for phrase in _OUT_OF_MEMORY)
