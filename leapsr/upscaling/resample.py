"""Antialiased bicubic resizing of any part of a picture, which equals that part of the whole, resized.

Weights are computed from positions in float64 for each row and column, and so do not depend on where a part
begins. Torch's own resize, which takes whole pictures only, computes positions in float32.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor

import torch
from torch import Tensor

from ..ops.upsample import keys_cubic
from .tiles import Box, Extent


@dataclass(frozen=True)
class Resampling:
    """From one size to another; both wrap or neither does."""

    source: Extent
    target: Extent

    def share(self, box: Box, of: Extent) -> Box:
        """The pixels of the target that belong to a box of a picture with the extent `of`, when it covers the
        same scene: boxes that cover that picture once give boxes that cover the target once.
        """
        rows = [_rounded(edge, self.target.height, of.height) for edge in (box.top, box.bottom)]
        columns = [_rounded(edge, self.target.width, of.width) for edge in (box.left, box.right)]
        return Box(rows[0], columns[0], rows[1], columns[1])

    def needs(self, box: Box) -> Box:
        """The pixels of the source that a box of the target is made from."""
        (top, bottom), (left, right) = (
            axis.needs(start, end) for axis, start, end in zip(self._axes(), box[:2], box[2:], strict=True)
        )
        return Box(top, left, bottom, right)

    def margin(self) -> int:
        """By how many pixels of the source the needs of a box may reach beyond what it covers."""
        return max(axis.reach for axis in self._axes())

    def __call__(self, pixels: Tensor, box: Box) -> Tensor:
        """The box of the target, (C, h, w). pixels: what it needs of the source."""
        rows, columns = self._axes()
        result = columns.applied(pixels, box.left, box.right)
        return rows.applied(result.mT, box.top, box.bottom).mT

    def _axes(self) -> Iterable["_Axis"]:
        wraps = self.source.wraps
        yield _Axis(self.source.height, self.target.height, wraps)
        yield _Axis(self.source.width, self.target.width, wraps)


@dataclass(frozen=True)
class _Axis:
    have: int
    want: int
    wraps: bool

    @property
    def step(self) -> float:
        return self.have / self.want

    @property
    def width(self) -> float:
        """Of the kernel, 1 unless the picture becomes smaller."""
        return max(1.0, self.step)

    @property
    def reach(self) -> int:
        return 0 if self.have == self.want else ceil(2 * self.width + self.step) + 1

    def needs(self, start: int, end: int) -> tuple[int, int]:
        if self.have == self.want or start >= end:
            return start, end
        first = floor((start + 0.5) * self.step - 2 * self.width)
        last = ceil((end - 0.5) * self.step + 2 * self.width)
        return (first, last) if self.wraps else (max(0, first), min(self.have, last))

    def applied(self, pixels: Tensor, start: int, end: int) -> Tensor:
        """(C, H, W of needs) -> (C, H, end - start)"""
        if self.have == self.want:
            return pixels
        first, last = self.needs(start, end)
        centres = (torch.arange(start, end, dtype=torch.float64) + 0.5) * self.step
        places = torch.arange(first, last, dtype=torch.float64) + 0.5
        weights = keys_cubic((places[:, None] - centres) / self.width)
        return pixels @ (weights / weights.sum(0)).to(pixels)


def _rounded(edge: int, have: int, of: int) -> int:
    """edge * have / of, halves up."""
    return (2 * edge * have + of) // (2 * of)
