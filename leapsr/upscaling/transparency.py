"""Clean edges of transparent pictures: no colour of invisible pixels in the result, and no haze around."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..pictures.picture import Picture, floats
from .tiles import Box, Extent

_NOTHING = 1e-6
_LEVELS = 4
_BLOCK = 2**_LEVELS
"""Pixels a side. The border of a part changes `_averages` within one block at most."""


def visible_colours(picture: Picture) -> Callable[[Box], Tensor]:
    """Reads colours of boxes inside a picture, (3, h, w), where invisible pixels have the colour of those
    around them.

    The network looks at neighbours: the black behind a shape would darken its edge. Colours are averaged
    premultiplied by alpha, over the smallest surroundings with any visible pixels, which are not changed.
    """
    far = _Surroundings.of(picture)
    if far is None:
        return lambda box: _colours(picture, box)[0]
    extent = Extent(*picture.size)

    def read(box: Box) -> Tensor:
        wide = extent.grown(box, _BLOCK, _BLOCK)
        rgb, alpha = _colours(picture, wide)
        filled = torch.where(alpha > 0, rgb, far.averages(rgb * alpha, alpha, wide))
        return box.relative_to(wide).of(filled)

    return read


def without_hidden_colours(rgb: Tensor, alpha: Tensor) -> Tensor:
    """What `visible_colours` gives for all of a picture. rgb: (3, H, W). alpha: (1, H, W), in [0, 1]."""
    whole = Extent(alpha.shape[1], alpha.shape[2]).whole
    return visible_colours(Picture(torch.cat((rgb, alpha))))(whole)


def _colours(picture: Picture, box: Box) -> tuple[Tensor, Tensor]:
    """Floats, (3, h, w) and (1, h, w); an alpha of next to nothing is nothing."""
    part = floats(box.of(picture.pixels))
    alpha = part[-1:]
    return part[:-1].expand(3, -1, -1), alpha.masked_fill(alpha <= _NOTHING, 0)


@dataclass(frozen=True)
class _Surroundings:
    """coarse: (1, 3, H / _BLOCK, W / _BLOCK), the average colour of each block, none without."""

    coarse: Tensor

    @classmethod
    def of(cls, picture: Picture) -> "_Surroundings | None":
        """Computed a row of blocks at a time; None where nothing is hidden, or everything."""
        height, width = picture.size
        hidden, seen, rows = False, False, []
        for top in range(0, height, _BLOCK):
            rgb, alpha = _colours(picture, Box(top, 0, min(top + _BLOCK, height), width))
            hidden, seen = hidden or bool((alpha == 0).any()), seen or bool((alpha > 0).any())
            part = torch.cat((rgb * alpha, alpha))[None]
            for _ in range(_LEVELS):
                part = F.avg_pool2d(part, 2, ceil_mode=True)
            rows.append(part)
        if not hidden or not seen:
            return None
        sums = torch.cat(rows, 2)
        return cls(_averages(sums[:, :3], sums[:, 3:]))

    def averages(self, premultiplied: Tensor, weight: Tensor, box: Box) -> Tensor:
        """(3, h, w) for (3, h, w) and (1, h, w) of a box that begins at multiples of _BLOCK."""
        coarse = box.covering(_BLOCK).of(self.coarse)
        return _averages(premultiplied[None], weight[None], coarse)[0]


def _averages(premultiplied: Tensor, weight: Tensor, coarse: Tensor | None = None) -> Tensor:
    """(1, 3, H, W) / (1, 1, H, W), and where the weight is 0 the colours of the next coarser level.

    coarse: the averages that are _LEVELS coarser, where they are known.
    """
    levels = [(premultiplied, weight)]
    while len(levels) < _LEVELS if coarse is not None else bool((weight == 0).any()):
        premultiplied, weight = (F.avg_pool2d(part, 2, ceil_mode=True) for part in (premultiplied, weight))
        levels.append((premultiplied, weight))
    around = coarse
    for total, share in reversed(levels):
        own = total / share.masked_fill(share == 0, 1)
        if around is not None:
            larger = F.interpolate(around, scale_factor=2, mode="bilinear")
            own = torch.where(share == 0, larger[..., : share.shape[-2], : share.shape[-1]], own)
        around = own
    assert around is not None
    return around


def bounded(alpha: Tensor, source: Tensor, scale: int) -> Tensor:
    """An enlarged alpha kept between the least and the greatest of the four source pixels around each pixel.

    What is opaque or transparent all around stays exactly so, without ripples along edges; within an edge the
    network is free. alpha: (1, scale H, scale W). source: (1, H, W).
    """
    greatest = _of_four(source, scale)
    least = -_of_four(-source, scale)
    return torch.minimum(torch.maximum(alpha, least), greatest)


def _of_four(source: Tensor, scale: int) -> Tensor:
    """(1, H, W) to (1, scale H, scale W): the greatest of the pixels that bilinear interpolation looks at."""
    _, height, width = source.shape
    corners = F.max_pool2d(F.pad(source[None], (1, 1, 1, 1), mode="replicate"), 2, stride=1)
    large = F.interpolate(corners, scale_factor=scale, mode="nearest")[0]
    start = scale // 2
    return large[:, start : start + scale * height, start : start + scale * width]
