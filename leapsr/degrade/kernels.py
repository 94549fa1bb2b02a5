"""Blur kernels of Real-ESRGAN (Wang et al. 2021, section 3.1 and 3.3), batched over their parameters.

Every kernel is zero-padded to SIDE x SIDE and sums to 1. Parameters are (B,) tensors and their type decides
the precision. x runs along columns, angles are in radians, standard deviations in pixels.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Self

import torch
from torch import Tensor

from .draw import Randomness, chance, choice, uniform

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


def sinc(size: Tensor, cutoff: Tensor) -> Tensor:
    """The ideal circular low-pass filter, which rings. cutoff: (B,), radians per pixel, up to pi."""
    return _normalise(_ringing(cutoff), size)


@dataclass(frozen=True)
class BlurDraw:
    """Which kernel each image gets, in a few numbers: every field is (B,)."""

    size: Tensor
    family: Tensor
    sigma_x: Tensor
    sigma_y: Tensor
    angle: Tensor
    beta_gaussian: Tensor
    beta_plateau: Tensor
    cutoff: Tensor
    ringing: Tensor

    @classmethod
    def draw(cls, blur: Blur, count: int, generator: Randomness) -> Self:
        """Kernels of all families and of the sinc filter, as Real-ESRGAN mixes them."""
        size = _draw_size(blur.sizes, count, generator)
        family = choice(FAMILIES, count, generator)
        sigma_x, sigma_y = (uniform(*blur.sigma, count, generator) for _ in range(2))
        return cls(
            size=size,
            family=family,
            sigma_x=sigma_x,
            sigma_y=torch.where(family % 2 == 0, sigma_x, sigma_y),
            angle=uniform(-math.pi, math.pi, count, generator),
            beta_gaussian=torch.where(family < 2, 1.0, _draw_beta(blur.beta_gaussian, count, generator)),
            beta_plateau=_draw_beta(blur.beta_plateau, count, generator),
            # A narrow kernel cannot hold a low cutoff.
            cutoff=uniform(torch.where(size < 13, math.pi / 3, math.pi / 5), math.pi, count, generator),
            ringing=chance(blur.sinc_probability, count, generator),
        )

    def kernels(self) -> Tensor:
        """(B, SIDE, SIDE), on the device of the fields."""
        is_gaussian = self.family < 4
        beta = torch.where(is_gaussian, self.beta_gaussian, self.beta_plateau)
        distance = _distance(self.sigma_x, self.sigma_y, self.angle, beta)
        gaussian, plateau = torch.exp(-distance / 2), 1 / (1 + distance)
        shaped = torch.where(is_gaussian.view(-1, 1, 1), gaussian, plateau)
        return _normalise(torch.where(self.ringing.view(-1, 1, 1), _ringing(self.cutoff), shaped), self.size)


@dataclass(frozen=True)
class SincDraw:
    """The last filter of Real-ESRGAN: every field is (B,)."""

    size: Tensor
    cutoff: Tensor

    @classmethod
    def draw(cls, sizes: tuple[int, int], count: int, generator: Randomness) -> Self:
        """Cutoffs from U[pi/3, pi)."""
        size = _draw_size(sizes, count, generator)
        return cls(size, uniform(math.pi / 3, math.pi, count, generator))

    def kernels(self) -> Tensor:
        """(B, SIDE, SIDE), on the device of the fields."""
        return sinc(self.size, self.cutoff)


def _ringing(cutoff: Tensor) -> Tensor:
    """(B, SIDE, SIDE) of cutoffs (B,)."""
    radius, mirror = _quadrant(cutoff.dtype, cutoff.device)
    cutoff = cutoff.view(-1, 1, 1)
    ring = cutoff * _bessel_j1(cutoff * radius) / (2 * math.pi * radius)
    quadrant = torch.where(radius == 0, cutoff**2 / (4 * math.pi), ring)
    return quadrant[:, mirror.unsqueeze(1), mirror]


def _bessel_j1(x: Tensor) -> Tensor:
    """Bessel's integral by the midpoint rule, which for x below 60 is exact to rounding.

    torch.special.bessel_j1 is off by up to 5e-7 between 3 and 20, even in float64.
    """
    nodes, sines = _nodes(x.dtype, x.device)
    return torch.cos(nodes - x.unsqueeze(-1) * sines).mean(-1)


def _draw_size(sizes: tuple[int, int], count: int, generator: Randomness) -> Tensor:
    smallest, largest = sizes
    return smallest + 2 * choice([1.0] * ((largest - smallest) // 2 + 1), count, generator)


def _draw_beta(bounds: tuple[float, float], count: int, generator: Randomness) -> Tensor:
    """Below and above 1 with equal chance, uniform on either side."""
    low, high = uniform(bounds[0], 1.0, count, generator), uniform(1.0, bounds[1], count, generator)
    return torch.where(chance(0.5, count, generator), low, high)


def _distance(sigma_x: Tensor, sigma_y: Tensor, angle: Tensor, beta: Tensor) -> Tensor:
    """(B, SIDE, SIDE): the squared Mahalanobis distance from the centre to the power beta."""
    x = _offsets(sigma_x.dtype, sigma_x.device)
    y = x.unsqueeze(1)
    cosine, sine = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    along, across = cosine * x + sine * y, cosine * y - sine * x
    squared = (along / sigma_x.view(-1, 1, 1)) ** 2 + (across / sigma_y.view(-1, 1, 1)) ** 2
    return squared ** beta.view(-1, 1, 1)


def _normalise(kernels: Tensor, size: Tensor) -> Tensor:
    """Cuts each kernel to its size (an even one reaches one pixel farther right and down), then to sum 1."""
    offsets, size = _offsets(kernels.dtype, kernels.device), size.unsqueeze(1)
    inside = (offsets >= -((size - 1) // 2)) & (offsets <= size // 2)
    kernels = torch.where(inside.unsqueeze(2) & inside.unsqueeze(1), kernels, 0.0)
    return kernels / kernels.sum(dim=(-2, -1), keepdim=True)


# Made once for each device, to save a dozen small launches a batch, and outside of inference mode, because
# autograd cannot use tensors that were made in it.


@cache
@torch.inference_mode(False)
def _offsets(dtype: torch.dtype, device: torch.device) -> Tensor:
    """(SIDE,): columns, or rows, from the centre."""
    return torch.arange(SIDE, dtype=dtype, device=device) - SIDE // 2


@cache
@torch.inference_mode(False)
def _nodes(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """(48,) each: the midpoints of Bessel's integral, and their sines."""
    nodes = (torch.arange(48, dtype=dtype, device=device) + 0.5) * (math.pi / 48)
    return nodes, nodes.sin()


@cache
@torch.inference_mode(False)
def _quadrant(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Distances from the centre in one quadrant, and (SIDE,): where each row or column lies in it."""
    offsets = torch.arange(SIDE // 2 + 1, dtype=dtype, device=device)
    mirror = (torch.arange(SIDE, device=device) - SIDE // 2).abs()
    return torch.sqrt(offsets.unsqueeze(1) ** 2 + offsets**2), mirror
