"""Write JPEG a band of rows at a time, because Pillow copies all that it encodes.

With restart markers nothing in the coded data refers to what lies before the last one, and every band is
coded by the same tables (of its quality; none are optimised). So the coded bands, one after the other behind
the header of the first, are the file that coding the whole would have given.
"""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from PIL import Image

from .picture import Picture

_BAND_PIXELS = 1 << 20
_BAND = 8 * 16
"""Rows of which a band has a multiple: the numbers of restart markers repeat after 8, and one stands after
each row of blocks, which has 8 or 16 rows of pixels."""
_LAST_RESTART, _START_OF_SCAN, _END = b"\xff\xd7", 0xDA, b"\xff\xd9"
_FRAMES = (0xC0, 0xC1)


def write(file: BinaryIO, picture: Picture, options: dict[str, Any], about: dict[str, Any]) -> None:
    """picture: opaque, of 8 bits. options: of Pillow, about the coding; about: what else the file holds."""
    height, width = picture.size
    rows = -(-_BAND_PIXELS // (width * _BAND)) * _BAND
    if rows >= height:
        _image(picture, 0, height).save(file, "JPEG", **options, **about)
        return
    for top in range(0, height, rows):
        buffer = io.BytesIO()
        more = {} if top else about
        _image(picture, top, min(top + rows, height)).save(
            buffer, "JPEG", restart_marker_rows=1, **options, **more
        )
        header, coded = _parted(buffer.getvalue(), height)
        file.write(_LAST_RESTART if top else header)
        file.write(coded)
    file.write(_END)


def _image(picture: Picture, top: int, bottom: int) -> Image.Image:
    values = picture.rows(top, bottom)
    return Image.fromarray(values[..., 0] if values.shape[2] == 1 else values)


def _parted(data: bytes, height: int) -> tuple[bytearray, bytes]:
    """The header, which now tells of a picture of that height, and what is coded, without the end marker."""
    header = bytearray(data)
    for kind, place, size in _segments(data):
        if kind in _FRAMES:
            header[place + 3 : place + 5] = height.to_bytes(2, "big")
        if kind == _START_OF_SCAN:
            return header[: place + size], data[place + size : -len(_END)]
    raise ValueError("the encoder gave no picture")


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, place and size of each segment; the place is that of its length, which counts in the size."""
    place = 2
    while place < len(data):
        size = int.from_bytes(data[place + 2 : place + 4], "big")
        yield data[place + 1], place + 2, size
        place += 2 + size
