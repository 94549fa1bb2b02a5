"""A pool of crops degraded ahead of time.

Degrading a crop costs a CPU more than a training step on it. The pool pays that once: every photo is decoded
once, its crops are degraded, and training then draws sub-crops and symmetries of them. On disk: image.npy
(N, 3, S, S), lr.npy (N, 3, S/scale, S/scale), uint8, measures.npy (N, 5), float32, the damage of each lr, and
pool.json, written last, which says what the pool was made from. Until then begun.jsonl says that, and in
further lines which photos are done, so that an interrupted pool goes on.
"""

import json
import multiprocessing
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
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
from .photos import Photos, Progress, cores

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
    symmetries: Symmetries = EVERY

    def __post_init__(self) -> None:
        self.image = np.load(self.folder / "image.npy", mmap_mode="r")
        self.lr = np.load(self.folder / "lr.npy", mmap_mode="r")
        self.measures = torch.from_numpy(np.load(self.folder / "measures.npy"))
        self.scale = self.image.shape[-1] // self.lr.shape[-1]

    def __call__(self, first: int, count: int) -> Sample:
        """Samples first .. first + count - 1 of the run."""
        samples = [self.one(n) for n in range(first, first + count)]
        return Sample(*(torch.stack(parts) for parts in zip(*samples, strict=True)))

    def one(self, n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng((self.seed, n))
        small = self.crop // self.scale
        top, left = rng.integers(self.lr.shape[-1] - small + 1, size=2)
        index, symmetry = self.order(n), self.symmetries.draw(rng)
        lr = self.lr[index, :, top : top + small, left : left + small]
        rows, columns = slice(top * self.scale, None), slice(left * self.scale, None)
        image = self.image[index, :, rows, columns][:, : self.crop, : self.crop]
        pair = turn(torch.from_numpy(image.copy()), symmetry), turn(torch.from_numpy(lr.copy()), symmetry)
        return *pair, self.measures[index]

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
        DataError: the disk has not the space, or a process of the pool was killed.
    """
    wanted = json.loads(json.dumps(spec._asdict()))
    marker, begun = folder / "pool.json", folder / "begun.jsonl"
    small = spec.side // spec.scale
    arrays = {
        folder / "image.npy": (spec.crops, 3, spec.side, spec.side),
        folder / "lr.npy": (spec.crops, 3, small, small),
        folder / "measures.npy": (spec.crops, len(MEASURES)),
    }
    if marker.exists() and _made_from(marker) == wanted and all(starmap(_holds, arrays.items())):
        return
    finished = _finished(begun, wanted) if all(starmap(_holds, arrays.items())) else None
    if finished is None:
        for file in (marker, begun, *arrays):  # of another pool; its space is needed
            file.unlink(missing_ok=True)
        check_space(folder, spec)
        for file, shape in arrays.items():
            open_memmap(file, "w+", np.uint8 if len(shape) == 4 else np.float32, shape).flush()
        begun.write_text(json.dumps(wanted) + "\n")
        finished = set()
    jobs = allot(photos, indices, spec.crops)
    done = sum(len(rows) for _, rows in jobs if rows.start in finished)
    try:
        for rows in _filled(folder, spec, photos, [job for job in jobs if job[1].start not in finished]):
            with begun.open("a") as list_of_done:
                list_of_done.write(f"{rows.start}\n")
            done += len(rows)
            progress(done, spec.crops)
            if stop():
                raise KeyboardInterrupt
    except BrokenProcessPool as error:
        if stop():
            raise KeyboardInterrupt from None
        raise DataError(
            "A process that degrades photos was killed, perhaps for lack of memory; leave the largest out."
        ) from error
    marker.write_text(json.dumps(wanted))
    begun.unlink()


def _made_from(marker: Path) -> object:
    """None if the marker is damaged."""
    try:
        return json.loads(marker.read_text())
    except ValueError:
        return None


def _finished(begun: Path, wanted: object) -> set[int] | None:
    """The first rows of the photos that are done; None where another pool was begun, or none."""
    try:
        first, *rows = begun.read_text().rpartition("\n")[0].splitlines()  # the last may be torn
        return {int(row) for row in rows} if json.loads(first) == wanted else None
    except (OSError, ValueError):
        return None


def _holds(file: Path, shape: tuple[int, ...]) -> bool:
    try:
        return np.load(file, mmap_mode="r").shape == shape
    except (OSError, ValueError, EOFError):
        return False


def _filled(folder: Path, spec: PoolSpec, photos: Photos, jobs: list[tuple[int, range]]) -> Iterator[range]:
    """Yield the rows of each photo when they are filled. After an error or interrupt no more are begun."""
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(cores(), context, _start, (folder, spec, photos))
    try:
        futures = {executor.submit(_fill, index, rows): rows for index, rows in jobs}
        for future in as_completed(futures):
            future.result()
            yield futures[future]
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def allot(photos: Photos, indices: list[int], count: int) -> list[tuple[int, range]]:
    """Rows of the pool for each photo, in proportion to its area."""
    areas = np.array([np.prod(photos.sizes[i], dtype=np.float64) for i in indices])
    ends = np.round(np.cumsum(areas) / areas.sum() * count).astype(int).tolist()
    starts = [0, *ends[:-1]]
    return [(i, range(a, b)) for i, a, b in zip(indices, starts, ends, strict=True) if b > a]


def _start(*work: object) -> None:
    """What every job of a worker process shares."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a terminal's Ctrl-C reaches all processes: end at once
    global _work
    _work = work  # type: ignore[assignment]


_work: tuple[Path, PoolSpec, Photos]


def _fill(index: int, rows: range) -> None:
    """Degrade the crops of one photo, in a process of its own."""
    folder, spec, photos = _work
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


def _crops(photo: torch.Tensor, side: int, count: int, rng: np.random.Generator) -> torch.Tensor:
    tops, lefts = ((GRID * rng.integers(places(n, side), size=count)).tolist() for n in photo.shape[1:])
    return torch.stack([photo[:, y : y + side, x : x + side] for y, x in zip(tops, lefts, strict=True)])


def check_space(folder: Path, spec: PoolSpec) -> None:
    """Raises DataError when the disk cannot hold the pool."""
    need = spec.crops * 3 * spec.side**2 * (1 + 1 / spec.scale**2)
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if need > free:
        raise DataError(
            f"The pool needs {need / 1e9:.1f} GB and {folder} has {free / 1e9:.1f} GB; "
            "make it smaller with --set data.pool=N."
        )
