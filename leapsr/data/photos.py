"""Clean photos for training: a folder of image files, or the same decoded into one archive.

Decoding a photo for every crop costs more than training on the crop. `pack` writes the pixels of a
folder into one safetensors file, from which a crop is read without touching the rest.
"""

import json
import math
import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import DataError, ImageError, OutputError
from ..files import atomic_write, remove_stale_parts
from ..ops.color import to_uint8
from ..ops.resize import resize
from ..pictures import icc_profiles
from ..pictures.picture import READABLE_SUFFIXES, load, measure

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


def read_rgb(file: Path | bytes, name: str | None = None) -> Tensor:
    """Read a picture upright, as the networks see it: RGB in the tone curve of sRGB, without transparency.

    Returns uint8 (3, H, W), or float32 in [0, 1] where the file has more than 8 bits or another tone curve.
    Raises DataError naming the file, by `name` if given.
    """
    with _data_errors(file, name):
        picture = load(file, with_metadata=False)
    tone = icc_profiles.tone(picture.icc)
    if tone is not None:
        return tone.to_srgb(picture.rgb)
    if picture.pixels.dtype != torch.uint8:
        return picture.rgb
    return picture.pixels[:1].repeat(3, 1, 1) if picture.grey else picture.pixels[:3]


def decode(file: Path | bytes, name: str | None = None) -> Tensor:
    """The same, always as uint8."""
    rgb = read_rgb(file, name)
    return rgb if rgb.dtype == torch.uint8 else to_uint8(rgb)


def size_of(file: Path | bytes) -> tuple[int, int]:
    """(height, width) upright, from the header alone. Raises DataError."""
    with _data_errors(file):
        return measure(file)


@contextmanager
def _data_errors(file: Path | bytes, name: str | None = None) -> Iterator[None]:
    shown = "the picture" if isinstance(file, bytes) else str(file)
    try:
        yield
    except ImageError as error:
        reason = str(error).removeprefix(f"{shown} ").rstrip(".")
        raise DataError(
            f"{name or shown} cannot be read as a photo ({reason}); remove or replace it."
        ) from error


def picture_files(folder: Path) -> list[Path]:
    """Every picture below a folder, by name. Hidden ones, those in hidden folders and in NOT_PHOTOS, and
    folders with a picture's suffix are none. Links to folders are followed, each folder once.
    """
    found: list[Path] = []
    seen: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else sorted(filter(_is_wanted, folders))
        if real not in seen:
            found += [Path(place, name) for name in files if _is_wanted(name) and _is_picture(name)]
        seen.add(real)
    return sorted(found)


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name not in NOT_PHOTOS


def _is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in READABLE_SUFFIXES


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


class ResizedPhotos:
    """Photos made as small or as large as a square of `side`, and cut to it in the middle (OFTSR's faces and
    ImageNet)."""

    def __init__(self, photos: Photos, side: int) -> None:
        self.photos, self.side = photos, side
        self.names, self.too_small = photos.names, photos.too_small
        self.sizes = [(side, side)] * len(photos.names)

    def crop(self, index: int, top: int, left: int, side: int) -> Tensor:
        return self.whole(index)[:, top : top + side, left : left + side]

    def whole(self, index: int) -> Tensor:
        photo = self.photos.whole(index)
        height, width = photo.shape[1:]
        size = [max(self.side, round(self.side * n / min(height, width))) for n in (height, width)]
        small = resize(photo[None].float() / 255, (size[0], size[1]), antialias=True)[0]
        top, left = ((n - self.side) // 2 for n in size)
        return to_uint8(small[:, top : top + self.side, left : left + self.side])


def open_photos(source: str | Path, smallest: int, side: int | None = None) -> Photos:
    """A folder or an archive; photos with a side below `smallest` are left out.

    side: of the squares that all photos become, see `ResizedPhotos`, none being left out; None: as they are.
    Raises DataError.
    """
    if side is not None:
        return ResizedPhotos(open_photos(source, smallest=1), side)
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
