"""Gaussian and Poisson noise in colour or in grey, one level for each image, as Real-ESRGAN adds them."""

import torch
from torch import Tensor

from ..ops.color import luma
from .draw import Randomness, apply_where, batched, normal, of_fields


def add_gaussian(image: Tensor, sigma: Tensor, grey: Tensor, generator: Randomness) -> Tensor:
    """image: (B, 3, H, W) in [0, 1], as is the result. sigma: (B,) in grey levels of 255.

    grey: (B,) of bool; true gives the three channels the same noise. All are on one device.
    """
    batch, _, height, width = image.shape
    channels = 1 if not batched(image) and grey.all() else 3
    noise = normal((batch, channels, height, width), generator, image.device)
    if channels == 3:
        noise = apply_where(grey, _repeat_first_channel, noise)
    return (image + noise * (sigma / 255).to(image).view(-1, 1, 1, 1)).clamp(0, 1)


def add_poisson(image: Tensor, strength: Tensor, grey: Tensor, generator: Randomness) -> Tensor:
    """Noise of photons counted, times `strength`, (B,). Everything else as in `add_gaussian`."""
    if batched(image):
        return _add_poisson_to_all(image, strength, grey, generator)

    def expose(image: Tensor, seen: Tensor, strength: Tensor) -> Tensor:
        noise = photon_noise(seen, generator) * strength.to(image).view(-1, 1, 1, 1)
        return (image + noise).clamp(0, 1)

    image = apply_where(~grey, lambda some, level: expose(some, some, level), image, strength)
    return apply_where(grey, lambda some, level: expose(some, luma(some), level), image, strength)


def _add_poisson_to_all(image: Tensor, strength: Tensor, grey: Tensor, generator: Randomness) -> Tensor:
    """The same in law, and counted once for the whole batch."""
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
    source, place = of_fields(generator, image.device)
    counted = torch.poisson(rate.to(place), generator=source).to(image.device)
    return (counted - rate) / photons


def _repeat_first_channel(noise: Tensor) -> Tensor:
    return noise[:, :1].expand_as(noise)


def _grey_levels(levels: Tensor) -> Tensor:
    """(B,): how many different values of 0..255 each image has."""
    seen = levels.new_zeros(len(levels), 256)
    return seen.scatter_(1, levels.flatten(1).long(), 1.0).sum(1)


def _next_power_of_two(count: Tensor) -> Tensor:
    """Exact on every device, unlike log2 followed by ceil. count: whole numbers from 1."""
    return torch.ldexp(torch.ones_like(count), torch.frexp(count - 1).exponent)
