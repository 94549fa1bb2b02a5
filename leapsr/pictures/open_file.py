"""Open files and bytes as Pillow images, reading the header only. What is no single picture is refused."""

import inspect
import io
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from PIL import Image, ImageFile

from .. import memory
from ..errors import ImageError, MissingExtra, optional
from . import (
    heif_properties,
    jpeg2000,
    jpeg_kinds,
    png_chunks,
    raw_kinds,
    tiff_kinds,
    tiff_pages,
    unsupported,
)
from .orientation import CLEAN_APERTURE
from .pillow_limits import MAX_SIDE, load, open_image

logger = logging.getLogger(__name__)

READABLE = ("JPEG", "PNG", "WEBP", "AVIF", "BMP", "DIB", "TIFF", "GIF", "JPEG2000")
READABLE_SUFFIXES = frozenset((".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".mpo", ".png", ".apng", ".webp"))
READABLE_SUFFIXES |= {".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"}
READABLE_SUFFIXES |= {".jxl"}
READABLE_SUFFIXES |= {".avif", ".bmp", ".dib", ".tif", ".tiff", ".gif", ".heic", ".heif", ".hif"}

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1")
_WITH_A_PRIMARY = ("MPO", "HEIF")
"""Formats with further frames (previews, stereo, bursts) that say which one is the picture."""
_OF_IPHONES = b"CgBI"
"""The first chunk of PNGs that Xcode rewrites: their colours are in another order and premultiplied."""
_HEADS = (
    (0, (b"BM", b"BA"), "a BMP"),
    (0, b"\x89PNG\r\n", "a PNG"),
    (0, b"GIF8", "a GIF"),
    (0, (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "a TIFF"),
    (8, b"WEBP", "a WebP"),
    (4, (b"ftypavif", b"ftypavis"), "an AVIF"),
    (4, tuple(b"ftyp" + brand for brand in _HEIF_BRANDS), "a HEIC"),
)
"""Where files begin in a way that tells what they are."""


def contents(source: object) -> tuple[bytes, str]:
    """The bytes of a file, and its name for messages. Raises ImageError when it cannot be read.

    A TIFF that holds smaller copies or masks beside its photo is reduced to the photo; a RAW photo is whole.
    source: a path, the bytes themselves, or an open file.
    """
    source = held(source)
    if not isinstance(source, bytes | str | os.PathLike):
        kind = type(source).__name__
        raise ImageError(
            f"A {kind} is no picture; give a path, a file or its bytes, an image, an array or a tensor."
        )
    name = "the picture" if isinstance(source, bytes) else str(source)
    data = source if isinstance(source, bytes) else _read(name)
    if not data:
        raise ImageError(f"{name} is empty (0 bytes); get it again.")
    if raw_kinds.matches(data, name):
        return data, name
    return tiff_pages.photo(data, name), name


def held(source: object) -> object:
    """The bytes of an open file, from its beginning where it can be sought in, and of a bytearray or
    memoryview; anything else as it is. Raises ImageError for a file of text.
    """
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    read = getattr(source, "read", None)
    if read is None or isinstance(source, str | os.PathLike):
        return source
    try:
        if source.seekable():  # type: ignore[attr-defined]
            source.seek(0)  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        pass
    if inspect.iscoroutinefunction(read):
        raise ImageError(f"A {type(source).__name__} is read by 'await': give the bytes that it gives then.")
    try:
        data = read()
    except (OSError, ValueError) as error:  # closed, for one
        raise ImageError(f"The file could not be read: {_reason(error)}.") from error
    if not isinstance(data, bytes):
        kind = type(source).__name__
        raise ImageError(f"A {kind} gives no bytes when it is read: open files with 'rb'.")
    return data


@contextmanager
def opened(data: bytes, name: str) -> Iterator[Image.Image]:
    """The image with its header read and checked. Raises ImageError."""
    with _open(data, name) as image:
        check(image, name)
        _check_amount(image, len(data), name)
        if image.format == "JPEG2000":
            jpeg2000.add_metadata(image, data, name)
        if image.format == "AVIF" and (shown := heif_properties.clean_aperture(data, image.size)):
            image.info[CLEAN_APERTURE] = shown
        yield image


@contextmanager
def opened_header(path: Path) -> Iterator[Image.Image]:
    """The same for a common JPEG or PNG, reading its header only. Raises any error for other files."""
    _check_file(path.stat(), str(path))
    with path.open("rb") as file:
        if file.read(16)[12:] == _OF_IPHONES:
            raise ImageError(f"{path} is a PNG for iPhones.")
        with open_image(file, ("JPEG", "PNG")) as image:
            check(image, str(path))
            _check_amount(image, path.stat().st_size, str(path))
            yield image


def pixel_count(path: Path) -> int | None:
    """Width times height by the header of a file; None where that is damaged or of an unknown kind."""
    with suppress(Exception), Image.open(path, formats=READABLE) as image:
        return image.width * image.height
    return None


def file_bytes(image: Image.Image, start: int = 0) -> bytes:
    """What an image was opened from, beginning at `start`; empty where the file is closed."""
    if not isinstance(image, ImageFile.ImageFile) or image.fp is None:
        return b""
    before = image.fp.tell()
    image.fp.seek(start)
    data = image.fp.read()
    image.fp.seek(before)
    return data


def load_pixels(image: Image.Image, name: str) -> None:
    """Decode in place. Raises ImageError for damage and where memory does not suffice."""
    announced = image.size
    with translated(image, name):
        tiff_kinds.prepare_for_pillow(image)
        jpeg_kinds.add_end_marker(image, name)
        load(image)
        check_announced(image.size, announced)


def check_announced(size: tuple[int, int], announced: tuple[int, int]) -> None:
    """Raises ValueError where the decoded size is not that of the header, which some decoders let pass.

    Both are (width, height). Memory was planned, and the size of the result decided, by the header.
    """
    if size != announced:
        raise ValueError(f"{size[0]} x {size[1]} pixels where {announced[0]} x {announced[1]} were announced")


@contextmanager
def translated(image: Image.Image, name: str) -> Iterator[None]:
    """Turn any error of a decoder into an ImageError."""
    try:
        yield
    except ImageError:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds on damaged data
        if memory.is_oom(error):
            pixels = f"{image.width} x {image.height} pixels"
            raise ImageError(f"{name} does not fit in memory ({pixels}).") from None
        raise ImageError(f"{name} is damaged or incomplete ({_reason(error)}); get it again.") from error


def check(image: Image.Image, name: str) -> None:
    """Raises ImageError for several frames and for a size that is not accepted."""
    check_size(image.height, image.width, name)
    frames = _frames(image, name)
    if frames > 1:
        raise ImageError(f"{name} has {frames} frames or pages; give a single picture.")


def check_size(height: int, width: int, name: str) -> None:
    """Raises ImageError for sides longer than MAX_SIDE and for none."""
    if max(height, width) > MAX_SIDE:
        raise ImageError(f"{name} has {width} x {height} pixels; at most {MAX_SIDE} a side are accepted.")
    if min(height, width) < 1:
        raise ImageError(f"{name} has no pixels ({width} x {height}).")


def check_memory(height: int, width: int, name: str, each: int = memory.DECODING) -> None:
    """Raises ImageError for a picture that would not fit in memory, before anything is decoded.

    each: the bytes that its decoder takes for a pixel.
    """
    free, needed = memory.available(torch.device("cpu")), height * width * each
    if free is not None and needed > free:
        raise ImageError(
            f"{name} does not fit in memory: {width} x {height} pixels need {needed / 2**30:.1f} GiB "
            f"and {free / 2**30:.1f} GiB are free."
        )


def _check_amount(image: Image.Image, size: int, name: str) -> None:
    """Raises ImageError for a file of `size` bytes that cannot hold as many pixels as it says.

    The decoder makes any number of grey ones of a JPEG that ends too early. Huffman codes have at least one
    bit (ITU T.81, annex C), and each block of 8 x 8 pixels needs one. Of an uncompressed TIFF Pillow takes
    whatever follows in the file for pixels, however few bytes its strips have.
    """
    if image.format in ("JPEG", "MPO"):
        enough = image.width * image.height // 64 <= 8 * size
    else:
        with translated(image, name):  # a damaged tag may hold text for numbers
            size, needed = tiff_kinds.bytes_of_strips(image)
        enough = size >= needed
    if not enough:
        pixels = f"{image.width} x {image.height} pixels"
        raise ImageError(f"{name} is damaged: {size} bytes cannot hold {pixels}; get it again.")


def _check_file(found: os.stat_result, name: str) -> None:
    """Raises ImageError for what has no end, and for a file that is larger than the memory."""
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise ImageError(f"{name} is a pipe or a device, not a file; give a picture.")
    free = memory.available(torch.device("cpu"))
    if free is not None and found.st_size > free:
        raise ImageError(
            f"{name} does not fit in memory: the file has {found.st_size / 2**30:.1f} GiB "
            f"and {free / 2**30:.1f} GiB are free."
        )


def _read(name: str) -> bytes:
    path = Path(name)
    try:
        if not name:
            raise ValueError("no letters")
        _check_file(path.stat(), name)
        return path.read_bytes()
    except ValueError as error:  # of a zero byte too
        raise ImageError(f"{name!r} is no name of a file.") from error
    except FileNotFoundError:
        raise ImageError(unsupported.missing(name)) from None
    except IsADirectoryError:
        raise ImageError(f"{path} is a folder; name a picture.") from None
    except PermissionError:
        raise ImageError(f"No permission to read {path}.") from None
    except OSError as error:
        raise ImageError(f"{path} could not be read: {error.strerror}.") from error


def _open(data: bytes, name: str) -> Image.Image:
    Image.init()  # until then Pillow knows only some of the formats
    formats = (*READABLE, *_heif(data, name))
    if data[12:16] == _OF_IPHONES:
        raise ImageError(
            f"{name} is a PNG for iPhones (CgBI), which is none; convert it with 'pngcrush' first."
        )
    try:
        return open_image(io.BytesIO(data), formats)
    except Exception as error:  # Pillow's header readers raise many kinds on damaged data
        if (mended := png_chunks.without_damaged_extras(data)) is not None:
            logger.warning("Damaged parts of %s that are not its pixels were left out.", name)
            return _open(mended, name)
        kind = next((kind for place, head, kind in _HEADS if data[place:].startswith(head)), None)
        if kind is not None:
            raise ImageError(
                f"{name} is damaged, or {kind} of a kind that is not read; "
                "get it again, or convert it to a PNG."
            ) from error
        if (what := jpeg_kinds.unsupported(data)) is not None:
            raise ImageError(
                f"{name} is {what}, which is not read; convert it to a PNG or a common JPEG first."
            ) from error
        raise ImageError(
            unsupported.refusal(Path(name))
            or f"{name} is not a picture that can be read (JPEG, PNG, WebP, AVIF, BMP, TIFF, HEIC)."
        ) from error


def _heif(data: bytes, name: str) -> tuple[str, ...]:
    """Make HEIC readable where `data` is some. Raises ImageError when the library is not there."""
    if data[4:8] != b"ftyp" or data[8:12] not in _HEIF_BRANDS or b"avif" in data[8:64]:
        return ()
    try:
        optional("pillow_heif", "heif").register_heif_opener()
    except MissingExtra as error:
        raise ImageError(f"{name} is an HEIC photo. {error}") from error
    return ("HEIF",)


def _frames(image: Image.Image, name: str) -> int:
    if image.format in _WITH_A_PRIMARY:
        return 1
    try:
        return getattr(image, "n_frames", 1)
    except Exception as error:  # counting reads the whole file, which may be damaged
        raise ImageError(f"{name} is damaged or incomplete ({_reason(error)}); get it again.") from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
