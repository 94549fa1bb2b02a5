"""Peak memory of upscaling on the CPU, beyond the pixels of the picture and of its result.

    python benchmarks/memory.py [--sides 512 2048 8192] [--formats png jpg tif] [--depth 8] [--model NAME]

Each size and format is a process of its own, which does what `leapsr upscale` does with one file; its
peak is what the system counted (ru_maxrss), less that of a process that upscales 16 x 16 pixels. Unless a
model is named, the network is the smallest preset with random weights, so that the largest picture takes
minutes rather than hours; the memory for a tile depends on the network, that for a picture does not. A
picture of 8192 pixels a side becomes 3.2 GB of pixels in 8 bits.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from leapsr.hub import catalog
from leapsr.networks import PRESETS, UNet
from leapsr.pictures import save_file
from leapsr.pictures.picture import Picture, load
from leapsr.restorer import ModelConfig, Restorer
from leapsr.upscaling.upscaler import Upscaler

SMALL = 16
KILOBYTE = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


def make_model(folder: Path) -> None:
    torch.manual_seed(0)
    network = UNet(PRESETS["tiny"])
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    Restorer(ModelConfig(method="oftsr", network=PRESETS["tiny"]), network).save_pretrained(folder)
    catalog.write_checksums(folder)


def make_picture(path: Path, side: int, depth: int) -> None:
    """Smooth colours with some noise, in PNG."""
    line = torch.linspace(0, 1, side)
    values = np.empty((side, side, 3), np.uint8 if depth == 8 else np.uint16)
    noise = np.random.default_rng(0).integers(0, 2 ** (depth - 4), (side, 3), values.dtype)
    for row in range(side):
        colours = torch.stack((line, line * row / side, 1 - line), 1) * (2**depth * 0.9)
        values[row] = colours.numpy().astype(values.dtype) + np.roll(noise, row, 0)
    save_file.save(Picture(torch.from_numpy(values).permute(2, 0, 1), depth=depth), path)


def work(model: str, source: Path, output: Path) -> None:
    """What the child does; prints its peak in bytes and its seconds."""
    began = time.perf_counter()
    upscaler = Upscaler.from_pretrained(model, device="cpu")
    save_file.save(upscaler.upscale(load(source)), output)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE
    print(json.dumps((peak, time.perf_counter() - began)))


def peak(model: str, source: Path, output: Path) -> tuple[int, float]:
    command = [sys.executable, __file__, "--child", model, str(source), str(output)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found, seconds = json.loads(done.stdout)
    return found, seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sides", type=int, nargs="+", default=[512, 2048, 8192])
    parser.add_argument("--formats", nargs="+", default=["png", "jpg", "tif"])
    parser.add_argument("--depth", type=int, choices=(8, 16), default=8)
    parser.add_argument("--model", help="name or folder; the tiny network by default")
    parser.add_argument("--folder", type=Path, help="for the pictures; a temporary one by default")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        work(options.child[0], Path(options.child[1]), Path(options.child[2]))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        measure(Path(name), options)


def measure(folder: Path, options: argparse.Namespace) -> None:
    if options.model is None:
        make_model(folder / "tiny")
    model = options.model or str(folder / "tiny")
    make_picture(folder / "small.png", SMALL, options.depth)
    print("format    side    input   output     peak  the rest  ratio  seconds  (MB)")
    for suffix in options.formats:
        baseline, _ = peak(model, folder / "small.png", folder / f"out.{suffix}")
        first = None
        for side in options.sides:
            source = folder / f"{side}.png"
            if not source.exists():
                make_picture(source, side, options.depth)
            found, seconds = peak(model, source, folder / f"out.{suffix}")
            depth = 8 if suffix == "jpg" else options.depth
            scale = output_scale(folder / f"out.{suffix}", side)
            pixels, larger = (3 * options.depth // 8 * side**2, 3 * depth // 8 * (scale * side) ** 2)
            rest = found - baseline - pixels - larger
            first = first or rest
            numbers = (number / 1e6 for number in (pixels, larger, found, rest))
            columns = "".join(f"{number:{9 if i < 3 else 10}.0f}" for i, number in enumerate(numbers))
            print(f"{suffix:8}{side:6}{columns}{rest / first:7.2f}{seconds:9.1f}", flush=True)


def output_scale(path: Path, side: int) -> int:
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as image:
        return image.width // side


if __name__ == "__main__":
    main()
