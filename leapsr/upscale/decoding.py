"""Every mode of Pillow, and what lies beyond them, as planes of numbers in [0, 1]."""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ..errors import ImageError
from . import deep, profiles
from .opening import load_pixels, translated

logger = logging.getLogger(__name__)

Samples = np.ndarray

_FEW_BITS = {"L;2": 255 // 3, "L;4": 255 // 15}
"""By what Pillow multiplies the levels of such a PNG, but not the one that is transparent."""
_GREY = ("1", "L", "LA", "La")


@dataclass(frozen=True)
class Planes:
    """rgb: (3, H, W) float32 in [0, 1], upright. alpha: (1, H, W), 1 is opaque, or None. depth: 8 or 16 bits.
    grey: the file had one channel, so that the three are equal.
    """

    rgb: Tensor
    alpha: Tensor | None
    depth: int
    grey: bool


def decode(image: Image.Image, name: str) -> Planes:
    """Of an image that was opened. Raises ImageError for damage, and for numbers that are not finite."""
    with translated(image, name):
        deeper = deep.samples(image)
    if deeper is not None:
        return from_samples(deeper, name, image.info.get("transparency"))
    few_bits = _FEW_BITS.get(deep.raw_mode(image), 1)
    load_pixels(image, name)
    if few_bits > 1 and isinstance(image.info.get("transparency"), int):
        image.info["transparency"] *= few_bits
    with translated(image, name):
        return _planes(_upright(image), name)


def from_samples(values: Samples, name: str, transparent: object = None) -> Planes:
    """values: (H, W, C), C = 1 to 4: grey, grey + alpha, RGB, RGBA; uint8, uint16, or floats in [0, 1].

    transparent: the one colour that cannot be seen, as in PNG. Raises ImageError for numbers that are not
    finite.
    """
    grey, has_alpha = values.shape[2] < 3, values.shape[2] in (2, 4)
    planes = torch.from_numpy(np.moveaxis(values, -1, 0).astype(np.float32))
    if values.dtype.kind == "u":
        planes /= np.iinfo(values.dtype).max
    elif not planes.isfinite().all():
        raise ImageError(f"{name} holds values that are not finite; repair it first.")
    elif planes.min() < 0 or planes.max() > 1:
        logger.warning("%s has values outside of 0 to 1, which were cut.", name)
        planes.clamp_(0, 1)
    colours = planes[:-1] if has_alpha else planes
    alpha = planes[-1:] if has_alpha else _keyed(values, transparent)
    rgb = colours.expand(3, -1, -1).contiguous()
    return Planes(rgb, alpha, 8 if values.dtype == np.uint8 else 16, grey)


def _keyed(values: Samples, transparent: object) -> Tensor | None:
    """1 where a pixel is not of the transparent colour."""
    if not isinstance(transparent, (int, tuple)):
        return None
    return torch.from_numpy((values != np.asarray(transparent)).any(-1))[None].float()


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF, of which the metadata tell
        return image


def _planes(image: Image.Image, name: str) -> Planes:
    if image.mode == "F":
        return from_samples(np.asarray(image)[..., None], name)
    if image.mode == "I":  # Pillow's own conversion would clip at 255
        values = np.asarray(image).clip(0, 65_535).astype(np.uint16)
        return from_samples(values[..., None], name, image.info.get("transparency"))
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16)  # in the order of this machine
        return from_samples(values[..., None], name, image.info.get("transparency"))
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode in _GREY:
        mode = "LA" if mode == "RGBA" else "L"
    if image.mode == "CMYK":
        image, mode = profiles.cmyk_to_srgb(image, image.info.get("icc_profile")), "RGB"
    values = np.array(image.convert(mode))
    return from_samples(values if values.ndim == 3 else values[..., None], name)
