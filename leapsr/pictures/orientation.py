"""How a picture stands: its EXIF or XMP may say that it was taken lying on its side, or mirrored."""

from PIL import ExifTags, Image

from .pillow_limits import load

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By orientation, what brings a picture upright; 1 is upright."""

_ON_ITS_SIDE = range(5, 9)
"""Orientations that swap the sides."""


def upright(image: Image.Image) -> Image.Image:
    """Decoded and turned as its metadata say; as it is where they are damaged. They are not changed.

    Raises what Pillow raises where the pixels are damaged.
    """
    load(image)  # Pillow shows what it has of damaged pixels, black and all, to whoever asks once more
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(height, width) of upright(image), from the header alone."""
    # Pillow turns the size of a TIFF itself.
    turned = image.format != "TIFF" and _orientation(image) in _ON_ITS_SIDE
    return (image.width, image.height) if turned else (image.height, image.width)


def _orientation(image: Image.Image) -> int:
    """1 to 8, or whatever else stands there; 1 where nothing or something damaged does."""
    try:
        # The method of all images, for that of a PNG decodes it whole where it has none.
        return Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow stumbles over damaged EXIF in many ways
        return 1
