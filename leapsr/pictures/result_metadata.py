"""Metadata of a result: its own size and thumbnail, and leapsr as the software."""

import io
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import ExifTags, Image
from torch import Tensor

from ..ops.resize import resize
from . import exif, xmp
from .open_file import READABLE
from .picture import Picture, floats
from .pillow_limits import open_image

_SQUARES = 4
"""Rows of squares that are averaged together."""


def update_metadata(picture: Picture) -> Picture:
    """The picture with EXIF and XMP of its present size. It gets a thumbnail only if it had one."""
    thumbnail = _thumbnail(picture) if exif.has_thumbnail(picture.exif) else None
    return replace(
        picture,
        exif=exif.of_result(picture.exif, picture.size, picture.dpi, thumbnail),
        xmp=xmp.of_result(picture.xmp, picture.size),
    )


def made_by_leapsr(path: Path) -> bool:
    """Whether the Software tag of a file says so; False for files that cannot be read."""
    Image.init()
    with suppress(Exception), open_image(path, READABLE) as image:
        if image.format != "TIFF" and "exif" not in image.info:  # looking further would decode a PNG
            return False
        return exif.is_software(str(image.getexif().get(ExifTags.Base.Software, "")))
    return False


def without_metadata(picture: Picture) -> Picture:
    """The picture with nothing but its colour profile, and the gain map without which it would not be HDR."""
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
