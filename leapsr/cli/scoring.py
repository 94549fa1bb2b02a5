"""What evaluate and compare have in common: options, models and pairs, and how a table is shown."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer
from rich.console import Console
from rich.progress import track

from ..errors import DataError, UsageError, optional
from . import terminal

if TYPE_CHECKING:
    from ..data.pairs import Pair, PairFolder
    from ..metrics import Metric
    from ..metrics.evaluate import Table
    from ..restorer import Restorer

DEFAULT = "default"

Number = TypeVar("Number", int, float)

Border = Annotated[
    int | None, typer.Option(min=0, help="Pixels of each side that do not count. Default: the scale.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many pictures.")]
Weights = Annotated[
    Path | None, typer.Option(envvar="LEAPSR_WEIGHTS", help="Folder of the files that metrics need.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Dtype = Annotated[Literal["auto", "fp32", "bf16", "fp16"], typer.Option(help="Precision.")]
Seed = Annotated[int, typer.Option(help="Of the noise that results start from.")]


@contextmanager
def enough_memory() -> Iterator[None]:
    """Raises DataError when there is not, on whatever device."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        from ..memory import is_oom

        if not is_oom(error):
            raise
        raise DataError(
            "There is not enough memory: pictures lie in it whole, so use smaller ones or '--device cpu'."
        ) from error


def numbers(listed: str, kind: Callable[[str], Number], option: str) -> list[Number]:
    """Raises UsageError for anything but numbers with commas between them."""
    try:
        return list(dict.fromkeys(kind(part) for part in listed.split(",")))
    except ValueError:
        raise UsageError(
            f"{option} takes numbers with commas between them, as 0,1, not '{listed}'."
        ) from None


def load(model: str, device: str, dtype: str) -> "tuple[Path, Restorer]":
    """A model by name or folder, and that folder."""
    from ..devices import choose_device, choose_dtype
    from ..hub import catalog
    from ..restorer import Restorer, read_config

    folder, where = catalog.find(model), choose_device(device)
    precision = choose_dtype(dtype, where, read_config(folder).half)
    return folder, Restorer.from_pretrained(folder, where, precision)


def read_pairs(folder: Path, restorer: "Restorer | None", scale: int, limit: int | None) -> "PairFolder":
    from ..data import pairs

    return pairs.read_pairs(folder, scale if restorer is None else restorer.scale, limit)


def usable(listed: str, weights: Path | None, pairs: "PairFolder") -> "tuple[dict[str, Metric], list[str]]":
    """See `metrics.selection.usable`."""
    from ..metrics import DEFAULT_METRICS, selection

    parts = (DEFAULT_METRICS if part == DEFAULT else [part] for part in listed.split(","))
    names = [name for part in parts for name in part]
    return selection.usable(names, weights, pairs.has_reference)


def check_out(out: Path | None, plot: bool) -> None:
    """Before the work. Raises OutputError, and MissingExtra where a plot needs a library."""
    from ..pictures.save_file import check_place

    if out is not None:
        check_place(out / "results.csv")
        if plot:
            optional("matplotlib.figure", "plots")


def watched(pairs: "Iterable[Pair]", doing: str) -> "Iterable[Pair]":
    """The same pairs, with a bar on terminals while they are walked."""
    console = Console(stderr=True)
    return track(pairs, doing, console=console, transient=True, disable=not console.is_terminal)


def show(table: "Table") -> None:
    """The summary, and on standard error what it lacks."""
    from ..metrics.report import text

    summary, console = text(table), Console()
    needed = Console(width=1000).measure(summary).maximum
    # On a narrow terminal, lines that wrap are better than the numbers that rich would cut.
    Console(width=max(console.width, needed)).print(summary)
    for note in table.notes:
        say(note, error=True)


def say(line: str, error: bool = False) -> None:
    terminal.say(Console(stderr=error), line)
