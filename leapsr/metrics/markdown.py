"""A comparison as Markdown: the means, grouped by model, and what training each model took."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..files import atomic_write
from .evaluate import Table
from .report import Cell, headings, lines
from .runs import Training


def write_markdown(table: Table, trainings: Sequence[Training], path: Path, heading: str) -> None:
    """heading: the first line, such as what the pictures were. Raises OutputError."""
    parts = [f"# {heading}", scores(table), *([costs(trainings)] if trainings else [])]
    notes = "\n".join(f"- {note}" for note in table.notes)
    with atomic_write(path) as part:
        part.write_text("\n\n".join([*parts, *([notes] if notes else [])]) + "\n", encoding="utf-8")


def scores(table: Table) -> str:
    """A line for each setting, a model's name on the first of its lines, the best of each column in bold."""
    rows: list[list[str]] = []
    last = None
    for line in lines(table):
        name = line[0] if line[0] != last else Cell("")
        rows.append([_marked(cell) for cell in (name, *line[1:])])
        last = line[0]
    return _table(headings(table), rows)


def costs(trainings: Iterable[Training]) -> str:
    """A line for each model whose run was found."""
    return _table(
        ["model", "recipe", "training samples", "hours", "samples/s"],
        [
            [
                _escaped(each.model),
                _escaped(each.recipe or "-"),
                "-" if each.samples is None else f"{each.samples:,}",
                "-" if each.hours is None else f"{each.hours:.2f}",
                "-" if each.samples_per_s is None else f"{each.samples_per_s:.1f}",
            ]
            for each in trainings
        ],
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Names to the left, numbers to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def _marked(cell: Cell) -> str:
    return f"**{_escaped(cell.text)}**" if cell.best else _escaped(cell.text)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
