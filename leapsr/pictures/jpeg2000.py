"""JPEG 2000 (ISO 15444-1, annex I): metadata that Pillow ignores, and colours that it would change."""

import uuid
from collections.abc import Iterator

from PIL import Image

from ..errors import ImageError
from .boxes import boxes

_CODESTREAM = b"\xff\x4f\xff\x51"
_SUPERBOXES = (b"jp2h",)
_EXIF, _XMP = b"JpgTiffExif->JP2", uuid.UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
_ENUMERATED = (16, 17, 18)
"""sRGB, grey, sYCC."""
_PROFILE = (2, 3)
"""Methods of a colour box that hold an ICC profile."""
_SPACES_OF_PROFILES = (b"RGB ", b"GRAY")
"""Four inks would be taken for colours with transparency."""


def add_metadata(image: Image.Image, data: bytes, name: str) -> None:
    """Add its profile, EXIF and XMP to `image.info`, as other formats have them.

    Raises ImageError where Pillow would change the colours: it cuts them to 8 bits, and knows few spaces.
    """
    bits = set(_bits(data))
    if bits - {8} and not (image.mode == "I;16" and bits == {16}):
        listed = ", ".join("signed" if number < 0 else str(number) for number in sorted(bits)) or "unknown"
        raise ImageError(f"{name} is a JPEG 2000 of {listed} bits for each colour; convert it to TIFF first.")
    spaces = [box for kind, box in _boxes(data) if kind == b"colr" and len(box) >= 3]
    for box in spaces[:1]:
        if box[0] in _PROFILE and box[3:][16:20] in _SPACES_OF_PROFILES:
            image.info["icc_profile"] = box[3:]
        elif box[0] in _PROFILE or int.from_bytes(box[3:7], "big") not in _ENUMERATED:
            raise ImageError(f"{name} is a JPEG 2000 in an uncommon colour space; convert it to TIFF first.")
    for kind, box in _boxes(data):
        if kind == b"uuid" and box[:16] in (_EXIF, _XMP):
            image.info["exif" if box.startswith(_EXIF) else "xmp"] = box[16:]


def _bits(data: bytes) -> Iterator[int]:
    """Of each component, from the header of the codestream; with its sign they are not of a photo."""
    start = data.find(_CODESTREAM)
    if start < 0:
        return
    count = int.from_bytes(data[start + 40 : start + 42], "big")
    for size in data[start + 42 : start + 42 + 3 * count : 3]:
        yield -1 if size & 0x80 else size + 1


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each, also of those in the header; a bare codestream has none."""
    for kind, place in () if data.startswith(_CODESTREAM) else boxes(data):
        content = data[place] if kind != b"jp2c" else b""
        yield kind, content
        if kind in _SUPERBOXES:
            yield from _boxes(content)
