"""What a photo says about itself: EXIF, XMP, IPTC and the resolution, read from files of every format."""

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from PIL import ExifTags, Image, TiffImagePlugin, TiffTags

from . import colour_tags, exif
from .colour_tags import Colours
from .tiff_pages import Directories

IPTC_RESOURCE = 0x0404
"""The number of IPTC among Photoshop's image resources."""

_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG, _PROFILE_TAG = 700, 33_723, 34_377, 34_675
_MAX_DPI = 100_000
# What describes the file rather than the photo, and what has a place of its own in `Metadata`.
_OF_THE_FILE = (
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 290, 291}
    | {292, 293, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 338, 339, 340, 341, 347}
    | {512, 513, 514, 529, 530, 531, 532, _XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG, _PROFILE_TAG, 37_724, 50_255}
)


@dataclass(frozen=True)
class Metadata:
    """exif: starts with "Exif". xmp: an XML packet. Both say orientation 1. iptc: records (IIM). dpi: (x, y),
    in pixels an inch. None where the photo has none.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None


def read(image: Image.Image, name: str = "the picture") -> Metadata:
    """Of a file that was opened; what is damaged is left out with a warning."""
    return Metadata(_exif(image, name), _xmp(image.info.get("xmp")), _iptc(image), _dpi(image))


def of_tiff(data: bytes, name: str = "the picture") -> tuple[Metadata, Colours]:
    """Of a TIFF that Pillow does not open: what it says of the photo, and of its colours."""
    tags = Image.Exif()
    try:
        file = Directories(data)
        page = next(file.chain())
        if page.is_big_endian_bigtiff:  # the one header that Pillow does not know
            return Metadata(xmp=_xmp(file.raw(page, _XMP_TAG))), Colours(file.raw(page, _PROFILE_TAG))
        tags.bigtiff, tags.endian = file.big, file.order
        tags.load_from_fp(io.BytesIO(data), page.offset)
        colours = colour_tags.of_tiff(tags, name)
        iptc, xmp = _bytes(tags.get(_IPTC_TAG)), _xmp(tags.get(_XMP_TAG))
        dpi = _positive(_dpi_of_tags(tags))
        block = _exif_of_tags(tags)
    except Exception as error:  # as above
        exif.warn(name, error)
        return Metadata(), colour_tags.SRGB
    return Metadata(exif.upright(block, name) if block else None, xmp, iptc, dpi), colours


def xmp_of_result(xmp: bytes | None, size: tuple[int, int]) -> bytes | None:
    """The packet with the picture's size (height, width), where it speaks of it."""
    if xmp is None:
        return None
    sides = {b"tiff:ImageWidth": size[1], b"tiff:ImageLength": size[0]}
    return _saying(xmp, sides | {b"exif:PixelXDimension": size[1], b"exif:PixelYDimension": size[0]})


def _saying(xmp: bytes, values: dict[bytes, int]) -> bytes:
    """The packet with other numbers, be they attributes or elements."""
    for name, value in values.items():
        xmp = re.sub(rb"(%s(?:\s*=\s*[\"']|>)\s*)\d+" % name, rb"\g<1>%d" % value, xmp)
    return xmp


def resource(number: int, data: bytes) -> bytes:
    """One of Photoshop's image resources, as files hold it."""
    padding = b"\0" * (len(data) % 2)
    return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + padding


def _xmp(found: Any) -> bytes | None:
    packet = found.encode() if isinstance(found, str) else found
    return _saying(packet, {b"tiff:Orientation": 1}) if packet and isinstance(packet, bytes) else None


def _iptc(image: Image.Image) -> bytes | None:
    """JPEG and TIFF keep it among Photoshop's resources, TIFF also in a tag, PNG as text in hexadecimal."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return _bytes_of_tag(image, _IPTC_TAG) or _iptc_resource(_bytes_of_tag(image, _PHOTOSHOP_TAG))
    if image.format == "PNG":
        return _iptc_resource(_raw_profile(image.info.get("Raw profile type iptc", "")))
    resources = image.info.get("photoshop")
    return resources.get(IPTC_RESOURCE) if isinstance(resources, dict) else None


def _bytes_of_tag(image: TiffImagePlugin.TiffImageFile, tag: int) -> bytes:
    if tag not in image.tag_v2:
        return b""
    image.tag_v2.tagtype[tag] = TiffTags.UNDEFINED  # many declare it as numbers, of which Pillow keeps one
    value: Any = image.tag_v2[tag]
    return value if isinstance(value, bytes) else b""


def _raw_profile(text: str) -> bytes:
    """ImageMagick's way: a name, a length, hexadecimal digits."""
    try:
        return bytes.fromhex("".join(str(text).split()[2:]))
    except ValueError:
        return b""


def _iptc_resource(resources: bytes) -> bytes | None:
    return next((data for number, data in _resources(resources) if number == IPTC_RESOURCE), None)


def _resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while data[place : place + 4] == b"8BIM" and len(data) >= place + 12:
        (number,) = struct.unpack_from(">H", data, place + 4)
        start = place + 6 + (data[place + 6] + 2) // 2 * 2
        if len(data) < start + 4:
            return
        (size,) = struct.unpack_from(">I", data, start)
        yield number, data[start + 4 : start + 4 + size]
        place = start + 4 + size + size % 2


def _bytes(value: Any) -> bytes | None:
    return value if isinstance(value, bytes) and value else None


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    if "dpi" in image.info:
        return _positive(image.info["dpi"])
    try:  # WebP and AVIF have no other place for it
        return _positive(_dpi_of_tags(image.getexif())) if "exif" in image.info else None
    except Exception:  # damaged EXIF: reading the block tells
        return None


def _dpi_of_tags(tags: Image.Exif) -> tuple[Any, ...]:
    unit = {2: 1.0, 3: 2.54}.get(tags.get(ExifTags.Base.ResolutionUnit, 2))
    sides = [tags[tag] for tag in (ExifTags.Base.XResolution, ExifTags.Base.YResolution) if tag in tags]
    return () if unit is None else tuple(unit * float(side) for side in sides)


def _positive(dpi: Any) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return (x, y) if all(isfinite(value) and 0 < value < _MAX_DPI for value in (x, y)) else None


def _exif_of_tags(tags: Image.Exif) -> bytes | None:
    """A TIFF is one EXIF block; without what is about the pixels, that is what goes on."""
    tags.get_ifd(ExifTags.IFD.Exif)
    tags.get_ifd(ExifTags.IFD.GPSInfo)
    for tag in _OF_THE_FILE & set(tags):
        del tags[tag]
    for tag, value in tags.items():
        if isinstance(value, str) and not value.isascii():
            tags[tag] = value.encode("latin-1", "replace")  # how it was decoded: the bytes stay
    tags.bigtiff = False  # EXIF has the small header, whatever the file had
    return tags.tobytes() if len(tags) else None


def _exif(image: Image.Image, name: str) -> bytes | None:
    try:
        raw = _exif_of_tags(image.getexif()) if image.format == "TIFF" else image.info.get("exif")
    except Exception as error:  # Pillow raises many kinds on damaged tags
        exif.warn(name, error)
        return None
    if raw is None and image.format == "PNG":  # as older programs wrote it
        raw = _raw_profile(image.info.get("Raw profile type exif", ""))
    return exif.upright(raw, name) if raw else None
