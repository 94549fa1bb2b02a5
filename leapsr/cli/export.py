"""leapsr export."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from ..errors import UsageError
from .completion import model_names
from .shared import Overwrite
from .terminal import say, starting

if TYPE_CHECKING:
    from ..export.model import Exported

SUFFIXES = {"onnx": ".onnx", "safetensors": ".safetensors", "ncnn": ".param", "darktable": ""}

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="A model's name or folder; the default model if missing.",
        autocompletion=model_names,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="File to write; a folder for darktable. Default: named by the model.",
    ),
]
Format = Annotated[
    Literal["onnx", "safetensors", "ncnn", "darktable"],
    typer.Option(
        "-f",
        "--format",
        metavar="NAME",
        help="onnx; safetensors, for ComfyUI; ncnn, for upscayl and realesrgan-ncnn-vulkan; darktable.",
    ),
]
Fidelity = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, metavar="F", help="Where the dial stands for good.", show_default="the model's own"
    ),
]
Dial = Annotated[
    bool,
    typer.Option(
        "--dial", help="onnx: with all of the dial, measuring of damage, and the guard, as `leapsr upscale`."
    ),
]
Like = Annotated[
    Path | None,
    typer.Option(
        metavar="PICTURE",
        help="For pictures as noisy, compressed and soft as this one; default: a typical photo.",
    ),
]
Denoise = Annotated[
    float,
    typer.Option(
        min=0, max=3, metavar="D", help="How much of the noise goes; 0 keeps grain, 2 or 3 cleans harder."
    ),
]
Precision = Annotated[
    Literal["fp32", "fp16", "int8"],
    typer.Option(metavar="NAME", help="fp32; fp16, half as large; int8 (onnx), with --calibration."),
]
Calibration = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Photos like those to be restored, for int8; 16 are used."),
]


def export(
    name: Name = None,
    output: Output = None,
    file_format: Format = "onnx",
    fidelity: Fidelity = None,
    dial: Dial = False,
    like: Like = None,
    denoise: Denoise = 1.0,
    precision: Precision = "fp32",
    calibration: Calibration = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a small model for other programs, without what is constant at one position of its dial.

    The file is compared with torch before it is put in its place.
    """
    if dial and (
        file_format != "onnx" or precision != "fp32" or fidelity is not None or like or denoise != 1
    ):
        raise UsageError("With --dial everything is an input of the file: give the model and -o only.")
    if precision == "int8" and file_format != "onnx":
        raise UsageError("int8 is for --format onnx.")
    if precision == "fp16" and file_format == "darktable":
        raise UsageError("darktable is given fp32: leave --precision out.")
    if (precision == "int8") != (calibration is not None):
        raise UsageError(
            "int8 is fitted to photos: give --precision int8 and --calibration FOLDER, or neither."
        )
    with starting():
        import torch

        from ..export import darktable, ncnn_file, onnx_file, spandrel_file
        from ..export import model as models

        measures = None if like is None else models.measures_of(like)
        model = models.Exported.load(name, fidelity, measures, denoise)
    place = output or Path(_name(model, dial, precision) + SUFFIXES[file_format])
    if SUFFIXES[file_format] and place.suffix != SUFFIXES[file_format]:
        raise UsageError(f"{place} has another suffix than {file_format}: call it {SUFFIXES[file_format]}.")
    written = [place, place.with_suffix(".bin")] if file_format == "ncnn" else [place]
    for each in written:
        if each.exists() and not overwrite:
            raise UsageError(f"{each} is already there; give another name, or --overwrite.")
    console = Console(stderr=True)
    with console.status("Exporting"):
        noise = model.without_noise(onnx_file.DIAL if dial else (None,))
        match file_format:
            case "onnx" if dial:
                found = onnx_file.write_dial(model, place)
            case "onnx":
                found = onnx_file.write(model, place, precision, calibration)
            case "safetensors":
                found = spandrel_file.write(
                    model, place, torch.float16 if precision == "fp16" else torch.float32
                )
            case "ncnn":
                found = ncnn_file.write(model, place, precision == "fp16")
            case "darktable":
                found = darktable.write(model, place)
    for key, value in model.facts.items():
        if not dial or key not in ("fidelity", "measures", "denoise"):
            say(console, f"{key}: {value}")
    say(console, f"against torch: {found}")
    say(console, f"left out, the noise of the source: {noise}")
    typer.echo(place)


def _name(model: "Exported", dial: bool, precision: str) -> str:
    where = "dial" if dial else f"f{model.fidelity:g}"
    return "-".join([model.name, where, *([] if precision == "fp32" else [precision])])
