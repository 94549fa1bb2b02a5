"""RAW photos of cameras, which LibRaw develops (by rawpy, the extra `raw`): with the white balance and the
exposure of the camera, in sRGB with 16 bits, upright, without sharpening, tone curve or noise removal.

Two things are done here, because LibRaw leaves them to its caller: the frame around the photo, which cameras
cut off, and the exposure that a DNG asks for.
"""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ..errors import ImageError, MissingExtra, optional
from . import metadata
from .open_file import check_memory, check_size
from .orientation import Orientation, upright_array
from .pillow_limits import open_image
from .raw_kinds import as_tiff
from .tiff_pages import Directories

_ORIENTATIONS = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}
"""LibRaw's flip (1 mirrors, 2 turns over, 4 exchanges the sides) to the orientation of EXIF."""
_BYTES = 24
"""For each pixel: what the sensor saw, LibRaw's four colours, its result and the copy that is handed over."""
_GAMMA = (2.4, 12.92)
"""Of sRGB."""
_BASELINE_EXPOSURE, _MOST_EXPOSURE = 50_730, 5
"""DNG 1.4, page 39: how many stops brighter a photo should be shown than it was exposed."""


@dataclass(frozen=True)
class Frame:
    """The photo in what LibRaw gives. box: left, top, right, bottom, before it is turned."""

    box: tuple[int, int, int, int]
    orientation: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), upright"""
        left, top, right, bottom = self.box
        sides = bottom - top, right - left
        return sides[::-1] if self.orientation >= 5 else sides


@dataclass(frozen=True)
class Contents:
    """values: (H, W, C), upright, uint16, sRGB or grey in its tone."""

    values: np.ndarray
    about: metadata.Metadata


def measure(data: bytes, name: str) -> tuple[int, int]:
    """(height, width), upright, of what `read` gives. Raises ImageError as that does, but for what only
    decoding tells: damaged pixels and unknown colours.
    """
    with _opened(data, name) as file:
        return _frame(file, name).size


def read(data: bytes, name: str, with_metadata: bool = True) -> Contents:
    """Raises ImageError for damage, for cameras whose colours LibRaw does not know, for a photo that does not
    fit in memory, and where rawpy is missing.
    """
    tags = _tags(data)
    with _opened(data, name) as file:
        frame = _frame(file, name)
        check_memory(*frame.size, name, _BYTES)
        if file.num_colors > 1 and not (file.color_matrix.any() or file.rgb_xyz_matrix.any()):
            raise ImageError(
                f"{name} is a RAW photo of a camera whose colours are not known here; "
                "develop it to TIFF, PNG or JPEG first."
            )
        values = file.postprocess(
            use_camera_wb=True,
            output_color=optional("rawpy", "raw").ColorSpace.sRGB,
            output_bps=16,
            gamma=_GAMMA,
            no_auto_bright=True,
            bright=2 ** _exposure(tags),
            user_flip=0,
        )
        preview = b"" if tags or not with_metadata else _exif_of_preview(file)
    left, top, right, bottom = frame.box
    values = upright_array(values[top:bottom, left:right], frame.orientation)
    if not with_metadata:
        return Contents(values, metadata.Metadata())
    orientation = Orientation(frame.orientation, frame.size)
    return Contents(values, metadata.of_raw(tags, preview, name, orientation))


@contextmanager
def _opened(data: bytes, name: str) -> Iterator[Any]:
    """A rawpy.RawPy. Errors of LibRaw become an ImageError, also those of what is done with it."""
    try:
        rawpy = optional("rawpy", "raw")
    except MissingExtra as error:
        raise ImageError(f"{name} is a RAW photo. {error} Or develop it first.") from error
    develop = "develop it to TIFF, PNG or JPEG first"
    try:
        with rawpy.imread(io.BytesIO(data)) as file:
            yield file
    except (MemoryError, rawpy.LibRawUnsufficientMemoryError):
        raise ImageError(f"{name} does not fit in memory.") from None
    except rawpy.LibRawFileUnsupportedError as error:
        raise ImageError(f"{name} is a RAW photo of a kind that LibRaw does not read; {develop}.") from error
    except (rawpy.LibRawError, rawpy.NotSupportedError, OSError, ValueError) as error:
        raise ImageError(
            f"{name} is a RAW photo that is damaged, or of a kind that LibRaw does not read; {develop}."
        ) from error


def _frame(file: Any, name: str) -> Frame:
    """Without the edges that the camera itself leaves out, where it says so. Raises ImageError for a size
    that is not accepted.
    """
    sizes = file.sizes
    left, top = sizes.crop_left_margin - sizes.left_margin, sizes.crop_top_margin - sizes.top_margin
    right, bottom = left + sizes.crop_width, top + sizes.crop_height
    is_stretched = (sizes.iheight, sizes.iwidth) != (sizes.height, sizes.width)
    is_inside = 0 <= left < right <= sizes.width and 0 <= top < bottom <= sizes.height
    box = (left, top, right, bottom)
    if is_stretched or not is_inside:
        box = (0, 0, sizes.iwidth, sizes.iheight)
    frame = Frame(box, _ORIENTATIONS.get(sizes.flip, 1))
    check_size(*frame.size, name)
    return frame


def _tags(data: bytes) -> Image.Exif:
    """Of the first directory; none where the file is no TIFF, or damaged."""
    tags = Image.Exif()
    with suppress(Exception):  # Pillow raises many kinds of errors on damaged tags
        file = Directories(as_tiff(data))
        page = next(file.chain())
        tags.bigtiff, tags.endian = file.big, file.order
        tags.load_from_fp(io.BytesIO(file.data), page.offset)
    return tags


def _exposure(tags: Image.Exif) -> float:
    """In stops; 0 where nothing sensible is said."""
    try:
        stops = float(tags.get(_BASELINE_EXPOSURE, 0))
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return stops if math.isfinite(stops) and abs(stops) <= _MOST_EXPOSURE else 0.0


def _exif_of_preview(file: Any) -> bytes:
    """That of the JPEG inside; none where there is no such."""
    try:
        with open_image(io.BytesIO(file.extract_thumb().data), ("JPEG",)) as image:
            return bytes(image.info.get("exif", b""))
    except Exception:  # LibRaw and Pillow raise many kinds of errors
        return b""
