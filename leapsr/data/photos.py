"""Clean photos for training: a folder of image files, or the same decoded into one archive.

Decoding a photo for every crop costs more than training on the crop. `pack` writes the pixels of a
folder into one safetensors file, from which a crop is read without touching the rest.
"""

import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import DataError, OutputError
from ..files import atomic_write, remove_stale_parts
from ..ops.color import to_uint8
from ..ops.resize import resize
from . import photo_index
from .listing import TAR
from .measuring import read_part
from .reading import decode, size_of

ARCHIVE_SUFFIX = ".safetensors"
_FORMAT = "leapsr-photos"

Progress = Callable[[int, int], None]  # (done, total)


class Photos(Protocol):
    """Photos of any size. `sizes`: (height, width) of each. `too_small`: how many were left out as such.
    `left_out`: what else was, a sentence each.
    """

    names: list[str]
    sizes: list[tuple[int, int]]
    too_small: int
    left_out: list[str]

    def crop(self, index: int, top: int, left: int, side: int) -> Tensor:
        """uint8 (3, side, side)."""
        ...

    def whole(self, index: int) -> Tensor:
        """uint8 (3, H, W)."""
        ...


class FolderPhotos:
    """Every image below a folder, or of the archives in it, in the order of their names; those smaller than
    `smallest` are left out. See `photo_index`.
    """

    def __init__(
        self, source: Path, smallest: int, tell: Callable[[str], None] = lambda sentence: None
    ) -> None:
        """Raises DataError for a photo that cannot be read, and where there is none."""
        index = photo_index.open_index(source, tell)
        self.folder = source if source.is_dir() else source.parent
        self.index_file = photo_index.file_of(source)
        large = np.flatnonzero(index.sizes.min(axis=1) >= smallest) if index.names else np.empty(0, np.int64)
        self.names = [index.names[i] for i in large]
        height, width = index.sizes[large].T.tolist() if len(large) else ([], [])
        self.sizes: list[tuple[int, int]] = list(zip(height, width, strict=True))
        self.too_small = len(index.names) - len(large)
        self.left_out = index.left_out(self.folder)
        self.archives, self.places = index.archives, index.places[large] if index.archives else None
        if not self.names:
            every = len(index.names)
            found = f"{every} images, all smaller than {smallest} pixels" if every else "no images"
            needed = f"{source} holds {found}; training needs JPEG, PNG or WebP photos."
            raise DataError(" ".join([needed, *self.left_out]))

    def crop(self, index: int, top: int, left: int, side: int) -> Tensor:
        return self.whole(index)[:, top : top + side, left : left + side]

    def whole(self, index: int) -> Tensor:
        """Raises DataError, also where the size is another one than was told when the folder was opened."""
        name = str(self.folder / self.names[index])
        content = self._content(index)
        photo = decode(content, name)
        if photo.shape[1:] != self.sizes[index]:
            header = size_of(content)
            self.index_file.unlink(missing_ok=True)
            if header == tuple(photo.shape[1:]):
                raise DataError(
                    f"{name} has other sides than when the photos were listed; give the command again."
                )
            raise DataError(f"{name} has other sides than its header says; save it again, or remove it.")
        return photo

    def _content(self, index: int) -> Path | bytes:
        """The photo's own file, or its part of an archive's."""
        if self.places is None:
            return self.folder / self.names[index]
        archive, offset, length = self.places[index].tolist()
        return read_part(self.folder / self.archives[archive], offset, length)


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
        self.left_out: list[str] = []
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
        self.names, self.too_small, self.left_out = photos.names, photos.too_small, photos.left_out
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


def open_photos(
    source: str | Path,
    smallest: int,
    side: int | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Photos:
    """A folder of photos or of .tar archives of them (WebDataset), one such archive, or one that `pack`
    wrote; photos with a side below `smallest` are left out.

    side: of the squares that all photos become, see `ResizedPhotos`, none being left out; None: as they are.
    tell: is told what will take a while. Raises DataError.
    """
    if side is not None:
        return ResizedPhotos(open_photos(source, 1, None, tell), side)
    source = Path(source)
    if source.is_dir() or (source.is_file() and source.suffix == TAR):
        return FolderPhotos(source, smallest, tell)
    if source.is_file() and source.suffix == ARCHIVE_SUFFIX:
        return PackedPhotos(source, smallest)
    raise DataError(
        f"{source} is neither a folder of photos nor an archive of them ({ARCHIVE_SUFFIX} or {TAR})."
    )


def pack(folder: Path, archive: Path, progress: Progress = lambda done, total: None) -> int:
    """Decode every photo of a folder into one archive, uint8 (H, W, 3) each; returns how many.

    One photo at a time: an archive may be far larger than the memory. Raises DataError, OutputError; nothing
    is left behind then.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give one that holds photos.")
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
