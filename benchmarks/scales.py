"""Twice as large: by a model made for that, or by one for more whose result is made smaller.

    python benchmarks/scales.py MODEL... --photos ../shared/data/val/Kodak [--scale 2] [--fidelity 0,0.5,1]

The photos are made SCALE times smaller and damaged by `leapsr degrade`, lightly, heavily and not at all, with
seed 0; each model then brings them back to their size as `leapsr upscale --scale SCALE` would. PSNR, SSIM,
LPIPS with SqueezeNet, NIQE and grid_artifact of each, beside bicubic.
"""

import argparse
import platform
import subprocess
import sys
from pathlib import Path

import torch
from torch import Tensor

from leapsr import Upscaler
from leapsr.data.pairs import read_pairs
from leapsr.evaluation.subjects import labels
from leapsr.hub.catalog import find
from leapsr.metrics import DEFAULT_METRICS, usable
from leapsr.metrics.report import markdown_scores
from leapsr.metrics.table import BICUBIC, Restore, Setting, bicubic, evaluate

SEED = 0
KINDS = ("realesrgan-heavy", "realesrgan-light", "bicubic")


def damaged(photos: Path, kind: str, scale: int, out: Path) -> Path:
    """The folder of pairs, made where it is not there yet."""
    folder = out / f"x{scale}" / kind
    if not folder.is_dir():
        command = [sys.executable, "-m", "leapsr", "degrade", photos, folder, "--kind", kind, "--pairs"]
        subprocess.run([*command, "--scale", str(scale), "--seed", str(SEED)], check=True)
    return folder


def enlarging(upscaler: Upscaler, scale: int, fidelity: float) -> Restore:
    def restore(lr: Tensor, _: str) -> Tensor:
        return upscaler(lr, scale=scale, fidelity=fidelity, seed=SEED)

    return restore


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+")
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/val/Kodak"))
    parser.add_argument("--weights", type=Path, default=Path("../shared/weights"), help="of the metrics")
    parser.add_argument("--out", type=Path, default=Path("out/scales"))
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--fidelity", default="0,0.5,1")
    parser.add_argument("--limit", type=int, help="photos of each kind")
    arguments = parser.parse_args()
    folders = [find(model) for model in arguments.models]
    restorers: dict[Setting, Restore] = {Setting(BICUBIC): bicubic(arguments.scale)}
    for name, folder in zip(labels(folders), folders, strict=True):
        upscaler = Upscaler.from_pretrained(folder)
        for position in map(float, arguments.fidelity.split(",")):
            restorers[Setting(name, 1, position)] = enlarging(upscaler, arguments.scale, position)
    print(f"torch {torch.__version__}, {platform.machine()}, {torch.get_num_threads()} threads, seed {SEED}")
    for kind in KINDS:
        folder = damaged(arguments.photos, kind, arguments.scale, arguments.out)
        pairs = read_pairs(folder, arguments.scale, arguments.limit)
        metrics, notes = usable(DEFAULT_METRICS, arguments.weights, pairs.has_reference)
        table = evaluate(restorers, pairs, metrics, arguments.scale)
        print(f"\n## {kind}, x{arguments.scale}: {len(pairs)} pictures\n")
        print(markdown_scores(table), *notes, *table.notes, sep="\n", flush=True)


if __name__ == "__main__":
    main()
