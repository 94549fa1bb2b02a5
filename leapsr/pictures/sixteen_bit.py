"""Colours of 16 bits, which Pillow cuts to 8 without a word.

Pillow's decoders can be told which of the two bytes of a sample to keep. So a file of 16-bit colours is
decoded twice, once for the high bytes and once for the low ones: every compression that Pillow knows, and no
other library.
"""

import sys

import numpy as np
from PIL import Image, ImageFile

from .orientation import upright
from .pillow_limits import load

Samples = np.ndarray
"""(H, W, C) uint16, upright: grey + alpha, RGB or RGBA, alpha not premultiplied."""

_MODES = ("RGB;16", "RGBX;16", "RGBA;16", "RGBa;16")


def samples(image: Image.Image) -> Samples | None:
    """Of a file with 16-bit colours that was opened and not yet decoded; None where it is no such file.

    Raises what Pillow raises on damaged data.
    """
    if not isinstance(image, ImageFile.ImageFile) or image.format not in ("PNG", "TIFF"):
        return None
    raw = raw_mode(image)
    if raw == "LA;16B":
        four = _decoded(image, "RGBA", "RGBA").astype(np.uint16)
        return four[..., 0::2] << 8 | four[..., 1::2]
    if raw[:-1] not in _MODES:
        return None
    straight = raw[:-1].replace("a", "A")  # RGBa would be divided by its alpha while only one byte is known
    big_endian = raw.endswith("B") or (raw.endswith("N") and sys.byteorder == "big")
    first, second = (_decoded(image, image.mode, straight + order).astype(np.uint16) for order in "BL")
    values = first << 8 | second if big_endian else second << 8 | first
    return _divided(values) if raw.startswith("RGBa") else values


def raw_mode(image: Image.Image) -> str:
    """How Pillow calls the order of bits in a file that is not decoded yet; empty where it does not say."""
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    arguments = tiles[0].args if tiles else None
    return arguments if isinstance(arguments, str) else str((arguments or ("",))[0])


def _with_raw_mode(tile: ImageFile._Tile, raw: str) -> ImageFile._Tile:
    return tile._replace(args=raw if isinstance(tile.args, str) else (raw, *(tile.args or ())[1:]))


def _decoded(image: ImageFile.ImageFile, mode: str, raw: str) -> np.ndarray:
    """The file once more, upright, with another idea of what its bytes mean."""
    with _opened_again(image) as again:
        again._mode = mode
        again.tile = [_with_raw_mode(tile, raw) for tile in again.tile]
        load(again)
        if again.format == "PNG":  # text and EXIF may stand behind the pixels
            image.info |= again.info
        return np.asarray(upright(again))


def _opened_again(image: ImageFile.ImageFile) -> ImageFile.ImageFile:
    assert image.fp is not None
    image.fp.seek(0)
    return type(image)(image.fp)


def _divided(values: Samples) -> Samples:
    """Colours that had been multiplied by alpha."""
    alpha = np.maximum(values[..., 3:], 1) / 65_535
    return np.concatenate((np.minimum(values[..., :3] / alpha, 65_535).round(), values[..., 3:]), -1).astype(
        np.uint16
    )
