"""Give a restored picture the colours of the picture it was made from.

Both ways look further than a tile. What `wavelet` looks at lies within RADIUS pixels, so parts with that
margin are corrected as the whole is. `adain` needs the mean and deviation of everything, which `Moments`
gathers part by part.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

ColorFix = Literal["adain", "wavelet"]
COLOR_FIXES: tuple[ColorFix, ...] = ("adain", "wavelet")

LEVELS = 5
RADIUS = 2**LEVELS - 1
"""Pixels that `wavelet` looks at on each side."""
EPSILON = 1e-5


def wavelet(image: Tensor, reference: Tensor) -> Tensor:
    """Keep the fine detail of `image` and take what is coarser than about 2^LEVELS pixels from `reference`.

    The "a trous" decomposition of StableSR (Wang et al. 2023): with L the low-pass part the result is
    image - L(image) + L(reference); L is linear. Both (..., C, H, W) of one size, any range. Not clamped.
    """
    return image + _low_frequencies(reference - image)


def adain(image: Tensor, statistics: "Moments", wanted: "Moments") -> Tensor:
    """Give each channel the mean and standard deviation `wanted`, where the whole picture has `statistics`.

    Adaptive instance normalisation (Huang & Belongie 2017, equation 8). image: (C, H, W), the whole or a
    part, any range. Not clamped.
    """
    factor = wanted.deviation / statistics.deviation
    offset = wanted.mean - statistics.mean * factor
    return image * factor.to(image)[:, None, None] + offset.to(image)[:, None, None]


@dataclass
class Moments:
    """Mean and deviation of each channel, gathered from parts of a picture in any order."""

    pixels: int = 0
    mean: Tensor = field(default_factory=lambda: torch.zeros(1, dtype=torch.float64))
    squares: Tensor = field(default_factory=lambda: torch.zeros(1, dtype=torch.float64))
    """Of the differences from the mean, their sum."""

    def add(self, part: Tensor) -> None:
        """part: (C, h, w). The update is that of Chan, Golub & LeVeque 1983, equation 2.1."""
        pixels = part[0].numel()
        variance, mean = torch.var_mean(part.flatten(1), dim=1, correction=0)
        variance, mean = variance.double().cpu(), mean.double().cpu()
        total, distance = self.pixels + pixels, mean - self.mean
        self.squares = self.squares + variance * pixels + distance**2 * (self.pixels * pixels / total)
        self.mean = self.mean + distance * (pixels / total)
        self.pixels = total

    @property
    def deviation(self) -> Tensor:
        """(C,), unbiased; never 0."""
        return (self.squares / max(1, self.pixels - 1) + EPSILON).sqrt()


def _low_frequencies(image: Tensor) -> Tensor:
    for level in range(LEVELS):
        image = _blur_rows(image, 2**level)
        image = _blur_rows(image.mT, 2**level).mT
    return image


def _blur_rows(image: Tensor, distance: int) -> Tensor:
    """[1 2 1] / 4 along the last axis, with taps `distance` apart and the border repeated."""
    shape = image.shape
    padded = F.pad(image.reshape(-1, 1, shape[-1]), (distance, distance), mode="replicate").view(
        *shape[:-1], -1
    )
    centre = padded[..., distance:-distance]
    return (padded[..., : -2 * distance] + 2 * centre + padded[..., 2 * distance :]) / 4
