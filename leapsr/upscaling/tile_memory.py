"""How large tiles may be for the memory there is, and what to do when it was not enough."""

import logging
from collections import deque
from collections.abc import Callable
from math import isqrt
from typing import NamedTuple, TypeVar

import torch

from .. import memory
from ..errors import ImageError
from .tiles import Box, plan

logger = logging.getLogger(__name__)

BYTES_PER_PIXEL = 8_192
"""Working memory for each low-resolution pixel of a tile with context; the U-Net presets take up to 3,500."""
SMALLEST_TILE, LARGEST_TILE = 32, 512

Result = TypeVar("Result")


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
    if not memory.is_out_of_memory(error):
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
