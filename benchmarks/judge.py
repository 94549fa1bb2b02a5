"""The judge of packaged models: every figure that a choice may rest on, and pictures to look at.

    python benchmarks/judge.py MODEL... --data ../shared --out out/judge [--steps 1,2,4] [--fidelity 0,0.5,1]

Four sets: Kodak, damaged heavily and mildly by the data folder's tools/damage.py with seed 0, Set14's clean
pairs, and RealSRSet, whose pictures have no reference. PSNR, SSIM, LPIPS with SqueezeNet, NIQE,
grid_artifact, the PSNR of the downsampled result against the input, and seconds a megapixel of output, for
each number of steps at fidelity 0 and each position of the dial. OUT receives the tables of each set,
judge.md with all of them, and sheets: six photos of Kodak and all of RealSRSet, at fidelity 1, 0.5 and 0
where a model has them.

The criterion, written before the candidate was looked at, and worked out at the end of judge.md: among the
positions of all models whose grid_artifact on heavy damage is at most 0.2, and whose SSIM-Y there is at least
Real-ESRGAN general's 0.6579 or, where none reaches it, within 0.01 of the best SSIM-Y of all: the lowest
LPIPS on heavy damage; and somebody looks at the sheets. Never by training loss, nor by NIQE, which left-over
noise lowers.
"""

import argparse
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from leapsr.data.pairs import Pair, PairFolder, read_pairs
from leapsr.evaluation.report import write
from leapsr.evaluation.run import Evaluation
from leapsr.evaluation.subjects import Model, at, common_scale, named
from leapsr.hub.catalog import find
from leapsr.metrics import DEFAULT_METRICS, usable
from leapsr.metrics.report import markdown_scores
from leapsr.metrics.sheet import Sheet
from leapsr.metrics.table import BICUBIC, Setting, Table, bicubic
from leapsr.upscaling.settings import DEFAULTS
from leapsr.upscaling.upscaler import Upscaler

SEED = 0
PEER_SSIM, SSIM_MARGIN, MOST_GRID = 0.6579, 0.01, 0.2
"""Of the criterion; the first is Real-ESRGAN general's on these very pictures."""
LOOKED_AT = (1.0, 0.5, 0.0)
KODAK = ("1", "4", "7", "13", "19", "23")


def sets(data: Path, work: Path) -> dict[str, Path]:
    """The folders of the four sets; damaged ones are made where they are not there yet."""
    found = {"clean Set14": data / "data/val/Set14", "RealSRSet": data / "data/val/RealSRSet"}
    for severity in ("mild", "heavy"):
        folder = work / f"kodak_{severity}"
        if not (folder / "parameters.json").is_file():
            script, photos = data / "tools/damage.py", data / "data/val/Kodak"
            options = ["--severity", severity, "--seed", str(SEED)]
            subprocess.run([sys.executable, script, photos, folder, *options], check=True)
        found = {f"Kodak {severity}": folder} | found
    return found


def chosen_pairs(pairs: PairFolder, names: Iterable[str] | None) -> Iterator[Pair]:
    wanted = None if names is None else set(names)
    for pair in pairs:
        if wanted is None or Path(pair.name).stem in wanted:
            yield pair


def judged(
    models: dict[str, Model],
    pairs: PairFolder,
    steps: list[int],
    dial: list[float],
    weights: Path | None,
) -> Table:
    metrics, notes = usable(DEFAULT_METRICS, weights, pairs.has_reference)
    evaluation = Evaluation(models, pairs, pairs.scale, [SEED])
    return evaluation.run(evaluation.plan(steps, dial), metrics, notes)


def draw(models: dict[str, Model], pairs: PairFolder, names: Iterable[str] | None, file: Path) -> None:
    """A row for each picture: bicubic, then each model at the positions that it has."""
    sheet = Sheet(rows=len(pairs))
    settings = {Setting(BICUBIC): bicubic(pairs.scale)}
    for name, model in models.items():
        for position in LOOKED_AT if model.restorer.most_faithful else (0.0,):
            setting = Setting(name, 1, position)
            settings[setting] = model.restore(at(DEFAULTS, 1, position, SEED))
    for pair in chosen_pairs(pairs, names):
        for setting, restore in settings.items():
            sheet.observe(pair, setting, restore(pair.lr, pair.name).clamp(0, 1))
    sheet.draw().save(file)


def choice(table: Table) -> str:
    """What the criterion says of the table of heavy damage, in a sentence."""
    known = [setting for setting in table.settings if setting.restorer != BICUBIC]
    means = {setting: table.mean(setting).scores for setting in known}
    clean = {setting: scores for setting, scores in means.items() if scores["grid_artifact"] <= MOST_GRID}
    if not clean:
        return f"By the criterion: none, every position has a grid_artifact of more than {MOST_GRID}."
    best = max(scores["ssim_y"] for scores in clean.values())
    least = PEER_SSIM if best >= PEER_SSIM else best - SSIM_MARGIN
    faithful = {setting: scores for setting, scores in clean.items() if scores["ssim_y"] >= least}
    winner = min(faithful, key=lambda setting: faithful[setting]["lpips_squeeze"])
    return f"By the criterion: {winner.label} (SSIM-Y of {least:.4f} or more asked)."


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", type=Path, default=Path("../shared"))
    parser.add_argument("--out", type=Path, default=Path("out/judge"))
    parser.add_argument("--steps", default="1,2,4")
    parser.add_argument("--fidelity", default="0,0.25,0.5,0.75,1")
    parser.add_argument("--limit", type=int, help="pictures of each set")
    parser.add_argument("--sheets-only", action="store_true")
    arguments = parser.parse_args()
    steps = [int(number) for number in arguments.steps.split(",")]
    dial = [float(number) for number in arguments.fidelity.split(",")]
    folders = [find(model) for model in arguments.models]
    loaded = [Model(folder, Upscaler.from_pretrained(folder, "cpu")) for folder in folders]
    models = {name: model for name, model in named(loaded).items() if isinstance(model, Model)}
    names = list(models)
    arguments.out.mkdir(parents=True, exist_ok=True)
    versions = (
        f"torch {torch.__version__}, {platform.machine()}, {torch.get_num_threads()} threads, seed {SEED}"
    )
    report = [f"# {', '.join(names)}", versions]
    for name, folder in sets(arguments.data, arguments.out).items():
        pairs = read_pairs(folder, common_scale(models), arguments.limit)
        stem = name.lower().replace(" ", "_")
        if name == "Kodak heavy":
            draw(models, pairs, KODAK, arguments.out / "sheet_kodak.png")
        if name == "RealSRSet":
            draw(models, pairs, None, arguments.out / "sheet_realsrset.png")
        if arguments.sheets_only:
            continue
        table = judged(models, pairs, steps, dial, arguments.data / "weights")
        asked = {"pairs": str(folder), "pictures": len(pairs), "seeds": [SEED], "models": names}
        (arguments.out / stem).mkdir(exist_ok=True)
        write(table, [], arguments.out / stem, asked)
        report += [f"## {name}: {len(pairs)} pictures", markdown_scores(table), *table.notes]
        if name == "Kodak heavy":
            verdict = choice(table)
        print("\n\n".join(report[-2:]), flush=True)
    if not arguments.sheets_only:
        print(verdict)
        (arguments.out / "judge.md").write_text("\n\n".join([*report, verdict]) + "\n")


if __name__ == "__main__":
    main()
