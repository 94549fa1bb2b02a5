"""PNG with 16 bits for each colour, which Pillow does not write."""

import io
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, PngImagePlugin

Samples = np.ndarray
Rows = np.ndarray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_BAND = 256
"""Rows that are compressed together."""
_PIXELS = (b"IHDR", b"IDAT", b"IEND")


def encode(values: Samples, carrier: bytes) -> bytes:
    """A file with these pixels and the profile, EXIF, text ... of another PNG.

    values: (H, W, C), C = 1 to 4: grey, grey + alpha, RGB, RGBA. carrier: the other PNG.
    """
    height, width, channels = values.shape
    out = io.BytesIO()
    out.write(SIGNATURE)
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    PngImagePlugin.putchunk(out, b"IHDR", header + bytes((16, _COLOUR_TYPES[channels], 0, 0, 0)))
    for kind, data in _chunks(carrier):
        if kind not in _PIXELS:
            PngImagePlugin.putchunk(out, kind, data)
    for data in _compressed(values):
        PngImagePlugin.putchunk(out, b"IDAT", data)
    PngImagePlugin.putchunk(out, b"IEND", b"")
    return out.getvalue()


def carrier(**options: object) -> bytes:
    """A PNG of one pixel, saved by Pillow with these options."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(SIGNATURE)
    while place < len(png):
        size = int.from_bytes(png[place : place + 4], "big")
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + size]
        place += size + 12


def _compressed(values: Samples) -> Iterator[bytes]:
    """The data of the IDAT chunks."""
    compressor = zlib.compressobj(6, strategy=zlib.Z_FILTERED)
    pixel = 2 * values.shape[2]
    above = np.zeros((1, values.shape[1] * pixel), np.uint8)
    for top in range(0, len(values), _BAND):
        band = values[top : top + _BAND].astype(">u2")
        rows = np.frombuffer(band.tobytes(), np.uint8).reshape(len(band), -1)
        data = compressor.compress(_filtered(rows, np.concatenate((above, rows[:-1])), pixel).tobytes())
        above = rows[-1:]
        if data:
            yield data
    yield compressor.flush()


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
