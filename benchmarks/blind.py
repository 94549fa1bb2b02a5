"""A blind comparison of two upscalers: sheets without names, and what the answers say.

    python benchmarks/blind.py sheets PAIRS A B --out out/blind [--crops 24] [--seed 0] [--pictures 4,7,13,19]
    python benchmarks/blind.py score out/blind ANSWERS...

PAIRS has LR (and HR, which is not shown); A and B are folders of results whose names begin with those of the
pairs (as `leapsr upscale PAIRS/LR -o A` makes them). Each row of a sheet is one place: the small picture by
bicubic, then the two results, left and right in random order. Whoever looks writes one line a row into a text
file: the number and L, R or = (no preference), such as `7 L`. `score` tells how often B was preferred to A, a
tie as half, with a 95 % interval over the rows (bootstrap), for each file of answers and for all.

Places are the windows with the most detail of each picture, one a picture first, then a second one.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

CELL, ROWS, HEADER = 320, 6, 22
DRAWS = 10_000


def result(folder: Path, name: str) -> Path:
    """The picture in `folder` that was made of the one called `name`. Raises SystemExit without one."""
    known = {name + ending for ending in ("", "_x4", "_x4plus", "_out")}
    found = [file for file in sorted(folder.iterdir()) if file.stem in known]
    if not found:
        raise SystemExit(f"{folder} has no result of {name}")
    return found[0]


def busiest(picture: Image.Image, side: int, count: int) -> list[tuple[int, int]]:
    """Left and top of the windows with the most detail that do not overlap."""
    grey = torch.from_numpy(np.array(picture.convert("L"))).float()
    detail = (grey[1:, 1:] - grey[:-1, :-1]).abs()[None, None]
    mean = torch.nn.functional.avg_pool2d(detail, side - 1, stride=max(1, side // 4))[0, 0]
    places: list[tuple[int, int]] = []
    for index in mean.flatten().argsort(descending=True).tolist():
        row, column = divmod(index, mean.shape[1])
        left, top = column * max(1, side // 4), row * max(1, side // 4)
        if all(abs(left - x) >= side or abs(top - y) >= side for x, y in places):
            places.append((left, top))
        if len(places) == count:
            break
    return places


def sheets(arguments: argparse.Namespace) -> None:
    chance = random.Random(arguments.seed)
    names = sorted(file.stem for file in (arguments.pairs / "LR").iterdir())
    names = [name for name in names if not arguments.pictures or name in arguments.pictures.split(",")]
    rounds = -(-arguments.crops // len(names))
    rows = []
    for name in names:
        small = Image.open(next((arguments.pairs / "LR").glob(f"{name}.*"))).convert("RGB")
        results = [Image.open(result(folder, name)).convert("RGB") for folder in (arguments.a, arguments.b)]
        scale = results[0].width // small.width
        side = min(CELL // scale, *small.size)
        for number, (left, top) in enumerate(busiest(small, side, rounds)):
            box = (left, top, left + side, top + side)
            large = tuple(scale * edge for edge in box)
            cells = [small.crop(box).resize((side * scale,) * 2, Image.Resampling.BICUBIC)]
            rows.append((number, name, cells + [picture.crop(large) for picture in results]))
    rows = sorted(rows, key=lambda row: row[0])[: arguments.crops]
    chance.shuffle(rows)
    arguments.out.mkdir(parents=True, exist_ok=True)
    key = {}
    for first in range(0, len(rows), ROWS):
        part = rows[first : first + ROWS]
        sheet = Image.new("RGB", (3 * (CELL + 4), len(part) * (CELL + HEADER)), (24, 24, 24))
        for y, (_, name, (source, a, b)) in enumerate(part):
            row, swapped = first + y + 1, chance.random() < 0.5
            key[row] = {"picture": name, "left": "B" if swapped else "A"}
            shown = [source, *([b, a] if swapped else [a, b])]
            for x, (cell, title) in enumerate(zip(shown, ("source", "L", "R"), strict=True)):
                place = (x * (CELL + 4), y * (CELL + HEADER))
                ImageDraw.Draw(sheet).text((place[0] + 4, place[1] + 4), f"{row}  {title}", fill="white")
                sheet.paste(cell, (place[0], place[1] + HEADER))
        sheet.save(arguments.out / f"sheet-{first // ROWS + 1}.png")
    folders = {"A": str(arguments.a), "B": str(arguments.b)}
    (arguments.out / "key.json").write_text(json.dumps({"folders": folders, "rows": key}, indent=1))
    print(f"{len(rows)} rows on {-(-len(rows) // ROWS)} sheets in {arguments.out}; key.json names them.")


def score(arguments: argparse.Namespace) -> None:
    known = json.loads((arguments.folder / "key.json").read_text())
    everybody: dict[str, list[float]] = {}
    for file in arguments.answers:
        preferred = {}
        for line in file.read_text().splitlines():
            row, *answer = line.split()
            if answer and row in known["rows"]:
                left = known["rows"][row]["left"]
                says = {"L": left, "R": "A" if left == "B" else "B"}.get(answer[0].upper())
                preferred[row] = 0.5 if says is None else float(says == "B")
        for row, value in preferred.items():
            everybody.setdefault(row, []).append(value)
        print(f"{file.name}: {interval(list(preferred.values()))}")
    print(f"B = {known['folders']['B']} preferred to A = {known['folders']['A']}")
    print(f"all: {interval([float(np.mean(values)) for values in everybody.values()])}")


def interval(values: list[float]) -> str:
    drawn = np.random.default_rng(0).choice(values, (DRAWS, len(values))).mean(1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{np.mean(values):.0%} [{low:.0%}, {high:.0%}] of {len(values)} rows"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    make = commands.add_parser("sheets")
    for name in ("pairs", "a", "b"):
        make.add_argument(name, type=Path)
    make.add_argument("--out", type=Path, default=Path("out/blind"))
    make.add_argument("--crops", type=int, default=24)
    make.add_argument("--seed", type=int, default=0)
    make.add_argument("--pictures", default="")
    make.set_defaults(run=sheets)
    count = commands.add_parser("score")
    count.add_argument("folder", type=Path)
    count.add_argument("answers", type=Path, nargs="+")
    count.set_defaults(run=score)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
