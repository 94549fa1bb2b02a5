"""TIFF of 8 or 16 bits, a strip at a time: the EXIF block of the photo with the pixels put behind it.

Pillow writes 16 bits for grey only, and a photo's EXIF is a TIFF already.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from . import deflate, exif
from .ifd import BYTE, EMPTY, LONG, SHORT, UNDEFINED, Block, Directory
from .picture import Picture

LARGEST = 2**32 - 1
"""Bytes; places in the file have 32 bits."""

_STRIP = 1 << 20
_DEFLATE, _DIFFERENCES, _NOT_PREMULTIPLIED = 8, 2, 2
_GREY, _RGB = 1, 2


def write(file: BinaryIO, picture: Picture) -> None:
    """A file, compressed without loss, with the picture's profile and metadata. The EXIF must be undamaged.

    What stands before the pixels tells where each strip lies. It is made twice: with zeros, which tells how
    long it is, and, when the strips have been written, with their places.
    Raises ValueError for a file of more than LARGEST bytes.
    """
    height, width = picture.size
    rows = max(1, _STRIP // (width * len(picture.pixels) * picture.depth // 8))
    count = -(-height // rows)
    start = file.tell()
    file.write(_head(picture, _Strips(rows, [0] * count, [0] * count)))
    places, sizes = [], []
    for strip in _compressed(picture, rows):
        places.append(file.tell() - start)
        sizes.append(file.write(strip))
        if places[-1] + sizes[-1] > LARGEST:
            raise ValueError("a TIFF ends at 4 GiB")
    end = file.tell()
    file.seek(start)
    file.write(_head(picture, _Strips(rows, places, sizes)))
    file.seek(end)


@dataclass(frozen=True)
class _Strips:
    rows: int
    places: Sequence[int]
    sizes: Sequence[int]


def _block(picture: Picture) -> Block:
    return Block(EMPTY if picture.exif is None else picture.exif.removeprefix(exif.HEADER))


def _head(picture: Picture, strips: _Strips) -> bytes:
    """All of the file but its pixels; as long for other places and sizes."""
    file = _block(picture)
    entries, _ = file.directory(file.first)
    entries |= exif.resolution(file, picture.dpi) | _description(file, picture)
    for tag, numbers in ((273, strips.places), (278, [strips.rows]), (279, strips.sizes)):
        entries[tag] = file.entry(LONG, numbers)
    for tag, kind, data in (
        (34_675, UNDEFINED, picture.icc),
        (700, BYTE, picture.xmp),
        (33_723, UNDEFINED, picture.iptc),
    ):
        if data:
            entries[tag] = file.entry(kind, data)
    file.first = file.append_directory(entries)  # no thumbnail: a second directory would be a second page
    return bytes(file.data)


def _description(file: Block, picture: Picture) -> Directory:
    (height, width), channels = picture.size, len(picture.pixels)
    short = {
        258: [picture.depth] * channels,
        259: [_DEFLATE],
        262: [_GREY if picture.grey else _RGB],
        277: [channels],
        284: [1],
        317: [_DIFFERENCES],
        339: [1] * channels,
    }
    short |= {338: [_NOT_PREMULTIPLIED]} if picture.has_alpha else {}
    sides = {256: file.entry(LONG, [width]), 257: file.entry(LONG, [height])}
    return sides | {tag: file.entry(SHORT, numbers) for tag, numbers in short.items()}


def _compressed(picture: Picture, rows: int) -> Iterator[bytes]:
    """Each strip as differences to the pixel on the left, in the byte order of the file."""
    height, order = picture.size[0], _block(picture).order
    for top in range(0, height, rows):
        strip = picture.rows(top, min(top + rows, height))
        differences = strip.copy()
        differences[:, 1:] -= strip[:, :-1]
        yield deflate.compress(differences.astype(strip.dtype.newbyteorder(order)).tobytes(), deflate.LEVEL)
