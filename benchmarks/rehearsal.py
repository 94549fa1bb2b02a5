"""Every recipe of the papers, from published folders to scores, on tiny networks: before GPUs are rented.

    python benchmarks/rehearsal.py [--out out/rehearsal] [RECIPE ...]

The folders are made by the real libraries with random weights, so that nothing is downloaded and results are
noise. Each recipe is done by the commands that a researcher gives: convert, prepare with captions of a
(tiny) LLaVA, train, kill -9 after the first checkpoint, resume, save, load, upscale in 1, 2 and 4 steps,
evaluate. What a model cannot do, such as OFTSR's student in two steps, must be refused in a sentence.
Each command is a process of its own, forked from this one, so that torch and the other libraries are imported
once. (Linux; this process itself must never train, or its forks could not.)
"""

import argparse
import multiprocessing
import resource
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import diffusers
import peft
import tensorboard
import torch
import transformers
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

AHEAD = (diffusers, peft, tensorboard, transformers)
"""Imported for the forks; leapsr reads them where it needs them."""
FORK = multiprocessing.get_context("fork")
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
        """One `leapsr` command. Raises SystemExit for another exit code."""
        process = FORK.Process(target=leapsr, args=words)
        process.start()
        process.join()
        if process.exitcode != code:
            raise SystemExit(f"leapsr {said(words)}: exit code {process.exitcode}, not {code}")

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
        texts = ["--captions", "llava", "--captioner", self.tiny("llava")]
        if recipes.get(name).method.compares_quality:
            texts += ["--quality", self.tiny("qwen2_vl")]
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


def leapsr(*words: object) -> None:
    """The command line in this process, which it ends with its exit code."""
    sys.argv = ["leapsr", *map(str, words)]
    leapsr_main()


def core_seconds() -> float:
    """Of this process and its forks; a busy computer takes longer by the clock."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def said(words: Sequence[object]) -> str:
    return " ".join(map(str, words))


def killed(words: Sequence[object], checkpoints: Path) -> int:
    """Start a run and kill -9 it at its first checkpoint. Returns the newest one's step."""
    process = FORK.Process(target=leapsr, args=words)
    process.start()
    began = time.monotonic()
    while not list(checkpoints.glob("step-*[0-9]/progress.json")):
        if not process.is_alive() or time.monotonic() - began > WAIT:
            process.kill()
            raise SystemExit(f"leapsr {said(words)} left no checkpoint: exit code {process.exitcode}")
        time.sleep(0.02)
    process.kill()
    process.join()
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
        since, used = time.monotonic(), core_seconds()
        rehearsal.run(name)
        spent = f"{time.monotonic() - since:.0f} s, {core_seconds() - used:.0f} s of a core"
        print(f"{name}: done in {spent}", flush=True)
    spent = f"{time.monotonic() - began:.0f} s, {core_seconds():.0f} s of a core"
    print(f"{len(options.recipes)} recipes rehearsed in {spent}: {options.out}")


if __name__ == "__main__":
    main()
