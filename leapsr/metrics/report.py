"""An evaluation's table as text, CSV and JSON."""

import csv
import json
import math
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.table import Table as TextTable
from rich.text import Text

from .. import __version__
from ..errors import OutputError
from .evaluate import Row, Setting, Table

ARROWS = {"higher": "↑", "lower": "↓"}
SPEED = "seconds_per_megapixel"
NFE = "evaluations"


def text(table: Table) -> TextTable:
    """The means, a line for each setting, the best of each column in bold."""
    out = TextTable(box=None, header_style="bold", pad_edge=False)
    for i, heading in enumerate(headings(table)):
        # Names of metrics are broken: a terminal is 80 columns wide.
        out.add_column(heading.replace("_", "\n"), justify="left" if i == 0 else "right")
    for line in lines(table):
        out.add_row(*(Text(cell.text, style="bold" if cell.best else "") for cell in line))
    return out


class Cell(NamedTuple):
    text: str
    best: bool = False


def headings(table: Table) -> list[str]:
    controls = ["restorer", "steps", "fidelity"]
    if _has_solver(table):
        controls = ["restorer", "solver", "steps", "fidelity", "NFE"]
    scores = [f"{name} {ARROWS[metric.direction]}" for name, metric in table.metrics.items()]
    return [*controls, *scores, "s/MP"]


def lines(table: Table) -> list[list[Cell]]:
    """The means as printed, a line for each setting, below the headings; "-" where there is no value."""
    means = [table.mean(setting) for setting in table.settings]
    best = {name: _best(table, name, means) for name in table.metrics}
    return [
        [
            *map(Cell, _controls(mean, _has_solver(table))),
            *(Cell(printed(score), printed(score) == best[name]) for name, score in mean.scores.items()),
            Cell(_significant(mean.seconds_per_megapixel)),
        ]
        for mean in means
    ]


def _has_solver(table: Table) -> bool:
    """Whether steps may differ from evaluations of the network (NFE), so that both are shown."""
    return any(setting.solver is not None for setting in table.settings)


def _best(table: Table, name: str, means: list[Row]) -> str | None:
    """The best mean as printed; None when there is nothing to compare."""
    scores = [mean.scores[name] for mean in means if not math.isnan(mean.scores[name])]
    if len(scores) < 2:
        return None
    return printed(max(scores) if table.metrics[name].direction == "higher" else min(scores))


def printed(score: float) -> str:
    """Decibels and NIQE with two decimals, what lies between 0 and 1 with four."""
    if math.isnan(score):
        return "-"
    return f"{score:.4f}" if abs(score) <= 1 else f"{score:.2f}"


def _significant(number: float) -> str:
    return "-" if math.isnan(number) else f"{number:.3g}"


def _controls(row: Row, with_solver: bool) -> list[str]:
    restorer, steps, fidelity, solver = row.setting
    count = "-" if steps is None else str(steps)
    position = "-" if fidelity is None else f"{fidelity:g}"
    if not with_solver:
        return [restorer, count, position]
    return [restorer, solver or "-", count, position, _significant(row.evaluations)]


def write_csv(table: Table, path: Path) -> None:
    """A line for each setting and picture, without means; an empty cell where there is no value.

    Raises OutputError.
    """
    _write_rows(table, table.rows, path)


def write_means(table: Table, path: Path) -> None:
    """The same with one line for each setting, the means. Raises OutputError."""
    _write_rows(table, [table.mean(setting) for setting in table.settings], path)


def _write_rows(table: Table, rows: Iterable[Row], path: Path) -> None:
    with all_or_nothing(path), path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*Setting._fields, "image", *table.metrics, SPEED, NFE])
        for setting, image, scores, speed, evaluations in rows:
            numbers = [*scores.values(), speed, evaluations]
            writer.writerow([*setting, image, *("" if math.isnan(number) else number for number in numbers)])


def write_json(table: Table, path: Path, settings: Mapping[str, Any]) -> None:
    """Versions, `settings` (what is needed to repeat the evaluation), means, and scores of each picture.

    A missing score is null, an infinite one (PSNR of equal pictures) the string "inf". Raises OutputError.
    """
    document = json.dumps(as_dict(table, settings), indent=2, allow_nan=False)
    with all_or_nothing(path):
        path.write_text(document + "\n", encoding="utf-8")


@contextmanager
def all_or_nothing(path: Path) -> Iterator[None]:
    """While `path` is written: a failure removes what is there of it. Raises OutputError."""
    try:
        yield
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error


def as_dict(table: Table, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "leapsr": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "settings": dict(settings),
        "metrics": {name: f"{metric.direction} is better" for name, metric in table.metrics.items()},
        "notes": table.notes,
        "means": [_row(table.mean(setting)) for setting in table.settings],
        "images": [_row(row) for row in table.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    scores = {name: _number(score) for name, score in row.scores.items()}
    speed, evaluations = _number(row.seconds_per_megapixel), _number(row.evaluations)
    return {**row.setting._asdict(), "image": row.image, **scores, SPEED: speed, NFE: evaluations}


def _number(score: float) -> float | str | None:
    """JSON knows neither NaN nor infinity."""
    if math.isnan(score):
        return None
    return score if math.isfinite(score) else str(score)
