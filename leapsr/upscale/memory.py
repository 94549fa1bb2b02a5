"""How much memory there is, what fits into it, and what to do when it was not enough."""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isqrt
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch

from ..errors import ImageError
from .tiles import Box, plan

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


def auto_tile(free: int | None, halo: int) -> int:
    """Side of a core, in low-resolution pixels, that needs at most half of `free` bytes (None: unknown)."""
    budget = max(0, free) // 2 if free is not None else 1 << 30
    side = isqrt(budget // BYTES_PER_PIXEL) - 2 * halo
    return min(LARGEST_TILE, max(SMALLEST_TILE, side))


class Cost(NamedTuple):
    """Bytes of each pixel of a picture and of its result."""

    picture: int
    result: int


def needed(cost: Cost, size: tuple[int, int], result: tuple[int, int], halo: int) -> int:
    """Bytes of main memory for a picture of size = (height, width), its result and the smallest tile
    with a margin of `halo`.

    Both are held in their own depth. Files are written in parts, but for WebP and AVIF, whose libraries want
    a copy of the whole.
    """
    pixels, larger = size[0] * size[1], result[0] * result[1]
    tile = min(pixels, (SMALLEST_TILE + 2 * halo) ** 2)
    return cost.picture * pixels + cost.result * larger + BYTES_PER_PIXEL * tile


def check_room(
    cost: Cost, size: tuple[int, int], result: tuple[int, int], halo: int, free: int | None
) -> None:
    """Raises ImageError where the work of `needed` cannot be done in `free` bytes (None: unknown)."""
    bytes_needed = needed(cost, size, result, halo)
    if free is not None and bytes_needed > free:
        raise ImageError(
            f"Enlarging {size[1]} x {size[0]} pixels to {result[1]} x {result[0]} needs "
            f"{bytes_needed / 2**30:.1f} GiB of memory and only {free / 2**30:.1f} GiB are free: "
            "cut the picture into parts or ask for a smaller size."
        )


def each_tile(
    do: Callable[[Box], None],
    box: Box,
    tile: int,
    alignment: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """do(core) for the cores of a plan, row by row. progress: called with (tiles done, tiles in all)."""
    cores = plan(box, tile, alignment)
    for done, core in enumerate(cores, start=1):
        do(core)
        if progress is not None:
            progress(done, len(cores))


def tile_by_tile(
    do: Callable[[Box], None],
    box: Box,
    tile: int,
    alignment: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """As each_tile; each time memory does not suffice, what is left goes on with half the tile.

    Raises ImageError when tiles of SMALLEST_TILE are still too large.
    """
    pending, done = deque(plan(box, tile, alignment)), 0
    while pending:
        core = pending.popleft()
        if (tile := _attempt(do, core)) == 0:
            done += 1
            if progress is not None:
                progress(done, done + len(pending))
        else:
            pending = deque(part for left in (core, *pending) for part in plan(left, tile, alignment))


def _attempt(do: Callable[[Box], None], core: Box) -> int:
    """0, or the side of the smaller tiles to go on with."""
    try:
        do(core)
    except (RuntimeError, MemoryError) as error:
        return _smaller(error, max(core.height, core.width), SMALLEST_TILE)
    return 0


def _smaller(error: Exception, side: int, smallest: int) -> int:
    """Half of the side of a tile that memory did not suffice for. Raises other errors again."""
    if not is_out_of_memory(error):
        raise error
    if side // 2 < smallest:
        raise ImageError(
            "There is not enough memory even for the smallest tiles: "
            "cut the picture into parts or use '--device cpu'."
        ) from error
    logger.warning("Out of memory with tiles of %s; trying %s.", side, side // 2)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return side // 2


def with_smaller_tiles(
    run: Callable[[int], Result], tile: int, longest: int, smallest: int = SMALLEST_TILE
) -> Result:
    """run(tile), and again with half the tile each time memory does not suffice.

    tile: 0 is the whole picture, whose longer side is `longest`.
    Raises ImageError when tiles of `smallest` are still too large.
    """
    while True:
        try:
            return run(tile)
        except (RuntimeError, MemoryError) as error:
            tile = _smaller(error, min(tile or longest, longest), smallest)


@contextmanager
def explained(name: Path) -> Iterator[None]:
    """Whoever runs out of memory in here raises an ImageError that names the picture."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise ImageError(
            f"There is not enough memory for {name}: close other programs, or cut the picture into parts."
        ) from error


def is_out_of_memory(error: Exception) -> bool:
    """Only CUDA has a class of its own; the other devices raise RuntimeError and say so in the message."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(phrase in str(error).lower() for phrase in _OUT_OF_MEMORY)
