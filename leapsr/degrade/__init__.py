"""Degradations by name: clean images to damaged small ones, on the device of the images."""

import hashlib
from dataclasses import replace
from typing import Protocol

import torch

from ..errors import UnknownName
from .degradation import Degradation, Mixture
from .draw import Generators, Randomness
from .mild import Mild
from .params import HEAVY, LIGHT, RESSHIFT, RealESRGANParams
from .realesrgan import RealESRGAN
from .simple import AveragePool, Bicubic, ResizeJpeg

VERSION = 2
"""Raised when the same seed gives other pixels than before, so that stored results are made anew."""

__all__ = [
    "DEGRADATIONS",
    "HEAVY",
    "LIGHT",
    "RESSHIFT",
    "VERSION",
    "AveragePool",
    "Bicubic",
    "Degradation",
    "Generators",
    "Mild",
    "Mixture",
    "Randomness",
    "RealESRGAN",
    "RealESRGANParams",
    "ResizeJpeg",
    "generator",
    "make",
]


_SHORTER = replace(HEAVY, second_order_probability=0.5)  # as in ResShift


def photo(scale: int, group: int = 1) -> Mixture:
    """From clean to badly damaged: the packaged models for photos are trained on this.

    A third is clean or nearly so, as most photos are; a seventh has noise and then a good file or none.
    """
    return Mixture(
        [
            (0.44, Mild(scale)),
            (0.24, RealESRGAN(scale, LIGHT, group=group)),
            (0.32, RealESRGAN(scale, _SHORTER, group=group)),
        ]
    )


def photo_heavy(scale: int, group: int = 1) -> Mixture:
    """Mostly damaged: the models in docs/comparison.md are trained on this."""
    return Mixture(
        [
            (0.15, Bicubic(scale)),
            (0.45, RealESRGAN(scale, LIGHT, group=group)),
            (0.40, RealESRGAN(scale, _SHORTER, group=group)),
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
    "resshift": lambda scale, group=1: RealESRGAN(scale, RESSHIFT, group=group),
    "photo": photo,
    "photo-heavy": photo_heavy,
}


def make(name: str, scale: int, group: int = 1) -> Degradation:
    """A degradation of the table for one scale. Raises UnknownName.

    group: images of a batch that share their random sizes; 1 suits a CPU, a GPU is faster with more.
    """
    if name not in DEGRADATIONS:
        raise UnknownName("degradation", name, DEGRADATIONS)
    return DEGRADATIONS[name](scale, group)


def generator(seed: int, kind: str, name: str) -> torch.Generator:
    """Of the damage of one picture: it depends on nothing else. name: of the picture."""
    digest = hashlib.sha256(f"{seed}/{kind}/{name}".encode(errors="surrogateescape")).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
