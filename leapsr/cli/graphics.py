"""leapsr graphics."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ..errors import UsageError
from .terminal import say, starting

SIDE = 512


def graphics(
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the WebP files.")],
    count: Annotated[int, typer.Option(min=0, metavar="N", help="Number of drawn pictures.")] = 300,
    recoloured: Annotated[
        int, typer.Option(min=0, metavar="N", help="Number of recoloured crops of photos; with --photos.")
    ] = 0,
    photos: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Folder of clean photos, or an archive made by `leapsr pack`; with --recoloured.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Another seed makes other pictures.")] = 0,
    scale: Annotated[
        int,
        typer.Option(
            "-s",
            "--scale",
            min=1,
            max=8,
            metavar="N",
            help="How many times smaller training makes them; lines are that many pixels wide.",
        ),
    ] = 4,
    kind: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Draw only this kind: checkers, logo, code, ...; default: all."),
    ] = None,
) -> None:
    """Draw clean graphics to train on beside photos: text, screenshots, logos, charts, patterns.

    Files that are there stay as they are: the same command goes on where it was
    stopped.
    """
    with starting():
        from ..data.graphics import write
        from ..data.photos import open_photos

    if bool(recoloured) != (photos is not None):
        raise UsageError("--recoloured N and --photos FOLDER need each other.")
    source = None if photos is None else open_photos(photos, smallest=SIDE)
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("drawing")
        new = write(
            target,
            count,
            photos=source,
            recoloured_count=recoloured,
            seed=seed,
            side=SIDE,
            scale=scale,
            kind=kind,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    say(console, f"{count + recoloured} pictures, {new} new: {target}")
