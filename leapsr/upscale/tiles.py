"""Cut a picture into tiles and put the restored tiles together again.

Each tile is restored with a margin of context at least as wide as the network's receptive field and only its
core is kept, so the cores, pasted side by side, equal the picture restored as a whole. Networks without a
bounded field need overlapping cores with blending weights; that is another plan for the same `Tile`.
"""

from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from torch import Tensor


class Box(NamedTuple):
    """Rows top..bottom and columns left..right, ends excluded, in low-resolution pixels."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    def scaled(self, scale: int) -> "Box":
        return Box(*(scale * side for side in self))

    def relative_to(self, outer: "Box") -> "Box":
        """The same pixels, counted from the top left corner of `outer`."""
        return Box(
            self.top - outer.top, self.left - outer.left, self.bottom - outer.top, self.right - outer.left
        )

    def of(self, image: Tensor) -> Tensor:
        """The view of (..., H, W) inside the box."""
        return image[..., self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True)
class Tile:
    core: Box  # what is kept
    context: Box  # what the network is shown


def plan(height: int, width: int, tile: int, halo: int, alignment: int = 1) -> list[Tile]:
    """Tiles whose cores cover an image of height x width exactly once, row by row.

    tile: side of a core in low-resolution pixels, rounded up to a multiple of `alignment`; 0 is the whole
    image.
    halo: context on each side, cut at the image's border. Every context begins at multiples of `alignment`.
    """
    return [
        Tile(Box(top, left, bottom, right), Box(above, before, below, after))
        for top, bottom, above, below in _spans(height, tile, halo, alignment)
        for left, right, before, after in _spans(width, tile, halo, alignment)
    ]


def _spans(length: int, tile: int, halo: int, alignment: int) -> list[tuple[int, int, int, int]]:
    """Along one side: core start and end, context start and end."""
    step = ceil((tile or length) / alignment) * alignment
    spans = []
    for start in range(0, length, step):
        end = min(start + step, length)
        before = max(0, start - halo) // alignment * alignment
        after = min(length, ceil((end + halo) / alignment) * alignment)
        spans.append((start, end, before, after))
    return spans


def paste(canvas: Tensor, restored: Tensor, tile: Tile, scale: int) -> None:
    """Write the core of a restored tile into place.

    canvas: (C, scale H, scale W). restored: (C, scale h, scale w), the restored context box of `tile`.
    """
    inside = tile.core.relative_to(tile.context)
    tile.core.scaled(scale).of(canvas).copy_(inside.scaled(scale).of(restored))
