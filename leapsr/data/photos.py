"""Clean photos for training: a folder of image files, or the same decoded into one archive.

Decoding a photo for every crop costs more than training on the crop. `pack` writes the pixels of a
folder into one safetensors file, from which a crop is read without touching the rest.
"""

import io
import json
import math
import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import DataError, OutputError
from ..files import atomic_write, remove_stale_parts
from ..pictures.orientation import upright, upright_size
from ..pictures.pillow_limits import MAX_SIDE, open_image

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
ARCHIVE_SUFFIX = ".safetensors"
NOT_PHOTOS = frozenset(("__MACOSX", "@eaDir", "$RECYCLE.BIN"))
"""Folders of archives, network drives and Windows, with previews and leftovers under the names of photos."""
_FORMAT = "leapsr-photos"

Progress = Callable[[int, int], None]  # (done, total)


class Photos(Protocol):
    """Photos of any size. `sizes`: (height, width) of each. `too_small`: how many were left out as such."""

    names: list[str]
    sizes: list[tuple[int, int]]
    too_small: int

    def crop(self, index: int, top: int, left: int, side: int) -> Tensor:
        """uint8 (3, side, side)."""
        ...

    def whole(self, index: int) -> Tensor:
        """uint8 (3, H, W)."""
        ...


def decode(file: Path | io.BytesIO, name: str | None = None) -> Tensor:
    """Read a photo upright as uint8 RGB (3, H, W). Raises DataError naming the file, by `name` if given."""
    with _photo(file, name or str(file)) as image:
        pixels = np.asarray(_rgb(upright(image)))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)


@contextmanager
def _photo(file: Path | io.BytesIO, name: str) -> Iterator[Image.Image]:
    """With its header read. Raises DataError for that, and for whatever goes wrong with it afterwards."""
    try:
        with open_image(file) as image:
            if max(image.size) > MAX_SIDE:
                raise ValueError(f"{image.width} x {image.height} pixels, and at most {MAX_SIDE} a side")
            yield image
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{name} cannot be read as a photo ({error}); remove or replace it.") from error


def _rgb(image: Image.Image) -> Image.Image:
    """In 8 bits. Of grey in more of them Pillow cuts what is above 255 instead of scaling it."""
    peak = 1 if image.mode == "F" else 65_535 if image.mode.startswith("I") else None
    if peak is None:
        return image.convert("RGB")
    grey = np.nan_to_num(np.asarray(image, np.float32) * (255 / peak)).clip(0, 255).round()
    return Image.fromarray(grey.astype(np.uint8)).convert("RGB")


def picture_files(folder: Path) -> list[Path]:
    """Every picture below a folder, by name. Hidden ones, those in hidden folders and in NOT_PHOTOS, and
    folders with a picture's suffix are none.
    """
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(path for path in found if _is_wanted(path.relative_to(folder)) and not path.is_dir())


def _is_wanted(path: Path) -> bool:
    return not any(part.startswith(".") or part in NOT_PHOTOS for part in path.parts)


class FolderPhotos:
    """Every image below a folder, in the order of their names; files smaller than `smallest` are left out."""

    def __init__(self, folder: Path, smallest: int) -> None:
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder; give one that holds photos.")
        files = picture_files(folder)
        sizes = [size_of(file) for file in files]
        kept = [i for i, size in enumerate(sizes) if min(size) >= smallest]
        self.files = [files[i] for i in kept]
        self.sizes = [sizes[i] for i in kept]
        self.too_small = len(files) - len(kept)
        self.names = [_named(file.relative_to(folder)) for file in self.files]
        if not self.files:
            found = f"{len(files)} images, all smaller than {smallest} pixels" if files else "no images"
            raise DataError(f"{folder} holds {found}; training needs JPEG, PNG or WebP photos.")

    def crop(self, index: int, top: int, left: int, side: int) -> Tensor:
        return self.whole(index)[:, top : top + side, left : left + side]

    def whole(self, index: int) -> Tensor:
        """Raises DataError, also where the header told another size."""
        photo = decode(self.files[index])
        if photo.shape[1:] != self.sizes[index]:
            raise DataError(
                f"{self.files[index]} has other sides than its header says; save it again, or remove it."
            )
        return photo


def _named(path: Path) -> str:
    """The same on every system. Raises DataError for a name that is no Unicode, which no archive can hold."""
    name = path.as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "backslashreplace").decode()
        raise DataError(f"{shown} has a name that is not UTF-8; rename it.") from None
    return name


class PackedPhotos:
    """The photos of an archive that `pack` wrote."""

    def __init__(self, archive: Path, smallest: int) -> None:
        self.archive = archive
        try:
            with safe_open(archive, "pt") as file:
                if (file.metadata() or {}).get("format") != _FORMAT:
                    raise ValueError("other tensors")
                shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
        except (OSError, ValueError, SafetensorError) as error:
            raise DataError(
                f"{archive} is not an archive of photos ({error}); make one with 'leapsr pack'."
            ) from error
        self.names = sorted(name for name, shape in shapes.items() if min(shape[:2]) >= smallest)
        self.sizes = [(shapes[name][0], shapes[name][1]) for name in self.names]
        self.too_small = len(shapes) - len(self.names)
        if not self.names:
            raise DataError(f"{archive} holds no photo of {smallest} pixels or more.")

    def crop(self, index: int, top: int, left: int, side: int) -> Tensor:
        pixels = _opened(self.archive).get_slice(self.names[index])
        return pixels[top : top + side, left : left + side].permute(2, 0, 1)

    def whole(self, index: int) -> Tensor:
        pixels: Tensor = _opened(self.archive).get_tensor(self.names[index])
        return pixels.permute(2, 0, 1)


@cache  # reading the header again for every crop would cost more than the crop
def _opened(archive: Path) -> Any:
    return safe_open(archive, "pt")


def open_photos(source: str | Path, smallest: int) -> Photos:
    """A folder or an archive; photos with a side below `smallest` are left out. Raises DataError."""
    source = Path(source)
    if source.is_dir():
        return FolderPhotos(source, smallest)
    if source.is_file() and source.suffix == ARCHIVE_SUFFIX:
        return PackedPhotos(source, smallest)
    raise DataError(f"{source} is neither a folder of photos nor an archive ({ARCHIVE_SUFFIX}) of them.")


def pack(folder: Path, archive: Path, progress: Progress = lambda done, total: None) -> int:
    """Decode every photo of a folder into one archive, uint8 (H, W, 3) each; returns how many.

    One photo at a time: an archive may be far larger than the memory. Raises DataError, OutputError; nothing
    is left behind then.
    """
    photos = FolderPhotos(folder, smallest=1)

    def pixels() -> Iterator[bytes]:
        for index in range(len(photos.names)):
            yield photos.whole(index).permute(1, 2, 0).contiguous().numpy().tobytes()
            progress(index + 1, len(photos.names))

    shapes = {name: (*size, 3) for name, size in zip(photos.names, photos.sizes, strict=True)}
    if not archive.parent.is_dir():
        raise OutputError(f"{archive} cannot be written: {archive.parent} is not a folder.")
    remove_stale_parts(archive.parent)
    with atomic_write(archive) as part, part.open("wb") as file:
        file.write(_archive_header(shapes))
        file.writelines(pixels())
    return len(photos.names)


def _archive_header(shapes: Mapping[str, Sequence[int]]) -> bytes:
    """The beginning of a safetensors file of such uint8 tensors: its length, then JSON, padded to 8."""
    entries: dict[str, Any] = {"__metadata__": {"format": _FORMAT}}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + math.prod(shape)
        entries[name] = {"dtype": "U8", "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def cores() -> int:
    """Cores that this process may use; where the system cannot tell, all there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def size_of(file: Path | io.BytesIO) -> tuple[int, int]:
    """(height, width) upright, from the header alone. Raises DataError."""
    with _photo(file, str(file)) as image:
        return upright_size(image)
