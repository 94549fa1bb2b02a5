"""Files and bytes to images with their header read; a sentence for everything that is no single picture."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from ..errors import ImageError, MissingExtra, optional

MAX_SIDE = 30_000
"""Pixels; larger pictures are refused. It takes the place of Pillow's own limit of 179 million pixels."""

READABLE = ("JPEG", "PNG", "WEBP", "AVIF", "BMP", "TIFF", "GIF")
READABLE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif")
)

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1")
_pillow_limit = threading.Lock()


def contents(source: str | Path | bytes) -> tuple[bytes, str]:
    """The bytes of a file, and the name to call it by. Raises ImageError when it cannot be read."""
    name = "the picture" if isinstance(source, bytes) else str(source)
    data = source if isinstance(source, bytes) else _read(Path(source))
    if not data:
        raise ImageError(f"{name} is empty (0 bytes); get it again.")
    return data, name


@contextmanager
def opened(data: bytes, name: str) -> Iterator[Image.Image]:
    """The image with its header read and checked. Raises ImageError."""
    with _open(data, name) as image:
        check(image, name)
        yield image


def load_pixels(image: Image.Image, name: str) -> None:
    """Decode in place. Raises ImageError for damage and where memory does not suffice."""
    with translated(image, name):
        image.load()


@contextmanager
def translated(image: Image.Image, name: str) -> Iterator[None]:
    """Turns whatever decoding raises into an ImageError."""
    try:
        yield
    except MemoryError:
        raise ImageError(f"{name} does not fit in memory ({image.width} x {image.height} pixels).") from None
    except Exception as error:  # Pillow's decoders raise many kinds on damaged data
        raise ImageError(f"{name} is damaged or incomplete ({_reason(error)}); get it again.") from error


def check(image: Image.Image, name: str) -> None:
    """Raises ImageError for a size that is not accepted and for several frames."""
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


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        missing = f"{path} is a link to a file that" if path.is_symlink() else path
        raise ImageError(f"{missing} does not exist.") from None
    except IsADirectoryError:
        raise ImageError(f"{path} is a folder; name a picture.") from None
    except PermissionError:
        raise ImageError(f"No permission to read {path}.") from None
    except OSError as error:
        raise ImageError(f"{path} could not be read: {error.strerror}.") from error


def _open(data: bytes, name: str) -> Image.Image:
    Image.init()  # until then Pillow knows only some of the formats
    formats = (*READABLE, *_heif(data, name))
    with _pillow_limit:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(io.BytesIO(data), formats=formats)
        except Exception as error:  # Pillow's header readers raise many kinds on damaged data
            raise ImageError(
                f"{name} is not a picture that can be read (JPEG, PNG, WebP, AVIF, BMP, TIFF, HEIC)."
            ) from error
        finally:
            Image.MAX_IMAGE_PIXELS = before


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
    if image.format == "MPO":  # its further frames are previews or the other eye, not an animation
        return 1
    try:
        return getattr(image, "n_frames", 1)
    except Exception as error:  # counting reads the whole file, which may be damaged
        raise ImageError(f"{name} is damaged or incomplete ({_reason(error)}); get it again.") from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
