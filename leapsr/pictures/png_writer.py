"""PNG of 8 or 16 bits for each colour, a band of rows at a time.

Pillow does not write 16 bits, and of 8 it wants a copy of its own.
"""

import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin

from .picture import Picture
from .png_chunks import SIGNATURE, chunks

Rows = np.ndarray
"""(rows, bytes of one) uint8"""

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_BAND = 1 << 20
"""Bytes that are compressed together, about."""
_LEVEL = 4
"""Of zlib: a third of the time of the usual 6, for files 2 % larger (a photo of Kodak at 1024 x 1024)."""
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
    """The data of the IDAT chunks."""
    (height, width), pixel = picture.size, len(picture.pixels) * picture.depth // 8
    compressor = zlib.compressobj(_LEVEL, strategy=zlib.Z_FILTERED)
    above = np.zeros((1, width * pixel), np.uint8)
    band = max(1, _BAND // (width * pixel))
    for top in range(0, height, band):
        rows = _bytes(picture.rows(top, min(top + band, height)))
        data = compressor.compress(_filtered(rows, np.concatenate((above, rows[:-1])), pixel).tobytes())
        above = rows[-1:]
        if data:
            yield data
    yield compressor.flush()


def _bytes(values: np.ndarray) -> Rows:
    """(rows, W, C) of 8 or 16 bits as the standard stores them."""
    big_endian = values.astype(values.dtype.newbyteorder(">"), copy=False)
    return np.ascontiguousarray(big_endian).reshape(len(values), -1).view(np.uint8)


def _filtered(rows: Rows, above: Rows, pixel: int) -> Rows:
    """Each row by the filter that leaves the smallest sum of absolute differences, its number first.

    The heuristic of the standard's section 12.7. above: the rows one higher. pixel: bytes of one.
    """
    left, above_left = (_shifted(part, pixel) for part in (rows, above))
    half = ((left.astype(np.int16) + above) // 2).astype(np.uint8)
    filtered = [
        rows - guess for guess in (np.zeros_like(rows), left, above, half, _paeth(left, above, above_left))
    ]
    costs = [np.abs(difference.view(np.int8).astype(np.int16)).sum(1) for difference in filtered]
    best = np.argmin(costs, 0)
    chosen = np.choose(best[:, None], filtered)
    return np.concatenate((best[:, None].astype(np.uint8), chosen), 1)


def _shifted(rows: Rows, pixel: int) -> Rows:
    return np.pad(rows, ((0, 0), (pixel, 0)))[:, : rows.shape[1]]


def _paeth(left: Rows, above: Rows, above_left: Rows) -> Rows:
    """Section 9.4: of the three the one nearest to left + above - above_left."""
    a, b, c = (part.astype(np.int16) for part in (left, above, above_left))
    to_left, to_above, to_corner = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    nearest = np.where(
        (to_left <= to_above) & (to_left <= to_corner), a, np.where(to_above <= to_corner, b, c)
    )
    return nearest.astype(np.uint8)
