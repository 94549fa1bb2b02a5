"""Pictures opened and decoded whatever their size: Pillow's own limit gives way to one of sides."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image

MAX_SIDE = 30_000
"""Pixels; larger pictures are refused. It takes the place of Pillow's own limit of 179 million pixels."""


def open_image(file: Path | BinaryIO, formats: tuple[str, ...] | None = None) -> Image.Image:
    """With its header read. The caller compares the sides with MAX_SIDE.

    formats: Pillow's names of those to try; None is all. Raises what Pillow raises but for the limit.
    """
    with _limit.lifted():
        return Image.open(file, formats=formats)


def load(image: Image.Image) -> None:
    """Decode in place. Raises what Pillow raises but for the limit, which it asks for once more in TIFF."""
    with _limit.lifted():
        image.load()


class _Limit:
    """Of Pillow, which has one for the whole process: away while anyone here needs it away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before: int | None = None

    @contextmanager
    def lifted(self) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    Image.MAX_IMAGE_PIXELS = self._before


_limit = _Limit()
