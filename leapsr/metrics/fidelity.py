"""How close a restored picture is to the true one: PSNR and SSIM.

Both are computed in float64 and follow the super-resolution literature: `border` pixels are cut from each
side, and "y" means BT.601 luma in the studio range 16..235 of 255, not rounded (MATLAB's rgb2ycbcr).
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import DataError
from ..ops.color import studio_luma
from ..ops.ssim import WINDOW, similarity

Channels = Literal["rgb", "y"]


def crop_border(image: Tensor, border: int) -> Tensor:
    """Cut `border` pixels from each side. image: (B, C, H, W).

    Raises DataError when nothing would be left.
    """
    height, width = image.shape[-2:]
    if min(height, width) <= 2 * border:
        raise DataError(
            f"A {width}x{height} picture has nothing inside a border of {border}; take a smaller one."
        )
    return image[..., border : height - border, border : width - border]


def _comparable(image: Tensor, channels: Channels, border: int) -> Tensor:
    return crop_border(studio_luma(image) if channels == "y" else image.double(), border)


def psnr(restored: Tensor, reference: Tensor, *, channels: Channels = "rgb", border: int = 0) -> Tensor:
    """Peak signal-to-noise ratio in dB; infinite for equal pictures.

    restored, reference: (B, 3, H, W) in [0, 1] -> (B,) float64.
    """
    difference = _comparable(restored, channels, border) - _comparable(reference, channels, border)
    return -10 * difference.square().mean(dim=(1, 2, 3)).log10()


def ssim(restored: Tensor, reference: Tensor, *, channels: Channels = "rgb", border: int = 0) -> Tensor:
    """Structural similarity (Wang et al. 2004), mean over pixels and channels; 1 for equal pictures.

    restored, reference: (B, 3, H, W) in [0, 1] -> (B,) float64.
    Only pixels whose whole 11 x 11 window lies inside the picture count.
    Raises DataError for a picture smaller than the window.
    """
    x, y = (_comparable(image, channels, border) for image in (restored, reference))
    if min(x.shape[-2:]) < WINDOW:
        raise DataError(f"SSIM needs at least {WINDOW} pixels a side inside the border of {border}.")
    # One plane at a time: on a CPU the float64 convolution of three at once took six times as long.
    planes = zip(x.flatten(0, 1), y.flatten(0, 1), strict=True)
    scores = torch.stack([similarity(one[None, None], other[None, None]).mean() for one, other in planes])
    return scores.view(x.shape[:2]).mean(1)


def lr_psnr(restored: Tensor, lr: Tensor) -> Tensor:
    """How well the result agrees with its input: PSNR in dB between the downsampled result and the input.

    restored: (B, 3, sH, sW), lr: (B, 3, H, W), both in [0, 1] -> (B,) float64. Downsampling is antialiased
    bicubic; after another degradation (JPEG, blur) a right result scores low too.
    """
    size = (lr.shape[-2], lr.shape[-1])
    small = F.interpolate(restored.double(), size=size, mode="bicubic", antialias=True)
    return psnr(small.clamp(0, 1), lr)
