"""One batch of many files against as many separate runs of the command.

    python benchmarks/throughput.py [--files 100] [--side 256] [--separate 5] [--model NAME] [--threads N]

Times 100 files of 256 x 256 in one run, then a few separate runs, whose mean is scaled to as many files.
"Busy" is the share of the batch's wall time, from its first picture to its last, in which the network worked.
Ratios hold only on a machine that does nothing else.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

STAGES = ("reading", "restoring", "writing")


def photos(folder: Path, files: int, side: int) -> list[Path]:
    """Noise of every scale, which compresses about as photos do."""
    paths = []
    for i in range(files):
        numbers = np.random.default_rng(i)
        layers = [
            numbers.uniform(0, 255, (1 + side // size, 1 + side // size, 3)) for size in (2, 8, 32, 128)
        ]
        enlarged = [
            np.asarray(Image.fromarray(layer.astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC))
            for layer in layers
        ]
        paths.append(folder / f"{i:03}.png")
        Image.fromarray(np.mean(enlarged, axis=0).astype(np.uint8)).save(paths[-1])
    return paths


def timed(inputs: list[Path], out: Path, options: argparse.Namespace) -> tuple[float, dict]:
    """Wall seconds of the process, and its report."""
    command = [sys.executable, "-m", "leapsr", "upscale", *map(str, inputs), "-o", str(out), "--json"]
    command += ["-n", options.model] if options.model else []
    begun = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return time.perf_counter() - begun, json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--side", type=int, default=256, help="pixels of each file")
    parser.add_argument("--separate", type=int, default=5, help="separate runs to measure")
    parser.add_argument("--model", help="name or folder; the default model if not given")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place, "in"), Path(place, "out")
        folder.mkdir()
        paths = photos(folder, options.files, options.side)
        together, report = timed([folder], out, options)
        chosen = paths[: options.separate]
        separate = statistics.mean(timed([path], Path(place, "apart"), options)[0] for path in chosen)
    stages = {name: sum(item[f"seconds_{name}"] for item in report["results"]) for name in STAGES}
    busy = stages["restoring"] / report["seconds"]
    print(f"{options.files} files of {options.side} x {options.side}, {options.threads} threads, ", end="")
    print(f"{report['settings']['model']} on {', '.join(report['devices'])}")
    print(
        f"one batch: {together:.1f} s; separate runs: {separate:.1f} s each, mean of {len(chosen)}, ", end=""
    )
    print(f"so {separate * options.files:.0f} s for all (scaled, not measured)")
    print(f"separate / batch: {separate * options.files / together:.2f}")
    print(f"the network is busy {busy:.0%} of the batch; ", end="")
    print(", ".join(f"{name} {seconds:.1f} s" for name, seconds in stages.items()))


if __name__ == "__main__":
    main()
