"""leapsr pack."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ..errors import UsageError
from .terminal import say

if TYPE_CHECKING:
    from ..data.encoded import Encoding, Packed


def pack(
    folder: Annotated[Path, typer.Argument(help="Folder of clean photos; sub-folders are looked into.")],
    archive: Annotated[Path, typer.Argument(help="File to write, ending in .safetensors.")],
    max_megabytes: Annotated[
        float | None,
        typer.Option(
            help="Keep the archive below this size: photos are encoded as WebP, and large ones cut to a "
            "window where that is not enough.",
            show_default="decoded pixels",
        ),
    ] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of WebP; with --max-megabytes.")] = 90,
    shrink: Annotated[
        float, typer.Option(min=1, help="Divide the sides by this first; with --max-megabytes.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Decides where the windows lie.")] = 0,
) -> None:
    """Gather a folder of photos into one archive that training reads: decoded, or of a given size."""
    from ..data import encoded, photos

    if archive.suffix != photos.ARCHIVE_SUFFIX:
        raise UsageError(f"{archive} must end in {photos.ARCHIVE_SUFFIX}.")
    if max_megabytes is not None and max_megabytes <= 0:
        raise UsageError("--max-megabytes must be above 0.")
    encoding = encoded.Encoding(quality, shrink, seed)
    if max_megabytes is None and encoding != encoded.Encoding(seed=seed):
        raise UsageError("--quality and --shrink are of encoded photos: they need --max-megabytes.")
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("packing")

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        if max_megabytes is None:
            count, done = photos.pack(folder, archive, show), "decoded"
        else:
            packed = encoded.pack_within(folder, archive, max_megabytes, encoding, show)
            count, done = packed.photos, _told(packed, encoding)
    size = archive.stat().st_size / 1e6
    say(console, f"{count} photos, {size:.0f} MB, {done}: {archive}")


def _told(packed: "Packed", encoding: "Encoding") -> str:
    """What was done to the photos, in a few words."""
    now, before = packed.megapixels
    cut = "whole" if packed.window is None else f"windows of at most {packed.window} pixels a side"
    return f"WebP of quality {encoding.quality}, {now:.0f} of {before:.0f} megapixels, {cut}"
