"""leapsr train, leapsr distill."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .completion import model_names
from .terminal import say, starting

if TYPE_CHECKING:
    from ..train.callbacks import Callbacks

Recipe = Annotated[str, typer.Argument(help="Name of a recipe, such as teacher_small; --list shows all.")]
Photos = Annotated[
    Path,
    typer.Argument(
        help="Folder of clean photos, an archive made by `leapsr pack`, or shards made by `leapsr prepare`."
    ),
]
Teacher = Annotated[
    str,
    typer.Option(
        help="Name or folder of the teacher; of a dial's, also a file of another project's upscaler.",
        autocompletion=model_names,
        show_default=False,
    ),
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
        method, distils = recipes.get(name).method, context.info_name == "distill"
        if method.needs_teacher == distils or (distils and method.takes_answers):
            typer.echo(f"{name:22}  {recipes.describe(name)}")
    raise typer.Exit


List = Annotated[
    bool, typer.Option("--list", callback=_list_recipes, is_eager=True, help="List the recipes and stop.")
]


def train(
    recipe: Recipe,
    photos: Photos,
    out: Out = None,
    start: Start = None,
    settings: Setting = None,
    config: ConfigFile = None,
    resume: Resume = None,
    max_minutes: Minutes = None,
    cpu: Cpu = False,
    list_recipes: List = False,
) -> None:
    """Train a model on clean photos; they are damaged on the way. With --from, go on with a trained model."""
    _run(recipe, photos, out, None, start, settings, config, resume, max_minutes, cpu)


def distill(
    recipe: Recipe,
    photos: Photos,
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
    _run(recipe, photos, out, teacher, start, settings, config, resume, max_minutes, cpu)


def _run(
    recipe: str,
    photos: Path,
    out: Path | None,
    teacher: str | None,
    start: str | None,
    settings: list[str] | None,
    config_file: Path | None,
    resume: str | None,
    minutes: float | None,
    cpu: bool,
) -> None:
    console = Console(stderr=True)
    with starting():
        from ..train.api import train_model
    with (
        _telling_how_to_go_on(console),
        _interruptible() as interrupted,
        _bars(console, interrupted) as callbacks,
    ):
        model = train_model(
            recipe,
            photos,
            out,
            teacher=teacher,
            start_from=start,
            options=settings or [],
            config_file=config_file,
            resume=resume,
            max_minutes=minutes,
            cpu=cpu,
            callbacks=callbacks,
        )
    say(console, f"Model: {model}   checkpoints: {model.parent / 'checkpoints'}")
    if interrupted():
        with _telling_how_to_go_on(console):
            raise KeyboardInterrupt


@contextmanager
def _telling_how_to_go_on(console: Console) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say(console, "Stopped; the same command with --resume auto goes on from here.")
        raise


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
def _bars(console: Console, stop: Callable[[], bool]) -> Iterator["Callbacks"]:
    """Callbacks that draw progress bars on a terminal and print plain lines elsewhere."""
    from ..train.callbacks import Callbacks

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        bars: dict[str, TaskID] = {"starting": progress.add_task("starting", total=None)}

        def show(name: str, done: int, total: int) -> None:
            if "starting" in bars:
                progress.remove_task(bars.pop("starting"))
            if name not in bars:
                bars[name] = progress.add_task(name, total=total)
            progress.update(bars[name], completed=done)

        def report(step: int, values: Mapping[str, float]) -> None:
            scores = (f"{name} {value:.4g}" for name, value in values.items())
            say(console, "  ".join((f"step {step}", *scores)))

        yield Callbacks(
            degrading=partial(show, "degrading"),
            answering=partial(show, "asking the teacher"),
            on_step=partial(show, "training"),
            notice=partial(say, console),
            report=report,
            stop=stop,
        )
