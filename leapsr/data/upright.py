"""How a picture stands: its EXIF or XMP may say that it was taken lying on its side, or mirrored."""

from PIL import ExifTags, Image, ImageOps

_IN_PNG = frozenset(("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp"))
"""Parts of a PNG that may hold an orientation."""

_ON_ITS_SIDE = range(5, 9)
"""Orientations that swap the sides."""


def upright(image: Image.Image) -> Image.Image:
    """Turned as its metadata say, which are dropped; as it is where they are damaged.

    Raises what Pillow raises where the pixels are.
    """
    image.load()  # Pillow shows what it has of damaged pixels, black and all, to whoever asks once more
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # whatever Pillow stumbles over in there
        return image


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(height, width) of upright(image), from the header alone."""
    return (image.width, image.height) if _lies(image) else (image.height, image.width)


def _lies(image: Image.Image) -> bool:
    if image.format == "TIFF":  # Pillow has turned its size already
        return False
    if image.format == "PNG" and _IN_PNG.isdisjoint(image.info):  # asking would decode the whole picture
        return False
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in _ON_ITS_SIDE
    except Exception:  # as above
        return False
