"""JPEG, as the codec does it on a CPU and as its arithmetic on any device."""

import io
import math
from functools import cache
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from .color import to_uint8
from .transfer import constant, to_device

Codec = Literal["auto", "real", "tensor"]
Pixels = NDArray[np.uint8]  # (H, W, 3)

# ITU-T T.81, tables K.1 and K.2.
LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
RGB_TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
YCBCR_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))
MACROBLOCK = 16  # pixels: one 8 x 8 block of chroma at 4:2:0


def jpeg(image: Tensor, quality: Tensor, codec: Codec = "auto") -> Tensor:
    """Compresses and decompresses each image at its own quality, colour at half resolution (4:2:0).

    image: (B, 3, H, W), clamped to [0, 1] first. quality: (B,) in 1..100, on any device. "auto" takes
    the real codec on a CPU, where it is faster, and the tensor arithmetic elsewhere. Returns (B, 3, H, W) in
    [0, 1].
    """
    real = image.device.type == "cpu" if codec == "auto" else codec == "real"
    return real_jpeg(image, quality) if real else tensor_jpeg(image, quality)


def real_jpeg(image: Tensor, quality: Tensor) -> Tensor:
    """The codec of Pillow, on 8-bit copies of the images and with qualities rounded to integers."""
    pixels = to_uint8(image.detach()).permute(0, 2, 3, 1).cpu().numpy()
    qualities = quality.round().int().tolist()
    decoded = np.stack([_through_file(*pair) for pair in zip(pixels, qualities, strict=True)])
    return torch.from_numpy(decoded).permute(0, 3, 1, 2).to(image).div(255)


def tensor_jpeg(image: Tensor, quality: Tensor) -> Tensor:
    """JPEG without the file: colour transform, block cosine transform and quantisation, in floating point.

    Sides that are no multiple of 16 are filled with black, as in DiffJPEG. The tables are the codec's;
    DiffJPEG has them transposed and so equals this function on transposed images. The result is not rounded.
    """
    height, width = image.shape[-2:]
    quality = to_device(quality.to(image.dtype), image.device).view(-1, 1, 1, 1, 1, 1)
    factor = torch.where(quality < 50, 50 / quality, 2 - quality / 50)  # of the Independent JPEG Group
    filled = F.pad(image.clamp(0, 1), (0, -width % MACROBLOCK, 0, -height % MACROBLOCK))
    ycbcr = _mix(filled * 255, RGB_TO_YCBCR)
    luma = _quantise(ycbcr[:, :1] - 128, LUMINANCE, factor) + 128
    chroma = _quantise(F.avg_pool2d(ycbcr[:, 1:], 2), CHROMINANCE, factor)
    chroma = F.interpolate(chroma, scale_factor=2, mode="nearest")
    rgb = _mix(torch.cat([luma, chroma], dim=1), YCBCR_TO_RGB)
    return rgb[..., :height, :width].clamp(0, 255) / 255


def _through_file(pixels: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(buffer))


def _mix(image: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    weights = constant(matrix, image.dtype, image.device).expand(len(image), 3, 3)
    return torch.bmm(weights, image.flatten(2)).view(image.shape)


def _quantise(channels: Tensor, table: tuple[tuple[int, ...], ...], factor: Tensor) -> Tensor:
    """Rounds the cosine coefficients of (B, C, H, W) to multiples of the table times each factor.

    factor: (B, 1, 1, 1, 1, 1).
    """
    cosines = _cosines(channels.dtype, channels.device)
    # Baseline files hold steps of 1 to 255. (They hold whole numbers too, which DiffJPEG leaves out.)
    steps = constant(table, channels.dtype, channels.device).view(8, 1, 8)
    steps = (steps * factor).clamp(1, 255)
    batch, planes, height, width = channels.shape
    blocks = (batch, planes, height // 8, 8, width // 8, 8)
    coefficients = _both_ways(channels, cosines).view(blocks)
    rounded = (coefficients / steps).round() * steps
    return _both_ways(rounded.view(channels.shape), cosines.T)


def _both_ways(channels: Tensor, transform: Tensor) -> Tensor:
    """transform @ block @ transform.T for each 8 x 8 block of (B, C, H, W), which all stay where they are."""
    rows = channels.reshape(-1, 8, channels.shape[-1])
    rows = torch.bmm(transform.expand(len(rows), 8, 8), rows)
    return (rows.view(-1, 8) @ transform.T).view(channels.shape)


@cache
def _cosines(dtype: torch.dtype, device: torch.device) -> Tensor:
    """The orthonormal 8 x 8 cosine transform, one frequency per row. Copied to the device once."""
    with torch.inference_mode(False):  # autograd cannot use tensors made in that mode
        index = torch.arange(8, dtype=torch.float64)
        matrix = torch.cos(torch.outer(index, 2 * index + 1) * math.pi / 16) / 2
        matrix[0] /= math.sqrt(2)
        return matrix.to(device, dtype)
