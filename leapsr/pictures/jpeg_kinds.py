"""JPEGs without their end marker, and kinds of JPEG that cannot be read.

Webcams and broken uploads leave out the last two bytes. If pixels are missing too, a decoder fills them with
grey and reports nothing. To find out, arbitrary data is put behind the file: a decoder that still needs
bytes uses them, and its pixels change.
"""

import io
import logging
import re
import struct

import numpy as np
from PIL import Image, JpegImagePlugin

from .pillow_limits import open_image

logger = logging.getLogger(__name__)

_END = b"\xff\xd9"
_NOISE = np.random.default_rng(0).integers(1, 255, 1024, np.uint8)
_FILLERS = (_NOISE.tobytes(), (255 - _NOISE).tobytes())
"""Entropy-coded data without a marker, as no byte is 255, and no bit is the same in both."""
_START, _START_OF_SCAN, _JPEG_LS = b"\xff\xd8", 0xDA, 0xF7
_COLOURS = (1, 3, 4)
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
"""Not those without a length (ITU T.81, table B.1): restarts, the start of the image, one of no use here."""
_FRAMES = tuple(marker for marker in range(0xC0, 0xD0) if marker not in (0xC4, 0xC8, 0xCC))
_COEFFICIENTS = 64
_LONG_RUN = 15


def add_end_marker(image: Image.Image, name: str) -> None:
    """Add a missing end marker, with a warning, so that Pillow decodes the image.

    image: opened and not yet decoded; other formats stay as they are. Raises ValueError where pixels are
    missing too. (Pillow would decode zeros at the end of a broken upload into blocks.)
    """
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or image.fp is None or not image.tile:
        return
    image.fp.seek(0)
    data = image.fp.read()
    if data.endswith(_END) or _END in data[_scan(data) :]:
        return
    data = _without_padding(data)
    if not _is_whole(data):
        raise ValueError("it ends before its last pixels")
    logger.warning("%s ends without its end marker; every pixel is there.", name)
    image.fp = io.BytesIO(data + _END)


def size(data: bytes) -> tuple[int, int] | None:
    """(height, width) by the header of a JPEG; None where there is none."""
    for marker, place in _segments(data) if data.startswith(_START) else ():
        if marker in _FRAMES and len(data) >= place + 7:
            height, width = struct.unpack_from(">HH", data, place + 3)
            return height, width
    return None


def unsupported(data: bytes) -> str | None:
    """The kind of a JPEG that cannot be opened; None for other and damaged files."""
    if not data.startswith(_START):
        return None
    for marker, place in _segments(data):
        if marker == _JPEG_LS:
            return "a JPEG-LS"
        if marker in _FRAMES and len(data) > place + 7:
            bits, colours = data[place + 2], data[place + 7]
            if bits != 8:
                return f"a JPEG of {bits} bits"
            return None if colours in _COLOURS else f"a JPEG of {colours} colours"
    return None


def _without_padding(data: bytes) -> bytes:
    """Without half a marker, and without the run of equal bytes that fills up an incomplete file."""
    stripped = data.rstrip(data[-1:])
    return stripped if len(data) - len(stripped) > _LONG_RUN else data.removesuffix(_END[:1])


def _is_whole(data: bytes) -> bool:
    """Whether the last scan needs no more bytes and no scan is missing."""
    if not _has_all_scans(data):
        return False
    restarts = [bytes((0xFF, marker)) for marker in range(0xD0, 0xD8)]
    decoded = []
    for filler in (b"", *_FILLERS):
        more = filler and b"".join(
            filler + restart for restart in 2 * restarts
        )  # each may be the one awaited
        with open_image(io.BytesIO(data + more + _END), ("JPEG",)) as image:
            decoded.append(np.asarray(image))
    return all(np.array_equal(decoded[0], other) for other in decoded[1:])


def _scan(data: bytes) -> int:
    """Where the first scan begins; the end of the file where there is none."""
    return next((place for marker, place in _segments(data) if marker == _START_OF_SCAN), len(data))


def _segments(data: bytes) -> list[tuple[int, int]]:
    """Markers with a length, and where that stands; those behind entropy-coded data too."""
    found, place = [], 0
    while (marker := _MARKER.search(data, place)) is not None and marker.end() + 2 <= len(data):
        found.append((marker[0][1], marker.end()))
        place = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return found


def _has_all_scans(data: bytes) -> bool:
    """Whether each coefficient of each component is there to its last bit (ITU T.81, annex G.1)."""
    components, whole = 0, set()
    for marker, place in _segments(data):
        if marker in _FRAMES:
            components = data[place + 7]
        elif marker == _START_OF_SCAN and place + 2 < len(data):
            count = data[place + 2]
            first, last, bits = data[place + 3 + 2 * count : place + 6 + 2 * count] or (0, 0, 1)
            if bits & 15 == 0:
                named = data[place + 3 : place + 3 + 2 * count : 2]
                whole |= {(component, i) for component in named for i in range(first, last + 1)}
    return components > 0 and len(whole) == components * _COEFFICIENTS
