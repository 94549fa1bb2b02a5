"""Data at ImageNet's size: how long a run takes to begin with a million photos, and what decoding costs.

    python benchmarks/many_photos.py PHOTOS [--count 1000000] [--place /dev/shm] [--threads 1]

PHOTOS: a few clean photos. They become JPEGs as ImageNet's (500 pixels wide) and LSDIR's (1,200), of
quality 92. `--count` hard links to the former, in 1,000 folders below `--place`, stand for as many files, and
are removed at the end; the index is kept there, too. One of each folder is opened for its size, and timed; at
the first start, sizes are known by the file that a link leads to, because to open all takes minutes. Then
samples a second of decoding, for the data of recipes that can train from photos, with one thread for each of
`--threads`.
"""

import argparse
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import TypeVar

import torch
from PIL import Image

from leapsr.data import measuring, photo_index, reading
from leapsr.data.crops import PhotoCrops
from leapsr.data.photos import open_photos
from leapsr.data.prefetch import Prefetch
from leapsr.data.processes import cores
from leapsr.train import batches, recipes

FOLDERS, KINDS, SAMPLES, BATCH = 1000, 24, 600, 8
Result = TypeVar("Result")


def timed(what: str, work: Callable[[], Result]) -> Result:
    began, used = time.perf_counter(), time.process_time()
    found = work()
    print(f"| {what} | {time.perf_counter() - began:.1f} | {time.process_time() - used:.1f} |", flush=True)
    return found


def jpegs(photos: Path, folder: Path, width: int) -> list[Path]:
    """Some of the photos, that many pixels wide; never enlarged."""
    folder.mkdir()
    for number, source in enumerate(open_photos(photos, width).names[:KINDS]):
        with Image.open(photos / source) as image:
            small = image.convert("RGB").resize((width, round(width * image.height / image.width)))
            small.save(folder / f"{number:02d}.jpg", quality=92)
    return sorted(folder.iterdir())


def make(files: list[Path], folder: Path, count: int) -> None:
    for number in range(FOLDERS):
        (folder / f"{number:04d}").mkdir(parents=True)
    for number in range(count):
        os.link(files[number % len(files)], folder / f"{number % FOLDERS:04d}" / f"{number:07d}.jpg")
    time.sleep(photo_index.FRESH / 1e9 + 0.1)


def begin(files: list[Path], folder: Path, count: int) -> None:
    print(f"{count:,} photos in {FOLDERS:,} folders\n\n| | s | s of a processor |\n|---|---|---|")
    some = [next((folder / f"{number:04d}").iterdir()) for number in range(FOLDERS)]
    sizes: dict[int, tuple[int, int]] = {}
    timed(f"{len(some):,} files opened for their sizes", lambda: [reading.size_of(file) for file in some])
    for file in files:
        sizes[file.stat().st_ino] = reading.size_of(file)
    measuring.size_of = lambda file, name=None: sizes[Path(file).stat().st_ino]  # type: ignore[assignment]
    config = recipes.get("oftsr_imagenet_teacher")
    timed("first start: all listed, sizes known, the index written", lambda: open_photos(folder, 1))
    timed("every further start: the index read", lambda: open_photos(folder, 1))
    split = timed(
        "the same, for a recipe, with photos held out", lambda: batches.split_photos(folder, config)
    )
    assert isinstance(split, batches.PhotoSplit)
    data = config.data
    crops = timed(
        "ready to draw",
        lambda: PhotoCrops(split.photos, split.training, data.crop, 0, data.symmetries, data.drawing),
    )
    timed("1,000 samples", lambda: crops(0, 1000))
    os.link(files[0], folder / "0000" / "new.jpg")
    timed("a start after one photo was added: all listed, one opened", lambda: open_photos(folder, 1))
    print(f"\nindex: {photo_index.file_of(folder).stat().st_size / 1e6:.0f} MB\n")


def decoding(folder: Path, name: str, threads: int) -> float:
    """Samples a second, read ahead as a run does, without their damage, which is the device's work."""
    data = recipes.get(name).data
    photos = open_photos(folder, data.crop, data.resize)
    indices = [*range(len(photos.names))]
    crops = PhotoCrops(photos, indices, data.crop, 0, data.symmetries, data.drawing)
    crops(0, BATCH)
    began = time.perf_counter() if threads > 1 else time.process_time()
    for _ in Prefetch(lambda step: crops(step * BATCH, BATCH), range(SAMPLES // BATCH), threads):
        pass
    return SAMPLES / ((time.perf_counter() if threads > 1 else time.process_time()) - began)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--place", type=Path, default=Path("/dev/shm"))
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    torch.set_num_threads(1)
    root = Path(tempfile.mkdtemp(prefix="many-photos-", dir=options.place))
    os.environ["LEAPSR_CACHE"] = str(root / "cache")
    print(f"torch {torch.__version__}, python {platform.python_version()}, {cores()} cores")
    try:
        small, large = (jpegs(options.photos, root / str(width), width) for width in (500, 1200))
        if options.count:
            make(small, root / "photos", options.count)
            begin(small, root / "photos", options.count)
        size = sum(file.stat().st_size for file in chain(small, large)) / len([*small, *large])
        print(f"JPEGs of {size / 1000:.0f} KB in the mean; one thread: by its processor's clock\n")
        print("| recipe | " + " | ".join(f"{n} threads, samples/s" for n in options.threads) + " |")
        print("|---" * (1 + len(options.threads)) + "|")
        for name, files in (
            ("oftsr_imagenet", small),
            ("oftsr_resshift_flow", small),
            ("oftsr_div2k", large),
            ("flowsr_sd21", large),
        ):
            rates = (f"{decoding(files[0].parent, name, threads):.0f}" for threads in options.threads)
            print(f"| {name} | " + " | ".join(rates) + " |", flush=True)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
