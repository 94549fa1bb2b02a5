"""EXIF orientation: a photo may be stored lying on its side or mirrored. Everything in leapsr is upright."""

from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageFile

from .pillow_limits import load
from .png_chunks import find_chunk

CLEAN_APERTURE = "clean_aperture"
"""In `info`: the part to be shown of what is decoded, (left, top, right, bottom), before it is turned."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FLIPPED_AXES = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
_POINTS = {
    1: lambda x, y: (x, y),
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (1 - y, x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (y, 1 - x),
}


@dataclass(frozen=True)
class Orientation:
    """How a picture was stored in its file, for metadata that name places in it."""

    value: int = 1
    """As in EXIF, 1 to 8; any other value becomes 1, upright."""
    size: tuple[int, int] | None = None
    """(height, width) of the upright picture, where it is known."""

    def __post_init__(self) -> None:
        if self.value not in _POINTS:
            object.__setattr__(self, "value", 1)

    @classmethod
    def of(cls, image: Image.Image) -> "Orientation":
        """image: opened and not yet decoded; Pillow forgets the orientation of a TIFF when it decodes it."""
        # pillow_heif turns pictures itself and keeps the original value here.
        value = image.info.get("original_orientation") or _exif_value(image)
        return cls(value, upright_size(image))

    @property
    def swaps_sides(self) -> bool:
        return self.value >= 5

    @property
    def stored_size(self) -> tuple[int, int] | None:
        """(height, width) in the file."""
        return self.size[::-1] if self.size is not None and self.swaps_sides else self.size

    def to_upright(self, x: float, y: float) -> tuple[float, float]:
        """A point of the stored picture in the upright one; both as fractions of the width and the height."""
        return _POINTS[self.value](x, y)

    def swapped(self, first: float, second: float) -> tuple[float, float]:
        """A pair of numbers for width and height (or x and y), in the order of the upright picture."""
        return (second, first) if self.swaps_sides else (first, second)


UPRIGHT = Orientation()


def upright(image: Image.Image) -> Image.Image:
    """Decode and turn an image. Damaged EXIF turns nothing. Raises what Pillow raises for damaged pixels."""
    load(image)  # Pillow raises for damaged pixels only once, and then hands out what it has of them
    shown = image.info.get(CLEAN_APERTURE)
    return turned(image.crop(shown) if shown else image, _exif_value(image))


def turned(image: Image.Image, value: int) -> Image.Image:
    """value: as in EXIF, of an image that is stored so."""
    turn = _TURNS.get(value)
    return image if turn is None else image.transpose(turn)


def upright_array(values: np.ndarray, value: int) -> np.ndarray:
    """The same for an array (H, W, C). value: as in EXIF (EXIF 2.32, table 6)."""
    values = values.swapaxes(0, 1) if value >= 5 else values
    return np.flip(values, _FLIPPED_AXES.get(value, ()))


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(height, width) of upright(image), from the header alone."""
    # Pillow turns the size of a TIFF itself.
    swaps_sides = image.format != "TIFF" and _exif_value(image) in range(5, 9)
    left, top, right, bottom = image.info.get(CLEAN_APERTURE, (0, 0, *image.size))
    width, height = right - left, bottom - top
    return (width, height) if swaps_sides else (height, width)


def _exif_value(image: Image.Image) -> int:
    """1 to 8, or any other value that the file holds; 1 without EXIF and for damaged EXIF."""
    if image.format == "PNG" and "exif" not in image.info and isinstance(image, ImageFile.ImageFile):
        # It may stand behind the pixels, where Pillow finds it only after decoding.
        block = None if image.fp is None else find_chunk(image.fp, b"eXIf")
        if block is not None:
            image.info["exif"] = b"Exif\0\0" + block
    try:
        # The method of all images, because that of PNG decodes the pixels.
        return Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow raises many kinds of errors on damaged EXIF
        return 1
