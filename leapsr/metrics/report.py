"""An evaluation's table as text, CSV and JSON."""

import csv
import json
import math
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from rich.table import Table as TextTable
from rich.text import Text

from .. import __version__
from ..errors import OutputError
from .evaluate import Row, Table

ARROWS = {"higher": "↑", "lower": "↓"}
SPEED = "seconds_per_megapixel"


def text(table: Table) -> TextTable:
    """The means, a line for each setting, the best of each column in bold."""
    out = TextTable(box=None, header_style="bold", pad_edge=False)
    for heading in ("restorer", "steps", "fidelity"):
        out.add_column(heading, justify="left" if heading == "restorer" else "right")
    for name, metric in table.metrics.items():
        heading = name.replace("_", "\n")  # a terminal is 80 columns wide
        out.add_column(f"{heading} {ARROWS[metric.direction]}", justify="right")
    out.add_column("s/MP", justify="right")
    means = [table.mean(setting) for setting in table.settings]
    best = {name: _best(table, name, means) for name in table.metrics}
    for mean in means:
        scores = [_styled(score, best[name]) for name, score in mean.scores.items()]
        out.add_row(*_controls(mean), *scores, f"{mean.seconds_per_megapixel:.3g}")
    return out


def _best(table: Table, name: str, means: list[Row]) -> str | None:
    """The best mean as printed; None when there is nothing to compare."""
    scores = [mean.scores[name] for mean in means if not math.isnan(mean.scores[name])]
    if len(scores) < 2:
        return None
    return _printed(max(scores) if table.metrics[name].direction == "higher" else min(scores))


def _styled(score: float, best: str | None) -> Text:
    return Text(_printed(score), style="bold" if _printed(score) == best else "")


def _printed(score: float) -> str:
    """Decibels and NIQE with two decimals, what lies between 0 and 1 with four."""
    if math.isnan(score):
        return "-"
    return f"{score:.4f}" if abs(score) <= 1 else f"{score:.2f}"


def _controls(row: Row) -> tuple[str, str, str]:
    restorer, steps, fidelity = row.setting
    return restorer, "-" if steps is None else str(steps), "-" if fidelity is None else f"{fidelity:g}"


def write_csv(table: Table, path: Path) -> None:
    """A line for each setting and picture, without means; an empty cell where there is no value.

    Raises OutputError.
    """
    with all_or_nothing(path), path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["restorer", "steps", "fidelity", "image", *table.metrics, SPEED])
        for row in table.rows:
            scores = ["" if math.isnan(score) else score for score in row.scores.values()]
            writer.writerow([*row.setting, row.image, *scores, row.seconds_per_megapixel])


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
    return {**row.setting._asdict(), "image": row.image, **scores, SPEED: row.seconds_per_megapixel}


def _number(score: float) -> float | str | None:
    """JSON knows neither NaN nor infinity."""
    if math.isnan(score):
        return None
    return score if math.isfinite(score) else str(score)
