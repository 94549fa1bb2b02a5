"""What feeding a network costs: samples a second of every data path, and launches a batch on a GPU.

    python benchmarks/data.py PHOTOS [--threads 1] [--batch 32] [--crop 192] [--device cpu]

PHOTOS: a folder or an archive made by `leapsr pack`. Paths: crops cut from photos on the device, from photos
on the disk (decoded anew for every crop, unless the archive holds pixels), and their damage. Launches are
counted on the meta device, which computes nothing, so no GPU is needed; each costs a GPU's host some 5 to 10
microseconds.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from leapsr import degrade
from leapsr.data import on_device
from leapsr.data.crops import PhotoCrops
from leapsr.data.photos import open_photos
from leapsr.degrade import Generators

SEED, SCALE, USED = 0, 4, 48  # photos, spread evenly
GROUPS = (1, 8, 16, 32, 64)


class Launches(TorchDispatchMode):
    """Counts operations that compute something on the meta device."""

    count = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = function(*args, **(kwargs or {}))
        there = any(isinstance(leaf, Tensor) and leaf.device.type == "meta" for leaf in tree_leaves(found))
        self.count += there and not function.is_view and "empty" not in str(function)
        return found


def rate(batch: int, device: torch.device, make: Callable[[int], Any], repeats: int) -> float:
    """Samples a second of make(step), the median of `repeats`."""
    seconds = []
    for step in range(repeats + 1):
        began = time.perf_counter()
        make(step)
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return batch / statistics.median(seconds[1:])


def launches(group: int, batch: int, crop: int) -> float:
    """A batch's launches for its damage, the mean of eight batches."""
    damage, image = degrade.make("photo", SCALE, group), torch.empty(batch, 3, crop, crop, device="meta")
    damage(image, Generators(torch.Generator().manual_seed(SEED), None))  # tables are made once
    with Launches() as seen:
        for seed in range(8):
            damage(image, Generators(torch.Generator().manual_seed(seed), None))
    return seen.count / 8


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--crop", type=int, default=192)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    batch, crop, device = options.batch, options.crop, options.device

    photos = open_photos(options.photos, crop)
    indices = list(range(0, len(photos.names), max(1, len(photos.names) // USED)))
    began = time.perf_counter()
    loaded = on_device.load(photos, indices, device)
    seconds = time.perf_counter() - began
    there, disk = (
        on_device.DeviceCrops(loaded, crop, SEED),
        PhotoCrops(photos, indices, crop, SEED),
    )
    image = there(0, batch).to(device).image.float().contiguous() / 255

    def damaged(group: int) -> Callable[[int], Tensor]:
        damage = degrade.make("photo", SCALE, group)
        return lambda step: damage(
            image, Generators.from_generator(torch.Generator(device).manual_seed(step))
        )

    print(f"{options.threads} threads, batch {batch}, crop {crop}, seed {SEED}, {device}, ", end="")
    print(f"torch {torch.__version__}, python {platform.python_version()}, median of {options.repeats}")
    print(
        f"{len(indices)} photos, {len(loaded.pixels) / 1e6:.0f} megapixels, on the device in {seconds:.1f} s",
        end="\n\n",
    )
    print("| path | samples/s |\n|---|---|")
    paths: dict[str, Callable[[int], Any]] = {
        "crops of photos on the device": lambda step: there(step * batch, batch).pinned(device).to(device),
        "crops of photos on the disk": lambda step: disk(step * batch, batch),
        **{f"damage, groups of {group}": damaged(group) for group in (1, 16)},
    }
    for name, make in paths.items():
        print(f"| {name} | {rate(batch, device, make, options.repeats):.0f} |")
    print(f"\n| images that share sizes | launches a batch of {batch} |\n|---|---|")
    for group in GROUPS:
        print(f"| {group} | {launches(group, batch, crop):.0f} |")


if __name__ == "__main__":
    main()
