"""How much memory there is, and what running out of it looks like."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    limits = (_system_memory(), _container_memory(), _process_memory())
    return min((size for size in limits if size is not None), default=None)


def _system_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return None


def _container_memory() -> int | None:
    """What the control group that limits a container still allows."""
    try:
        limit, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return None if limit == "max" else max(0, int(limit) - int(used) + _cached_files())
    except (OSError, ValueError):
        return None


def _cached_files() -> int:
    """Bytes that count as its own, but are what the system keeps of files and gives up when it is needed."""
    try:
        known = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        return int(known.get("inactive_file", 0)) + int(known.get("active_file", 0))
    except (OSError, ValueError):
        return 0


def _process_memory() -> int | None:
    """What the limit on this process's address space (`ulimit -v`) still allows; None without one."""
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return None
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return max(0, limit - pages * os.sysconf("SC_PAGE_SIZE"))
    except (ImportError, OSError, ValueError):
        return None


@contextmanager
def translate_oom(name: Path) -> Iterator[None]:
    """Whoever runs out of memory in here raises an ImageError that names the picture."""
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
