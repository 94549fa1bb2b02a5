"""An evaluation's table as text, CSV, JSON and Markdown."""

import csv
import json
import math
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.table import Table as TextTable
from rich.text import Text

from .. import __version__
from ..files import atomic_write
from .runs import Training
from .table import Row, Setting, Table

ARROWS = {"higher": "↑", "lower": "↓", "near 1": "→ 1"}
BADNESS: dict[str, Callable[[float], float]] = {
    "higher": lambda score: -score,
    "lower": lambda score: score,
    "near 1": lambda score: abs(math.log(max(score, 1e-9))),
}
"""Of a score, by its metric's direction: the best one has the least."""
SPEED = "seconds_per_megapixel"
NFE = "evaluations"


def text(table: Table) -> TextTable:
    """The means, a line for each setting, the best of each column in bold."""
    out = TextTable(box=None, header_style="bold", pad_edge=False)
    for i, heading in enumerate(headings(table)):
        # Names of metrics are wrapped, to fit 80 columns.
        out.add_column(heading.replace("_", "\n"), justify="left" if i == 0 else "right")
    for line in lines(table):
        out.add_row(*(Text(cell.text, style="bold" if cell.best else "") for cell in line))
    return out


class Cell(NamedTuple):
    text: str
    best: bool = False


def headings(table: Table) -> list[str]:
    scores = [f"{name} {ARROWS[metric.direction]}" for name, metric in table.metrics.items()]
    return [*_shown(table), *scores, "s/MP"]


def lines(table: Table) -> list[list[Cell]]:
    """The means as printed, a line for each setting, below the headings.

    "-" where there is no value, "nan" for a setting that gave values that are not finite.
    """
    means = [table.mean(setting) for setting in table.settings]
    best, shown = {name: _best(table, name, means) for name in table.metrics}, _shown(table)
    return [
        [
            *(Cell(_controls(mean)[name]) for name in shown),
            *(_score(mean, name, best[name]) for name in table.metrics),
            Cell(_significant(mean.seconds_per_megapixel)),
        ]
        for mean in means
    ]


def _score(mean: Row, name: str, best: str | None) -> Cell:
    score = printed(mean.scores[name])
    return Cell(score, score == best) if mean.finite else Cell("nan")


def _shown(table: Table) -> list[str]:
    """The columns before the scores: solvers if there are any, network evaluations (NFE) if they are known
    (not 0) and differ from the steps."""
    solved = any(setting.solver is not None for setting in table.settings)
    more = any(row.evaluations not in (0, row.setting.steps) for row in table.rows)
    return ["restorer", *(["solver"] if solved else []), "steps", "fidelity", *(["NFE"] if more else [])]


def _best(table: Table, name: str, means: list[Row]) -> str | None:
    """The best mean as printed; None if there is nothing to compare."""
    scores = [mean.scores[name] for mean in means if not math.isnan(mean.scores[name])]
    if len(scores) < 2:
        return None
    return printed(min(scores, key=BADNESS[table.metrics[name].direction]))


def printed(score: float) -> str:
    """With two decimals (decibels, NIQE), or four between -1 and 1."""
    if math.isnan(score):
        return "-"
    return f"{score:.4f}" if abs(score) <= 1 else f"{score:.2f}"


def _significant(number: float) -> str:
    return "-" if math.isnan(number) else f"{number:.3g}"


def _controls(row: Row) -> dict[str, str]:
    restorer, steps, fidelity, solver = row.setting
    return {
        "restorer": restorer,
        "solver": solver or "-",
        "steps": "-" if steps is None else str(steps),
        "fidelity": "-" if fidelity is None else f"{fidelity:g}",
        "NFE": _significant(row.evaluations),
    }


def write_csv(table: Table, path: Path) -> None:
    """A line for each setting and picture, without means; a missing value is an empty cell.

    Raises OutputError.
    """
    _write_rows(table, table.rows, path)


def write_means(table: Table, path: Path) -> None:
    """The means, a line for each setting. Raises OutputError."""
    _write_rows(table, [table.mean(setting) for setting in table.settings], path)


def _write_rows(table: Table, rows: Iterable[Row], path: Path) -> None:
    with atomic_write(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*Setting._fields, "image", *table.metrics, SPEED, NFE])
        for row in rows:
            numbers = [*row.scores.values(), row.seconds_per_megapixel, row.evaluations]
            cells = ("" if math.isnan(number) else number for number in numbers)
            writer.writerow([*row.setting, row.image, *cells])


def write_json(table: Table, path: Path, settings: Mapping[str, Any]) -> None:
    """Write versions, `settings` (what is needed to repeat the evaluation), means and scores of each picture.

    A missing number is null, an infinite one (PSNR of equal pictures) the string "inf". Raises OutputError.
    """
    document = json.dumps(_plain(as_dict(table, settings)), indent=2, allow_nan=False)
    with atomic_write(path) as part:
        part.write_text(document + "\n", encoding="utf-8")


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
    speed, evaluations = row.seconds_per_megapixel, row.evaluations
    return {**row.setting._asdict(), "image": row.image, **row.scores, SPEED: speed, NFE: evaluations}


def _plain(value: Any) -> Any:
    """For JSON, which has neither NaN (None here) nor infinity (a string here)."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)


def write_markdown(table: Table, trainings: Sequence[Training], path: Path, heading: str) -> None:
    """heading: the first line, such as what the pictures were. Raises OutputError."""
    parts = [f"# {heading}", markdown_scores(table), *([markdown_costs(trainings)] if trainings else [])]
    notes = "\n".join(f"- {note}" for note in table.notes)
    with atomic_write(path) as part:
        part.write_text("\n\n".join([*parts, *([notes] if notes else [])]) + "\n", encoding="utf-8")


def markdown_scores(table: Table) -> str:
    """A line for each setting, a model's name on the first of its lines, the best of each column in bold."""
    rows: list[list[str]] = []
    last = None
    for line in lines(table):
        name = line[0] if line[0] != last else Cell("")
        rows.append([f"**{cell.text}**" if cell.best else cell.text for cell in (name, *line[1:])])
        last = line[0]
    return _markdown_table(headings(table), rows)


def markdown_costs(trainings: Iterable[Training]) -> str:
    """A line for each model whose run was found."""
    return _markdown_table(
        ["model", "recipe", "training samples", "hours", "samples/s"],
        [
            [
                each.model,
                each.recipe or "-",
                "-" if each.samples is None else f"{each.samples:,}",
                "-" if each.hours is None else f"{each.hours:.2f}",
                "-" if each.samples_per_s is None else f"{each.samples_per_s:.1f}",
            ]
            for each in trainings
        ],
    )


def _markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Names to the left, numbers to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *escaped])
