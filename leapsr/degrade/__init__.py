"""Damage clean images on the device they are on, from a generator: the degradations by name."""

from dataclasses import replace
from typing import Protocol

from ..errors import UnknownName
from .average import AveragePool
from .bicubic import Bicubic
from .degradation import Degradation
from .draw import Generators, Randomness
from .history import HEAVY, LIGHT, RealESRGANParams
from .mixture import Mixture
from .realesrgan import RealESRGAN
from .resize_jpeg import ResizeJpeg

VERSION = 1
"""Counts up when the same seed begins to give other pixels, so that stored results are made anew."""

__all__ = [
    "DEGRADATIONS",
    "HEAVY",
    "LIGHT",
    "VERSION",
    "AveragePool",
    "Bicubic",
    "Degradation",
    "Generators",
    "Mixture",
    "Randomness",
    "RealESRGAN",
    "RealESRGANParams",
    "ResizeJpeg",
    "make",
]


def photo(scale: int, group: int = 1) -> Mixture:
    """From clean to badly damaged: what the packaged models for photos are trained on."""
    shorter = replace(HEAVY, second_order_probability=0.5)
    return Mixture(
        [
            (0.15, Bicubic(scale)),
            (0.45, RealESRGAN(scale, LIGHT, group=group)),
            (0.40, RealESRGAN(scale, shorter, group=group)),
        ]
    )


class Recipe(Protocol):
    def __call__(self, scale: int, group: int = 1, /) -> Degradation: ...


DEGRADATIONS: dict[str, Recipe] = {
    "bicubic": lambda scale, _group=1: Bicubic(scale),
    "average": lambda scale, _group=1: AveragePool(scale),
    "resize-jpeg": lambda scale, group=1: ResizeJpeg(scale, group),
    "realesrgan-heavy": lambda scale, group=1: RealESRGAN(scale, HEAVY, group=group),
    "realesrgan-light": lambda scale, group=1: RealESRGAN(scale, LIGHT, group=group),
    "photo": photo,
}


def make(name: str, scale: int, group: int = 1) -> Degradation:
    """A degradation of the table for one scale.

    group: images of a batch that share their random sizes; 1 suits a CPU, a GPU is faster with more (see
    RealESRGAN). Raises UnknownName.
    """
    if name not in DEGRADATIONS:
        raise UnknownName("degradation", name, DEGRADATIONS)
    return DEGRADATIONS[name](scale, group)
