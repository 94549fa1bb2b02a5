"""An evaluation's table as text, CSV, JSON, Markdown and LaTeX."""

import csv
import json
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.table import Table as TextTable
from rich.text import Text

from .. import __version__
from ..errors import DataError, first_line
from ..files import atomic_write
from . import select
from .runs import Training
from .table import Row, Setting, Table

ARROWS = {"higher": "↑", "lower": "↓", "near 1": "→ 1"}
SPEED = "seconds_per_megapixel"
NFE = "evaluations"


def text(table: Table) -> TextTable:
    """The means, a line for each setting, the best of each column in bold and the second underlined."""
    out = TextTable(box=None, header_style="bold", pad_edge=False)
    for i, heading in enumerate(headings(table)):
        # Names of metrics are wrapped, to fit 80 columns.
        out.add_column(heading.replace("_", "\n"), justify="left" if i == 0 else "right")
    for line in lines(table):
        out.add_row(*(Text(cell.text, style=("", "bold", "underline")[cell.rank]) for cell in line))
    return out


class Cell(NamedTuple):
    text: str
    rank: int = 0
    """1 is the best of its column, 2 the second, 0 any other."""


def headings(table: Table) -> list[str]:
    scores = [f"{name} {ARROWS[metric.direction]}" for name, metric in table.metrics.items()]
    return [*_shown(table), *scores, "s/MP"]


def lines(table: Table) -> list[list[Cell]]:
    """The means as printed, a line for each setting, below the headings.

    "-" where there is no value, "nan" for a setting that gave values that are not finite; "(4/5)" behind the
    mean of fewer pictures than there are.
    """
    means = [table.mean(setting) for setting in table.settings]
    best, shown = {name: ranks(table, name) for name in table.metrics}, _shown(table)
    found = []
    for mean in means:
        spread = table.deviations(mean.setting)
        cells = [Cell(_controls(mean)[name]) for name in shown]
        for name in table.metrics:
            count = table.counted(mean.setting, name)
            score = printed(mean.scores[name]) if mean.usable else "nan"
            deviation = "" if math.isnan(spread[name]) else f" ±{spread[name]:.2g}"
            of = f" ({count}/{table.pictures})" if 0 < count < table.pictures else ""
            cells.append(Cell(f"{score}{deviation}{of}", best[name].get(mean.setting, 0)))
        found.append([*cells, Cell(_significant(mean.seconds_per_megapixel))])
    return found


def _shown(table: Table) -> list[str]:
    """The columns before the scores: solvers if there are any, network evaluations (NFE) if they are known
    (not 0) and differ from the steps."""
    solved = any(setting.solver is not None for setting in table.settings)
    more = any(row.evaluations not in (0, row.setting.steps) for row in table.rows)
    return ["restorer", *(["solver"] if solved else []), "steps", "fidelity", *(["NFE"] if more else [])]


def ranks(table: Table, name: str) -> dict[Setting, int]:
    """1 for the settings with the best mean as printed, 2 for those with the second; empty where there is
    nothing to compare."""
    known = table.compared(name)
    if len(known) < 2:
        return {}
    shown = {setting: printed(table.mean(setting).scores[name]) for setting in known}
    best = list(dict.fromkeys(shown.values()))[:2]
    return {setting: best.index(score) + 1 for setting, score in shown.items() if score in best}


def differences(table: Table) -> list[str]:
    """For each metric, how far the best setting is ahead of the second on the same pictures, a sentence each:
    the mean of the differences and its 95 % interval; of a metric that is best at 1, the factor by which the
    mean is nearer to it."""
    found = []
    for name, metric in table.metrics.items():
        known = table.compared(name)
        if len(known) < 2 or (apart := table.difference(known[0], known[1], name)) is None:
            continue
        first, second = known[0].label, known[1].label
        ahead, interval = "ahead of", f"{apart.mean:+.3g} [{apart.low:+.3g}, {apart.high:+.3g}]"
        if metric.direction == "near 1":
            factor, least, most = (np.exp(-each) for each in (apart.mean, apart.high, apart.low))
            ahead, interval = "nearer to 1 than", f"by the factor {factor:.3g} [{least:.3g}, {most:.3g}]"
        if apart.holds_zero:
            found.append(f"{name}: {first} and {second} cannot be told apart, {interval}")
        else:
            found.append(f"{name}: {first} is {ahead} {second}, {interval}")
    return found


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
    """The means, a line for each setting, and of how many pictures they are. Raises OutputError."""
    _write_rows(table, [table.mean(setting) for setting in table.settings], path, counted=True)


def _write_rows(table: Table, rows: Iterable[Row], path: Path, counted: bool = False) -> None:
    with (
        atomic_write(path) as part,
        part.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        writer = csv.writer(file)
        counts = [f"pictures {name}" for name in table.metrics if counted]
        writer.writerow([*Setting._fields, "image", *table.metrics, SPEED, NFE, "seed", *counts])
        for row in rows:
            numbers = [*row.scores.values(), row.seconds_per_megapixel, row.evaluations]
            cells = ("" if math.isnan(number) else number for number in numbers)
            many = [table.counted(row.setting, name) for name in table.metrics if counted]
            writer.writerow([*row.setting, row.image, *cells, row.seed, *many])


def write_json(table: Table, path: Path, settings: Mapping[str, Any]) -> None:
    """Write versions, `settings` (what is needed to repeat the evaluation), means and scores of each picture.

    A missing number is null, an infinite one (PSNR of equal pictures) the string "inf". Raises OutputError.
    """
    document = json.dumps(plain(as_dict(table, settings)), indent=2, allow_nan=False)
    with atomic_write(path) as part:
        part.write_text(document + "\n", encoding="utf-8", errors="backslashreplace")


def as_dict(table: Table, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "leapsr": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "settings": dict(settings),
        "metrics": {name: f"{metric.direction} is better" for name, metric in table.metrics.items()},
        "notes": table.notes,
        "failures": list(table.failures),
        "means": [
            _row(table.mean(setting))
            | {"pictures": {name: table.counted(setting, name) for name in table.metrics}}
            for setting in table.settings
        ],
        "images": [_row(row) for row in table.rows],
        "sets": [
            {**setting._asdict(), "seed": seed, **scores} for (setting, seed), scores in table.sets.items()
        ],
    }


def read_json(path: Path) -> Table:
    """The table that `write_json` wrote. Raises DataError."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8", errors="backslashreplace"))
        metrics = select(stored["metrics"])

        def setting(row: Mapping[str, Any]) -> Setting:
            return Setting(*(row[name] for name in Setting._fields))

        def number(value: float | str | None) -> float:
            return math.nan if value is None else float(value)

        def scores(row: Mapping[str, Any]) -> dict[str, float]:
            return {name: number(row[name]) for name in metrics}

        rows = [
            Row(
                setting(row),
                row["image"],
                scores(row),
                number(row[SPEED]),
                row[NFE],
                row["usable"],
                row["seed"],
            )
            for row in stored["images"]
        ]
        sets = {
            (setting(row), row["seed"]): {name: number(row[name]) for name in metrics if name in row}
            for row in stored["sets"]
        }
        planned = tuple(map(setting, stored["means"]))
        return Table(metrics, rows, stored["notes"], planned, tuple(stored["failures"]), sets)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no evaluation of 'leapsr evaluate' ({first_line(error)}).") from error


def _row(row: Row) -> dict[str, Any]:
    speed, evaluations = row.seconds_per_megapixel, row.evaluations
    return {
        **row.setting._asdict(),
        "image": row.image,
        **row.scores,
        SPEED: speed,
        NFE: evaluations,
        "seed": row.seed,
        "usable": row.usable,
    }


def plain(value: Any) -> Any:
    """For JSON, which has neither NaN (None here) nor infinity (a string here)."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)


def write_markdown(table: Table, trainings: Sequence[Training], path: Path, heading: str) -> None:
    """heading: the first line, such as what the pictures were. Raises OutputError."""
    parts = [f"# {heading}", markdown_scores(table), *([markdown_costs(trainings)] if trainings else [])]
    notes = "\n".join(f"- {note}" for note in [*differences(table), *table.notes, *table.failures])
    with atomic_write(path) as part:
        part.write_text(
            "\n\n".join([*parts, *([notes] if notes else [])]) + "\n",
            encoding="utf-8",
            errors="backslashreplace",
        )


def markdown_scores(table: Table) -> str:
    """A line for each setting, a model's name on the first of its lines, the best of each column in bold."""
    rows: list[list[str]] = []
    last = None
    for line in lines(table):
        name = line[0] if line[0] != last else Cell("")
        rows.append([f"**{cell.text}**" if cell.rank == 1 else cell.text for cell in (name, *line[1:])])
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


_LATEX = str.maketrans(
    {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$"}
    | {mark: f"\\{mark}" for mark in "&%$#_{}"}
    | {"↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\rightarrow$"}
)


def write_latex(table: Table, path: Path, heading: str) -> None:
    """The means as a tabular for the package booktabs: the best of each column bold, the second underlined.

    Raises OutputError.
    """
    marks = ("{}", r"\textbf{{{}}}", r"\underline{{{}}}")

    def row(cells: Iterable[str]) -> str:
        return " & ".join(cells) + r" \\"

    head = headings(table)
    body = [
        row(marks[cell.rank].format(cell.text.translate(_LATEX)) for cell in line) for line in lines(table)
    ]
    parts = [
        f"% {heading}",
        rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
        r"\toprule",
        row(name.translate(_LATEX) for name in head),
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    with atomic_write(path) as part:
        part.write_text("\n".join(parts) + "\n", encoding="utf-8", errors="backslashreplace")
