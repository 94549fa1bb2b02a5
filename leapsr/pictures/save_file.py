"""Write pictures so that a file is either complete or not there."""

import io
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError, UsageError
from ..files import atomic_write
from .encode import FORMATS as WRITABLE
from .encode import LARGEST_SIDE, OPAQUE, encode
from .picture import Picture

__all__ = ["OPAQUE", "WRITABLE", "check_output", "check_place", "date", "save", "write", "write_by"]

logger = logging.getLogger(__name__)


def check_output(path: Path, height: int, width: int, has_alpha: bool) -> None:
    """Raises OutputError where the format that `path` names cannot hold such a picture."""
    name = WRITABLE.get(path.suffix.lower())
    if name is None:
        raise OutputError(f"{path} cannot be written: use one of {', '.join(WRITABLE)}.")
    if has_alpha and name in OPAQUE:
        raise OutputError(f"{path} cannot hold the transparency of its source; use PNG or WebP.")
    limit = LARGEST_SIDE.get(name)
    if limit and max(height, width) > limit:
        raise OutputError(f"{path} would be {width} x {height} pixels and {name} ends at {limit}; use PNG.")


def check_place(path: Path) -> None:
    """Raises OutputError where no file can be made at `path`, as far as can be told without making one."""
    try:
        place = next((folder for folder in path.parents if folder.exists()), None)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    if place is None:  # a drive or a share of Windows
        raise OutputError(f"{path} cannot be written: there is no {path.anchor}; choose another place.")
    if not place.is_dir():
        raise OutputError(f"{path} cannot be written: {place} is a file, not a folder; choose another place.")
    if not os.access(place, os.W_OK):
        raise OutputError(f"No permission to write {path}; choose another place.")


def save(
    picture: Picture, path: str | Path | BinaryIO, quality: int = 95, file_format: str | None = None
) -> None:
    """Write JPEG, PNG, WebP, AVIF or TIFF, all or nothing.

    path, quality, file_format: see `Picture.save`. Raises UsageError, and OutputError for a full disk, a
    missing permission, or a format that cannot hold the picture; nothing is left behind then, and a file that
    was there before is untouched.
    """
    if isinstance(quality, bool) or not isinstance(quality, int) or not 1 <= quality <= 100:
        raise UsageError(f"quality is a whole number from 1 to 100, not {quality!r}.")
    suffix = None if file_format is None else f".{str(file_format).lower().removeprefix('.')}"
    if suffix is not None and suffix not in WRITABLE:
        raise UsageError(f"There is no format {file_format!r}: take jpg, png, webp, avif or tiff.")
    chosen = suffix or (Path(path).suffix.lower() if isinstance(path, str | os.PathLike) else None)
    if WRITABLE.get(chosen or "") in OPAQUE:
        picture = picture.without_useless_alpha()
    if isinstance(path, str | os.PathLike):
        if "\0" in str(path):
            raise OutputError(f"{str(path)!r} is no name of a file.")
        path = Path(path)
        check_output(path if suffix is None else Path(f"{path}{suffix}"), *picture.size, picture.has_alpha)
        write_by(path, partial(encode, picture, WRITABLE[suffix or path.suffix.lower()], quality))
    elif suffix is None or not hasattr(path, "write"):
        raise UsageError(
            'A picture is saved under a name, or into an open file with a format, such as "png".'
        )
    else:
        check_output(Path(f"the picture{suffix}"), *picture.size, picture.has_alpha)
        memory = io.BytesIO()  # encoders seek, and what they do not finish is not written
        with _told("the picture"):
            encode(picture, WRITABLE[suffix], quality, memory)
        path.write(memory.getbuffer())


def write(path: Path, data: bytes) -> None:
    """All or nothing, as save()."""
    write_by(path, lambda file: file.write(data))


def write_by(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Fill a file all or nothing. Raises OutputError.

    fill: writes into the open file; a ValueError, RuntimeError or MemoryError, or an OSError that is not the
    system's, means that it cannot.
    """
    check_place(path)
    with atomic_write(path) as part, part.open("r+b") as file, _told(str(path)):
        fill(file)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """What an encoder raises as an OutputError."""
    try:
        yield
    except MemoryError as error:
        raise OutputError(
            f"There is not enough memory to encode {name}; use PNG or JPEG, which need little."
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # not of the encoder
            raise
        raise OutputError(
            f"{name} could not be encoded: {error}; use another format, such as PNG."
        ) from error


def date(source: Path, files: Iterable[Path]) -> None:
    """Let the files have been changed when the source was; a warning where the system refuses."""
    try:
        found = source.stat()
        for path in files:
            os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    except OSError as error:
        logger.warning("The date of %s could not be kept: %s.", source, error.strerror or error)
