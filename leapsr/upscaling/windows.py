"""Overlapping windows whose results are blended, for networks without a bounded receptive field.

Attention and normalisation over the whole of what a network is shown make each window differ a little from
its neighbours, so no margin makes tiles equal the whole. Each window counts by a Gaussian, most at its
centre, and neighbours fade into each other. (DiT4SR, Duan et al. 2025, blends so; half a pixel off the centre
vertically, in square windows only, which leave long pictures with more windows than they need.)
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from ..errors import UsageError
from ..ops.weighted_windows import Window, spans, weigh
from ..restorer import Restorer
from .oom import SMALLEST_TILE
from .tiles import Box, Extent

logger = logging.getLogger(__name__)

VARIANCE = 0.01
"""Of the Gaussian, where the side of the window is 1."""
OVERLAP = 3 / 8
"""Of the side of a window: DiT4SR's 24 of 64."""
PIXELS, LEAST = 64, 1 / 8
"""Where there are no latents, so many low-resolution pixels are enough, or this share of a large side. At a
cut through a photo Real-ESRGAN x4plus is wrong by 9 grey levels on average, 16 pixels from it by 2.8, 32 by
0.8 and 64 by 0.07."""
LATENTS, FEWEST_LATENTS = 128, 64
"""On the side of a window: as a rule, and at least, where the picture is that large. Networks of latents were
trained on squares of about 64; smaller windows show them too little of a picture to know what it is, and some
know positions up to a limit only."""
_ROWS_KEPT = 3


def default_size(restorer: Restorer) -> int | None:
    """Side in low-resolution pixels; None where there are no latents, so that memory decides."""
    return None if restorer.space.autoencoder.factor == 1 else _side_of(LATENTS, restorer)


def smallest_size(restorer: Restorer) -> int:
    """As far as windows may shrink where memory does not suffice. Where there are no latents, neighbours
    share a multiple of the alignment, and something must be left that they do not share."""
    if restorer.space.autoencoder.factor == 1:
        return max(SMALLEST_TILE, 2 * restorer.alignment)
    return _side_of(FEWEST_LATENTS, restorer)


def check_size(restorer: Restorer, tile: int, extent: Extent) -> int:
    """The side that was asked for, 0 being the whole picture, made a whole number of latents.

    Raises UsageError where the network cannot be shown as much.
    """
    longest = max(extent.height, extent.width)
    one = tile == 0 or tile >= longest
    limit = restorer.largest if one else _largest(restorer)
    if limit is not None and (longest if one else tile) > limit:
        raise UsageError(
            f"This network can be shown {limit} x {limit} pixels at most: use tile {_largest(restorer)}, "
            "or leave tile out."
        )
    if one:
        return tile
    least = 2 if restorer.space.autoencoder.factor == 1 else 1
    tile = max(least, tile // restorer.alignment) * restorer.alignment
    if tile < (smallest := smallest_size(restorer)):
        logger.debug(
            "Windows of %d pixels show this network little of the picture; it was trained with %d and more.",
            tile,
            smallest,
        )
    return tile


def overlap(restorer: Restorer, side: int) -> int:
    """Low-resolution pixels that neighbours share, where windows may begin. side: of a window."""
    step, most = restorer.alignment, int(side * OVERLAP)
    if restorer.space.autoencoder.factor > 1:
        return most // step * step
    return -(-max(int(side * LEAST), min(most, PIXELS)) // step) * step


def _side_of(latents: int, restorer: Restorer) -> int:
    side = latents * restorer.space.autoencoder.factor // restorer.scale
    side = max(1, side // restorer.alignment) * restorer.alignment
    largest = _largest(restorer)
    return side if largest is None else min(side, largest)


def _largest(restorer: Restorer) -> int | None:
    """Of the windows of a row, whose last one may be longer by what the picture has beyond whole latents."""
    if restorer.largest is None:
        return None
    longer = restorer.alignment - 1
    return max(1, (restorer.largest - longer) // restorer.alignment) * restorer.alignment


def blend_windows(
    length: int, tile: int, overlap: int, alignment: int = 1, wraps: bool = False
) -> list[Window]:
    """Windows that cover 0..length along one side, see `ops.weighted_windows.spans`, weighed by Gaussians."""
    return weigh(
        length, spans(length, tile, overlap, alignment, wraps), lambda start, end: gaussian(end - start)
    )


def gaussian(length: int) -> Tensor:
    """(length,) float64: 1 at the centre, never 0."""
    distance = (torch.arange(length, dtype=torch.float64) - (length - 1) / 2) / length
    return torch.exp(-distance.square() / (2 * VARIANCE))


@dataclass(frozen=True)
class _Axis:
    length: int
    windows: list[Window]

    def touching(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """(number of a window, where it starts and ends) for those that cover part of start..end, which may
        lie outside of a picture that wraps."""
        return [
            (number, window.start + move, window.end + move)
            for number, window in enumerate(self.windows)
            for move in range((end - 1) // self.length * self.length, start - window.end, -self.length)
            if window.start + move < end
        ]


class BlendedWindows:
    """A BoxReader whose windows are restored once each, as long as boxes are read row by row."""

    def __init__(
        self,
        evaluate: Callable[[Box], Tensor],
        extent: Extent,
        scale: int,
        tile: int,
        alignment: int,
        overlap: int,
    ) -> None:
        """evaluate: a box of the small picture, of `extent`, to (3, scale h, scale w). tile: side of a
        window, in pixels of the small picture; 0 is the whole. overlap: likewise, a multiple of alignment."""
        side, step = scale * (tile or max(extent.height, extent.width)), scale * alignment
        self._evaluate, self._scale = evaluate, scale
        large = extent.scaled(scale)
        self._rows, self._columns = (
            _Axis(length, blend_windows(length, side, scale * overlap, step, extent.wraps))
            for length in (large.height, large.width)
        )
        self._kept: OrderedDict[tuple[int, int], Tensor] = OrderedDict()

    def __call__(self, box: Box) -> Tensor:
        """(3, h, w) of a box in restored pixels."""
        result = torch.zeros(3, box.height, box.width)
        rows, columns = self._rows.touching(box.top, box.bottom), self._columns.touching(box.left, box.right)
        for (row, top, bottom), (column, left, right) in product(rows, columns):
            vertical, horizontal, key = self._rows.windows[row], self._columns.windows[column], (row, column)
            if key not in self._kept:
                window = Box(vertical.start, horizontal.start, vertical.end, horizontal.end)
                self._kept[key] = self._evaluate(window.covering(self._scale))
                if len(self._kept) > _ROWS_KEPT * (len(self._columns.windows) + 1):
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            place = Box(top, left, bottom, right)
            shared = box.intersection(place)
            inside = shared.relative_to(place)
            weights = vertical.weights[inside.top : inside.bottom, None]
            weights = weights * horizontal.weights[inside.left : inside.right]
            shared.relative_to(box).of(result).add_(inside.of(self._kept[key]) * weights)
        return result
