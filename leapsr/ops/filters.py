"""Blur a batch with one kernel per image, and sharpen by unsharp masking."""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor


def filter2d(image: Tensor, kernels: Tensor) -> Tensor:
    """Correlates every channel of image b with kernel b, borders reflected.

    image: (B, C, H, W), any range. kernels: (B, K, K), K odd. Returns (B, C, H, W).
    An axis too short to be reflected (K // 2 >= its length) repeats its border instead.
    """
    assert kernels.shape[-1] % 2 == 1, "an even kernel has no centre"
    height, width = image.shape[-2:]
    padded = _pad(image, kernels.shape[-1] // 2)
    # Kernels of 21 x 21 cost ten times less through the Fourier transform than directly, on a CPU.
    size = [_fast_length(length, image.device) for length in padded.shape[-2:]]
    response = torch.fft.rfft2(kernels, s=size).conj().unsqueeze(1)
    filtered: Tensor = torch.fft.irfft2(torch.fft.rfft2(padded, s=size) * response, s=size)
    return filtered[..., :height, :width]


def unsharp_mask(image: Tensor, weight: float = 0.5, taps: int = 51, threshold: float = 10.0) -> Tensor:
    """Sharpens the edges of a clean image, as Real-ESRGAN does with its training targets.

    image: (B, C, H, W) in [0, 1]; so is the result. taps: width of the Gaussian, odd. threshold: grey levels
    (of 255) by which a pixel must differ from its blurred self to be sharpened.
    """
    kernels = _gaussian_kernel(taps, image.dtype, image.device).expand(len(image), -1, -1)
    residual = image - filter2d(image, kernels)
    mask = (residual.abs() * 255 > threshold).to(image.dtype)
    soft_mask = filter2d(mask, kernels)
    sharp = (image + weight * residual).clamp(0, 1)
    return torch.lerp(image, sharp, soft_mask)


def gaussian_line(radius: int, sigma: float, like: Tensor) -> Tensor:
    """(2 radius + 1,), its sum 1. like: whose precision and device it has."""
    offset = torch.arange(-radius, radius + 1, dtype=like.dtype, device=like.device)
    return torch.softmax(-(offset**2) / (2 * sigma**2), dim=0)


def gaussian_mean(planes: Tensor, radius: int, sigma: float) -> Tensor:
    """Mean of each full window. planes: (B, 1, H, W) -> (B, 1, H - 2 radius, W - 2 radius)."""
    line = gaussian_line(radius, sigma, planes)
    rows = F.conv2d(planes, line.view(1, 1, -1, 1))
    return F.conv2d(rows, line.view(1, 1, 1, -1))


def _pad(image: Tensor, radius: int) -> Tensor:
    height, width = image.shape[-2:]
    if radius < min(height, width):
        return F.pad(image, [radius] * 4, mode="reflect")
    image = F.pad(image, (radius, radius, 0, 0), mode="reflect" if radius < width else "replicate")
    return F.pad(image, (0, 0, radius, radius), mode="reflect" if radius < height else "replicate")


def _fast_length(length: int, device: torch.device) -> int:
    """The next length with no prime factor above 5, for which a Fourier transform is fast.

    A GPU plans its transforms anew for each length, which costs more than a few zeros: multiples of 64 there.
    """
    if device.type != "cpu":
        return -(-length // 64) * 64
    while not _is_smooth(length):
        length += 1
    return length


def _is_smooth(length: int) -> bool:
    for prime in (2, 3, 5):
        while length % prime == 0:
            length //= prime
    return length == 1


@cache
def _gaussian_kernel(taps: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(taps, taps), with the standard deviation that OpenCV gives to a kernel of that size. Copied once."""
    sigma = 0.3 * ((taps - 1) * 0.5 - 1) + 0.8
    with torch.inference_mode(False):  # autograd cannot use tensors made in that mode
        x = torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2
        line = torch.exp(-(x**2) / (2 * sigma**2))
        line = line / line.sum()
        return torch.outer(line, line).to(device, dtype)
