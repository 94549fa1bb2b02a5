"""What can be told of a file without reading all of it."""

from contextlib import suppress
from pathlib import Path

from PIL import Image

from .opening import READABLE


def quick_pixels(path: Path) -> int | None:
    """Width times height; None where that is not plain from the first bytes. Nothing is checked."""
    with suppress(Exception), Image.open(path, formats=READABLE) as image:  # damage is for others to tell
        return image.width * image.height
    return None
