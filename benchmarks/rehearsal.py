"""Every recipe of the papers, from published folders to scores, on tiny networks: before GPUs are rented.

    python benchmarks/rehearsal.py [--out out/rehearsal] [RECIPE ...]

The folders are made by the real libraries with random weights, so that nothing is downloaded and results are
noise. Each recipe is done by the commands that a researcher gives: convert, prepare with captions of a
(tiny) LLaVA, train, kill -9 after the first checkpoint, resume, save, load, upscale in 1, 2 and 4 steps,
evaluate. What a model cannot do, such as OFTSR's student in two steps, must be refused in a sentence.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from leapsr.cli.main import main as leapsr_main
from leapsr.methods import Region
from leapsr.restorer import Restorer
from leapsr.train import recipes
from leapsr.train.recipes.full_size import MIRRORED
from tests.conftest import picture_array
from tests.frozen import tiny_folders
from tests.hub.conftest import make_mmdit_folder
from tests.hub.test_recipes import BEGINNINGS, resshift, tiny_run

CROP = 64
MORE = 2
"""Steps after a run is resumed."""
WAIT = 300.0
"""Seconds for the first checkpoint."""


class Rehearsal:
    """Everything that was made lies in `root`, under the name of its recipe or model."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.photos = root / "photos"
        self.photos.mkdir(parents=True)
        for seed in range(3):
            Image.fromarray(picture_array(96, 96, seed)).save(self.photos / f"{seed}.png")
        self.command("degrade", self.photos, root / "pairs", "--kind", "bicubic", "--pairs")

    def command(self, *words: object, code: int = 0) -> None:
        """One `leapsr` command in this process. Raises SystemExit for another exit code."""
        line = [str(word) for word in words]
        before, sys.argv = sys.argv, ["leapsr", *line]
        try:
            leapsr_main()
            found: object = 0
        except SystemExit as stopped:
            found = stopped.code or 0
        finally:
            sys.argv = before
        if found != code:
            raise SystemExit(f"leapsr {' '.join(line)}: exit code {found}, not {code}")

    def tiny(self, kind: str) -> Path:
        """A published folder of a base model, an autoencoder, CLIP, DINOv3 or a captioner."""
        place = self.root / "published" / kind
        if not place.exists():
            getattr(tiny_folders, f"make_{kind}_folder")(place)
        return place

    def model(self, name: str) -> Path:
        """The model that a recipe trains, or that published weights are converted to."""
        if name in recipes.FULL_SIZE:
            return self.run(name) / "model"
        out = self.root / "models" / name
        if out.exists():
            return out
        if name == "resshift":
            return resshift(out, self.tiny)
        if name.startswith("dit4sr"):
            weights = make_mmdit_folder(self.root / "published" / name, "dit4sr")
            self.command("models", "convert", name, weights, "-o", out, "--base", self.tiny("sd35"))
        else:
            self.command("models", "convert", name, self.tiny(name), "-o", out)
        return out

    def shards(self, model: Path, name: str) -> Path:
        """Latents with captions, for networks that read text."""
        out = self.root / "shards" / name
        texts = ("--captions", "llava", "--captioner", self.tiny("llava"))
        shares = ",".join(f"{share:g}" for _, share in MIRRORED)
        options = ("--crop", CROP, "--crops", 2, "--symmetries", shares, "--device", "cpu", "--pixels")
        self.command("prepare", self.photos, "-o", out, "--model", model, *texts, *options)
        return out

    def run(self, name: str) -> Path:
        """A recipe's run, from the beginning to scores."""
        out = self.root / "runs" / name
        if out.exists():
            return out
        teacher, start = (None if other is None else self.model(other) for other in BEGINNINGS[name])
        run = tiny_run(name, self.model, self.tiny)
        reads_text = run.network.reads_text
        source = self.shards(start or teacher, name) if reads_text else self.photos  # type: ignore[arg-type]
        config = self.root / f"{name}.json"
        config.write_text(
            run.model_copy(update={"steps": 100_000, "checkpoint_minutes": 1e-4}).model_dump_json()
        )
        verb = "train" if teacher is None else "distill"
        words = [verb, name, source, "-o", out, "--cpu"]
        words += [] if teacher is None else ["--teacher", teacher]
        words += [] if start is None else ["--from", start]
        step = killed([*words, "--config", config], out / "checkpoints")
        self.command(*words, "--resume", "auto", "--set", f"steps={step + MORE}", "--max-minutes", 5)
        self.use(out / "model", out)
        return out

    def use(self, model: Path, out: Path) -> None:
        """Upscale in 1, 2 and 4 steps, and evaluate; what it cannot do has to be refused."""
        one = Restorer.from_pretrained(model).region is Region.SOURCE_EDGE
        picture = self.root / "pairs" / "LR" / "0.png"
        for steps in (1, 2, 4):
            words = ("upscale", picture, "-n", model, "-o", out / f"{steps}.png", "--device", "cpu")
            self.command(*words, "--steps", steps, code=2 if one and steps > 1 else 0)
        counts = "1" if one else "1,2,4"
        scores = ("--metrics", "psnr_y", "--limit", 1, "--device", "cpu")
        self.command(
            "evaluate",
            model,
            "--pairs",
            self.root / "pairs",
            "--steps",
            counts,
            *scores,
            "-o",
            out / "scores",
        )


def killed(words: list[object], checkpoints: Path) -> int:
    """Start a run as another process and kill it at its first checkpoint. Returns the newest one's step."""
    line = [sys.executable, "-m", "leapsr", *map(str, words)]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})
    began = time.monotonic()
    while not list(checkpoints.glob("step-*[0-9]/progress.json")):
        if process.poll() is not None or time.monotonic() - began > WAIT:
            process.kill()
            said = process.communicate()[1].decode(errors="replace")
            raise SystemExit(f"{' '.join(line)} left no checkpoint:\n{said[-2000:]}")
        time.sleep(0.05)
    process.kill()
    process.communicate()
    return max(
        int(path.parent.name.removeprefix("step-"))
        for path in checkpoints.glob("step-*/progress.json")
        if path.parent.suffix != ".part"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipes", nargs="*", default=recipes.FULL_SIZE, metavar="RECIPE")
    parser.add_argument("--out", type=Path, default=Path("out/rehearsal"))
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    torch.set_num_threads(1)
    began, rehearsal = time.monotonic(), Rehearsal(options.out.resolve())
    for name in options.recipes:
        since = time.monotonic()
        rehearsal.run(name)
        print(f"{name}: done in {time.monotonic() - since:.0f} s", flush=True)
    print(f"{len(options.recipes)} recipes rehearsed in {time.monotonic() - began:.0f} s: {options.out}")


if __name__ == "__main__":
    main()
