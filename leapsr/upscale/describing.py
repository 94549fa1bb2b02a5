"""Metadata that are true of a picture as it is now: its size, its thumbnail, what made it."""

import io
from dataclasses import replace

from ..ops.resize import resize
from . import exif, metadata
from .images import Picture, to_pil


def describe(picture: Picture) -> Picture:
    """The picture with renewed metadata; a thumbnail only where there was one."""
    thumbnail = _thumbnail(picture) if exif.has_thumbnail(picture.exif) else None
    return replace(
        picture,
        exif=exif.of_result(picture.exif, picture.size, picture.dpi, thumbnail),
        xmp=metadata.xmp_of_result(picture.xmp, picture.size),
    )


def without_metadata(picture: Picture) -> Picture:
    """The picture with nothing but its colour profile."""
    return replace(picture, exif=None, xmp=None, iptc=None, dpi=None)


def _thumbnail(picture: Picture) -> bytes:
    """A small JPEG, on white where the picture is transparent."""
    factor = min(1.0, exif.THUMBNAIL_SIDE / max(picture.size))
    height, width = (max(1, round(factor * side)) for side in picture.size)
    rgb = picture.rgb if picture.alpha is None else picture.rgb * picture.alpha + 1 - picture.alpha
    small = resize(rgb[None], (height, width), antialias=True)[0].clamp_(0, 1)
    buffer = io.BytesIO()
    to_pil(Picture(small)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
