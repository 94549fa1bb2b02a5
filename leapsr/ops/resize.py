"""Change the size of a batch of images."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

Mode = Literal["area", "bilinear", "bicubic"]
MODES: tuple[Mode, ...] = ("area", "bilinear", "bicubic")


def resize(image: Tensor, size: tuple[int, int], mode: Mode = "bicubic", antialias: bool = False) -> Tensor:
    """Resizes to `size` = (height, width); bicubic may overshoot the range of the input.

    image: (B, C, H, W), any range. antialias widens bilinear and bicubic kernels when shrinking; area does so
    anyway.
    """
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    if mode == "area":
        return F.interpolate(image, size=size, mode="area")
    return F.interpolate(image, size=size, mode=mode, align_corners=False, antialias=antialias)


def downsample(image: Tensor, scale: int) -> Tensor:
    """Antialiased bicubic reduction, (B, C, H, W) -> (B, C, H/s, W/s), as MATLAB's imresize and Pillow do it.

    Not clamped: edges overshoot. Raises ValueError where a side is not a multiple of `scale`.
    """
    return resize(image, reduced_size(image, scale), antialias=True)


def reduced_size(image: Tensor, scale: int) -> tuple[int, int]:
    """(H / scale, W / scale). Raises ValueError where a side of (..., H, W) is not a multiple of `scale`."""
    height, width = image.shape[-2:]
    if height % scale or width % scale:
        raise ValueError(f"An image of {width} x {height} pixels is not a multiple of {scale}: crop it.")
    return height // scale, width // scale
