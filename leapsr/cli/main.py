"""The `leapsr` command. Each verb has a file of its own, which imports what it needs when it runs."""

import io
import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from ..errors import LeapsrError
from . import models, study
from .batch import batch
from .benchmarks import benchmarks
from .caption import caption
from .degrade import degrade
from .doctor import doctor
from .evaluate import evaluate
from .experiment import experiment
from .export import export
from .graphics import graphics
from .pack import pack
from .prepare import prepare
from .recipes import recipes
from .serve import serve
from .terminal import printable
from .train import distill, train
from .upscale import upscale

DEBUG_VARIABLE = "LEAPSR_DEBUG"

_NO_MEMORY_TO_LOAD = (
    "There is not enough memory to load the libraries that leapsr needs: raise the limit that was set for "
    "this process (ulimit -v, a container, a scheduler)."
)
_LOADER_MESSAGES = (
    "failed to map segment",
    "annot allocate memory",
    "cannot create shared object descriptor",
)
"""What the dynamic loaders of systems say when there is no memory for a library."""

app = typer.Typer(
    name="leapsr",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda name: name.replace("_", "-"),
    },
)
VERBS = (
    upscale,
    batch,
    degrade,
    graphics,
    pack,
    caption,
    prepare,
    train,
    distill,
    recipes,
    evaluate,
    serve,
    export,
    doctor,
)
for verb in (*VERBS, benchmarks, experiment):
    app.command()(verb)
app.add_typer(models.app, name="models")
app.add_typer(study.app, name="study")


def _show_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"leapsr {__version__}")
        raise typer.Exit


@app.callback()
def leapsr(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop."),
    ] = False,
) -> None:
    """Make small, damaged photos large and clean."""


def main() -> None:
    """Run the command and exit: 0 all done, 1 some items failed, 2 usage, 3 no weights, 130 interrupted."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # names and tables may hold what it cannot encode
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="leapsr")
    except (LeapsrError, ImportError, OSError, RuntimeError, MemoryError) as error:
        if os.environ.get(DEBUG_VARIABLE) or (message := _message(error)) is None:
            raise
        _print_error(message)
        raise SystemExit(getattr(error, "exit_code", 1)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _message(error: Exception) -> str | None:
    """A sentence where the user can do something about it; None for a bug."""
    if isinstance(error, LeapsrError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:  # a name too long, a folder that is closed, a full disk
        return f"{error.strerror}{'' if error.filename is None else f': {error.filename}'}."
    if isinstance(error, ImportError):
        return _NO_MEMORY_TO_LOAD if any(words in str(error) for words in _LOADER_MESSAGES) else None
    from ..memory import is_oom

    if is_oom(error):
        return (
            "There is not enough memory: close other programs, take a smaller batch or picture, "
            "or leave the work to the CPU."
        )
    return None


def _print_error(message: str) -> None:
    Console(stderr=True).print(
        Text("error: ", style="bold red") + Text(printable(message), style="not bold"), soft_wrap=True
    )
