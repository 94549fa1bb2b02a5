"""Colour shift: how far the colours of places differ from the photo's, detail apart. Lower is better."""

import torch.nn.functional as F
from torch import Tensor

from ..errors import DataError
from .fidelity import crop_border

BLOCK = 16
"""Side in pixels of the blocks whose means are compared."""


def color_shift(restored: Tensor, reference: Tensor, *, border: int = 0) -> Tensor:
    """Mean distance of the colours' means over blocks of 16 pixels, without their brightness, in grey levels.

    restored, reference: (B, 3, H, W) in [0, 1] -> (B,) float64, 0 or more: the root mean square of the three
    channels' differences, less their mean, of 255 levels.
    Raises DataError for a picture without a whole block.
    """
    difference = crop_border((restored - reference).double() * 255, border)
    if min(difference.shape[-2:]) < BLOCK:
        raise DataError(f"color_shift needs at least {BLOCK} pixels a side inside the border of {border}.")
    means = F.avg_pool2d(difference, BLOCK)
    colours = means - means.mean(1, keepdim=True)
    return colours.square().mean(1).sqrt().mean((-2, -1))
