"""Boxes of a picture: how it is cut into tiles, and the margin that each is restored with.

The network sees each core with a margin at least as wide as its receptive field, and only the core is kept,
so that the cores side by side equal the picture restored as a whole. For networks without a bounded field
see windows.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import torch
from torch import Tensor


class Box(NamedTuple):
    """Rows top..bottom and columns left..right, ends excluded."""

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

    def covering(self, scale: int) -> "Box":
        """The smallest box of a picture that, enlarged by `scale`, holds this one."""
        return Box(self.top // scale, self.left // scale, -(-self.bottom // scale), -(-self.right // scale))

    def intersection(self, other: "Box") -> "Box":
        """What both cover; they must share some."""
        return Box(*map(max, self[:2], other[:2]), *map(min, self[2:], other[2:]))

    def relative_to(self, outer: "Box") -> "Box":
        """The same pixels, counted from the top left corner of `outer`."""
        return Box(
            self.top - outer.top, self.left - outer.left, self.bottom - outer.top, self.right - outer.left
        )

    def of(self, image: Tensor) -> Tensor:
        """The view of (..., H, W) inside the box."""
        return image[..., self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True)
class Extent:
    """The size of a picture, and whether it wraps, as a texture does: boxes of one that does may lie outside
    of it.
    """

    height: int
    width: int
    wraps: bool = False

    @property
    def whole(self) -> Box:
        return Box(0, 0, self.height, self.width)

    def scaled(self, scale: int) -> "Extent":
        return Extent(scale * self.height, scale * self.width, self.wraps)

    def grown(self, box: Box, margin: int, multiple: int = 1) -> Box:
        """The box with at least `margin` on each side, beginning and ending at multiples of `multiple`, and
        cut at the border of a picture that ends there.
        """
        top, left = ((start - margin) // multiple * multiple for start in box[:2])
        bottom, right = (ceil((end + margin) / multiple) * multiple for end in box[2:])
        if self.wraps:
            return Box(top, left, bottom, right)
        return Box(max(0, top), max(0, left), min(self.height, bottom), min(self.width, right))

    def read(self, fetch: Callable[[Box], Tensor], box: Box) -> Tensor:
        """fetch(box), (C, h, w), where `fetch` knows the picture's own pixels only."""
        if not self.wraps:
            return fetch(box)
        columns = list(_pieces(box.left, box.right, self.width))
        rows = [
            torch.cat([fetch(Box(top, left, bottom, right)) for left, right in columns], -1)
            for top, bottom in _pieces(box.top, box.bottom, self.height)
        ]
        return torch.cat(rows, -2)


def _pieces(start: int, end: int, length: int) -> Iterator[tuple[int, int]]:
    """start..end of an endless repetition of 0..length, in parts that lie inside 0..length."""
    while start < end:
        first = start % length
        last = min(length, first + end - start)
        yield first, last
        start += last - first


def plan(box: Box, tile: int, alignment: int = 1) -> list[Box]:
    """Cores that cover a box exactly once, row by row.

    tile: side of a core, rounded up to a multiple of `alignment`; 0 is the whole box. The cores begin at
    multiples of `alignment` if the box does.
    """
    return [
        Box(top, left, bottom, right)
        for top, bottom in _spans(box.top, box.bottom, tile, alignment)
        for left, right in _spans(box.left, box.right, tile, alignment)
    ]


def _spans(start: int, end: int, tile: int, alignment: int) -> list[tuple[int, int]]:
    step = ceil((tile or end - start) / alignment) * alignment
    return [(first, min(first + step, end)) for first in range(start, end, step)]
