"""leapsr pack."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ..errors import UsageError
from .shared import Overwrite
from .terminal import say, starting


def pack(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Of clean photos; sub-folders are searched.")
    ],
    archive: Annotated[
        Path, typer.Argument(metavar="ARCHIVE", help="File to write, ending in .safetensors.")
    ],
    overwrite: Overwrite = False,
) -> None:
    """Decode a folder of photos into one archive, which training reads faster."""
    with starting():
        from ..data import photos

    if archive.suffix != photos.ARCHIVE_SUFFIX:
        raise UsageError(f"{archive} must end in {photos.ARCHIVE_SUFFIX}.")
    if archive.exists() and not overwrite:
        raise UsageError(f"{archive} is already there; give another name, or --overwrite.")
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("packing")
        count = photos.pack(
            folder, archive, lambda done, total: progress.update(task, completed=done, total=total)
        )
    say(console, f"{count} photos, {archive.stat().st_size / 1e6:.0f} MB, decoded: {archive}")
