"""leapsr train, leapsr distill."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..hub import catalog
from .completion import model_names

if TYPE_CHECKING:
    from ..train.config import TrainConfig

Recipe = Annotated[str, typer.Argument(help="Name of a recipe, such as teacher_small; --list shows all.")]
Data = Annotated[
    Path,
    typer.Argument(
        help="Folder of clean photos, an archive made by `leapsr pack`, or shards made by `leapsr prepare`."
    ),
]
Teacher = Annotated[
    str, typer.Option(help="Name or folder of the teacher.", autocompletion=model_names, show_default=False)
]
Start = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Name or folder of the model whose weights the training begins with.",
        autocompletion=model_names,
        show_default=False,
    ),
]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Run folder.", show_default="runs/RECIPE")]
Setting = Annotated[
    list[str] | None, typer.Option("--set", help="Change a field: path.to.field=value. Repeatable.")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="A resolved config.json instead of the recipe's.")
]
Resume = Annotated[
    str | None, typer.Option(help="'auto' for the newest checkpoint, or a checkpoint's folder.")
]
Minutes = Annotated[
    float | None, typer.Option("--max-minutes", min=0, help="Save and stop after this wall time.")
]
Cpu = Annotated[bool, typer.Option("--cpu", help="Stay on the CPU although there is a GPU.")]


def _list_recipes(context: typer.Context, wanted: bool) -> None:
    """Print the recipes of this verb: `distill` has those that need a teacher, `train` the others."""
    if not wanted:
        return
    from ..train import recipes

    for name in recipes.RECIPES:
        if recipes.get(name).method.needs_teacher == (context.info_name == "distill"):
            typer.echo(f"{name:22}  {recipes.describe(name)}")
    raise typer.Exit


List = Annotated[
    bool, typer.Option("--list", callback=_list_recipes, is_eager=True, help="List the recipes and stop.")
]


def train(
    recipe: Recipe,
    data: Data,
    out: Out = None,
    start: Start = None,
    settings: Setting = None,
    config: ConfigFile = None,
    resume: Resume = None,
    max_minutes: Minutes = None,
    cpu: Cpu = False,
    list_recipes: List = False,
) -> None:
    """Train a model on clean photos; they are damaged on the way. With --from, go on with a trained one."""
    _run(recipe, data, out, None, start, settings, config, resume, max_minutes, cpu)


def distill(
    recipe: Recipe,
    data: Data,
    teacher: Teacher,
    out: Out = None,
    start: Start = None,
    settings: Setting = None,
    config: ConfigFile = None,
    resume: Resume = None,
    max_minutes: Minutes = None,
    cpu: Cpu = False,
    list_recipes: List = False,
) -> None:
    """Train a one-step student from a teacher, beginning as its copy, or refine the student --from."""
    _run(recipe, data, out, teacher, start, settings, config, resume, max_minutes, cpu)


def _run(
    recipe: str,
    data: Path,
    out: Path | None,
    teacher: str | None,
    start: str | None,
    settings: list[str] | None,
    config_file: Path | None,
    resume: str | None,
    minutes: float | None,
    cpu: bool,
) -> None:
    from ..errors import optional

    optional("accelerate", "train")
    optional("tensorboard", "train")
    from ..train import launch

    folder = out or Path("runs") / recipe
    begun = folder / launch.CONFIG
    if config_file is None and resume is not None and begun.exists():
        config_file = begun  # a run goes on as it began, however it was begun
    config = _resolved(recipe, config_file, settings or [])
    console = Console(stderr=True)
    with _interruptible() as interrupted, _bars(console, config.steps) as bars, _written(folder):
        callbacks = launch.Callbacks(stop=interrupted, **bars)
        launch.run(
            config,
            data,
            folder,
            teacher=None if teacher is None else catalog.find(teacher),
            start=None if start is None else catalog.find(start),
            resume=resume,
            minutes=minutes,
            cpu=cpu,
            callbacks=callbacks,
        )
    _say(console, f"Model: {folder / launch.MODEL}   states: {folder / launch.CHECKPOINTS}")
    if interrupted():
        raise KeyboardInterrupt


def _resolved(recipe: str, file: Path | None, settings: list[str]) -> "TrainConfig":
    """The recipe, or what a file says of it, with the settings applied."""
    from ..errors import UsageError
    from ..train import config, recipes

    chosen = config.read(file) if file else recipes.get(recipe)
    if chosen.recipe != recipe:
        raise UsageError(f"{file} is of the recipe {chosen.recipe}, not {recipe}.")
    return config.override(chosen, settings)


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    """A run writes from many places: whichever fails first, it is the folder that cannot take it."""
    from ..errors import OutputError

    try:
        yield
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}.") from error


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C (or SIGTERM) asks the run to save and stop; a second one ends it at once."""
    asked = False

    def ask(number: int, frame: object) -> None:
        nonlocal asked
        if asked:
            sys.exit(130)
        asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _bars(console: Console, steps: int) -> Iterator[dict[str, Any]]:
    """Callbacks of `launch.run` that draw on a terminal and print plain lines elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        bars: dict[str, Any] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=total)
            progress.update(bars[name], completed=done)

        def report(step: int, values: Mapping[str, float]) -> None:
            scores = (f"{name} {value:.4g}" for name, value in values.items())
            _say(console, "  ".join((f"step {step}", *scores)))

        yield {
            "degrading": lambda done, total: show("degrading", done, total),
            "tick": lambda step: show("training", step, steps),
            "notice": partial(_say, console),
            "report": report,
        }
