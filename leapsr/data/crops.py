"""Random crops of photos. The n-th is a pure function of (seed, n), so that a run resumes exactly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from ..ops.transfer import pin, to_device
from .photos import Photos


class Sample(NamedTuple):
    """A batch of crops, uint8."""

    image: Tensor
    """(B, 3, S, S)."""
    lr: Tensor | None
    """(B, 3, S/scale, S/scale); None: not degraded yet."""
    measures: Tensor | None = None
    """(B, 7) of `ops.damage`, of a larger piece of the same small picture; None: not measured."""
    answer: Tensor | None = None
    """(B, 3, S, S), what another upscaler makes of the small picture; None: it was not asked."""

    def pinned(self, device: torch.device) -> "Sample":
        """In pinned memory, from which a copy to `device` does not wait."""
        return self._each(lambda part: pin(part, device))

    def to(self, device: torch.device) -> "Sample":
        return self._each(lambda part: to_device(part, device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Sample":
        return Sample(change(self.image), *(None if part is None else change(part) for part in self[1:]))


class Symmetries(BaseModel):
    """How often a crop is mirrored or turned; the defaults are all eight symmetries of the square alike.

    horizontal, vertical: share of crops that are mirrored left to right, and top to bottom. transposed: share
    whose rows become columns, so that they lie on their sides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    horizontal: float = Field(0.5, ge=0, le=1)
    vertical: float = Field(0.5, ge=0, le=1)
    transposed: float = Field(0.5, ge=0, le=1)

    def draw(self, rng: np.random.Generator) -> int:
        """One symmetry, 0 to 7, see `turn`."""
        return int(rng.integers(8)) if self == EVERY else int(self.of(np.array(rng.random())))

    def of(self, chance: np.ndarray) -> np.ndarray:
        """Numbers in [0, 1) to symmetries, each number used up bit by bit."""
        symmetry = np.zeros(chance.shape, dtype=np.int64)
        for bit, share in ((4, self.transposed), (2, self.vertical), (1, self.horizontal)):
            yes = chance >= 1 - share
            symmetry += bit * yes
            chance = np.where(yes, (chance - (1 - share)) / (share or 1), chance / ((1 - share) or 1))
        return symmetry


EVERY = Symmetries()
Drawing = Literal["area", "photo"]
"""Which photo a crop is of: each as likely as its area, or all alike."""


def shares(sizes: Sequence[tuple[int, int]] | np.ndarray, drawing: Drawing) -> np.ndarray:
    """Cumulative chances of photos of these (height, width); the last is 1."""
    areas = np.prod(np.asarray(sizes, dtype=np.float64), axis=1)
    chances = (areas if drawing == "area" else np.ones_like(areas)).cumsum()
    found: np.ndarray = chances / chances[-1]
    return found


def turn(image: Tensor, symmetry: int) -> Tensor:
    """One of the eight symmetries of the square, 0 to 7. image: (..., S, S)."""
    if symmetry & 4:
        image = image.transpose(-1, -2)
    return image.flip([dim for dim, bit in ((-1, 1), (-2, 2)) if symmetry & bit])


GRID = 12
"""Crops begin at multiples of this many pixels, a multiple of the usual scales: what was drawn on the grid of
the small picture, as screenshots are, lies on that grid again when the crop is made small."""


def places(length: int, side: int) -> int:
    """How many positions a crop has along one side of a photo."""
    return (length - side) // GRID + 1


@dataclass
class PhotoCrops:
    """Random crops of photos, not degraded."""

    photos: Photos
    indices: list[int]  # of the photos to use
    side: int
    seed: int
    symmetries: Symmetries = EVERY
    drawing: Drawing = "area"
    share: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.share = shares([self.photos.sizes[i] for i in self.indices], self.drawing)

    def __call__(self, first: int, count: int) -> Sample:
        """Samples first .. first + count - 1 of the run."""
        return Sample(torch.stack([self.one(n) for n in range(first, first + count)]), None)

    def one(self, n: int) -> Tensor:
        rng = np.random.default_rng((self.seed, n))
        index = self.indices[int(np.searchsorted(self.share, rng.random(), side="right"))]
        height, width = self.photos.sizes[index]
        top, left = (GRID * int(rng.integers(places(length, self.side))) for length in (height, width))
        return turn(self.photos.crop(index, top, left, self.side), self.symmetries.draw(rng))


def shuffled(seed: int, n: int, count: int) -> int:
    """Index of the n-th sample of a run among `count`: each once an epoch, in a new order every epoch."""
    epoch, position = divmod(n, count)
    return int(_shuffle(seed, epoch, count)[position])


@lru_cache(maxsize=2)  # a batch can lie on the border of two epochs
def _shuffle(seed: int, epoch: int, count: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch)).permutation(count)
