"""Give a restored picture the colours of the picture it was made from.

Both functions look at the whole picture: corrected tile by tile, the colours would change from tile to tile.
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

LEVELS = 5
EPSILON = 1e-5


def wavelet(image: Tensor, reference: Tensor) -> Tensor:
    """Keep the fine detail of `image` and take what is coarser than about 2^LEVELS pixels from `reference`.

    The "a trous" decomposition of StableSR (Wang et al. 2023): with L the low-pass part the result is
    image - L(image) + L(reference); L is linear. Both (..., C, H, W) of one size, any range. Not clamped.
    """
    return image + _low_frequencies(reference - image)


def adain(image: Tensor, reference: Tensor) -> Tensor:
    """Give each channel of `image` the mean and standard deviation that it has in `reference`.

    Adaptive instance normalisation (Huang & Belongie 2017, equation 8). Both (..., C, H, W), any range. Not
    clamped.
    """
    (mean, deviation), (wanted_mean, wanted_deviation) = _statistics(image), _statistics(reference)
    return (image - mean) / deviation * wanted_deviation + wanted_mean


COLOR_FIXES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"adain": adain, "wavelet": wavelet}


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


def _statistics(image: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, (..., C, 1, 1)."""
    pixels = image.shape[-2] * image.shape[-1]
    variance = image.var(dim=(-2, -1), keepdim=True, correction=min(1, pixels - 1))
    return image.mean(dim=(-2, -1), keepdim=True), (variance + EPSILON).sqrt()
