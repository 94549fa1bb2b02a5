"""PNG and TIFF with 16 bits for each colour, which Pillow silently reduces to 8.

Pillow's decoders can keep either byte of a sample. So such a file is decoded twice, for the high bytes and
for the low bytes. This works for every compression that Pillow knows and needs no other library.
"""

import sys

import numpy as np
from PIL import Image, ImageFile

from .orientation import upright
from .pillow_limits import load

_MODES = ("RGB;16", "RGBX;16", "RGBA;16", "RGBa;16")


def read(image: Image.Image) -> np.ndarray | None:
    """(H, W, C) uint16, upright: grey + alpha, RGB or RGBA, alpha not premultiplied. None for other files.

    image: opened and not yet decoded. Raises what Pillow raises for damaged data.
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
    return _straight_alpha(values) if raw.startswith("RGBa") else values


def raw_mode(image: Image.Image) -> str:
    """Pillow's name for the layout of the samples of a file that is not decoded yet; "" where it has none."""
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    arguments = tiles[0].args if tiles else None
    return arguments if isinstance(arguments, str) else str((arguments or ("",))[0])


def _decoded(image: ImageFile.ImageFile, mode: str, raw: str) -> np.ndarray:
    """Decode the file once more, upright, as if its samples had the layout `raw`."""
    assert image.fp is not None
    image.fp.seek(0)
    with type(image)(image.fp) as again:
        again._mode = mode
        again.tile = [
            tile._replace(args=raw if isinstance(tile.args, str) else (raw, *(tile.args or ())[1:]))
            for tile in again.tile
        ]
        load(again)
        if again.format == "PNG":  # text and EXIF may stand behind the pixels
            image.info |= again.info
        return np.asarray(upright(again))


def _straight_alpha(values: np.ndarray) -> np.ndarray:
    """Undo premultiplied alpha."""
    alpha = np.maximum(values[..., 3:], 1) / 65_535
    return np.concatenate((np.minimum(values[..., :3] / alpha, 65_535).round(), values[..., 3:]), -1).astype(
        np.uint16
    )
