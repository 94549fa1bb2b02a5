"""Edges of transparent pictures: no colour of invisible pixels shows in the result, and no haze around."""

import torch
import torch.nn.functional as F
from torch import Tensor

_NOTHING = 1e-6


def without_hidden_colours(rgb: Tensor, alpha: Tensor) -> Tensor:
    """Give pixels that cannot be seen the colour of those around them.

    The network looks at neighbours, so that the black behind a shape would darken its edge. Colours are
    averaged premultiplied by alpha, over the smallest surroundings that hold any that can be seen.
    rgb: (3, H, W). alpha: (1, H, W), in [0, 1]. Pixels that can be seen are not changed.
    """
    hidden = alpha <= _NOTHING
    if not hidden.any() or hidden.all():
        return rgb
    return torch.where(hidden, _averages((rgb * alpha)[None], alpha[None])[0], rgb)


def _averages(premultiplied: Tensor, weight: Tensor) -> Tensor:
    """(1, 3, H, W) / (1, 1, H, W), and where the weight is 0 the colours of the next coarser level."""
    empty = weight <= _NOTHING
    own = premultiplied / weight.masked_fill(empty, 1)
    if not empty.any():
        return own
    smaller = (F.avg_pool2d(part, 2, ceil_mode=True) for part in (premultiplied, weight))
    around = F.interpolate(_averages(*smaller), scale_factor=2, mode="bilinear")
    return torch.where(empty, around[..., : weight.shape[-2], : weight.shape[-1]], own)


def bounded(alpha: Tensor, source: Tensor, scale: int) -> Tensor:
    """An enlarged alpha kept between the least and the greatest of the four source pixels around each pixel.

    What is opaque or transparent all around stays exactly that, and no ripple runs along an edge; within the
    edge the network is free. alpha: (1, scale H, scale W). source: (1, H, W).
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
