"""TIFF of 8 or 16 bits: the EXIF block of the photo with the pixels put behind it.

Pillow writes 16 bits for grey only, and a photo's EXIF is a TIFF already.
"""

import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import numpy as np

from . import exif
from .ifd import BYTE, EMPTY, LONG, SHORT, UNDEFINED, Block, Directory

Samples = np.ndarray

LARGEST = 2**32 - 1
"""Bytes; places in the file have 32 bits."""

_STRIP = 1 << 20
_DEFLATE, _DIFFERENCES, _NOT_PREMULTIPLIED = 8, 2, 2
_GREY, _RGB = 1, 2


def encode(
    values: Samples, block: bytes | None, icc: bytes | None, xmp: bytes | None, iptc: bytes | None
) -> bytes:
    """A file, compressed without loss.

    values: (H, W, C), C = 1 to 4: grey, grey + alpha, RGB, RGBA; uint8 or uint16. block: EXIF, undamaged.
    Raises ValueError for a file of more than LARGEST bytes.
    """
    file = Block(EMPTY if block is None else block.removeprefix(exif.HEADER))
    entries, _ = file.directory(file.first)
    entries |= _description(file, values)
    entries |= _strips(file, values)
    for tag, kind, data in ((34_675, UNDEFINED, icc), (700, BYTE, xmp), (33_723, UNDEFINED, iptc)):
        if data:
            entries[tag] = file.entry(kind, data)
    place = file.append_directory(entries)  # no thumbnail: a second directory would be a second page
    if len(file.data) > LARGEST:
        raise ValueError("a TIFF ends at 4 GiB")
    file.first = place
    return bytes(file.data)


def _description(file: Block, values: Samples) -> Directory:
    height, width, channels = values.shape
    short = {
        258: [8 * values.dtype.itemsize] * channels,
        259: [_DEFLATE],
        262: [_RGB if channels > 2 else _GREY],
        277: [channels],
        284: [1],
        317: [_DIFFERENCES],
        339: [1] * channels,
    }
    short |= {338: [_NOT_PREMULTIPLIED]} if channels in (2, 4) else {}
    sides = {256: file.entry(LONG, [width]), 257: file.entry(LONG, [height])}
    return sides | {tag: file.entry(SHORT, numbers) for tag, numbers in short.items()}


def _strips(file: Block, values: Samples) -> Directory:
    rows = max(1, _STRIP // (values.shape[1] * values.shape[2] * values.itemsize))
    places, sizes = [], []
    for strip in _compressed(values, rows, file.order):
        places.append(file.append(strip))
        sizes.append(len(strip))
    return {tag: file.entry(LONG, numbers) for tag, numbers in ((273, places), (278, [rows]), (279, sizes))}


def _compressed(values: Samples, rows: int, order: Literal["<", ">"]) -> Iterator[bytes]:
    """Each strip as differences to the pixel on the left, in the byte order of the file."""
    tops = [*range(0, len(values), rows), len(values)]
    for top, bottom in pairwise(tops):
        strip = values[top:bottom]
        differences = strip.copy()
        differences[:, 1:] -= strip[:, :-1]
        yield zlib.compress(differences.astype(strip.dtype.newbyteorder(order)).tobytes(), 6)
