"""Update the EXIF block of a photo that was turned or enlarged. Everything else stays where it is."""

import json
import logging
import struct
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from PIL import ExifTags

from . import exif_geometry
from .ifd import ASCII, EMPTY, LONG, RATIONAL, SHORT, Block, Directory
from .orientation import UPRIGHT, Orientation

logger = logging.getLogger(__name__)

HEADER = b"Exif\0\0"
THUMBNAIL_SIDE = 160
"""Pixels, as cameras make them."""

_TAG = ExifTags.Base
_JPEG_COMPRESSION, _INCH = 6, 2
_RELATED = (0x1001, 0x1002)
"""The width and the height in the directory of interoperability."""
_SIZES = frozenset(("shape", "axes", "width", "height", "imagewidth", "imagelength", "sizex", "sizey"))
_START_OF_JPEG = b"\xff\xd8"


def software() -> str:
    """The text of the Software tag."""
    try:
        return f"leapsr {version('leapsr')}"
    except PackageNotFoundError:  # a checkout that is not installed
        return "leapsr"


def is_software(text: str) -> bool:
    """Whether the text of a Software tag is that of any version of leapsr."""
    return text.split()[:1] == ["leapsr"]


def upright(raw: bytes, name: str = "the picture", orientation: Orientation = UPRIGHT) -> bytes | None:
    """The block of the upright picture: orientation 1; sizes, resolution and positions are turned with it.

    Returns None, with a warning, for a damaged block.

    Args:
        raw: the block, with or without "Exif".
        name: of the file, for the warning.
        orientation: how the picture was stored; the block itself may not say so.
    """

    def turn(block: Block) -> None:
        entries, following = block.directory(block.first)
        before = dict(entries)
        if _TAG.Orientation in entries and block.values(entries[_TAG.Orientation]) != (1,):
            entries[_TAG.Orientation] = block.entry(SHORT, [1])
        if orientation.swaps_sides and entries.keys() >= {_TAG.XResolution, _TAG.YResolution}:
            x, y = _TAG.XResolution, _TAG.YResolution
            entries[x], entries[y] = entries[y], entries[x]
        if _TAG.ExifOffset in entries:
            exposure, after = block.directory(block.values(entries[_TAG.ExifOffset])[0])
            as_it_was = dict(exposure)
            exif_geometry.turn(block, exposure, orientation)
            if exposure != as_it_was:
                entries[_TAG.ExifOffset] = block.entry(LONG, [block.append_directory(exposure, after)])
        if entries != before:
            block.first = block.append_directory(entries, following)

    return _changed(raw, turn, name)


def without_orientation(raw: bytes | None) -> bytes | None:
    """Without the orientation, which AVIF keeps elsewhere; None, with a warning, for a damaged block."""

    def drop(block: Block) -> None:
        entries, following = block.directory(block.first)
        if entries.pop(_TAG.Orientation, None) is not None:
            block.first = block.append_directory(entries, following)

    return None if raw is None else _changed(raw, drop)


def of_result(
    raw: bytes | None,
    size: tuple[int, int],
    dpi: tuple[float, float] | None = None,
    thumbnail: bytes | None = None,
) -> bytes | None:
    """The block of an enlarged picture. Returns None, with a warning, if `raw` is damaged.

    Args:
        raw: the block of the source; None begins a new one.
        size: (height, width) of the result.
        dpi: (x, y); None leaves the resolution as it is.
        thumbnail: a JPEG instead of the source's thumbnail; None removes that.
    """

    def renew(block: Block) -> None:
        entries, following = block.directory(block.first)
        _drop_thumbnail(block, following)
        entries |= resolution(block, dpi)
        entries[_TAG.Software] = block.entry(ASCII, software().encode() + b"\0")
        if _TAG.ImageDescription in entries and _is_of_a_program(block.raw(entries[_TAG.ImageDescription])):
            del entries[_TAG.ImageDescription]
        for tag, side in ((_TAG.ImageLength, size[0]), (_TAG.ImageWidth, size[1])):
            if tag in entries:
                entries[tag] = block.entry(LONG, [side])
        if _TAG.ExifOffset in entries:
            entries[_TAG.ExifOffset] = block.entry(LONG, [_with_size(block, entries[_TAG.ExifOffset], size)])
        block.first = block.append_directory(entries, _thumbnail_directory(block, thumbnail))

    return _changed(HEADER + EMPTY if raw is None else raw, renew)


def has_thumbnail(raw: bytes | None) -> bool:
    """False also for a damaged block."""
    try:
        block = Block((raw or EMPTY).removeprefix(HEADER))
        following = block.directory(block.first)[1]
        return bool(following) and _TAG.JpegIFOffset in block.directory(following)[0]
    except ValueError:
        return False


def warn(name: str, error: Exception) -> None:
    """Log that damaged EXIF was left out; it is no reason to refuse a picture."""
    logger.warning("The EXIF data of %s could not be read and were left out: %s.", name, error)


def _changed(raw: bytes, change: Callable[[Block], None], name: str = "the picture") -> bytes | None:
    try:
        block = Block(raw.removeprefix(HEADER))
        change(block)
    except (ValueError, IndexError, struct.error) as error:
        warn(name, error)
        return None
    return HEADER + bytes(block.data)


def _with_size(block: Block, pointer: bytes, size: tuple[int, int]) -> int:
    """The Exif directory with the new size of the picture; where it lies."""
    entries, following = block.directory(block.values(pointer)[0])
    exif_geometry.enlarge(block, entries, size)
    if _TAG.ExifInteroperabilityOffset in entries:
        related = entries[_TAG.ExifInteroperabilityOffset]
        entries[_TAG.ExifInteroperabilityOffset] = block.entry(LONG, [_related(block, related, size)])
    entries[_TAG.ExifImageWidth] = block.entry(LONG, [size[1]])
    entries[_TAG.ExifImageHeight] = block.entry(LONG, [size[0]])
    return block.append_directory(entries, following)


def _related(block: Block, pointer: bytes, size: tuple[int, int]) -> int:
    """The interoperability directory, which may hold the size of the picture too; where it lies."""
    place = block.values(pointer)[0]
    entries, following = block.directory(place)
    sides = dict(zip(_RELATED, size[::-1], strict=True))
    if not entries.keys() & sides:
        return place
    entries |= {tag: block.entry(LONG, [side]) for tag, side in sides.items()}
    return block.append_directory(entries, following)


def _is_of_a_program(description: bytes) -> bool:
    """Whether it is no caption but data of a program (OME, ImageJ ...) about pages and sizes."""
    text = description.strip(b"\0 \r\n\t")
    if text.startswith((b"ImageJ=", b"Aperio ", b"SCANIMAGE", b"SI.")) or b"<OME" in text:
        return True
    if not text.startswith(b"{"):
        return False
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and not _SIZES.isdisjoint(str(name).lower() for name in found)


def resolution(block: Block, dpi: tuple[float, float] | None) -> Directory:
    """The entries of a directory; none without dpi."""
    if dpi is None:
        return {}
    x, y = (block.entry(RATIONAL, [round(1000 * value), 1000]) for value in dpi)
    return {_TAG.XResolution: x, _TAG.YResolution: y, _TAG.ResolutionUnit: block.entry(SHORT, [_INCH])}


def _drop_thumbnail(block: Block, offset: int) -> None:
    """Its bytes are cut off at the end of the block, where cameras write them, and overwritten elsewhere."""
    if not offset:
        return
    entries, _ = block.directory(offset)
    if not {_TAG.JpegIFOffset, _TAG.JpegIFByteCount} <= entries.keys():
        return
    start, size = (block.values(entries[tag])[0] for tag in (_TAG.JpegIFOffset, _TAG.JpegIFByteCount))
    if block.data[start : start + 2] != _START_OF_JPEG or start + size > len(block.data):
        return
    if start + size >= len(block.data) - 1:
        del block.data[start:]
    else:
        block.data[start : start + size] = bytes(size)


def _thumbnail_directory(block: Block, jpeg: bytes | None) -> int:
    if jpeg is None:
        return 0
    entries: Directory = {
        _TAG.Compression: block.entry(SHORT, [_JPEG_COMPRESSION]),
        _TAG.JpegIFOffset: block.entry(LONG, [block.append(jpeg)]),
        _TAG.JpegIFByteCount: block.entry(LONG, [len(jpeg)]),
    }
    return block.append_directory(entries)
