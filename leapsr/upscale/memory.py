"""How much memory there is, what fits into it, and what to do when it was not enough."""

import logging
import os
from collections.abc import Callable
from math import isqrt
from pathlib import Path
from typing import TypeVar

import torch

from ..errors import ImageError

logger = logging.getLogger(__name__)

BYTES_PER_PIXEL = 8_192
"""Working memory for each low-resolution pixel of a tile with context; the U-Net presets take up to 3,500."""
SMALLEST_TILE, LARGEST_TILE = 32, 512

Result = TypeVar("Result")

_CGROUP = Path("/sys/fs/cgroup")
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def available(device: torch.device) -> int | None:
    """Bytes that can still be had on `device`; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    known = [size for size in (_system_memory(), _container_memory()) if size is not None]
    return min(known, default=None)


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
        return None if limit == "max" else max(0, int(limit) - int(used))
    except (OSError, ValueError):
        return None


def auto_tile(free: int | None, halo: int) -> int:
    """Side of a core, in low-resolution pixels, that needs at most half of `free` bytes (None: unknown)."""
    budget = max(0, free) // 2 if free is not None else 1 << 30
    side = isqrt(budget // BYTES_PER_PIXEL) - 2 * halo
    return min(LARGEST_TILE, max(SMALLEST_TILE, side))


def needed(lr: tuple[int, int], out: tuple[int, int], scale: int) -> int:
    """Bytes of main memory for a picture lr = (height, width), restored at `scale` and resized to out."""
    large, wanted = scale**2 * lr[0] * lr[1], out[0] * out[1]
    # Three planes of float32, twice while being recoloured or resized, then 8 bits, their copy, the file.
    return 3 * (4 * lr[0] * lr[1] + 4 * (large + max(large, wanted)) + 3 * wanted)


def check_room(lr: tuple[int, int], out: tuple[int, int], scale: int, free: int | None) -> None:
    """Raises ImageError where the work of `needed` cannot be done in `free` bytes (None: unknown)."""
    bytes_needed = needed(lr, out, scale)
    if free is not None and bytes_needed > free:
        size, larger = f"{lr[1]} x {lr[0]} pixels", f"{out[1]} x {out[0]}"
        raise ImageError(
            f"Enlarging {size} to {larger} needs {bytes_needed / 2**30:.1f} GiB of memory and only "
            f"{free / 2**30:.1f} GiB are free: cut the picture into parts or ask for a smaller size."
        )


def with_smaller_tiles(run: Callable[[int], Result], tile: int, longest: int) -> Result:
    """run(tile), and again with half the tile each time memory does not suffice.

    tile: 0 is the whole picture, whose longer side is `longest`.
    Raises ImageError when tiles of SMALLEST_TILE are still too large.
    """
    while True:
        try:
            return run(tile)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            smaller = min(tile or longest, longest) // 2
            if smaller < SMALLEST_TILE:
                raise ImageError(
                    "There is not enough memory even for the smallest tiles: "
                    "cut the picture into parts or use '--device cpu'."
                ) from error
        logger.warning("Out of memory with tiles of %s; trying %s.", tile or "the whole picture", smaller)
        tile = smaller
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def is_out_of_memory(error: Exception) -> bool:
    """Only CUDA has a class of its own; the other devices raise RuntimeError and say so in the message."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(phrase in str(error).lower() for phrase in _OUT_OF_MEMORY)
