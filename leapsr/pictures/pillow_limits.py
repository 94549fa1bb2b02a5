"""Open and decode pictures with Pillow, whatever their size and without messages on standard error.

Pillow refuses large pictures and long texts by settings of the whole process, and libtiff prints by handlers
of it. They are changed only while a picture is opened or decoded here, and put back afterwards.
"""

import ctypes
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

from PIL import Image, PngImagePlugin, _imaging

from ..locks import ForkSafeLock

MAX_SIDE = 30_000
"""Pixels; larger pictures are refused. It takes the place of Pillow's own limit of 179 million pixels."""
MAX_TEXT = 1 << 26
"""Bytes of a compressed text or profile of a PNG, in place of Pillow's own limit of 1 MiB."""
MAX_TEXTS = 1 << 27
"""Bytes of all its texts together, in place of 64 MiB."""


def open_image(file: Path | BinaryIO, formats: tuple[str, ...] | None = None) -> Image.Image:
    """Read the header. The caller compares the sides with MAX_SIDE.

    formats: Pillow's names of those to try; None is all. Raises what Pillow raises except for the size.
    """
    with quiet_and_unlimited():
        return Image.open(file, formats=formats)


def load(image: Image.Image) -> None:
    """Decode in place. Raises what Pillow raises except for the size, which it checks again for TIFF."""
    with quiet_and_unlimited():
        image.load()


_lock = ForkSafeLock()
_users = 0
_undo = ExitStack()
_NULL = logging.NullHandler()
"""Without a handler Python would print what these libraries log; what they say of damage they raise too."""


@contextmanager
def quiet_and_unlimited() -> Iterator[None]:
    """The settings change for the first of several threads and are put back after the last one."""
    global _users
    with _lock:
        if not _users:
            _change()
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                _undo.close()


def _change() -> None:
    limits = (
        (Image, "MAX_IMAGE_PIXELS", None),
        (PngImagePlugin, "MAX_TEXT_CHUNK", MAX_TEXT),
        (PngImagePlugin, "MAX_TEXT_MEMORY", MAX_TEXTS),
    )
    for module, name, ours in limits:
        _undo.callback(setattr, module, name, getattr(module, name))
        setattr(module, name, ours)
    for library in ("PIL", "tifffile"):
        logger = logging.getLogger(library)
        if _NULL not in logger.handlers:
            logger.addHandler(_NULL)
            _undo.callback(logger.removeHandler, _NULL)
    for set_handler in _libtiff_setters():
        _undo.callback(set_handler, set_handler(None))


@cache
def _libtiff_setters() -> Sequence[Callable[[int | None], int | None]]:
    """Of the library that Pillow has loaded; none where it is built into Pillow, as on Windows."""
    try:
        library = ctypes.CDLL(_imaging.__file__)
        setters = [library.TIFFSetErrorHandler, library.TIFFSetWarningHandler]
    except (OSError, AttributeError):
        return []
    for setter in setters:
        setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
    return setters
