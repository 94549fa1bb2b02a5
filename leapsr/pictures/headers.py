"""What can be told of a file without reading all of it."""

from contextlib import suppress
from pathlib import Path

from PIL import ExifTags, Image

from . import exif
from .open_file import READABLE
from .pillow_limits import open_image


def quick_pixels(path: Path) -> int | None:
    """Width times height; None where that is not plain from the first bytes. Nothing is checked."""
    with suppress(Exception), Image.open(path, formats=READABLE) as image:  # damage is for others to tell
        return image.width * image.height
    return None


def made_by_leapsr(path: Path) -> bool:
    """Whether its Software tag says so; False for what cannot be read."""
    Image.init()
    with suppress(Exception), open_image(path, READABLE) as image:
        if image.format != "TIFF" and "exif" not in image.info:  # looking further would decode a PNG
            return False
        return exif.is_software(str(image.getexif().get(ExifTags.Base.Software, "")))
    return False
