"""Decode an opened image, of any mode of Pillow and of more bits than Pillow has, into pixels."""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, TiffImagePlugin
from torch import Tensor

from ..errors import ImageError
from . import icc_profiles, sixteen_bit, ten_bit
from .open_file import check_memory, load_pixels, translated
from .orientation import upright
from .tiff_kinds import WHITE_IS_ZERO, Kind
from .tiff_pages import page_of

logger = logging.getLogger(__name__)


_FEW_BITS = {"L;2": 255 // 3, "L;4": 255 // 15}
"""Pillow scales the grey levels of such a PNG by these factors, but forgets its transparent level."""
_MOST_OUTSIDE = 0.75
"""Of floats, the share that may lie outside of 0 to 1, as highlights do: more is another range."""
_OF_WINDOWS = ("BMP", "DIB")
_GREY = ("1", "L", "LA", "La")


@dataclass(frozen=True)
class Planes:
    """pixels: as in `Picture`. depth: 8 or 16 bits."""

    pixels: Tensor
    depth: int


def decode(image: Image.Image, name: str) -> Planes:
    """image: opened and not yet decoded. Raises ImageError for damage, values that are not finite, and a
    picture that does not fit in memory.
    """
    negative = _is_negative(image, name)
    check_memory(image.height, image.width, name)
    with translated(image, name):
        values = sixteen_bit.read(image)
        values = ten_bit.read(image, name) if values is None else values
        if values is not None:
            return from_samples(values, name, image.info.get("transparency"))
    few_bits = _FEW_BITS.get(sixteen_bit.raw_mode(image), 1)
    _drop_text(image)
    load_pixels(image, name)
    _drop_text(image)  # which may stand behind the pixels
    if few_bits > 1 and isinstance(image.info.get("transparency"), int):
        image.info["transparency"] *= few_bits
    with translated(image, name):
        return _planes(upright(image), name, negative)


def from_samples(values: np.ndarray, name: str, transparent: object = None) -> Planes:
    """values: (H, W, C), C = 1 to 4: grey, grey + alpha, RGB, RGBA; uint8, uint16, or floats in [0, 1].

    transparent: the one transparent colour, as in PNG. Raises ImageError for values that are not finite.
    """
    depth = 8 if values.dtype == np.uint8 else 16
    if values.shape[2] in (1, 3) and isinstance(transparent, (int, tuple)):
        values = _keyed(values, transparent)
    kept = np.float32 if values.dtype.kind == "f" else values.dtype.newbyteorder("=")
    pixels = torch.from_numpy(np.require(values, kept, ["C", "W"])).permute(2, 0, 1)
    if pixels.is_floating_point():
        if not pixels.isfinite().all():
            raise ImageError(f"{name} holds values that are not finite; repair it first.")
        low, high = (bound.item() for bound in pixels.aminmax())
        if ((pixels < 0) | (pixels > 1)).float().mean() > _MOST_OUTSIDE:
            raise ImageError(
                f"{name} holds numbers from {low:g} to {high:g}; bring them to 0 (black) to 1 (white) first."
            )
        if low < 0 or high > 1:
            logger.warning("%s has values outside of 0 to 1, which were cut.", name)
            pixels = pixels.clamp(0, 1)
    return Planes(pixels, depth)


def _keyed(values: np.ndarray, transparent: int | tuple[int, ...]) -> np.ndarray:
    """Add an alpha channel: 0 for pixels of the transparent colour, opaque elsewhere."""
    seen = (values != np.asarray(transparent)).any(-1, keepdims=True)
    top = np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1
    return np.concatenate((values, (seen * top).astype(values.dtype)), -1)


def _drop_text(image: Image.Image) -> None:
    """Pillow takes a text of a PNG whose keyword is "transparency" for a colour."""
    if isinstance(image.info.get("transparency"), str):
        del image.info["transparency"]


def _is_negative(image: Image.Image, name: str) -> bool:
    """Whether 0 is white in what Pillow decodes; it inverts such TIFFs itself only up to 8 bits.

    Raises ImageError for a TIFF that Pillow would decode wrongly.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    page = page_of(image)
    if page.is_preview_of_raw:
        raise ImageError(f"{name} is the preview of a RAW photo; develop that to TIFF, PNG or JPEG first.")
    kind = Kind.of(page)
    kind.check(name)
    if kind.is_beyond_pillow:
        raise ImageError(
            f"{name} is a TIFF that Pillow does not read right; give the file instead of the image."
        )
    return kind.photometric == WHITE_IS_ZERO and kind.bits[0] > 8


def _planes(image: Image.Image, name: str, negative: bool = False) -> Planes:
    if image.mode == "F":
        values = np.asarray(image)
        return from_samples((1 - values if negative else values)[..., None], name)
    if image.mode == "I":  # Pillow's own conversion would clip at 255
        values = np.asarray(image).clip(0, 65_535).astype(np.uint16)
        return from_samples(values[..., None], name, image.info.get("transparency"))
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16)  # in the order of this machine
        values = 65_535 - values if negative else values
        return from_samples(values[..., None], name, image.info.get("transparency"))
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode in _GREY:
        mode = "LA" if mode == "RGBA" else "L"
    if image.format in _OF_WINDOWS and mode == "RGBA" and image.getextrema()[-1] == (0, 0):
        mode = "RGB"  # nothing to be seen: a writer that left the fourth byte empty
    if image.mode == "CMYK":
        image, mode = icc_profiles.cmyk_to_srgb(image, image.info.get("icc_profile")), "RGB"
    values = np.array(image.convert(mode))
    return from_samples(values if values.ndim == 3 else values[..., None], name)
