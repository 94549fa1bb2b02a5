"""leapsr prepare."""

from math import isfinite
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from ..errors import UsageError
from .shared import Device, Dtype, enough_memory
from .terminal import say, starting

Photos = Annotated[
    Path,
    typer.Argument(metavar="PHOTOS", help="Folder of clean photos, or an archive made by `leapsr pack`."),
]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Write the shards into it.")]
Model = Annotated[
    str, typer.Option(metavar="NAME", help="Name or folder of the model that training begins with.")
]
Captions = Annotated[
    Literal["none", "text", "llava", "qwen2-vl"],
    typer.Option(
        metavar="KIND",
        help="Where captions are from: text, llava or qwen2-vl; none: the model's own prompts.",
    ),
]
Captioner = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Folder of the captioner; for text a JSON file, photo to caption.",
        show_default=False,
    ),
]
TextEncoders = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="Text encoders.", show_default="in the folder of the model's autoencoder"
    ),
]
T5 = Annotated[bool, typer.Option("--t5/--no-t5", help="SD3.5: with T5-XXL, or zeros in its place.")]
Length = Annotated[int, typer.Option(min=1, metavar="N", help="SD3.5: number of tokens that T5 reads.")]
Crop = Annotated[
    int,
    typer.Option(min=8, metavar="N", help="Side of a sample in pixels; smaller photos are left out."),
]
Crops = Annotated[int, typer.Option(min=1, metavar="N", help="Samples of each photo.")]
Degradation = Annotated[
    str, typer.Option(metavar="NAME", help="As data.degradation of the recipe that will train.")
]
Pixels = Annotated[
    bool,
    typer.Option("--pixels", help="Keep the crops' pixels too, for losses of images: FlowSR, refinements."),
]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Of crops and damage.")]
Megabytes = Annotated[float, typer.Option(min=0.001, metavar="N", help="Size of a shard, about.")]
Workers = Annotated[int, typer.Option(min=1, metavar="N", help="Threads that read photos ahead.")]
Shard = Annotated[
    str | None,
    typer.Option(metavar="i/n", help="Only every n-th shard from the i-th on, for the i-th of n workers."),
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Check finished shards by their checksums; remake wrong ones.")
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
    pixels: Pixels = False,
    seed: Seed = 0,
    megabytes: Megabytes = 256.0,
    workers: Workers = 2,
    shard: Shard = None,
    verify: Verify = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Encode photos, their damage and captions ahead of training a latent network.

    Run the same command again after an interruption: finished shards stay.
    """
    if not isfinite(megabytes):
        raise UsageError("--megabytes is the size of a shard, as 256.")
    with starting():
        from ..batch.jobs import shard as part
        from ..data.photos import open_photos
        from ..data.shard_encoders import encoders
        from ..data.shard_writer import ShardOptions, ShardWriter, plan
        from ..data.shard_writer import prepare as make
        from ..data.shards import is_finished
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
    description = plan(found, ShardOptions(crop, crops, degradation, seed, megabytes, pixels), made_by)
    writer, numbers = ShardWriter(found, description, made_by, workers), range(description.count)
    mine, console = None if shard is None else part(numbers, shard), Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("preparing")
        made = make(
            writer, out, mine, verify, lambda done, total: progress.update(task, completed=done, total=total)
        )
    here = sum(is_finished(out, description, number) for number in numbers)
    say(
        console,
        f"{made} shards made; {here} of {len(numbers)} are here, {description.samples} samples when all "
        f"are: {out}",
    )
