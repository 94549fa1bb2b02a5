"""Write PNG of 8 or 16 bits for each colour, a band of rows at a time.

Pillow does not write 16 bits and copies all that it encodes.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin

from . import deflate
from .picture import Picture
from .png_chunks import SIGNATURE, chunks

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_BAND = 1 << 20
"""Bytes that are compressed together, about."""
_SUB = 1
_PIXELS = (b"IHDR", b"IDAT", b"IEND")


def write(file: BinaryIO, picture: Picture, carrier: bytes) -> None:
    """A file with these pixels and the profile, EXIF, text ... of another PNG.

    carrier: the other PNG.
    """
    height, width = picture.size
    file.write(SIGNATURE)
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    kind = bytes((picture.depth, _COLOUR_TYPES[len(picture.pixels)], 0, 0, 0))
    PngImagePlugin.putchunk(file, b"IHDR", header + kind)
    for name, size in chunks(other := io.BytesIO(carrier)):
        if name not in _PIXELS:
            PngImagePlugin.putchunk(file, name, other.read(size))
    for data in _compressed(picture):
        PngImagePlugin.putchunk(file, b"IDAT", data)
    PngImagePlugin.putchunk(file, b"IEND", b"")


def carrier(**options: object) -> bytes:
    """A PNG of one pixel, saved by Pillow with these options."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def _compressed(picture: Picture) -> Iterator[bytes]:
    """The data of the IDAT chunks: every row by the filter "Sub", differences to the pixel on the left.

    Choosing one of the five filters for each row takes several times as long; on photos it saves little.
    """
    (height, width), pixel = picture.size, len(picture.pixels) * picture.depth // 8
    compressor = deflate.compressobj(deflate.LEVEL)
    band = max(1, _BAND // (width * pixel))
    for top in range(0, height, band):
        values = picture.rows(top, min(top + band, height))
        values = values.astype(values.dtype.newbyteorder(">"), copy=False)
        rows = np.ascontiguousarray(values).reshape(len(values), -1).view(np.uint8)
        filtered = np.empty((len(rows), 1 + width * pixel), np.uint8)
        filtered[:, 0] = _SUB
        filtered[:, 1 : 1 + pixel] = rows[:, :pixel]
        np.subtract(rows[:, pixel:], rows[:, :-pixel], out=filtered[:, 1 + pixel :])
        if data := compressor.compress(filtered.data):
            yield data
    yield compressor.flush()
