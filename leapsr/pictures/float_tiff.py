"""TIFFs that Pillow cannot read: floating point colours, 12 and 32 bits, separate planes, and others.

The optional library tifffile reads them.
"""

import io
from dataclasses import dataclass

import numpy as np

from ..errors import ImageError, MissingExtra, optional
from . import tiff_pages as tags
from .orientation import upright_array
from .pillow_limits import quiet_and_unlimited
from .tiff_kinds import RGB, SEPARATE, WHITE_IS_ZERO, Kind
from .tiff_pages import first_page

_PREMULTIPLIED = 1


@dataclass(frozen=True)
class Layout:
    """The pixels by the header. height, width: as stored. orientation: as in EXIF."""

    height: int
    width: int
    orientation: int
    kind: Kind

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), upright"""
        return (self.width, self.height) if self.orientation >= 5 else (self.height, self.width)


def layout(data: bytes, name: str) -> Layout | None:
    """Of a TIFF that Pillow cannot read; None for every other file, also for damaged ones.

    Raises ImageError, naming what the file holds, for a TIFF that cannot be read at all.
    """
    page = first_page(data)
    if page is None or not page.number(tags.WIDTH) or not page.number(tags.HEIGHT):
        return None
    kind = Kind.of(page)
    kind.check(name)
    if not kind.is_beyond_pillow:
        return None
    orientation = page.number(tags.ORIENTATION, 1)
    return Layout(page.number(tags.HEIGHT), page.number(tags.WIDTH), orientation, kind)


def read(data: bytes, found: Layout, name: str) -> np.ndarray:
    """(H, W, C), upright, C from 1 to 4: float32 in units of the largest integer, or uint8.

    Raises ImageError for damage, several pages, and where tifffile is missing.
    """
    try:
        tifffile = optional("tifffile", "formats")
    except MissingExtra as error:
        raise ImageError(f"{name} is a TIFF of an uncommon kind. {error}") from error
    try:
        with quiet_and_unlimited(), tifffile.TiffFile(io.BytesIO(data)) as file:
            pages, values = len(file.pages), file.pages[0].asarray()
    except MemoryError:
        raise ImageError(f"{name} does not fit in memory.") from None
    except Exception as error:  # tifffile and its decoders raise many kinds on damaged data
        raise ImageError(
            f"{name} is damaged, or compressed in a way that needs pip install 'leapsr[formats]'."
        ) from error
    if pages > 1:
        raise ImageError(f"{name} has {pages} frames or pages; give a single picture.")
    return _scaled(upright_array(_channels_last(values, found, name), found.orientation), found.kind)


def _channels_last(values: np.ndarray, found: Layout, name: str) -> np.ndarray:
    values = values[..., None] if values.ndim == 2 else values
    values = (
        np.moveaxis(values, 0, -1) if found.kind.planes == SEPARATE and found.kind.samples > 1 else values
    )
    if values.shape != (found.height, found.width, found.kind.samples) or values.dtype.kind not in "uf":
        raise ImageError(f"{name} holds {values.dtype} of shape {values.shape}; convert it to RGB first.")
    return values


def _scaled(values: np.ndarray, kind: Kind) -> np.ndarray:
    colours = 3 if kind.photometric == RGB else 1
    chosen = [*range(colours), *([colours + kind.alpha] if kind.alpha >= 0 else [])]
    values = values[..., chosen] if len(chosen) < kind.samples else values
    top = 2 ** kind.bits[0] - 1 if values.dtype.kind == "u" else 1
    with np.errstate(all="ignore"):  # of numbers that are not finite, which are found where they are used
        result = (values / np.float64(top)).astype(np.float32)
        if kind.alpha >= 0 and kind.extra[kind.alpha] == _PREMULTIPLIED:
            result[..., :-1] /= np.maximum(result[..., -1:], 1 / 65_535)
        if kind.photometric == WHITE_IS_ZERO:
            result[..., :1] = 1 - result[..., :1]
    return result if kind.bits[0] > 8 else (255 * result).round().astype(np.uint8)
