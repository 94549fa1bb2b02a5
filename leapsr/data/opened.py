"""Pictures opened whatever their size: Pillow's own limit gives way to one of sides."""

import io
import threading
from pathlib import Path

from PIL import Image

MAX_SIDE = 30_000
"""Pixels; larger pictures are refused. It takes the place of Pillow's own limit of 179 million pixels."""

_pillow_limit = threading.Lock()


def open_image(file: Path | io.BytesIO, formats: tuple[str, ...] | None = None) -> Image.Image:
    """With its header read. The caller compares the sides with MAX_SIDE.

    formats: Pillow's names of those to try; None is all. Raises what Pillow raises but for the limit.
    """
    with _pillow_limit:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS = before
