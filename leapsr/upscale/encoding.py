"""A Picture as the bytes of a file: JPEG, PNG, WebP, AVIF, TIFF."""

import io
import logging
from dataclasses import replace
from functools import cache
from typing import Any

from PIL import Image, PngImagePlugin

from . import exif, metadata, png_writing, profiles, tiff_writing
from .images import Picture, to_array, to_pil

logger = logging.getLogger(__name__)

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
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
_XMP_NAME, _PHOTOSHOP_NAME = b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0"


def encode(picture: Picture, name: str, quality: int) -> bytes:
    """name: JPEG, PNG, WEBP, AVIF or TIFF. quality: of JPEG, WebP and AVIF, 1 to 100.

    What the format has no place for is left out with a warning. Raises ValueError or OSError for a picture
    that the format cannot hold.
    """
    picture = _with_fitting_colours(picture, name)
    if name in _EIGHT_BITS and picture.depth == 16:
        logger.warning("%s holds 8 of the 16 bits; '-f png' and '-f tiff' hold all.", name)
        picture = replace(picture, depth=8)
    if name in _NO_IPTC and picture.iptc:
        logger.warning("The IPTC data have no place in %s and were left out.", name)
    if name == "TIFF":
        return _tiff(picture)
    if name == "PNG":
        return _png(picture)
    return _saved(to_pil(picture), name, quality=quality, **_OPTIONS[name](picture, quality))


def _with_fitting_colours(picture: Picture, name: str) -> Picture:
    """A profile of grey goes with one channel only."""
    as_grey = picture.grey and name != "WEBP"
    if as_grey and name == "AVIF":
        as_grey = picture.alpha is None and _avif_holds_grey()
    if profiles.space(picture.icc) == (b"GRAY" if as_grey else b"RGB "):
        return picture
    tone = profiles.tone(picture.icc)
    return replace(picture, rgb=tone.to_srgb(picture.rgb) if tone else picture.rgb, icc=None)


@cache
def _avif_holds_grey() -> bool:
    """Older versions of Pillow make RGB of it."""
    with Image.open(io.BytesIO(_saved(Image.new("L", (1, 1)), "AVIF"))) as image:
        return image.mode == "L"


def _saved(image: Image.Image, name: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **{key: value for key, value in options.items() if value is not None})
    return buffer.getvalue()


def _of_jpeg(picture: Picture, quality: int) -> dict[str, Any]:
    return {
        "icc_profile": picture.icc,
        "exif": _if_short(picture.exif, "EXIF"),
        "xmp": _if_short(picture.xmp, "XMP", len(_XMP_NAME)),
        "dpi": picture.dpi,
        "extra": _photoshop_segment(picture.iptc),
        "subsampling": 0 if quality >= 90 else None,
    }


def _of_webp(picture: Picture, quality: int) -> dict[str, Any]:
    return {"icc_profile": picture.icc, "exif": picture.exif, "xmp": picture.xmp}


def _of_avif(picture: Picture, quality: int) -> dict[str, Any]:
    full = None if picture.grey or quality < 90 else "4:4:4"
    block = exif.without_orientation(picture.exif)  # Pillow would write the whole block anew
    return {"icc_profile": picture.icc, "exif": block, "xmp": picture.xmp, "subsampling": full}


_OPTIONS = {"JPEG": _of_jpeg, "WEBP": _of_webp, "AVIF": _of_avif}


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


def _png(picture: Picture) -> bytes:
    text = PngImagePlugin.PngInfo()
    if picture.xmp:
        text.add_itxt("XML:com.adobe.xmp", picture.xmp.decode("utf-8", "replace"))
    if picture.iptc:  # ImageMagick's way, which other programs read
        data = metadata.resource(metadata.IPTC_RESOURCE, picture.iptc)
        text.add_text("Raw profile type iptc", f"\niptc\n{len(data):8}\n{data.hex()}\n", zip=True)
    options = {"icc_profile": picture.icc, "exif": picture.exif, "dpi": picture.dpi, "pnginfo": text}
    if picture.depth == 8:
        return _saved(to_pil(picture), "PNG", **options)
    values = to_array(picture)
    given = {key: value for key, value in options.items() if value is not None}
    return png_writing.encode(values if values.ndim == 3 else values[..., None], png_writing.carrier(**given))


def _tiff(picture: Picture) -> bytes:
    values = to_array(picture)
    values = values if values.ndim == 3 else values[..., None]
    return tiff_writing.encode(values, picture.exif, picture.icc, picture.xmp, picture.iptc)
