"""leapsr prepare."""

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from ..errors import UsageError
from .shared import Device, Dtype, enough_memory
from .terminal import say

if TYPE_CHECKING:
    from ..data.shard_writer import ShardWriter

Photos = Annotated[Path, typer.Argument(help="Folder of clean photos, or an archive made by `leapsr pack`.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Folder for the shards.")]
Model = Annotated[str, typer.Option(help="Name or folder of the model that training begins with.")]
Captions = Annotated[
    Literal["none", "text", "llava", "qwen2-vl"],
    typer.Option(help="Who says what is in each crop; none: the model's own prompts are used."),
]
Captioner = Annotated[
    Path | None,
    typer.Option(help="Folder of the captioner; for text a JSON file, photo to caption.", show_default=False),
]
TextEncoders = Annotated[
    Path | None,
    typer.Option(help="Folder of text encoders.", show_default="that of the model's autoencoder"),
]
T5 = Annotated[bool, typer.Option("--t5/--no-t5", help="SD3.5: with T5-XXL, or zeros in its place.")]
Length = Annotated[int, typer.Option(min=1, help="SD3.5: how many tokens T5 reads.")]
Crop = Annotated[int, typer.Option(min=8, help="Side of a sample in pixels; smaller photos are left out.")]
Crops = Annotated[int, typer.Option(min=1, help="Of each photo.")]
Degradation = Annotated[str, typer.Option(help="As data.degradation of the recipe.")]
Seed = Annotated[int, typer.Option(min=0, help="Of crops and damage.")]
Megabytes = Annotated[float, typer.Option(min=0.001, help="Of a shard, about.")]
Workers = Annotated[int, typer.Option(min=1, help="Threads that read photos ahead.")]
Shard = Annotated[
    str | None, typer.Option(metavar="i/n", help="Only each n-th shard from the i-th on: one of n workers.")
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Compare finished shards with their checksums; make wrong ones anew.")
]


@enough_memory()
def prepare(
    photos: Photos,
    out: Out,
    model: Model,
    captions: Captions = "none",
    captioner: Captioner = None,
    text_encoders: TextEncoders = None,
    t5: T5 = True,
    length: Length = 256,
    crop: Crop = 512,
    crops: Crops = 1,
    degradation: Degradation = "realesrgan-heavy",
    seed: Seed = 0,
    megabytes: Megabytes = 256.0,
    workers: Workers = 2,
    shard: Shard = None,
    verify: Verify = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Encode photos, their damage and their captions ahead of training a network that works on latents.

    Give the same command again after an interruption: finished shards stay.
    """
    if not isfinite(megabytes):
        raise UsageError("--megabytes is the size of a shard, as 256.")
    from ..data.photos import open_photos
    from ..data.shard_encoders import encoders
    from ..data.shard_writer import ShardOptions, ShardWriter, plan
    from ..devices import choose_device, choose_dtype
    from ..hub import catalog

    place = choose_device(device)
    made_by = encoders(
        catalog.find(model),
        place,
        captions,
        captioner,
        texts=text_encoders,
        t5=t5,
        length=length,
        dtype=choose_dtype(dtype, place),
    )
    found = open_photos(photos, smallest=crop)
    description = plan(found, ShardOptions(crop, crops, degradation, seed, megabytes), made_by)
    _make(ShardWriter(found, description, made_by, workers), out, shard, verify)


def _make(writer: "ShardWriter", out: Path, shard: str | None, verify: bool) -> None:
    from ..batch.jobs import shard as part
    from ..data.shard_writer import prepare
    from ..data.shards import is_finished

    description, console = writer.description, Console(stderr=True)
    numbers = range(description.count)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("preparing")

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        mine = None if shard is None else part(numbers, shard)
        made = prepare(writer, out, mine, verify, show)
    here = sum(is_finished(out, description, number) for number in numbers)
    say(
        console,
        f"{made} shards made; {here} of {len(numbers)} are here, {description.samples} samples when all "
        f"are: {out}",
    )
