"""Ultra HDR: a JPEG with a second one behind it, the gain map, that tells HDR screens how much brighter each
part of the picture is (Android's Ultra HDR Image Format 1.1; ISO 21496-1; CIPA DC-007 for the list of
pictures in a file, MPF). Apple's own kind is alike: it is described in the map and in the maker's note.

The map refers to fractions of the sides, and a reader brings it to the size of the picture itself. So it
stays as it is beside an enlarged picture; only that of a photo that is turned is turned with it.
"""

import io
import logging
import struct
from collections.abc import Iterator
from typing import BinaryIO

from .ifd import Block
from .orientation import Orientation, turned
from .pillow_limits import load, open_image

logger = logging.getLogger(__name__)

_NAMESPACE, _OF_APPLE = b"http://ns.adobe.com/hdr-gain-map/1.0/", b"http://ns.apple.com/HDRGainMap/1.0/"
_AUXILIARY = b"urn:com:apple:photo:2020:aux:hdrgainmap"
_BRAND = b"tmap"
"""Of HEIC and AVIF whose picture comes with a map (ISO/IEC 23008-12:2024)."""
_ISO = b"urn:iso:std:iso:ts:21496:-1\0"
_XMP, _ICC, _MPF = b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0", b"MPF\0"
_APP0, _APP1, _APP2, _START_OF_SCAN = 0xE0, 0xE1, 0xE2, 0xDA
_START, _LIST_OF_PICTURES = b"\xff\xd8", 0xB002
_HEADER_OF_HEIC = 1 << 16
"""Bytes that are looked at."""
_QUALITY = 95
"""Of a map that is turned."""

LARGEST = 1 << 26
"""Pixels of a map, more than those of cameras have: a small file may promise far more, to fill the memory."""

_ISO_OF_THE_PICTURE = _ISO + bytes(4)
"""The versions of the standard that a reader needs and that the writer knew; the rest is in the map."""
_PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/">\
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta>"""
_END_OF_PACKET = b"</rdf:RDF>"
_DESCRIPTION = """<rdf:Description rdf:about="" \
xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" \
xmlns:Container="http://ns.google.com/photos/1.0/container/" \
xmlns:Item="http://ns.google.com/photos/1.0/container/item/" hdrgm:Version="1.0">\
<Container:Directory><rdf:Seq>\
<rdf:li rdf:parseType="Resource">\
<Container:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/></rdf:li>\
<rdf:li rdf:parseType="Resource">\
<Container:Item Item:Semantic="GainMap" Item:Mime="image/jpeg" \
Item:Length="{length}"/></rdf:li></rdf:Seq></Container:Directory></rdf:Description>"""


def read(data: bytes, orientation: Orientation) -> bytes | None:
    """The gain map of a JPEG, upright, as a JPEG with nothing but what it needs; None where there is none.

    data: of a file of any kind.
    """
    try:
        for start, size in _further_pictures(data):
            found = data[start : start + size]
            segments = list(_segments(found))
            if any(_describes_a_map(payload) for _, payload in segments):
                return _upright(found, segments, orientation)
    except (ValueError, OSError, SyntaxError, struct.error):
        pass  # another kind of file, a damaged list, or a damaged map
    return None


def is_left_out(data: bytes) -> bool:
    """Whether a HEIC or AVIF has a gain map, of which no JPEG is made here."""
    head = data[: int.from_bytes(data[:4], "big")]
    return data[4:8] == b"ftyp" and (_BRAND in head[16:] or _AUXILIARY in data[:_HEADER_OF_HEIC])


def packet(xmp: bytes | None, gain_map: bytes) -> bytes | None:
    """The XMP of a picture, which says that a map follows it that is described by XMP itself."""
    if not any(payload.startswith(_XMP) and _NAMESPACE in payload for _, payload in _segments(gain_map)):
        return xmp
    if xmp is not None and _END_OF_PACKET not in xmp:
        logger.warning("The XMP data have no place for the gain map's own and were left out.")
        xmp = None
    whole = _PACKET.encode() if xmp is None else xmp
    before, end, after = whole.rpartition(_END_OF_PACKET)
    return before + _DESCRIPTION.format(length=len(gain_map)).encode() + end + after


def segments_of_picture(gain_map: bytes) -> bytes:
    """To stand in the header of the picture; `append` fills in where the map lies."""
    has_iso = any(payload.startswith(_ISO) for _, payload in _segments(gain_map))
    told = [_ISO_OF_THE_PICTURE] * has_iso + [_MPF + _list_of_pictures(0, 0, 0)]
    return b"".join(_segment(_APP2, part) for part in told)


def append(file: BinaryIO, start: int, gain_map: bytes) -> None:
    """Put the map behind the JPEG that begins at `start` and ends where the file stands, and tell where."""
    end = file.tell()
    file.seek(start)
    place = file.read(end - start).index(_MPF + _list_of_pictures(0, 0, 0)) + len(_MPF)
    file.seek(start + place)
    file.write(_list_of_pictures(end - start, len(gain_map), end - start - place))
    file.seek(end)
    file.write(gain_map)


def _further_pictures(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each picture but the first lies in the file, and how many bytes it has, by its MPF."""
    for _, start, end in _places(data):
        base = start + 4 + len(_MPF)
        if not data.startswith(_MPF, start + 4):
            continue
        block = Block(data[base:end])
        entries, _ = block.directory(block.first)
        rows = block.raw(entries[_LIST_OF_PICTURES]) if _LIST_OF_PICTURES in entries else b""
        for place in range(16, len(rows) - 15, 16):
            _, size, offset = struct.unpack_from(block.order + "III", rows, place)
            yield base + offset, size


def _list_of_pictures(first: int, second: int, offset: int) -> bytes:
    """Of two pictures with so many bytes. offset: of the second, from the beginning of this list."""
    directory = struct.pack(">H", 3)
    directory += struct.pack(">HHI4s", 0xB000, 7, 4, b"0100")
    directory += struct.pack(">HHII", 0xB001, 4, 1, 2)
    directory += struct.pack(">HHII", _LIST_OF_PICTURES, 7, 32, 8 + 2 + 3 * 12 + 4)
    pictures = struct.pack(">IIIHH", 0x030000, first, 0, 0, 0) + struct.pack(
        ">IIIHH", 0, second, offset, 0, 0
    )
    return b"MM\0*" + struct.pack(">I", 8) + directory + bytes(4) + pictures


def _describes_a_map(payload: bytes) -> bool:
    is_named = _NAMESPACE in payload or _OF_APPLE in payload
    return (payload.startswith(_XMP) and is_named) or payload.startswith(_ISO)


def _upright(data: bytes, segments: list[tuple[int, bytes]], orientation: Orientation) -> bytes:
    """Raises ValueError, OSError or SyntaxError for a map that cannot be decoded."""
    kept = b"".join(
        _segment(kind, payload)
        for kind, payload in segments
        if _describes_a_map(payload) or (kind == _APP2 and payload.startswith(_ICC))
    )
    with open_image(io.BytesIO(data), ("JPEG",)) as image:
        if image.width * image.height > LARGEST:
            raise ValueError("larger than any map")
        load(image)
        if orientation.value != 1:
            buffer = io.BytesIO()
            turned(image, orientation.value).save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
            data = buffer.getvalue()
    return _START + kept + data[_end_of_header(data) :]


def _segment(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, len(payload) + 2) + payload


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Markers and contents of a JPEG up to its first scan. Raises ValueError for other data."""
    for kind, start, end in _places(data):
        yield kind, data[start + 4 : end]


def _end_of_header(data: bytes) -> int:
    """Where the first segment is that is not about an application."""
    return next(start for kind, start, _ in _places(data) if not _APP0 <= kind <= 0xEF)


def _places(data: bytes) -> Iterator[tuple[int, int, int]]:
    place = len(_START)
    if not data.startswith(_START):
        raise ValueError("no JPEG")
    while True:
        marker, size = struct.unpack_from(">HH", data, place)
        if marker >> 8 != 0xFF or size < 2:
            raise ValueError("no segment")
        yield marker & 0xFF, place, place + 2 + size
        if marker & 0xFF == _START_OF_SCAN:
            return
        place += 2 + size
