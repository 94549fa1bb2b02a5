"""Gaussian and Poisson noise, as Real-ESRGAN adds them, and the noise that a damaged picture has."""

import torch
from torch import Tensor

from ..ops.color import luma
from ..ops.filters import filter2d, gaussian_line
from ..ops.resize import downsample
from .draw import Randomness, apply_where, batched, noise_source, normal

BLURS = (0.7, 1.5, 3.0)
"""Standard deviations in small pixels of the Gaussians that `noise_of` models blur by."""
_RADIUS = 8


def add_gaussian(image: Tensor, sigma: Tensor, grey: Tensor, generator: Randomness) -> Tensor:
    """Add normal noise, of one level for each image.

    image: (B, 3, H, W) in [0, 1], as is the result. sigma: (B,) in grey levels of 255. grey: (B,) of bool;
    true gives the three channels the same noise. All are on one device.
    """
    batch, _, height, width = image.shape
    channels = 1 if not batched(image) and grey.all() else 3
    noise = normal((batch, channels, height, width), generator, image.device)
    if channels == 3:
        noise = apply_where(grey, lambda some: some[:, :1].expand_as(some), noise)
    return (image + noise * (sigma / 255).to(image).view(-1, 1, 1, 1)).clamp(0, 1)


def add_poisson(image: Tensor, strength: Tensor, grey: Tensor, generator: Randomness) -> Tensor:
    """Add `strength`, (B,), times the noise of counted photons. The rest is as in `add_gaussian`."""
    if batched(image):
        return _add_poisson_to_all(image, strength, grey, generator)

    def expose(image: Tensor, seen: Tensor, strength: Tensor) -> Tensor:
        noise = photon_noise(seen, generator) * strength.to(image).view(-1, 1, 1, 1)
        return (image + noise).clamp(0, 1)

    image = apply_where(~grey, lambda some, level: expose(some, some, level), image, strength)
    return apply_where(grey, lambda some, level: expose(some, luma(some), level), image, strength)


def _add_poisson_to_all(image: Tensor, strength: Tensor, grey: Tensor, generator: Randomness) -> Tensor:
    """The same distribution, drawn once for the whole batch."""
    grey = grey.view(-1, 1, 1, 1)
    noise = photon_noise(torch.where(grey, luma(image), image), generator)
    noise = torch.where(grey, noise[:, :1], noise)
    return (image + noise * strength.to(image).view(-1, 1, 1, 1)).clamp(0, 1)


def photon_noise(image: Tensor, generator: Randomness) -> Tensor:
    """(B, C, H, W): a Poisson draw of each image minus the image itself.

    White is as many photons as the image has grey levels, rounded up to a power of two.
    """
    levels = (image * 255).round().clamp(0, 255)
    photons = _next_power_of_two(_grey_levels(levels)).view(-1, 1, 1, 1)
    rate = levels * (photons / 255)
    source, place = noise_source(generator, image.device)
    counted = torch.poisson(rate.to(place), generator=source).to(image.device)
    return (counted - rate) / photons


def noise_of(lr: Tensor, image: Tensor, scale: int) -> Tensor:
    """The noise of a damaged picture, without its blur: what `--denoise 0` keeps.

    lr, (B, 3, h, w), minus the mixture of blurred versions of the clean image that is nearest to it by least
    squares, for each sample. So blur, sharpening and ringing are no noise; grain and the blocks of JPEG are.
    image: (B, 3, scale h, scale w), clean, of the same range as lr.
    """
    clean = downsample(image, scale)
    lines = [gaussian_line(_RADIUS, sigma, clean) for sigma in BLURS]
    blurred = [filter2d(clean, torch.outer(line, line).expand(len(clean), -1, -1)) for line in lines]
    basis = torch.stack([clean, *blurred], dim=1).flatten(2)
    # Blurred versions of a flat picture are alike: only in double precision is the ridge more than rounding.
    precise = basis.double()
    gram = precise @ precise.mT
    ridge = 1e-6 * gram.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] + 1e-8
    gram = gram + ridge * torch.eye(len(BLURS) + 1, dtype=gram.dtype, device=gram.device)
    weights = torch.linalg.solve(gram, precise @ lr.flatten(1)[:, :, None].double()).to(lr.dtype)
    return lr - (weights * basis).sum(1).view_as(lr)


def _grey_levels(levels: Tensor) -> Tensor:
    """(B,): how many different values of 0..255 each image has."""
    seen = levels.new_zeros(len(levels), 256)
    return seen.scatter_(1, levels.flatten(1).long(), 1.0).sum(1)


def _next_power_of_two(count: Tensor) -> Tensor:
    """Exact on every device, unlike log2 followed by ceil. count: whole numbers from 1."""
    return torch.ldexp(torch.ones_like(count), torch.frexp(count - 1).exponent)
