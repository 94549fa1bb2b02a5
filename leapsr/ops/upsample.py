"""Bicubic upsampling by a whole factor as one convolution.

Torch's own resize computes source positions in float32, so its result at a pixel depends on where the
tile that holds the pixel begins. A fixed filter for each phase does not, and it gives the
pixel-unshuffled layout that the networks work in without ever making the large image.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

RADIUS = 2
"""Low-resolution pixels that an upsampled pixel can see on each side."""


def keys_cubic(distance: Tensor, a: float = -0.5) -> Tensor:
    """Keys' cubic kernel; a = -0.5 is MATLAB's and Pillow's."""
    x = distance.abs()
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return torch.where(x <= 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


def phase_filters(scale: int) -> Tensor:
    """(scale^2, 5, 5), float64: one filter for each position inside an upsampled pixel block."""
    offset = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
    taps = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
    line = keys_cubic(offset[:, None] - taps)
    return torch.einsum("py,qx->pqyx", line, line).flatten(0, 1)


@cache
def _kept(scale: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The filters on a device, copied there once, because a copy makes a GPU wait.

    Made in a thread of its own, which shares none of the first caller's modes (inference, a forward-mode
    derivative): other callers could not use tensors made in those.
    """

    def make() -> Tensor:
        return phase_filters(scale).to(device, dtype)

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(make).result()


def _filters(scale: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    return _kept(scale, device, dtype)


# A compiled network takes the filters as a constant. This is what torch.compiler.assume_constant_result does,
# whose import takes seconds.
_filters._dynamo_marked_constant = True  # type: ignore[attr-defined]


def bicubic_phases(lr: Tensor, scale: int) -> Tensor:
    """Pixel-unshuffled bicubic upsampling. lr: (B, C, H, W) -> (B, C scale^2, H, W), any range."""
    channels = lr.shape[1]
    filters = _filters(scale, lr.device, lr.dtype).repeat(channels, 1, 1).unsqueeze(1)
    padded = F.pad(lr, [RADIUS] * 4, mode="replicate")
    return F.conv2d(padded, filters, groups=channels)


def bicubic_upsample(lr: Tensor, scale: int) -> Tensor:
    """lr: (B, C, H, W) -> (B, C, scale H, scale W), edges replicated."""
    return F.pixel_shuffle(bicubic_phases(lr, scale), scale)
