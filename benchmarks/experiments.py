"""Every experiment of `leapsr experiment` at the scale `tiny`: that each one runs, and nothing about methods.

    python benchmarks/experiments.py PHOTOS PAIRS [-o out/experiments] [--only dt steps ...]

PHOTOS: a dozen clean photos or more. PAIRS: HR and LR, five or more. Trainings come first, because `solvers`
and `teacher-student` take their models; `steps`, `dial`, `seeds` and `complexity` are of packaged ones;
`prompts` is of a network with random weights, with encoders and a captioner alike, as rehearsal.py has them.
A second run does only what is not done. At the end a row for each: command, lines of its table, seconds.
Exit code 1 if one failed.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from leapsr.experiments import sweeps

MODELS = {
    "steps": ["leap-small-mfsr"],
    "dial": ["leap-small"],
    "seeds": ["leap-small-smfsr"],
    "complexity": ["leap-small", "leap-medium", "leap-small-mfsr"],
}
METRICS = {"seeds": "psnr_y,lpips_squeeze,diversity_squeeze"}
DONE = "done.json"


def command(name: str, photos: Path, pairs: Path, out: Path) -> list[str]:
    """What is typed after `leapsr experiment`."""
    if name == "complexity":
        return [name, *MODELS[name]]
    words = ["--pairs", str(pairs), "-o", str(out / name), "--metrics", METRICS.get(name, "psnr_y,lr_psnr")]
    if sweeps.find(name).recipe is not None:
        return [name, "--photos", str(photos), "--scale", "tiny", *words]
    teacher = str(out / "dt/teacher/model")
    if name == "solvers":
        return [name, teacher, *words]
    if name == "teacher-student":
        students = [str(out / f"{run}/run/model") for run in ("dt/cells/0.05", "diagonal/cells/0.5")]
        return [name, teacher, *students, *words]
    if name == "prompts":
        model, captioner = reader(out / "published")
        return [name, str(model), *words, "--captioner", str(captioner), "--limit", "2"]
    return [name, *MODELS[name], *words]


def reader(place: Path) -> tuple[Path, Path]:
    """A model that reads text, and a captioner: tiny, random."""
    from tests.frozen import tiny_folders
    from tests.hub.conftest import make_mmdit_folder

    model, base, captioner = place / "model", place / "sd35", place / "llava"
    if not model.exists():
        tiny_folders.make_sd35_folder(base)
        tiny_folders.make_llava_folder(captioner)
        weights = make_mmdit_folder(place / "dit4sr", "dit4sr")
        leapsr("models", "convert", "dit4sr_q", str(weights), "-o", str(model), "--base", str(base))
    return model, captioner


def leapsr(*words: str) -> int:
    return subprocess.run([sys.executable, "-m", "leapsr", *words], check=False).returncode


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("out/experiments"))
    parser.add_argument("--only", nargs="+", metavar="NAME")
    given = parser.parse_args(arguments)
    names = sorted([*sweeps.names(), "complexity"], key=lambda name: name not in trainings())
    file = given.out / DONE
    done = json.loads(file.read_text()) if file.is_file() else {}
    for name in [name for name in names if name in (given.only or names) and name not in done]:
        words = command(name, given.photos, given.pairs, given.out)
        begin = time.monotonic()
        code = leapsr("experiment", *words)
        seconds = round(time.monotonic() - begin)
        results = given.out / name / "results.json"
        means = json.loads(results.read_text())["means"] if results.is_file() else MODELS.get(name, [])
        lines = len(means)
        print(f"{name}: code {code}, {lines} lines, {seconds} s", flush=True)
        if code == 0:
            done[name] = {"command": " ".join(words), "lines": lines, "seconds": seconds}
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(done, indent=1))
    print("| experiment | lines | s |\n| --- | ---: | ---: |")
    for row in done.values():
        print(f"| `leapsr experiment {row['command']}` | {row['lines']} | {row['seconds']} |")
    return int(any(name not in done for name in given.only or names))


def trainings() -> list[str]:
    return [name for name in sweeps.names() if sweeps.find(name).recipe is not None]


if __name__ == "__main__":
    raise SystemExit(main())
