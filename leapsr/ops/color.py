"""Luma (BT.601) and 8-bit levels of RGB images in [0, 1]."""

import torch
from PIL import Image
from torch import Tensor

from .transfer import constant

BT601 = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in luma, full range."""
BT601_STUDIO = (65.481, 128.553, 24.966)
"""The same for the studio range, 16 to 235 of 255 (MATLAB's rgb2ycbcr)."""


def luma(image: Tensor) -> Tensor:
    """Full-range luma. image: (..., 3, H, W) of any range -> (..., 1, H, W) of the same range."""
    return (image * constant(BT601, image.dtype, image.device).view(3, 1, 1)).sum(-3, keepdim=True)


def studio_luma(image: Tensor) -> Tensor:
    """Studio-range luma, as PSNR-Y is defined on it, not rounded.

    image: (..., 3, H, W) in [0, 1] -> (..., 1, H, W) float64 in [16, 235] / 255.
    """
    weights = constant(BT601_STUDIO, torch.float64, image.device).view(3, 1, 1)
    return ((image.double() * weights).sum(-3, keepdim=True) + 16.0) / 255


def to_uint8(image: Tensor) -> Tensor:
    """The nearest of 256 levels. image: any shape, clamped to [0, 1] -> uint8."""
    return (image.clamp(0, 1) * 255).round().to(torch.uint8)


def round_to_8_bits(image: Tensor) -> Tensor:
    """The values that an 8-bit file of the image would hold. Any shape, clamped to [0, 1]."""
    return (image.clamp(0, 1) * 255).round() / 255


def to_pil(image: Tensor) -> Image.Image:
    """(3, H, W), clamped to [0, 1] -> 8-bit RGB."""
    return Image.fromarray(to_uint8(image).permute(1, 2, 0).cpu().numpy())
