"""The parameters of Real-ESRGAN's second-order degradation, and what is drawn from them for each image."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Self, TypeVar

import torch
from torch import Tensor

from ..ops.transfer import to_device_together
from .draw import Randomness, chance, choice, resize_factor, uniform
from .kernels import SIDE, Blur, BlurDraw, SincDraw

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class Stage:
    """One of the two passes. Pairs are bounds of uniform draws."""

    blur: Blur
    blur_probability: float
    up_down_keep: tuple[float, float, float]
    resize: tuple[float, float]
    gaussian: tuple[float, float]  # standard deviation in grey levels
    poisson: tuple[float, float]  # multiple of the photon noise
    quality: tuple[float, float]  # JPEG
    gaussian_probability: float = 0.5
    grey_probability: float = 0.4


@dataclass(frozen=True)
class RealESRGANParams:
    first: Stage
    second: Stage
    second_order_probability: float = 1.0
    """Of the second stage (ResShift: 0.5); an image without it goes from the first to its final size."""
    final_sinc_probability: float = 0.8
    final_sizes: tuple[int, int] = (7, SIDE)
    """Of the last filter; both odd."""


# The published training options of Real-ESRGAN x4plus.
HEAVY = RealESRGANParams(
    first=Stage(Blur((0.2, 3.0)), 1.0, (0.2, 0.7, 0.1), (0.15, 1.5), (1, 30), (0.05, 3.0), (30, 95)),
    second=Stage(Blur((0.2, 1.5)), 0.8, (0.3, 0.4, 0.3), (0.3, 1.2), (1, 25), (0.05, 2.5), (30, 95)),
)
# StableSR's, whose second blur is at most 11 pixels wide.
LIGHT = RealESRGANParams(
    first=Stage(Blur((0.2, 3.0)), 1.0, (0.2, 0.7, 0.1), (0.3, 1.5), (1, 15), (0.05, 2.0), (60, 95)),
    second=Stage(
        Blur((0.2, 1.5), (7, 11)), 0.5, (0.3, 0.4, 0.3), (0.6, 1.2), (1, 12), (0.05, 1.0), (60, 100)
    ),
)


# ResShift's, which OFTSR's real-world runs take: kernels of 3 to 19 and 3 to 13 pixels, one stage for a half.
RESSHIFT = replace(
    HEAVY,
    first=replace(HEAVY.first, blur=Blur((0.2, 3.0), (3, 19))),
    second=replace(HEAVY.second, blur=Blur((0.2, 1.5), (3, 13))),
    second_order_probability=0.5,
    final_sizes=(3, 13),
)


@dataclass(frozen=True)
class StageDraw:
    """What one pass will do to each image: every field is (B,)."""

    blurred: Tensor
    blur: BlurDraw
    factor: Tensor
    mode: Tensor
    is_gaussian: Tensor
    sigma: Tensor
    strength: Tensor
    grey: Tensor
    quality: Tensor

    @classmethod
    def draw(cls, stage: Stage, count: int, generator: Randomness) -> Self:
        return cls(
            blurred=chance(stage.blur_probability, count, generator),
            blur=BlurDraw.draw(stage.blur, count, generator),
            factor=resize_factor(stage.up_down_keep, stage.resize, count, generator),
            mode=_draw_mode(count, generator),
            is_gaussian=chance(stage.gaussian_probability, count, generator),
            sigma=uniform(*stage.gaussian, count, generator),
            strength=uniform(*stage.poisson, count, generator),
            grey=chance(stage.grey_probability, count, generator),
            quality=uniform(*stage.quality, count, generator),
        )


@dataclass(frozen=True)
class FinalDraw:
    """How each image reaches its final size: every field is (B,)."""

    ringing: Tensor
    sinc: SincDraw
    mode: Tensor
    jpeg_first: Tensor

    @classmethod
    def draw(cls, params: RealESRGANParams, count: int, generator: Randomness) -> Self:
        return cls(
            ringing=chance(params.final_sinc_probability, count, generator),
            sinc=SincDraw.draw(params.final_sizes, count, generator),
            mode=_draw_mode(count, generator),
            jpeg_first=chance(0.5, count, generator),
        )


@dataclass(frozen=True)
class Draw:
    """Everything that will happen to a batch."""

    first: StageDraw
    second: StageDraw
    final: FinalDraw
    twice: Tensor
    """(B,) of bool: whether an image goes through the second stage."""

    @classmethod
    def draw(cls, params: RealESRGANParams, count: int, generator: Randomness) -> Self:
        return cls(
            first=StageDraw.draw(params.first, count, generator),
            second=StageDraw.draw(params.second, count, generator),
            final=FinalDraw.draw(params, count, generator),
            twice=chance(params.second_order_probability, count, generator),
        )


@dataclass(frozen=True)
class Kernels:
    """The three filters of each image, (B, SIDE, SIDE) each."""

    first: Tensor
    second: Tensor
    final: Tensor


Fields = TypeVar("Fields", bound="DataclassInstance")


def map_tensors(change: Callable[[Tensor], Tensor], draw: Fields) -> Fields:
    """A copy of the dataclass in which every tensor is changed."""
    values = {field.name: getattr(draw, field.name) for field in fields(draw)}
    new = {
        name: change(value) if isinstance(value, Tensor) else map_tensors(change, value)
        for name, value in values.items()
    }
    return replace(draw, **new)


def draw_to_device(draw: Draw, device: torch.device) -> Draw:
    """The same on `device`, moved in one copy."""
    tensors: list[Tensor] = []

    def collect(tensor: Tensor) -> Tensor:
        tensors.append(tensor)
        return tensor

    map_tensors(collect, draw)
    there = iter(to_device_together(tensors, device))
    return map_tensors(lambda _: next(there), draw)


def _draw_mode(count: int, generator: Randomness) -> Tensor:
    return choice((1, 1, 1), count, generator)
