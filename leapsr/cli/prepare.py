"""leapsr prepare."""

from functools import partial
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from ..errors import UsageError
from .shared import Dtype, Suffix, enough_memory, suffix_of
from .terminal import say, starting

if TYPE_CHECKING:
    from ..data.crops import Symmetries

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
        help="Folder of the captioner; for text a file (.jsonl, .csv, .json), or a folder of .txt files.",
        show_default="for text beside the photos",
    ),
]
CaptionsOf = Annotated[
    Literal["hr", "lr"],
    typer.Option(
        metavar="hr|lr", help="What the captioner sees: the clean crop, or the small damaged picture."
    ),
]
Quality = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Qwen2-VL, to describe the quality of each crop and of its small picture, for FlowSR.",
        show_default=False,
    ),
]
Devices = Annotated[
    str, typer.Option("--device", metavar="NAME", help="cpu, cuda:1; several: cuda:0,cuda:1; all: cuda:all.")
]
Processes = Annotated[int, typer.Option(min=1, metavar="N", help="Processes on each device.")]
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
Sharpen = Annotated[bool, typer.Option("--sharpen", help="Sharpen the clean images (USM), as data.sharpen.")]
Resize = Annotated[
    int | None,
    typer.Option(
        min=8,
        metavar="N",
        help="Make every photo a square of this side first, as data.resize.",
        show_default="as they are",
    ),
]
Mirrors = Annotated[
    str,
    typer.Option(
        "--symmetries",
        metavar="H,V,T",
        help="Shares of samples that are mirrored left to right, top to bottom, and transposed.",
    ),
]
DrawnBy = Annotated[
    Literal["photo", "area"],
    typer.Option("--drawing", metavar="HOW", help="Samples of each photo alike (photo), or by its area."),
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
    sharpen: Sharpen = False,
    resize: Resize = None,
    symmetries: Mirrors = "0.5,0,0",
    drawing: DrawnBy = "photo",
    pixels: Pixels = False,
    seed: Seed = 0,
    megabytes: Megabytes = 256.0,
    workers: Workers = 2,
    shard: Shard = None,
    verify: Verify = False,
    device: Devices = "auto",
    processes: Processes = 1,
    dtype: Dtype = "auto",
    captions_of: CaptionsOf = "hr",
    suffix: Suffix = "auto",
    quality: Quality = None,
) -> None:
    """Encode photos, their damage and captions ahead of training a latent network.

    Run the same command again after an interruption: finished shards stay.
    """
    if not isfinite(megabytes):
        raise UsageError("--megabytes is the size of a shard, as 256.")
    with starting():
        import torch

        from ..batch.jobs import shard as part
        from ..batch.workers import devices
        from ..data.photos import open_photos
        from ..data.shard_encoders import encoders
        from ..data.shard_writer import Others, ShardOptions, ShardWriter, plan
        from ..data.shard_writer import prepare as make
        from ..data.shards import is_finished
        from ..devices import choose_dtype
        from ..hub import catalog

    places = devices(device, processes)
    place = torch.device(places[0])
    if captions == "text" and captioner is None and photos.is_dir():
        captioner = photos
    encoders_on = partial(
        encoders,
        catalog.find(model),
        captions=captions,
        source=captioner,
        texts=text_encoders,
        t5=t5,
        length=length,
        suffix=suffix_of(suffix),
        shown=captions_of,
        quality=quality,
        dtype=choose_dtype(dtype, place),
    )
    made_by = encoders_on(place)
    if len(places) > 1 and made_by.texts is not None:
        made_by.texts.keep("release")  # each process reads its own
    found = open_photos(photos, crop, resize)
    options = ShardOptions(
        crop, crops, degradation, seed, megabytes, pixels, sharpen, resize, _mirrors(symmetries), drawing
    )
    description = plan(found, options, made_by)
    writer, numbers = ShardWriter(found, description, made_by, workers), range(description.count)
    mine, console = None if shard is None else part(numbers, shard), Console(stderr=True)
    others = Others(places, encoders_on) if len(places) > 1 else None
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("preparing")
        made = make(
            writer,
            out,
            mine,
            verify,
            lambda done, total: progress.update(task, completed=done, total=total),
            others,
        )
    here = sum(is_finished(out, description, number) for number in numbers)
    say(
        console,
        f"{made} shards made; {here} of {len(numbers)} are here, {description.samples} samples when all "
        f"are: {out}",
    )


def _mirrors(listed: str) -> "Symmetries":
    from ..data.crops import Symmetries

    try:
        horizontal, vertical, transposed = map(float, listed.split(","))
        return Symmetries(horizontal=horizontal, vertical=vertical, transposed=transposed)
    except ValueError:
        raise UsageError(
            f"--symmetries takes three shares from 0 to 1, as 0.5,0,0, not '{listed}'."
        ) from None
