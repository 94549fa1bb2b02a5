"""A pool of crops degraded ahead of time.

Degrading a crop costs a CPU more than a training step on it. The pool pays that once: every photo is decoded
once, its crops are degraded, and training then draws sub-crops and symmetries of them. On disk: image.npy
(N, 3, S, S), lr.npy (N, 3, S/scale, S/scale), uint8, measures.npy (N, 7), float32, the damage of each lr, and
pool.json, written last, which says what the pool was made from. Until then begun.jsonl says that, and in
further lines which photos are done, so that an interrupted pool goes on.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.lib.format import open_memmap

from .. import degrade
from ..errors import DataError
from ..ops.color import to_uint8
from ..ops.damage import MEASURES, measure
from ..ops.filters import unsharp_mask
from .crops import EVERY, GRID, Sample, Symmetries, places, shuffled, turn
from .photos import Photos, Progress
from .processes import spread

CHUNK = 8  # crops degraded at once: large enough to share overhead, small enough for the cache


class PoolSpec(NamedTuple):
    """Everything that the content of a pool depends on."""

    source: str
    names: list[str]
    sizes: list[tuple[int, int]]
    degradation: str
    degradation_version: int
    sharpen: bool
    scale: int
    side: int
    crops: int
    seed: int


@dataclass
class Pool:
    """Random sub-crops of a pool, each crop once an epoch, in a new order every epoch."""

    folder: Path
    crop: int
    seed: int
    answers: Path | None = None
    """What another upscaler makes of each lr, see `data.answers`; None: it is not asked."""
    symmetries: Symmetries = EVERY

    def __post_init__(self) -> None:
        self.image = np.load(self.folder / "image.npy", mmap_mode="r")
        self.lr = np.load(self.folder / "lr.npy", mmap_mode="r")
        self.large = [self.image]
        if self.answers is not None:
            self.large.append(np.load(self.answers, mmap_mode="r"))
        self.measures = torch.from_numpy(np.load(self.folder / "measures.npy"))
        self.scale = self.image.shape[-1] // self.lr.shape[-1]

    def __call__(self, first: int, count: int) -> Sample:
        """Samples first .. first + count - 1 of the run."""
        samples = [self.one(n) for n in range(first, first + count)]
        return Sample(*(torch.stack(parts) for parts in zip(*samples, strict=True)))

    def one(self, n: int) -> list[torch.Tensor]:
        """The parts of a Sample."""
        rng = np.random.default_rng((self.seed, n))
        small = self.crop // self.scale
        top, left = rng.integers(self.lr.shape[-1] - small + 1, size=2)
        index, symmetry = self.order(n), self.symmetries.draw(rng)
        lr = self.lr[index, :, top : top + small, left : left + small]
        rows, columns = slice(top * self.scale, None), slice(left * self.scale, None)
        large = [each[index, :, rows, columns][:, : self.crop, : self.crop] for each in self.large]
        image, lr, *answer = (
            turn(torch.from_numpy(part.copy()), symmetry) for part in (large[0], lr, *large[1:])
        )
        return [image, lr, self.measures[index], *answer]

    def order(self, n: int) -> int:
        """Index of the n-th sample's crop."""
        return shuffled(self.seed, n, len(self.image))


def build(
    folder: Path,
    spec: PoolSpec,
    photos: Photos,
    indices: list[int],
    progress: Progress = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Make the pool on all cores, or what is missing of it, unless `folder` holds the same one already.

    Args:
        folder: it is made if need be.
        spec: what the pool is made of.
        photos, indices: the photos, and which of them to use.
        progress: (done, total) crops.
        stop: asked after every photo.

    Raises:
        KeyboardInterrupt: `stop` said so.
        DataError: the disk has not the space, or a process was killed.
    """
    wanted = json.loads(json.dumps(spec._asdict()))
    marker, begun = folder / "pool.json", folder / "begun.jsonl"
    small = spec.side // spec.scale
    arrays = {
        folder / "image.npy": (spec.crops, 3, spec.side, spec.side),
        folder / "lr.npy": (spec.crops, 3, small, small),
        folder / "measures.npy": (spec.crops, len(MEASURES)),
    }
    if made_from(marker) == wanted and all(starmap(holds, arrays.items())):
        return
    finished = _finished(begun, wanted) if all(starmap(holds, arrays.items())) else None
    if finished is None:
        for file in (marker, begun, *arrays):  # of another pool; its space is needed
            file.unlink(missing_ok=True)
        check_space(folder, spec)
        for file, shape in arrays.items():
            open_memmap(file, "w+", np.uint8 if len(shape) == 4 else np.float32, shape).flush()
        begun.write_text(json.dumps(wanted) + "\n")
        finished = set()
    else:  # anew, for its last line may be torn
        begun.write_text("".join(f"{line}\n" for line in (json.dumps(wanted), *sorted(finished))))
    jobs = allot(photos, indices, spec.crops)
    done = sum(len(rows) for _, rows in jobs if rows.start in finished)
    left = [job for job in jobs if job[1].start not in finished]
    for (_, rows), _ in spread(_fill, left, _start, (folder, spec, photos), stop):
        with begun.open("a") as list_of_done:
            list_of_done.write(f"{rows.start}\n")
        done += len(rows)
        progress(done, spec.crops)
    marker.write_text(json.dumps(wanted))
    begun.unlink()


def made_from(marker: Path) -> object:
    """What the marker says; None if there is none, or it is damaged."""
    try:
        return json.loads(marker.read_text())
    except (OSError, ValueError):
        return None


def _finished(begun: Path, wanted: object) -> set[int] | None:
    """The first rows of the photos that are done; None where another pool was begun, or none."""
    try:
        first, *rows = begun.read_text().rpartition("\n")[0].splitlines()  # the last may be torn
        return {int(row) for row in rows} if json.loads(first) == wanted else None
    except (OSError, ValueError):
        return None


def holds(file: Path, shape: tuple[int, ...]) -> bool:
    """Whether it is an array of that shape."""
    try:
        return np.load(file, mmap_mode="r").shape == shape
    except (OSError, ValueError, EOFError):
        return False


def allot(photos: Photos, indices: list[int], count: int) -> list[tuple[int, range]]:
    """Rows of the pool for each photo, in proportion to its area."""
    areas = np.array([np.prod(photos.sizes[i], dtype=np.float64) for i in indices])
    ends = np.round(np.cumsum(areas) / areas.sum() * count).astype(int).tolist()
    starts = [0, *ends[:-1]]
    return [(i, range(a, b)) for i, a, b in zip(indices, starts, ends, strict=True) if b > a]


def _start(*work: object) -> None:
    """What every job of a worker process shares."""
    global _work
    _work = work  # type: ignore[assignment]


_work: tuple[Path, PoolSpec, Photos]


def _fill(job: tuple[int, range]) -> None:
    """Degrade the crops of one photo, in a process of its own."""
    (folder, spec, photos), (index, rows) = _work, job
    photo = photos.whole(index)
    damage = degrade.make(spec.degradation, spec.scale)
    names = ("image.npy", "lr.npy", "measures.npy")
    image, lr, measures = (np.load(folder / name, mmap_mode="r+") for name in names)
    rng = np.random.default_rng((spec.seed, index))
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    for start in range(rows.start, rows.stop, CHUNK):
        chunk = slice(start, min(start + CHUNK, rows.stop))
        crops = _crops(photo, spec.side, chunk.stop - chunk.start, rng).float() / 255
        crops = unsharp_mask(crops) if spec.sharpen else crops
        small = damage(crops, generator)
        image[chunk], lr[chunk] = to_uint8(crops).numpy(), to_uint8(small).numpy()
        measures[chunk] = measure(small).numpy()
    for array in (image, lr, measures):
        array.flush()  # before they are said to be there


def _crops(photo: torch.Tensor, side: int, count: int, rng: np.random.Generator) -> torch.Tensor:
    tops, lefts = ((GRID * rng.integers(places(n, side), size=count)).tolist() for n in photo.shape[1:])
    return torch.stack([photo[:, y : y + side, x : x + side] for y, x in zip(tops, lefts, strict=True)])


def check_space(folder: Path, spec: PoolSpec) -> None:
    """Raises DataError when the disk cannot hold the pool."""
    check_free(folder, "The pool", spec.crops * 3 * spec.side**2 * (1 + 1 / spec.scale**2))


def check_free(folder: Path, what: str, need: float) -> None:
    """Raises DataError when the disk has fewer than `need` bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if need > free:
        raise DataError(
            f"{what} needs {need / 1e9:.1f} GB and {folder} has {free / 1e9:.1f} GB; "
            "make the pool smaller with --set data.pool=N."
        )
