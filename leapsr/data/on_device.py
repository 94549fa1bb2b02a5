"""Photos decoded once into the memory of the device that trains, and crops cut there.

All that a GPU then needs from the host are three integers a sample, the position of the crop: no decoding, no
copies of pixels, no reading threads that fall behind. 350 megapixels are 1 GB.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError
from ..memory import available
from ..ops.transfer import pin, to_device
from .crops import EVERY, GRID, Drawing, Sample, Symmetries, places, shares
from .photos import Photos
from .processes import cores

BLOCK = 1024  # samples whose positions are drawn at once: making a generator costs more than its numbers
SHARE = 0.5  # of the memory that is free: the rest is for training


class CropIndex(NamedTuple):
    """Crops that are still to be cut: their positions in the pixels of photos."""

    photos: "DevicePhotos"
    steps: Tensor
    """(3, B) int64: index of the first pixel of each crop, and the steps from row to row and from column to
    column, which depend on its symmetry."""
    side: int

    def pinned(self, device: torch.device) -> "CropIndex":
        """In pinned memory, from which a copy to `device` does not wait."""
        return self._replace(steps=pin(self.steps, device))

    def to(self, device: torch.device) -> Sample:
        """The crops, cut on the device of the photos, which is the same."""
        return Sample(self.photos.cut(to_device(self.steps, device), self.side), None)


@dataclass(frozen=True)
class DevicePhotos:
    pixels: Tensor
    """(N, 3) uint8 on a device: every photo row by row, one after another."""
    firsts: np.ndarray
    """Index of the first pixel of each photo."""
    sizes: np.ndarray
    """(height, width) of each photo."""

    def cut(self, steps: Tensor, side: int) -> Tensor:
        """uint8 (B, 3, side, side), channels last. steps: of a `CropIndex`, on this device."""
        first, row, column = steps.view(3, -1, 1, 1)
        line = torch.arange(side, device=steps.device)
        index = first + row * line.view(-1, 1) + column * line
        return self.pixels[index].permute(0, 3, 1, 2)


def load(photos: Photos, indices: list[int], device: torch.device) -> DevicePhotos:
    """Decode these photos with every core, straight to the device. Raises DataError when they do not fit."""
    sizes = np.array([photos.sizes[i] for i in indices], dtype=np.int64)
    ends = np.cumsum(sizes.prod(axis=1))
    pixels = _room(int(ends[-1]), device)
    firsts = ends - sizes.prod(axis=1)
    for first, end, photo in zip(firsts, ends, _decoded(photos, indices), strict=True):
        pixels[first:end].copy_(photo)
    return DevicePhotos(pixels, firsts, sizes)


@dataclass
class DeviceCrops:
    """Random crops of photos on a device, with the distribution of `PhotoCrops` but other draws."""

    photos: DevicePhotos
    side: int
    seed: int
    symmetries: Symmetries = EVERY
    drawing: Drawing = "area"
    share: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.share = shares(self.photos.sizes, self.drawing)

    def __call__(self, first: int, count: int) -> CropIndex:
        """Positions of samples first .. first + count - 1 of the run: a pure function of seed and number."""
        chances = np.concatenate(list(self._chances(first, count)))
        photo = np.searchsorted(self.share, chances[:, 0], side="right")
        height, width = self.photos.sizes[photo].T
        top, left = (
            GRID * (chances[:, 1 + axis] * places(length, self.side)).astype(np.int64)
            for axis, length in enumerate((height, width))
        )
        symmetry = self.symmetries.of(chances[:, 3])
        corner = self.photos.firsts[photo] + top * width + left
        return CropIndex(
            self.photos, torch.from_numpy(_turned(corner, width, symmetry, self.side)), self.side
        )

    def _chances(self, first: int, count: int) -> Iterator[np.ndarray]:
        """Four numbers in [0, 1) for each sample, (count, 4) in pieces."""
        for block in range(first // BLOCK, (first + count - 1) // BLOCK + 1):
            start, end = (min(max(n - block * BLOCK, 0), BLOCK) for n in (first, first + count))
            yield _block(self.seed, block)[start:end]


def _turned(corner: np.ndarray, width: np.ndarray, symmetry: np.ndarray, side: int) -> np.ndarray:
    """(3, B): first pixel, row step and column step of crops whose top left pixel is `corner`.

    symmetry: 0 to 7, as in `crops.turn`: transposed, then mirrored in columns and in rows.
    """
    transposed, columns, rows = (symmetry & bit > 0 for bit in (4, 1, 2))
    row = np.where(transposed, 1, width)
    column = np.where(transposed, width, 1)
    corner = corner + (side - 1) * (np.where(columns, column, 0) + np.where(rows, row, 0))
    return np.stack([corner, np.where(rows, -row, row), np.where(columns, -column, column)])


@lru_cache(maxsize=64)  # threads read ahead, each at its own place
def _block(seed: int, block: int) -> np.ndarray:
    return np.random.default_rng((seed, block)).random((BLOCK, 4))


def _decoded(photos: Photos, indices: list[int]) -> Iterator[Tensor]:
    """(height * width, 3) uint8 of each photo in order; only a few are kept at a time."""
    at_once = 2 * cores()
    with ThreadPoolExecutor(cores(), "decode") as executor:
        for start in range(0, len(indices), at_once):
            for photo in executor.map(photos.whole, indices[start : start + at_once]):
                yield photo.permute(1, 2, 0).reshape(-1, 3)


def _room(pixels: int, device: torch.device) -> Tensor:
    need, free = 3 * pixels, available(device)
    advice = "take fewer or smaller ones or use --set data.on_device=false"
    if free is not None and need > SHARE * free:
        raise DataError(
            f"The photos need {need / 1e9:.1f} GB and {device} has {free / 1e9:.1f} GB free, of which half "
            f"is for training: {advice}."
        )
    try:
        return torch.empty(pixels, 3, dtype=torch.uint8, device=device)
    except RuntimeError as error:  # torch.OutOfMemoryError is one; a CPU has no other
        raise DataError(f"The photos need {need / 1e9:.1f} GB and {device} has not: {advice}.") from error
