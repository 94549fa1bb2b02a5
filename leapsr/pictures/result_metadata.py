"""Metadata that are true of a picture as it is now: its size, its thumbnail, what made it."""

import io
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..ops.resize import resize
from . import exif, xmp
from .picture import Picture, floats

_SQUARES = 4
"""Rows of squares that are averaged together."""


def describe(picture: Picture) -> Picture:
    """The picture with renewed metadata; a thumbnail only where there was one."""
    thumbnail = _thumbnail(picture) if exif.has_thumbnail(picture.exif) else None
    return replace(
        picture,
        exif=exif.of_result(picture.exif, picture.size, picture.dpi, thumbnail),
        xmp=xmp.of_result(picture.xmp, picture.size),
    )


def without_metadata(picture: Picture) -> Picture:
    """The picture with nothing but its colour profile."""
    return replace(picture, exif=None, xmp=None, iptc=None, dpi=None, text=())


def _thumbnail(picture: Picture) -> bytes:
    """A small JPEG, on white where the picture is transparent."""
    factor = min(1.0, exif.THUMBNAIL_SIDE / max(picture.size))
    height, width = (max(1, round(factor * side)) for side in picture.size)
    small = resize(_reduced(picture)[None], (height, width), antialias=True)[0].clamp_(0, 1)
    buffer = io.BytesIO()
    Picture(small).pil().save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _reduced(picture: Picture) -> Tensor:
    """Opaque colours on white, (3 or 1, h, w), averaged over squares that leave more than a thumbnail needs;
    a band at a time, because a picture can be large.
    """
    side = max(1, max(picture.size) // (4 * exif.THUMBNAIL_SIDE))
    bands = []
    for band in picture.pixels.split(_SQUARES * side, 1):
        values = floats(band)
        if picture.has_alpha:
            values = values[:-1] * values[-1:] + 1 - values[-1:]
        bands.append(F.avg_pool2d(values, side, ceil_mode=True))
    return torch.cat(bands, 1)
