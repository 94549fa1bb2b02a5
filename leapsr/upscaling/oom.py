"""How large tiles may be for the memory there is, and what to do when it was not enough."""

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import isqrt
from typing import NamedTuple

import torch

from .. import memory
from ..errors import ImageError
from .progress import Progress, Watch
from .tiles import Box, plan

logger = logging.getLogger(__name__)

SMALLEST_TILE, LARGEST_TILE = 32, 512


def auto_tile(free: int | None, halo: int, each: int = memory.NETWORK) -> int:
    """Side of a core, in low-resolution pixels, that needs at most half of `free` bytes (None: unknown).

    each: bytes for each of its pixels and those of its halo.
    """
    budget = max(0, free) // 2 if free is not None else 1 << 30
    side = isqrt(budget // each) - 2 * halo
    return min(LARGEST_TILE, max(SMALLEST_TILE, side))


class Cost(NamedTuple):
    """Bytes of each pixel of a picture and of its result."""

    picture: int
    result: int


OPAQUE_8_BIT = Cost(3, 3)
"""The least that a picture in colour can cost."""


def needed(cost: Cost, size: tuple[int, int], result: tuple[int, int], halo: int) -> int:
    """Bytes of main memory for a picture of size = (height, width), its result and the smallest tile
    with a margin of `halo`.

    Both are held in their own depth. Files are written in parts, but for WebP and AVIF, whose libraries want
    a copy of the whole.
    """
    pixels, larger = size[0] * size[1], result[0] * result[1]
    tile = min(pixels, (SMALLEST_TILE + 2 * halo) ** 2)
    return cost.picture * pixels + cost.result * larger + memory.NETWORK * tile


def check_memory(
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


class Tiles:
    """The cores of a picture, to be worked on one by one; where memory does not suffice for one, what is left
    goes on with half the tile::

        for attempt in tiles:
            with attempt as core:
                ...
    """

    def __init__(
        self,
        box: Box,
        tile: int,
        alignment: int = 1,
        progress: Progress | None = None,
        halve: bool = True,
        watch: Watch | None = None,
    ) -> None:
        """box, tile, alignment: see `plan`. progress: called with (tiles done, tiles in all). halve: False
        leaves a lack of memory to the caller. watch: also calls `progress` in the middle of a tile."""
        self._left, self._done = deque(plan(box, tile, alignment)), 0
        self._alignment, self._progress, self._halve = alignment, progress, halve
        self._watch = watch if progress is not None else None

    def __iter__(self) -> Iterator[AbstractContextManager[Box]]:
        while self._left:
            yield self._attempt()

    @contextmanager
    def _attempt(self) -> Iterator[Box]:
        core = self._left[0]
        try:
            with self._watch(self._report) if self._watch is not None else nullcontext():
                yield core
        except (RuntimeError, MemoryError) as error:
            if not self._halve:
                raise
            tile = half_tile(error, max(core.height, core.width), SMALLEST_TILE)
            self._left = deque(part for left in self._left for part in plan(left, tile, self._alignment))
        else:
            self._left.popleft()
            self._done += 1
            self._report(0)

    def _report(self, share: float) -> None:
        """share: of the tile in work."""
        if self._progress is not None:
            self._progress(self._done + share, self._done + len(self._left))


def half_tile(error: Exception, side: int, smallest: int) -> int:
    """Half of the side of a tile that memory did not suffice for. Raises other errors again, and ImageError
    when that would be smaller than `smallest`."""
    if not memory.is_oom(error):
        raise error
    if side // 2 < smallest:
        raise ImageError(
            "There is not enough memory even for the smallest tiles: "
            "cut the picture into parts or take the CPU as the device."
        ) from error
    logger.warning("Out of memory with tiles of %s; trying %s.", side, side // 2)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return side // 2
