"""TIFFs that Pillow does not open: floating point colours, 16-bit grey with alpha, separate planes.

tifffile reads them; it is not part of the core, because few photos need it.
"""

import io
from dataclasses import dataclass

import numpy as np

from ..errors import ImageError, MissingExtra, optional
from .ifd import Block

Samples = np.ndarray
"""(H, W, C) float32, upright, C from 1 to 4; integers are scaled to [0, 1]."""

Stored = np.ndarray

_MAGIC = (b"II*\0", b"MM\0*")
_TAGS = (257, 256, 277, 258, 339, 284, 274, 338)
"""Of the fields of Layout, in their order."""
_DEFAULT = {338: 0}
_UNSIGNED, _FLOAT, _PREMULTIPLIED, _SEPARATE, _MOST_SAMPLES = 1, 3, 1, 2, 4


@dataclass(frozen=True)
class Layout:
    """What the header says of the pixels. height, width: as stored. sample_format: 1 is unsigned, 3 floating
    point. planes: 2 is one plane for each colour. orientation: as in EXIF. extra: what a sample beyond the
    colours is, 1 is premultiplied alpha.
    """

    height: int
    width: int
    samples: int
    bits: int
    sample_format: int
    planes: int
    orientation: int
    extra: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), upright"""
        return (self.width, self.height) if self.orientation >= 5 else (self.height, self.width)

    @property
    def is_beyond_pillow(self) -> bool:
        if self.bits <= 8:
            return False
        if self.samples == 1:
            return self.sample_format == _FLOAT and self.bits != 32
        plain = self.bits == 16 and self.sample_format == _UNSIGNED and self.planes == 1
        return not plain or self.samples == 2


def layout(data: bytes) -> Layout | None:
    """Of a TIFF that Pillow does not open; None for every other file, damaged ones too."""
    if data[:4] not in _MAGIC:
        return None
    try:
        block = Block(data)
        tags, _ = block.directory(block.first)
        found = Layout(
            *(block.values(tags[tag])[0] if tag in tags else _DEFAULT.get(tag, 1) for tag in _TAGS)
        )
    except (ValueError, IndexError):
        return None
    return found if found.is_beyond_pillow else None


def read(data: bytes, found: Layout, name: str) -> Samples:
    """Raises ImageError for damage, several pages, samples of no photo, and where tifffile is missing."""
    try:
        tifffile = optional("tifffile", "formats")
    except MissingExtra as error:
        raise ImageError(f"{name} is a TIFF of an uncommon kind. {error}") from error
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            pages, values = len(file.pages), file.pages[0].asarray()
    except MemoryError:
        raise ImageError(f"{name} does not fit in memory.") from None
    except Exception as error:  # tifffile and its decoders raise many kinds on damaged data
        raise ImageError(
            f"{name} is damaged, or compressed in a way that needs pip install 'leapsr[formats]'."
        ) from error
    if pages > 1:
        raise ImageError(f"{name} has {pages} frames or pages; give a single picture.")
    return _scaled(turned(_channels_last(values, found, name), found.orientation), found)


def _channels_last(values: Stored, found: Layout, name: str) -> Stored:
    values = values[..., None] if values.ndim == 2 else values
    values = np.moveaxis(values, 0, -1) if found.planes == _SEPARATE else values
    if values.shape != (found.height, found.width, found.samples) or found.samples > _MOST_SAMPLES:
        raise ImageError(f"{name} holds pixels of shape {values.shape}; convert it to RGB first.")
    if values.dtype.kind not in "uf":
        raise ImageError(f"{name} holds {values.dtype}; convert it to 8 or 16 bits first.")
    return values


def turned(values: Stored, orientation: int) -> Stored:
    """Upright. EXIF 2.32, table 6: 2 to 4 flip, 5 to 8 exchange rows and columns first."""
    values = values.swapaxes(0, 1) if orientation >= 5 else values
    flipped = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
    return np.flip(values, flipped.get(orientation, ()))


def _scaled(values: Stored, found: Layout) -> Samples:
    top = np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1
    with np.errstate(all="ignore"):  # of numbers that are not finite, which are found where they are used
        result = (values / np.float64(top)).astype(np.float32)
        if found.extra == _PREMULTIPLIED and found.samples in (2, 4):
            result[..., :-1] /= np.maximum(result[..., -1:], 1 / 65_535)
    return result
