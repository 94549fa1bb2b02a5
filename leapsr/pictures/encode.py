"""A Picture as the bytes of a file: JPEG, PNG, WebP, AVIF, TIFF."""

import io
import logging
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cache
from typing import Any, BinaryIO

import torch
from PIL import Image, PngImagePlugin

from .. import memory
from . import exif, gain_map, icc_profiles, jpeg_writer, metadata, png_text, png_writer, tiff_writer
from .picture import Picture

logger = logging.getLogger(__name__)

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
LARGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383, "AVIF": 65_536}
OPAQUE = ("JPEG",)

_EIGHT_BITS = ("JPEG", "WEBP", "AVIF")
_NO_IPTC = ("WEBP", "AVIF")
_MAX_SEGMENT = 65_533
"""Bytes that a part of a JPEG can hold, beside its own length."""
_AVIF_THREAD = 80 << 20
"""Bytes of address space for each thread that encodes AVIF: its stack, and what glibc reserves for it."""
_AVIF_PIXEL = 48
"""Bytes for each pixel that is encoded as AVIF. Measured: 28 to 44."""
_avif_taken: list[int] = []
"""Bytes for each picture that is encoded as AVIF now."""
_avif_ended = threading.Condition()
_XMP_NAME, _PHOTOSHOP_NAME = b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0"


def encode(picture: Picture, name: str, quality: int, file: BinaryIO) -> None:
    """Write into a file that can be sought in.

    name: JPEG, PNG, WEBP, AVIF or TIFF. quality: of JPEG, WebP and AVIF, 1 to 100. What the format has no
    place for is left out with a warning. PNG, TIFF and JPEG are written in parts and take no memory to speak
    of; WebP and AVIF take a copy of the picture and more. Raises ValueError or OSError for a picture that the
    format cannot hold, and MemoryError.
    """
    picture = _with_fitting_colours(picture, name)
    if name in _EIGHT_BITS and picture.depth == 16:
        logger.warning("%s holds 8 of the 16 bits; PNG and TIFF hold all.", name)
        picture = replace(picture, depth=8)
    if name in _NO_IPTC and picture.iptc:
        logger.warning("The IPTC data have no place in %s and were left out.", name)
    if name != "PNG" and picture.text:
        keywords = ", ".join(dict.fromkeys(text.keyword for text in picture.text))
        logger.warning("The text of the PNG has no place in %s and was left out: %s.", name, keywords)
    if name != "JPEG" and picture.gain_map:
        logger.warning(
            "The gain map for HDR screens has no place in %s and was left out; JPEG keeps it.", name
        )
    if name == "TIFF":
        tiff_writer.write(file, picture)
    elif name == "PNG":
        png_writer.write(file, picture, png_writer.carrier(**_of_png(picture)))
    elif name == "JPEG":
        coding = {"quality": quality, "subsampling": 0 if quality >= 90 else None}
        start = file.tell()
        jpeg_writer.write(file, picture, _given(coding), _given(_of_jpeg(picture)))
        if picture.gain_map:
            gain_map.append(file, start, picture.gain_map)
    else:
        options: dict[str, Any] = {"icc_profile": picture.icc, "exif": picture.exif, "xmp": picture.xmp}
        if name == "AVIF":
            options["subsampling"] = None if picture.grey or quality < 90 else "4:4:4"
            options["exif"] = exif.without_orientation(picture.exif)  # else Pillow writes the block anew
        room = _avif_threads(math.prod(picture.size)) if name == "AVIF" else nullcontext()
        with room as threads:
            options |= {"max_threads": threads}
            picture.pil().save(file, name, quality=quality, **_given(options))


def _with_fitting_colours(picture: Picture, name: str) -> Picture:
    """A profile of grey goes with one channel only."""
    as_grey = picture.grey and name != "WEBP"
    if as_grey and name == "AVIF":
        as_grey = not picture.has_alpha and _avif_holds_grey()
    if icc_profiles.fits(picture.icc, as_grey):
        return picture
    tone = icc_profiles.tone(picture.icc)
    return replace(picture if tone is None else picture.with_rgb(tone.to_srgb(picture.rgb)), icc=None)


@cache
def _avif_holds_grey() -> bool:
    """Older versions of Pillow make RGB of it."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "AVIF")
    with Image.open(buffer) as image:
        return image.mode == "L"


@contextmanager
def _avif_threads(pixels: int) -> Iterator[int]:
    """One a core, or as many as there is memory for beside the other pictures that are encoded now: this
    encoder does not look whether it got the memory that it asked for, and took the process with it when that
    is limited (`ulimit -v`). Waits for the others; raises MemoryError when there are none.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with _avif_ended:
        while True:
            free = memory.available(torch.device("cpu"))
            left = math.inf if free is None else free - sum(_avif_taken) - pixels * _AVIF_PIXEL
            if left >= _AVIF_THREAD:
                break
            if not _avif_taken:
                raise MemoryError
            _avif_ended.wait()
        threads = int(min(cores, left // _AVIF_THREAD))
        taken = pixels * _AVIF_PIXEL + threads * _AVIF_THREAD
        _avif_taken.append(taken)
    try:
        yield threads
    finally:
        with _avif_ended:
            _avif_taken.remove(taken)
            _avif_ended.notify_all()


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _of_jpeg(picture: Picture) -> dict[str, Any]:
    xmp, extra = _if_short(picture.xmp, "XMP", len(_XMP_NAME)), _photoshop_segment(picture.iptc)
    if picture.gain_map:
        told = gain_map.packet(xmp, picture.gain_map)
        xmp = _if_short(told, "XMP", len(_XMP_NAME))
        if told is not None and xmp is None:
            xmp = gain_map.packet(None, picture.gain_map)
        extra = (extra or b"") + gain_map.segments_of_picture(picture.gain_map)
    return {
        "icc_profile": picture.icc,
        "exif": _if_short(picture.exif, "EXIF"),
        "xmp": xmp,
        "dpi": picture.dpi,
        "extra": extra,
    }


def _if_short(data: bytes | None, what: str, more: int = 0) -> bytes | None:
    if data is None or len(data) + more <= _MAX_SEGMENT:
        return data
    logger.warning("The %s data are too long for a JPEG and were left out.", what)
    return None


def _photoshop_segment(iptc: bytes | None) -> bytes | None:
    if not iptc:
        return None
    data = _if_short(_PHOTOSHOP_NAME + metadata.resource(metadata.IPTC_RESOURCE, iptc), "IPTC")
    return data and b"\xff\xed" + (len(data) + 2).to_bytes(2, "big") + data


def _of_png(picture: Picture) -> dict[str, Any]:
    text = PngImagePlugin.PngInfo()
    if picture.xmp:
        text.add_itxt("XML:com.adobe.xmp", picture.xmp.decode("utf-8", "replace"))
    if picture.iptc:  # ImageMagick's way, which other programs read
        data = metadata.resource(metadata.IPTC_RESOURCE, picture.iptc)
        hexadecimal = f"\niptc\n{len(data):8}\n{data.hex()}\n"
        text.add_text("Raw profile type iptc", hexadecimal, zip=png_text.is_compressed(hexadecimal))
    png_text.add(text, picture.text)
    if picture.icc and len(picture.icc) >= png_text.MOST_COMPRESSED:
        logger.warning(
            "The colour profile has %.1f MiB; some programs refuse a PNG with more than 1 MiB: TIFF or JPEG "
            "are safer.",
            len(picture.icc) / 2**20,
        )
    about = {"icc_profile": picture.icc, "exif": picture.exif, "dpi": picture.dpi, "pnginfo": text}
    return _given(about)
