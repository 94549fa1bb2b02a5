"""EXIF, XMP, IPTC, resolution and PNG text, read from files of every format."""

import io
import logging
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from PIL import ExifTags, Image, TiffImagePlugin, TiffTags

from . import colour_tags, exif, png_text, xmp
from .colour_tags import Colours
from .orientation import UPRIGHT, Orientation
from .png_text import Text
from .tiff_pages import Directories

logger = logging.getLogger(__name__)

IPTC_RESOURCE = 0x0404
"""The number of IPTC among Photoshop's image resources."""

_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG, _PROFILE_TAG = 700, 33_723, 34_377, 34_675
_ON_EARTH = frozenset((33_550, 33_922, 34_264, 34_735, 34_736, 34_737))
"""GeoTIFF: where each pixel lies on Earth."""
_MAX_DPI = 100_000
_UNITS_OF_JFIF = {1: 1.0, 2: 2.54}
"""Inch and centimetre; 0 is a shape of pixels."""
# Tags that describe the file rather than the photo, or have a field of their own in `Metadata`.
_OF_THE_FILE = (
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 290, 291}
    | {292, 293, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 338, 339, 340, 341, 347}
    | {512, 513, 514, 529, 530, 531, 532, _XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG, _PROFILE_TAG, 37_724, 50_255}
    | {50_838, 50_839, *range(50_706, 50_832), *range(50_879, 51_126)}  # ImageJ's overlays, and those of DNG
)

_OF_A_RAW_PHOTO = {270, 271, 272, 282, 283, 296, 306, 315, 18_246, 18_249, 33_432, 34_665, 34_853, 36_867}
"""What the first directory of a RAW photo says of the photo; the rest is for RAW converters."""


@dataclass(frozen=True)
class Metadata:
    """exif: starts with "Exif". xmp: an XML packet. Both describe the upright picture. iptc: records (IIM).
    dpi: (x, y), in pixels an inch. text: of a PNG. None where the photo has none.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    text: tuple[Text, ...] = ()


def read(image: Image.Image, name: str = "the picture", orientation: Orientation = UPRIGHT) -> Metadata:
    """image: opened and decoded. Damaged metadata are left out with a warning."""
    packet = png_text.info_without_text(image).get("xmp")
    found = _xmp(packet, orientation)
    if image.format in ("JPEG", "MPO") and isinstance(packet, bytes) and b"HasExtendedXMP" in packet:
        logger.warning("The further XMP data of %s, beyond its first 64 KB, were left out.", name)
    return Metadata(
        _exif(image, name, orientation), found, _iptc(image), _dpi(image, orientation), png_text.read(image)
    )


def of_tiff(
    data: bytes, name: str = "the picture", orientation: Orientation = UPRIGHT
) -> tuple[Metadata, Colours]:
    """The metadata and colours of a TIFF that Pillow does not open."""
    tags = Image.Exif()
    try:
        file = Directories(data)
        page = next(file.chain())
        if page.is_big_endian_bigtiff:  # the one header that Pillow does not know
            packet = _xmp(file.raw(page, _XMP_TAG), orientation)
            return Metadata(xmp=packet), Colours(file.raw(page, _PROFILE_TAG))
        tags.bigtiff, tags.endian = file.big, file.order
        tags.load_from_fp(io.BytesIO(data), page.offset)
        colours = colour_tags.of_tiff(tags, name)
        found, packet = tags.get(_IPTC_TAG), _xmp(tags.get(_XMP_TAG), orientation)
        iptc = found if isinstance(found, bytes) and found else None
        dpi = _upright(_positive(_dpi_of_tags(tags)), orientation)
        block = _exif_of_tags(tags, name)
    except Exception as error:  # as above
        exif.warn(name, error)
        return Metadata(), colour_tags.SRGB
    return Metadata(exif.upright(block, name, orientation) if block else None, packet, iptc, dpi), colours


def of_raw(tags: Image.Exif, preview: bytes, name: str, orientation: Orientation) -> Metadata:
    """Of a RAW photo that has been developed and turned. What is for RAW converters only, and the notes of
    the maker, are left out.

    tags: of its first directory; none where it is no TIFF. preview: EXIF of the JPEG in it.
    """
    try:
        if not tags:
            block, packet, iptc = preview or None, None, None
            tags.load(preview)
        else:
            packet, iptc = _xmp(tags.get(_XMP_TAG), orientation), tags.get(_IPTC_TAG)
            tags.get_ifd(ExifTags.IFD.Exif).pop(ExifTags.Base.MakerNote, None)
            for tag in set(tags) - _OF_A_RAW_PHOTO:
                del tags[tag]
            block = _exif_of_tags(tags, name)
        dpi = _upright(_positive(_dpi_of_tags(tags)), orientation)
    except Exception as error:  # as above
        exif.warn(name, error)
        return Metadata()
    if not block:
        logger.warning("No EXIF data were found in %s.", name)
    found = exif.upright(block, name, orientation) if block else None
    iptc = iptc if isinstance(iptc, bytes) and iptc else None
    return Metadata(found, packet and xmp.without_development(packet), iptc, dpi)


def of_blocks(
    block: bytes | None, packet: bytes | None, size: tuple[int, int], name: str = "the picture"
) -> Metadata:
    """Of an upright picture of size (height, width). block: EXIF, a TIFF structure. packet: XMP."""
    orientation, dpi = Orientation(1, size), None
    tags = Image.Exif()
    try:
        tags.load(exif.HEADER + block if block else b"")
        dpi = _positive(_dpi_of_tags(tags))
    except Exception as error:  # Pillow raises many kinds of errors on damaged EXIF
        exif.warn(name, error)
        block = None
    found = exif.upright(exif.HEADER + block, name, orientation) if block else None
    return Metadata(found, _xmp(packet, orientation), dpi=dpi)


def resource(number: int, data: bytes) -> bytes:
    """One of Photoshop's image resources, as files hold it."""
    padding = b"\0" * (len(data) % 2)
    return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + padding


def _xmp(found: Any, orientation: Orientation) -> bytes | None:
    packet = found.encode() if isinstance(found, str) else found
    return xmp.upright(packet, orientation) if packet and isinstance(packet, bytes) else None


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


def _dpi(image: Image.Image, orientation: Orientation) -> tuple[float, float] | None:
    """That of EXIF comes first, because many programs write 72 elsewhere in the file."""
    try:
        found = _positive(_dpi_of_tags(Image.Image.getexif(image)))
    except Exception:  # damaged EXIF: reading the block tells
        found = None
    return _upright(found or _positive(_dpi_of_file(image)), orientation)


def _dpi_of_file(image: Image.Image) -> Any:
    """Without the defaults that Pillow adds for a JPEG or a TIFF without resolution."""
    if image.format == "TIFF":
        return None
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit") not in _UNITS_OF_JFIF:
        return None
    if image.info.get("jfif_unit") in _UNITS_OF_JFIF:
        unit = _UNITS_OF_JFIF[image.info["jfif_unit"]]
        return tuple(unit * side for side in image.info.get("jfif_density", ()))
    return png_text.info_without_text(image).get("dpi")


def _upright(dpi: tuple[float, float] | None, orientation: Orientation) -> tuple[float, float] | None:
    return None if dpi is None else orientation.swapped(*dpi)


def _dpi_of_tags(tags: Image.Exif) -> tuple[Any, ...]:
    unit = {2: 1.0, 3: 2.54}.get(tags.get(ExifTags.Base.ResolutionUnit, 2))
    sides = [tags[tag] for tag in (ExifTags.Base.XResolution, ExifTags.Base.YResolution) if tag in tags]
    return () if unit is None else tuple(unit * float(side) for side in sides)


def _positive(dpi: Any) -> tuple[float, float] | None:
    """None for senseless values; 1 is written by programs that know no resolution."""
    try:
        x, y = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    sensible = all(isfinite(value) and 0 < value < _MAX_DPI for value in (x, y)) and (x, y) != (1, 1)
    return (x, y) if sensible else None


def _exif_of_tags(tags: Image.Exif, name: str) -> bytes | None:
    """A TIFF has the structure of an EXIF block. Tags about its pixels are left out."""
    if _ON_EARTH & set(tags):
        logger.warning("Where %s lies on Earth (GeoTIFF) holds only for its pixels and was left out.", name)
    tags.get_ifd(ExifTags.IFD.Exif)
    tags.get_ifd(ExifTags.IFD.GPSInfo)
    for tag in (_OF_THE_FILE | _ON_EARTH) & set(tags):
        del tags[tag]
    for tag, value in tags.items():
        if isinstance(value, str) and not value.isascii():
            tags[tag] = value.encode("latin-1", "replace")  # how it was decoded: the bytes stay
    tags.bigtiff = False  # EXIF has the small header, whatever the file had
    return tags.tobytes() if len(tags) else None


def _exif(image: Image.Image, name: str, orientation: Orientation) -> bytes | None:
    try:
        raw = _exif_of_tags(image.getexif(), name) if image.format == "TIFF" else image.info.get("exif")
    except Exception as error:  # Pillow raises many kinds on damaged tags
        exif.warn(name, error)
        return None
    if raw is None and image.format == "PNG":  # as older programs wrote it
        raw = _raw_profile(image.info.get("Raw profile type exif", ""))
    return exif.upright(raw, name, orientation) if raw and isinstance(raw, bytes) else None
