"""Drawn pictures and screenshots: how far the worst block of each has moved."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from PIL import Image

from .drawn import DRAWN
from .model import SEED, Model, bicubic
from .screens import browser, screens, version
from .sheets import Row, beside, file_name, sheet, table

BLOCK = 8
MOST = 12.0
"""Levels of 255 that the mean of a block may move, where bicubic moves none further."""
SHOWN = 8
"""Pictures of a sheet: the worst, and as many by lot."""
REGION = (64, 48)
"""(width, height) of what a sheet shows of a picture, in pixels of the source."""

Pictures = list[tuple[str, np.ndarray]]


class Moved(NamedTuple):
    """Levels of 255 in the worst block of 8 x 8 pixels of the source; each number has its own worst one."""

    mean: float
    """Of the largest |mean of the difference|, over blocks and channels."""
    absolute: float
    """Of the largest mean |difference|."""
    place: tuple[int, int]
    """(top, left) of the block of `mean`, in pixels of the source."""


def worst_block(source: np.ndarray, result: np.ndarray) -> Moved:
    """source: (H, W, 3), result: (sH, sW, 3), s a whole number; a box makes it small again. Pixels at the
    right and lower edge that fill no block do not count."""
    height, width = source.shape[:2]
    scale = result.shape[0] // height
    small = result.reshape(height, scale, width, scale, 3).mean((1, 3), dtype=np.float64)
    rows, columns = height // BLOCK, width // BLOCK
    difference = (small - source)[: rows * BLOCK, : columns * BLOCK]
    blocks = difference.reshape(rows, BLOCK, columns, BLOCK, 3)
    means = np.abs(blocks.mean((1, 3))).max(-1)
    row, column = divmod(int(means.argmax()), columns)
    return Moved(float(means.max()), float(np.abs(blocks).mean((1, 3)).max()), (row * BLOCK, column * BLOCK))


def spread(image: np.ndarray) -> int:
    """How far the channels of a pixel lie apart, at most. image: (H, W, 3) uint8."""
    return int(np.ptp(image, axis=-1).max())


class Judged(NamedTuple):
    name: str
    own: Moved
    plain: Moved
    """Of bicubic."""
    spread: int | None
    """Of the result; None where the source is coloured."""
    cells: list[np.ndarray]
    """The region around the worst block: source, bicubic, result, all of the result's size."""

    @property
    def harmed(self) -> bool:
        """Bicubic itself moves a checkerboard of 8 px by 13 levels."""
        return self.own.mean > max(MOST, self.plain.mean)


def kinds(limit: int | None) -> dict[str, Pictures]:
    """All pictures by kind; limit: of each kind, evenly spread over it. Says it where there is no browser."""
    made: dict[str, Callable[[], Iterable[tuple[str, Image.Image]]]] = dict(DRAWN)
    if (program := browser()) is not None:
        print(version(program))
        made["screenshots"] = lambda: screens(program)
    else:
        print("No browser (Chromium or Chrome) is installed: the screenshots are left out.")
    pictures = {kind: [(name, np.asarray(image)) for name, image in draw()] for kind, draw in made.items()}
    return {kind: _some(all_of_them, limit) for kind, all_of_them in pictures.items()}


def _some(pictures: Pictures, limit: int | None) -> Pictures:
    if limit is None or limit >= len(pictures):
        return pictures
    return [pictures[number * len(pictures) // limit] for number in range(limit)]


def judge(model: Model, fidelity: float, name: str, source: np.ndarray) -> Judged:
    result, plain = model(source, fidelity), bicubic(source, model.scale)
    own = worst_block(source, result)
    grey = spread(source) == 0
    top, left = (
        max(0, min(place + BLOCK // 2 - side // 2, whole - side))
        for place, side, whole in zip(own.place, REGION[::-1], source.shape[:2], strict=True)
    )
    enlarged = source.repeat(model.scale, 0).repeat(model.scale, 1)
    rows, columns = (
        slice(start * model.scale, (start + side) * model.scale)
        for start, side in ((top, REGION[1]), (left, REGION[0]))
    )
    cells = [image[rows, columns].copy() for image in (enlarged, plain, result)]
    return Judged(name, own, worst_block(source, plain), spread(result) if grey else None, cells)


def drawn_sheet(judged: Sequence[Judged]) -> Image.Image:
    """The worst pictures beside some by lot."""
    order = sorted(judged, key=lambda each: -each.own.mean)
    worst, others = order[:SHOWN], order[SHOWN:]
    lot = np.random.default_rng(SEED).permutation(len(others))[:SHOWN]
    heights, widths = zip(*(each.cells[0].shape[:2] for each in judged), strict=True)
    cell = max(widths), max(heights)
    halves = []
    for words, chosen in (("worst", worst), ("by lot", [others[number] for number in lot])):
        rows = [
            Row(f"{each.name}: mean {each.own.mean:.1f}, abs {each.own.absolute:.1f}", each.cells)
            for each in chosen
        ]
        halves.append(sheet((f"source ({words})", "bicubic", "result"), rows, cell))
    return beside(*halves)


HEAD = (
    *("kind", "number", "mean: worst", "median", f"over {MOST:g}", "bicubic"),
    *("abs: worst", "median", "bicubic", "spread", "worst of mean"),
)


def line(kind: str, judged: Sequence[Judged]) -> tuple[str, ...]:
    means, absolutes = [each.own.mean for each in judged], [each.own.absolute for each in judged]
    spreads = [each.spread for each in judged if each.spread is not None]
    return (
        kind,
        str(len(judged)),
        f"{max(means):.1f}",
        f"{median(means):.1f}",
        str(sum(each.harmed for each in judged)),
        f"{max(each.plain.mean for each in judged):.1f}",
        f"{max(absolutes):.1f}",
        f"{median(absolutes):.1f}",
        f"{max(each.plain.absolute for each in judged):.1f}",
        str(max(spreads)) if spreads else "",
        max(judged, key=lambda each: each.own.mean).name,
    )


def graphics(
    model: Model, positions: Sequence[float], pictures: dict[str, Pictures], out: Path | None
) -> list[str]:
    """Prints a table for each position. Returns the broken bounds, a sentence each."""
    broken = []
    for fidelity in positions:
        lines = [HEAD]
        for kind, of_kind in pictures.items():
            judged = [judge(model, fidelity, name, source) for name, source in of_kind]
            lines.append(line(kind, judged))
            if over := [each for each in judged if each.harmed]:
                worst = max(over, key=lambda each: each.own.mean)
                broken.append(
                    f"{model.name} at {fidelity:g}, {kind}: {len(over)} of {len(judged)} moved by more than "
                    f"{MOST:g} levels, {worst.name} by {worst.own.mean:.1f}."
                )
            if out is not None:
                file = out / file_name(model.name, f"{fidelity:g}", kind)
                drawn_sheet(judged).save(file)
        print(f"\n## {model.name} x{model.scale}, fidelity {model.label(fidelity)}: graphics\n")
        print(table(lines), flush=True)
    return broken
