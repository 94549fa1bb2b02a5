"""Overlapping windows whose results are blended, for networks without a bounded receptive field.

Attention and normalisation over the whole of what a network is shown make each window differ a little from
its neighbours, so no margin makes tiles equal the whole. Each window counts by a Gaussian, most at its
centre, and neighbours fade into each other. (DiT4SR, Duan et al. 2025, blends so; half a pixel off the centre
vertically, in square windows only, which leave long pictures with more windows than they need.)
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from ..ops.windows import Window, partition_of_unity
from .tiles import Box, Extent

VARIANCE = 0.01
"""Of the Gaussian, where the side of the window is 1."""
OVERLAP = 3 / 8
"""Of the side of a window: DiT4SR's 24 of 64."""
_ROWS_KEPT = 3


def blend_windows(
    length: int, tile: int, overlap: int, alignment: int = 1, wraps: bool = False
) -> list[Window]:
    """Windows that cover 0..length along one side; all begin at multiples of `alignment`.

    tile: their length, except that the last one ends where the picture ends, and that one window as long as
    the picture is enough for a short one. overlap: pixels that neighbours share, or more, fewer than `tile`.
    wraps: the picture goes on with itself; windows that reach beyond its end cover its beginning.
    """
    spans = (
        _on_a_ring(length, tile, overlap, alignment) if wraps else _in_line(length, tile, overlap, alignment)
    )
    weights = [gaussian(end - start) for start, end in spans]
    return partition_of_unity(length, [start for start, _ in spans], weights)


def gaussian(length: int) -> Tensor:
    """(length,) float64: 1 at the centre, never 0."""
    distance = (torch.arange(length, dtype=torch.float64) - (length - 1) / 2) / length
    return torch.exp(-distance.square() / (2 * VARIANCE))


def _in_line(length: int, tile: int, overlap: int, alignment: int) -> list[tuple[int, int]]:
    if length <= tile:
        return [(0, length)]
    last = (length - tile) // alignment * alignment
    starts = sorted({*range(0, last, _stride(tile, overlap, alignment)), last})
    return [(start, start + tile if start < last else length) for start in starts]


def _on_a_ring(length: int, tile: int, overlap: int, alignment: int) -> list[tuple[int, int]]:
    if length + overlap <= tile:
        return [(0, length + overlap)]
    return [(start, start + tile) for start in range(0, length, _stride(tile, overlap, alignment))]


def _stride(tile: int, overlap: int, alignment: int) -> int:
    return max(1, (tile - overlap) // alignment) * alignment


@dataclass(frozen=True)
class _Axis:
    length: int
    windows: list[Window]

    def touching(self, start: int, end: int) -> list[tuple[int, int]]:
        """(number of a window, by how much it is moved) for those that cover part of start..end."""
        return [
            (number, move)
            for number, window in enumerate(self.windows)
            for move in range(0, -window.end, -self.length)  # windows longer than the picture cover it twice
            if window.start + move < end and window.end + move > start
        ]


class Blended:
    """Any box of the restored picture, blended from windows of `tile` that are restored once each when boxes
    are asked for row by row.
    """

    def __init__(
        self, evaluate: Callable[[Box], Tensor], extent: Extent, scale: int, tile: int, alignment: int
    ) -> None:
        """evaluate: a box of the small picture, of `extent`, to (3, scale h, scale w). tile: 0 is the
        whole."""
        side, step = scale * (tile or max(extent.height, extent.width)), scale * alignment
        overlap = int(side * OVERLAP) // step * step
        self._evaluate, self._scale = evaluate, scale
        self._extent = extent.scaled(scale)
        self._rows, self._columns = (
            _Axis(length, blend_windows(length, side, overlap, step, extent.wraps))
            for length in (self._extent.height, self._extent.width)
        )
        self._kept: OrderedDict[tuple[int, int], Tensor] = OrderedDict()

    def __call__(self, box: Box) -> Tensor:
        """(3, h, w) of a box in restored pixels."""
        return self._extent.read(self._inside, box)

    def _inside(self, box: Box) -> Tensor:
        result = torch.zeros(3, box.height, box.width)
        rows, columns = self._rows.touching(box.top, box.bottom), self._columns.touching(box.left, box.right)
        for (row, down), (column, right) in product(rows, columns):
            vertical, horizontal = self._rows.windows[row], self._columns.windows[column]
            place = Box(
                vertical.start + down, horizontal.start + right, vertical.end + down, horizontal.end + right
            )
            shared = Box(
                max(box.top, place.top),
                max(box.left, place.left),
                min(box.bottom, place.bottom),
                min(box.right, place.right),
            )
            inside = shared.relative_to(place)
            weights = (
                vertical.weights[inside.top : inside.bottom, None]
                * horizontal.weights[inside.left : inside.right]
            )
            shared.relative_to(box).of(result).add_(inside.of(self._window(row, column)) * weights)
        return result

    def _window(self, row: int, column: int) -> Tensor:
        key = row, column
        if key not in self._kept:
            vertical, horizontal = self._rows.windows[row], self._columns.windows[column]
            box = Box(vertical.start, horizontal.start, vertical.end, horizontal.end)
            self._kept[key] = self._evaluate(box.covering(self._scale)).cpu()
            if len(self._kept) > _ROWS_KEPT * (len(self._columns.windows) + 1):
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]
