"""Blur kernels of Real-ESRGAN (Wang et al. 2021, section 3.1 and 3.3), batched over their parameters.

Every kernel is zero-padded to SIDE x SIDE and sums to 1. Parameters are (B,) tensors and their type decides
the precision. x runs along columns, angles are in radians, standard deviations in pixels.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .draw import chance, choice, uniform

SIDE = 21
# Isotropic and anisotropic Gaussian, the same two generalised, the same two as a plateau.
FAMILIES = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)


@dataclass(frozen=True)
class Blur:
    """How the kernels of one stage are drawn. Sizes are odd; pairs are bounds."""

    sigma: tuple[float, float]
    sizes: tuple[int, int] = (7, SIDE)
    beta_gaussian: tuple[float, float] = (0.5, 4.0)
    beta_plateau: tuple[float, float] = (1.0, 2.0)
    sinc_probability: float = 0.1


def gaussian(size: Tensor, sigma_x: Tensor, sigma_y: Tensor, angle: Tensor) -> Tensor:
    """(B, SIDE, SIDE). Isotropic where sigma_x equals sigma_y."""
    return generalized_gaussian(size, sigma_x, sigma_y, angle, torch.ones_like(sigma_x))


def generalized_gaussian(
    size: Tensor, sigma_x: Tensor, sigma_y: Tensor, angle: Tensor, beta: Tensor
) -> Tensor:
    """exp(-d^beta / 2) of the squared Mahalanobis distance d."""
    distance = _distance(sigma_x, sigma_y, angle) ** beta.view(-1, 1, 1)
    return _normalise(torch.exp(-distance / 2), size)


def plateau(size: Tensor, sigma_x: Tensor, sigma_y: Tensor, angle: Tensor, beta: Tensor) -> Tensor:
    """1 / (1 + d^beta) of the squared Mahalanobis distance d."""
    distance = _distance(sigma_x, sigma_y, angle) ** beta.view(-1, 1, 1)
    return _normalise(1 / (1 + distance), size)


def sinc(size: Tensor, cutoff: Tensor) -> Tensor:
    """The ideal circular low-pass filter, which rings. cutoff: (B,), radians per pixel, up to pi."""
    offsets = torch.arange(SIDE // 2 + 1, dtype=cutoff.dtype, device=cutoff.device)
    radius = torch.sqrt(offsets.unsqueeze(1) ** 2 + offsets**2)
    cutoff = cutoff.view(-1, 1, 1)
    ring = cutoff * _bessel_j1(cutoff * radius) / (2 * math.pi * radius)
    quadrant = torch.where(radius == 0, cutoff**2 / (4 * math.pi), ring)
    mirror = (torch.arange(SIDE, device=cutoff.device) - SIDE // 2).abs()
    return _normalise(quadrant[:, mirror][:, :, mirror], size)


def draw_blur(blur: Blur, count: int, generator: torch.Generator) -> Tensor:
    """(count, SIDE, SIDE): kernels of all families and of the sinc filter, as Real-ESRGAN mixes them."""
    size = _draw_size(blur.sizes, count, generator)
    family = choice(FAMILIES, count, generator)
    sigma_x, sigma_y = (uniform(*blur.sigma, count, generator) for _ in range(2))
    angle = uniform(-math.pi, math.pi, count, generator)
    sigma_y = torch.where(family % 2 == 0, sigma_x, sigma_y)
    beta_gaussian = torch.where(family < 2, 1.0, _draw_beta(blur.beta_gaussian, count, generator))
    beta_plateau = _draw_beta(blur.beta_plateau, count, generator)
    shaped = torch.where(
        (family < 4).view(-1, 1, 1),
        generalized_gaussian(size, sigma_x, sigma_y, angle, beta_gaussian),
        plateau(size, sigma_x, sigma_y, angle, beta_plateau),
    )
    # A narrow kernel cannot hold a low cutoff.
    cutoff = uniform(torch.where(size < 13, math.pi / 3, math.pi / 5), math.pi, count, generator)
    return torch.where(
        chance(blur.sinc_probability, count, generator).view(-1, 1, 1), sinc(size, cutoff), shaped
    )


def draw_sinc(count: int, generator: torch.Generator) -> Tensor:
    """(count, SIDE, SIDE): the last filter of Real-ESRGAN, cutoff from U[pi/3, pi)."""
    size = _draw_size((7, SIDE), count, generator)
    return sinc(size, uniform(math.pi / 3, math.pi, count, generator))


def _bessel_j1(x: Tensor) -> Tensor:
    """Bessel's integral by the midpoint rule, which for x below 60 is exact to rounding.

    torch.special.bessel_j1 is off by up to 5e-7 between 3 and 20, even in float64.
    """
    nodes = (torch.arange(48, dtype=x.dtype, device=x.device) + 0.5) * (math.pi / 48)
    return torch.cos(nodes - x.unsqueeze(-1) * nodes.sin()).mean(-1)


def _draw_size(sizes: tuple[int, int], count: int, generator: torch.Generator) -> Tensor:
    smallest, largest = sizes
    return smallest + 2 * choice([1.0] * ((largest - smallest) // 2 + 1), count, generator)


def _draw_beta(bounds: tuple[float, float], count: int, generator: torch.Generator) -> Tensor:
    """Below and above 1 with equal chance, uniform on either side."""
    low, high = uniform(bounds[0], 1.0, count, generator), uniform(1.0, bounds[1], count, generator)
    return torch.where(chance(0.5, count, generator), low, high)


def _grid(like: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column offsets from the centre, (SIDE, 1) and (SIDE,)."""
    offsets = torch.arange(SIDE, dtype=like.dtype, device=like.device) - SIDE // 2
    return offsets.unsqueeze(1), offsets


def _distance(sigma_x: Tensor, sigma_y: Tensor, angle: Tensor) -> Tensor:
    y, x = _grid(sigma_x)
    cosine, sine = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    along, across = cosine * x + sine * y, cosine * y - sine * x
    return (along / sigma_x.view(-1, 1, 1)) ** 2 + (across / sigma_y.view(-1, 1, 1)) ** 2


def _normalise(kernels: Tensor, size: Tensor) -> Tensor:
    """Cuts each kernel to its size (an even one reaches one pixel farther right and down), then to sum 1."""
    y, x = _grid(kernels)
    size = size.view(-1, 1, 1)
    first, last = -((size - 1) // 2), size // 2
    inside = (y >= first) & (y <= last) & (x >= first) & (x <= last)
    kernels = torch.where(inside, kernels, torch.zeros_like(kernels))
    return kernels / kernels.sum(dim=(-2, -1), keepdim=True)
