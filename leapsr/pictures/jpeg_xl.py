"""JPEG XL (ISO 18181): the header is read here, so that nothing is decoded that is too large or moves; pixels
are decoded by imagecodecs with every level, and pillow-jxl-plugin tells the profile of their colours.
"""

import logging
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from ..errors import ImageError, MissingExtra, optional
from .boxes import boxes
from .colour_tags import Colours, of_code_points

logger = logging.getLogger(__name__)

_CONTAINER, _CODESTREAM = b"\0\0\0\x0cJXL \r\n\x87\n", b"\xff\x0a"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_LENGTHS = (9, 13, 18, 30)
"""Bits of a side, by two bits before it."""
_DEPTHS, _FLOATS = (8, 10, 12), (32, 16, 24)
_CICP = b"cicp"
_BITS_READ = (8, 10, 12, 16)
_EXIF, _XMP, _COMPRESSED = b"Exif", b"xml ", b"brob"
_MOST_UNPACKED = 1 << 26
"""Bytes of a compressed box: a small file may promise far more, to fill the memory."""


@dataclass(frozen=True)
class Header:
    """height, width: upright, as the decoder gives them. bits: of each number. is_float, is_animated: what
    they say."""

    height: int
    width: int
    bits: int = 8
    is_float: bool = False
    is_animated: bool = False


@dataclass(frozen=True)
class Contents:
    """values: (H, W, C), upright, uint8, uint16 or floats. exif: a TIFF structure. xmp: a packet."""

    values: np.ndarray
    colours: Colours
    exif: bytes | None
    xmp: bytes | None


def matches(data: bytes) -> bool:
    return data.startswith((_CONTAINER, _CODESTREAM))


def header(data: bytes, name: str) -> Header:
    """Raises ImageError for a damaged header, animations, and depths that are not read."""
    try:
        found = _header(_Bits(_codestream(data)[len(_CODESTREAM) :]))
    except (ValueError, IndexError) as error:
        raise ImageError(f"{name} is damaged or incomplete ({error}); get it again.") from error
    if found.is_animated:
        raise ImageError(f"{name} is an animation; give a single picture.")
    if not found.is_float and found.bits not in _BITS_READ:
        raise ImageError(f"{name} is a JPEG XL of {found.bits} bits, which is not read; convert it to PNG.")
    return found


def read(data: bytes, name: str) -> Contents:
    """Raises ImageError for damage, HDR, unknown colours, and where a library is missing."""
    told = header(data, name)
    try:
        codecs, plugin = optional("imagecodecs", "jxl"), optional("pillow_jxl", "jxl")
    except MissingExtra as error:
        raise ImageError(f"{name} is a JPEG XL. {error}") from error
    try:
        codestream = _codestream(data)  # alone, as the plugin prints what is wrong with boxes
        _, _, _, icc, _ = plugin.Decoder(num_threads=1)(codestream)
        values = np.asarray(codecs.jpegxl_decode(codestream))
    except Exception as error:  # each library has errors of its own
        raise ImageError(f"{name} is damaged or incomplete; get it again.") from error
    if values.ndim == 4:
        raise ImageError(f"{name} is an animation; give a single picture.")
    if values.shape[:2] != (told.height, told.width):
        raise ImageError(f"{name} is damaged: its pixels are not as many as its header says; get it again.")
    values = values if values.ndim == 3 else values[..., None]
    if values.shape[2] > 4:
        raise ImageError(f"{name} has {values.shape[2]} channels; convert it to PNG first.")
    if values.dtype == np.uint16 and told.bits < 16:
        top = 2**told.bits - 1
        values = ((np.minimum(values, top).astype(np.uint32) * 65_535 + top // 2) // top).astype(np.uint16)
    first = _metadata(data, codecs, name)
    return Contents(values, _colours(icc, name), _exif(first.get(_EXIF, b"")), first.get(_XMP) or None)


def _metadata(data: bytes, codecs: ModuleType, name: str) -> dict[bytes, bytes]:
    """EXIF and XMP, as they stand in the first box of each; a box may be compressed (18181-2)."""
    found: dict[bytes, bytes] = {}
    for kind, content in _boxes(data):
        is_compressed = kind == _COMPRESSED
        kind, content = (content[:4], content[4:]) if is_compressed else (kind, content)
        if kind not in (_EXIF, _XMP) or kind in found:
            continue
        try:
            found[kind] = codecs.brotli_decode(content, out=_MOST_UNPACKED) if is_compressed else content
        except Exception as error:  # of this library, also where it was built without Brotli
            what = "EXIF" if kind == _EXIF else "XMP"
            logger.warning("The %s data of %s cannot be unpacked and were left out: %s.", what, name, error)
    return found


def _exif(box: bytes) -> bytes | None:
    """The box begins with the distance to the block; some writers leave that out."""
    if box.startswith((b"II*\0", b"MM\0*")) or len(box) < 4:
        return box or None
    return box[4 + int.from_bytes(box[:4], "big") :] or None


def _colours(icc: bytes | None, name: str) -> Colours:
    """libjxl makes a profile of every space, and puts the code points of H.273 into it where it has some."""
    for place in range(132, 132 + 12 * 40, 12) if icc else ():
        if icc[place : place + 4] == _CICP:  # type: ignore[index]
            try:
                (start,) = struct.unpack_from(">I", icc, place + 4)  # type: ignore[arg-type]
                primaries, transfer = icc[start + 8], icc[start + 9]  # type: ignore[index]
            except (struct.error, IndexError):
                logger.warning("The colour profile of %s is damaged.", name)
                break
            return of_code_points(primaries, transfer, name)
    return Colours(icc or None)


class _Bits:
    """The lowest bit of each byte comes first. Raises IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def take(self, count: int) -> int:
        value = 0
        for i in range(count):
            value |= (self._data[self._place >> 3] >> (self._place & 7) & 1) << i
            self._place += 1
        return value


def _header(bits: _Bits) -> Header:
    """SizeHeader and the beginning of ImageMetadata (18181-1, annex D)."""
    height, width = _size(bits)
    if bits.take(1):  # all else is as usual
        return Header(height, width)
    orientation, is_animated = 1, False
    if bits.take(1):
        orientation = 1 + bits.take(3)
        if bits.take(1):
            _size(bits)  # at which it should be shown
        if bits.take(1):
            raise ValueError("it begins with a preview")
        is_animated = bool(bits.take(1))
    if is_animated:
        return Header(height, width, is_animated=True)
    is_float, choice = bool(bits.take(1)), bits.take(2)
    depths = _FLOATS if is_float else _DEPTHS
    depth = depths[choice] if choice < 3 else 1 + bits.take(6)
    sides = (width, height) if orientation >= 5 else (height, width)
    return Header(*sides, depth, is_float)


def _size(bits: _Bits) -> tuple[int, int]:
    """(height, width)"""

    def side(small: bool) -> int:
        return 8 * (1 + bits.take(5)) if small else 1 + bits.take(_LENGTHS[bits.take(2)])

    small = bool(bits.take(1))
    height, ratio = side(small), bits.take(3)
    if not ratio:
        return height, side(small)
    across, down = _RATIOS[ratio - 1]
    return height, height * across // down


def _codestream(data: bytes) -> bytes:
    """Without the boxes around it. Raises ValueError where there is none."""
    found = data
    if data.startswith(_CONTAINER):
        parts = (part[4 * (kind == b"jxlp") :] for kind, part in _boxes(data) if kind in (b"jxlc", b"jxlp"))
        found = b"".join(parts)
    if not found.startswith(_CODESTREAM):
        raise ValueError("no picture in it")
    return found


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each; a bare codestream has none."""
    found = boxes(data) if data.startswith(_CONTAINER) else ()
    return ((kind, data[place]) for kind, place in found)
