"""Seconds and megabytes of writing one large picture as PNG and TIFF of 8 and 16 bits: leapsr and libraries.

    python benchmarks/writing.py [--side 4096] [--seed 0]

The picture is scikit-image's astronaut, enlarged, plus noise of a standard deviation of two grey levels: the
noise is what a compressor spends its time on. Seconds are those of the processor, one thread, the best of
three; compare them within one run only. Beside leapsr stand libpng (in imagecodecs), which chooses a filter
for each row, and tifffile, with the same predictor.
"""

import argparse
import io
import platform
import time
import zlib
from collections.abc import Callable
from importlib.metadata import version
from typing import BinaryIO

import imagecodecs
import numpy as np
import skimage.data
import tifffile
import torch
from PIL import Image

from leapsr.pictures.encode import encode
from leapsr.pictures.picture import Picture


def photo(side: int, seed: int) -> np.ndarray:
    """(side, side, 3) float64 in [0, 1]."""
    image = Image.fromarray(skimage.data.astronaut()).resize((side, side), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(seed).normal(0, 2 / 255, (side, side, 3))
    return (np.asarray(image) / 255 + noise).clip(0, 1)


def measured(write: Callable[[BinaryIO], object]) -> tuple[float, float]:
    """Processor seconds and megabytes (10^6 bytes)."""
    best, size = float("inf"), 0
    for _ in range(3):
        file = io.BytesIO()
        start = time.process_time()
        write(file)
        best, size = min(best, time.process_time() - start), len(file.getvalue())
    return best, size / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("leapsr", "isal", "numpy", "imagecodecs", "tifffile")
    )
    print(f"python {platform.python_version()}, zlib {zlib.ZLIB_RUNTIME_VERSION}, {libraries}")
    print(f"{options.side} x {options.side} RGB, seed {options.seed}; processor seconds (megabytes)")
    values = photo(options.side, options.seed)
    for kind in (np.uint8, np.uint16):
        pixels = (values * np.iinfo(kind).max).round().astype(kind)
        bits = 8 * pixels.itemsize
        picture = Picture(torch.from_numpy(pixels).permute(2, 0, 1), depth=bits)
        others: dict[str, Callable[[BinaryIO], object]] = {
            "PNG": lambda file, pixels=pixels: file.write(imagecodecs.png_encode(pixels, level=6)),
            "TIFF": lambda file, pixels=pixels: tifffile.imwrite(
                file, pixels, compression="zlib", predictor=True, rowsperstrip=64
            ),
        }
        for name, other in others.items():
            own, size = measured(lambda file, picture=picture, name=name: encode(picture, name, 95, file))
            seconds, larger = measured(other)
            print(
                f"{name:4} {bits:2} bits: leapsr {own:5.2f} s ({size:5.1f})   library {seconds:5.2f} s "
                f"({larger:5.1f})   ratio {own / seconds:.2f}"
            )


if __name__ == "__main__":
    main()
