"""leapsr caption."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ..errors import UsageError
from .shared import Dtype, enough_memory
from .terminal import say, starting

Photos = Annotated[
    Path,
    typer.Argument(metavar="PHOTOS", help="Folder of photos, or an archive of them; small ones are fine."),
]
Out = Annotated[
    Path, typer.Option("-o", "--out", metavar="FILE", help="Write captions into it, ending in .jsonl.")
]
Captioner = Annotated[Path, typer.Option(metavar="FOLDER", help="LLaVA 1.5 or Qwen2-VL.")]
Together = Annotated[int, typer.Option("--batch", min=1, metavar="N", help="Photos asked about at once.")]
Devices = Annotated[
    str, typer.Option("--device", metavar="NAME", help="cpu, cuda:1; several: cuda:0,cuda:1; all: cuda:all.")
]
Processes = Annotated[int, typer.Option(min=1, metavar="N", help="Processes on each device.")]
Shard = Annotated[
    str | None,
    typer.Option(metavar="i/n", help="Only part i of n, for one of n computers, each with its own -o."),
]


@enough_memory()
def caption(
    photos: Photos,
    out: Out,
    captioner: Captioner,
    batch: Together = 8,
    device: Devices = "auto",
    processes: Processes = 1,
    shard: Shard = None,
    dtype: Dtype = "auto",
) -> None:
    """Say what is in each photo, for models that read text: a caption a line.

    Run the same command again after an interruption: finished captions stay.
    """
    if out.suffix != ".jsonl":
        raise UsageError(f"{out} must end in .jsonl.")
    with starting():
        from ..batch.jobs import shard as part
        from ..batch.workers import devices
        from ..data import captioning
        from ..data.photos import open_photos

    found, places = open_photos(photos, smallest=1), devices(device, processes)
    how = captioning.Captioning(captioner, batch, dtype)
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("captioning")
        unread = captioning.run(
            found,
            out,
            how,
            places,
            (lambda chunks: chunks) if shard is None else partial(part, part=shard),
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    for sentence in unread:
        say(console, sentence)
    count = out.read_bytes().count(b"\n")
    say(console, f"{count} captions: {out}")
    if unread:
        raise typer.Exit(1)
