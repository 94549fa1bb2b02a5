"""An archive of photos below a given size, to carry to another computer: encoded again, and cut if need be.

Each photo is one WebP file in it. Where they are too many for the size, large photos are cut to windows, all
with the same longest side: every photo stays, and small ones stay whole.
"""

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import DataError
from .photos import ENCODED_SIZES, FolderPhotos, Progress, archive_header, cores, write_archive

SMALLEST = 128  # pixels of a window's side, below which too little is left to train on
MARGIN = 0.98  # windows are of other detail than their photos, so the first guess aims a little low
TRIES = 8


@dataclass(frozen=True)
class Encoding:
    """quality: of WebP, 1 to 100. shrink: sides are divided by it first, which also takes away the noise of a
    camera. seed: decides where the windows lie."""

    quality: int = 90
    shrink: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Packed:
    """What was written. window: longest side in pixels; None: every photo is whole.

    megapixels: (those in the archive, those of the folder).
    """

    photos: int
    window: int | None
    megapixels: tuple[float, float]


@dataclass(frozen=True)
class _File:
    content: bytes
    size: tuple[int, int]


def pack_within(
    folder: Path,
    archive: Path,
    megabytes: float,
    encoding: Encoding = Encoding(),
    progress: Progress = lambda done, total: None,
) -> Packed:
    """Encode every photo of a folder into one archive of at most so many megabytes (10^6 bytes).

    The same folder and encoding give the same archive. progress: (done, total) photos, anew for each try.
    Raises DataError where windows would be too small, OutputError; nothing is left behind then.
    """
    photos = FolderPhotos(folder, smallest=1)
    whole = _encoded(photos, encoding, None, progress)
    files, window, room = whole, None, megabytes * 1e6
    aim = room
    for _ in range(TRIES):
        header = _header(photos, files)
        size = len(header) + sum(len(file.content) for file in files)
        if size <= room:
            write_archive(archive, header, (file.content for file in files))
            now, before = _megapixels([file.size for file in files]), _megapixels(photos.sizes)
            return Packed(len(files), window, (now, before))
        aim *= MARGIN if window is None else MARGIN * room / size
        window = _longest_side(whole, aim - len(header))
        files = _encoded(photos, encoding, window, progress)
    raise DataError(
        f"{folder} cannot be packed into {megabytes:g} MB: lower the quality or shrink the photos."
    )


def _header(photos: FolderPhotos, files: list[_File]) -> bytes:
    named = dict(zip(photos.names, files, strict=True))
    sizes = json.dumps({name: file.size for name, file in named.items()})
    shapes = {name: (len(file.content),) for name, file in named.items()}
    return archive_header(shapes, **{ENCODED_SIZES: sizes})


def _longest_side(whole: list[_File], room: float) -> int:
    """The longest side of windows that fill `room` bytes, if each costs its share of its photo."""
    sides = np.array([file.size for file in whole])
    cost = np.array([len(file.content) for file in whole]) / sides.prod(axis=1)
    low, high = 0, int(sides.max())  # windows of `low` fit, those of `high` do not
    while high - low > 1:
        middle = (low + high) // 2
        fits = (cost * np.minimum(sides, middle).prod(axis=1)).sum() <= room
        low, high = (middle, high) if fits else (low, middle)
    if low < SMALLEST:
        raise DataError(
            f"{len(whole)} photos do not fit: windows of {low} pixels would be left; lower the quality, "
            "shrink the photos, take fewer or allow more megabytes."
        )
    return low


def _encoded(photos: FolderPhotos, encoding: Encoding, window: int | None, progress: Progress) -> list[_File]:
    with ThreadPoolExecutor(cores(), "encode") as executor:
        made = executor.map(partial(_encode, photos, encoding, window), range(len(photos.names)))
        return list(_counted(made, len(photos.names), progress))


def _counted(files: Iterator[_File], total: int, progress: Progress) -> Iterator[_File]:
    for done, file in enumerate(files, 1):
        progress(done, total)
        yield file


def _encode(photos: FolderPhotos, encoding: Encoding, window: int | None, index: int) -> _File:
    image = Image.fromarray(photos.whole(index).permute(1, 2, 0).numpy())
    if encoding.shrink != 1:
        sides = (max(1, round(side / encoding.shrink)) for side in image.size)
        image = image.resize((next(sides), next(sides)), Image.Resampling.LANCZOS)
    if window is not None:
        image = _cut(image, window, np.random.default_rng((encoding.seed, index)))
    buffer = io.BytesIO()
    try:
        image.save(buffer, "WEBP", quality=encoding.quality)
    except (OSError, ValueError) as error:  # a side above 16,383 pixels, say
        raise DataError(f"{photos.files[index]} cannot be encoded ({error}); shrink it.") from error
    return _File(buffer.getvalue(), (image.height, image.width))


def _cut(image: Image.Image, window: int, rng: np.random.Generator) -> Image.Image:
    width, height = (min(side, window) for side in image.size)
    left, top = (int(at) for at in rng.integers((image.width - width + 1, image.height - height + 1)))
    return image.crop((left, top, left + width, top + height))


def _megapixels(sizes: list[tuple[int, int]]) -> float:
    return sum(height * width for height, width in sizes) / 1e6
