"""The options of leapsr upscale: one dataclass for each panel of its help."""

# ruff: noqa: RUF009, typer alone sees these defaults

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from ..errors import UsageError
from ..hub import catalog
from .completion import model_names
from .shared import suffix_of

if TYPE_CHECKING:
    from ..batch.existing import IfExists
    from ..batch.options import Options
    from ..upscaling.settings import Settings
    from ..upscaling.sizes import Target
    from ..upscaling.upscaler import Upscaler


def _option(panel: str, default: Any, usage: str, help_text: str, **more: Any) -> Any:
    """An option of typer. usage: its names and what follows them, as in "-s --scale FACTOR"."""
    names = [word for word in usage.split() if word.startswith("-")]
    metavar = "".join(word for word in usage.split() if not word.startswith("-"))
    return typer.Option(default, *names, metavar=metavar, help=help_text, rich_help_panel=panel, **more)


_size = partial(_option, "Size of the result (give one)")
_model = partial(_option, "Model and device")
_look = partial(_option, "Look")
_file = partial(_option, "Files")

Inputs = Annotated[
    list[Path],
    typer.Argument(metavar="IN", help="Photos and folders of photos; - reads one from standard input."),
]
_OUT_HELP = "Where results go; - is standard output. Default: beside each photo."
Out = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE|FOLDER", help=_OUT_HELP)]


@dataclass(frozen=True)
class SizeOptions:
    scale: float | None = _size(None, "-s --scale FACTOR", "How many times larger, such as 2 or 2.5.")
    width: int | None = _size(None, "--width PIXELS", "Width, such as 3000; the height follows.")
    height: int | None = _size(None, "--height PIXELS", "Height; with --width the picture is stretched.")
    long_side: int | None = _size(None, "--long-side PIXELS", "The longer side, such as 4096.")
    short_side: int | None = _size(None, "--short-side PIXELS", "The shorter side, such as 2160.")
    megapixels: float | None = _size(None, "--megapixels N", "Megapixels: the area, such as 24.")

    def target(self) -> "Target":
        """Raises UsageError."""
        from ..upscaling.sizes import Target

        return Target(self.scale, self.width, self.height, self.long_side, self.short_side, self.megapixels)


@dataclass(frozen=True)
class ModelOptions:
    model: str | None = _model(
        None,
        "-n --model NAME|FOLDER|FILE",
        "leap-small: any photo (default); leap-medium: straighter edges, half as long again; "
        "'leapsr models list' says which for what; or a file of another project's weights.",
        autocompletion=model_names,
    )
    model_dir: Path | None = _model(None, "-m --model-dir FOLDER", "Look for models here first.")
    device: str = _model("auto", "--device NAME", "cpu, mps, cuda:1; several: cuda:0,cuda:1; all: cuda:all.")
    processes: int = _model(1, "--workers N", "Processes on each device.", min=1)
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = _model(
        "auto", "--dtype TYPE", "auto, fp32 (exact), bf16 or fp16 (faster on GPUs)."
    )
    threads: int | None = _model(
        None, "--threads N", "Threads of the CPU; default: as many as torch takes.", min=1
    )
    offload: bool = _model(False, "--offload", "For small GPUs: hold only the part of the model in use.")
    tile: str = _model("auto", "-t --tile auto|PIXELS", "Size of tiles, in source pixels; 0: no tiles.")

    def folder(self, factor: float | None) -> Path:
        """Of the model by that name, or the default one; -m without -n may be a model folder itself.

        factor: how much larger results shall be; decides which model is the default.
        Raises UnknownName, WeightsError, UsageError.
        """
        place = None if self.model is not None else self.model_dir
        if place is not None and (catalog.expanded(place) / catalog.CONFIG).is_file():
            return catalog.find(place)
        return catalog.find_or_default(self.model, self.model_dir, factor)

    def load(self, folder: Path, device: str) -> "Upscaler":
        from ..upscaling.upscaler import Upscaler

        return Upscaler.from_pretrained(folder, device, self.dtype, offload=self.offload)

    def tile_side(self) -> int | Literal["auto"]:
        """Raises UsageError."""
        return tile_side(self.tile)


def tile_side(text: str) -> int | Literal["auto"]:
    """Raises UsageError."""
    if text != "auto" and not text.isdecimal():
        raise UsageError(f"--tile is auto, 0 for the whole picture, or a number of pixels, not '{text}'.")
    return "auto" if text == "auto" else int(text)


@dataclass(frozen=True)
class LookOptions:
    steps: int = _look(1, "--steps N", "Network passes; teacher models need 20 to 40.")
    fidelity: float | None = _look(
        None,
        "--fidelity 0..1",
        "0: sharpest, invents detail; 1: safest, softest. Default: the model's; leap-small's is 0.6.",
    )
    denoise: str = _look(
        "auto",
        "--denoise auto|0..3",
        "Noise to remove: 0 keeps grain; 1, or auto, removes what it measures; 2 or 3 cleans harder.",
    )
    guidance: float | None = _look(
        None, "--guidance N", "Teacher models: distance kept from bad pictures, such as 4; 1: off."
    )
    solver: Literal["euler", "heun", "midpoint", "ralston", "rk45"] | None = _look(
        None, "--solver NAME", "Teacher models: euler, heun, midpoint, ralston or rk45.", show_default="euler"
    )
    caption: str | None = _look(
        None, "--caption TEXT|none", "What the photos show, such as 'a red fox'; for models that read text."
    )
    captioner: Path | None = _look(
        None, "--captioner FOLDER", "LLaVA 1.5 or Qwen2-VL, to caption each photo."
    )
    captions: Path | None = _look(
        None,
        "--captions FILE|FOLDER",
        "A caption for each photo: .jsonl, .csv or .json, or a folder of .txt files.",
    )
    suffix: str = _look(
        "auto",
        "--suffix TEXT",
        "What follows captions; auto: the words of the model's family; none: nothing.",
    )
    text_encoder: Path | None = _look(
        None, "--text-encoder FOLDER", "Base model that encodes captions, if not the model's own."
    )
    seed: int = _look(0, "--seed N", "Another number invents other detail.")
    samples: int = _look(1, "--samples N", "Make N results of each photo, and a sheet to compare.", min=1)
    detail_map: bool = _look(False, "--detail-map", "Also write a map of the invented detail.")
    consistency: bool = _look(
        False, "--consistency", "Made small again, results equal the source; for clean sources only."
    )
    tolerance: float | None = _look(
        None, "--tolerance N", "How closely --consistency is kept, in grey levels of 255. Default: 0.5."
    )
    color_fix: Literal["auto", "wavelet", "adain", "none"] = _look(
        "auto", "--color-fix HOW", "Keep the colours of the source: auto, wavelet, adain, none."
    )
    seamless: bool = _look(False, "--seamless", "For textures that repeat: opposite edges match.")

    def settings(self, tile: int | Literal["auto"]) -> "Settings":
        """Raises UsageError."""
        from ..upscaling.settings import Settings

        caption = None if self.caption == "none" else self.caption
        if self.captions is not None and (caption, self.captioner) != (None, None):
            raise UsageError(
                "Captions of each photo leave none to --caption and --captioner: give one of them."
            )
        return Settings(
            self.steps,
            self.fidelity,
            self.seed,
            tile,
            self.color_fix,
            self.seamless,
            self._denoise(),
            self.guidance,
            "" if self.captions is not None else caption,  # each photo's own takes its place
            None if self.captioner is None else _whole(self.captioner),
            None if self.text_encoder is None else _whole(self.text_encoder),
            suffix_of(self.suffix),
            self.solver,
        )

    def _denoise(self) -> float | Literal["auto"]:
        try:
            return "auto" if self.denoise == "auto" else float(self.denoise)
        except ValueError:
            raise UsageError(f"--denoise takes auto or a number from 0 to 3, not '{self.denoise}'.") from None

    def consistency_tolerance(self) -> float | None:
        """In grey levels; None where results are left as they are. Raises UsageError."""
        from ..upscaling.consistency import TOLERANCE, check_tolerance

        if self.tolerance is None:
            return TOLERANCE if self.consistency else None
        if not self.consistency:
            raise UsageError("--tolerance is how closely --consistency is kept; give both.")
        check_tolerance(self.tolerance)
        return self.tolerance


def _whole(folder: Path) -> str:
    return str(catalog.expanded(folder).resolve())


@dataclass(frozen=True)
class FormatOptions:
    file_format: Literal["auto", "png", "jpg", "webp", "avif", "tiff"] = _file(
        "auto", "-f --format FORMAT", "png, jpg, webp, avif or tiff; auto: as the source."
    )
    quality: int = _file(95, "-q --quality N", "Of JPEG, WebP and AVIF.", min=1, max=100)
    bit_depth: Literal["auto", "8", "16"] = _file(
        "auto", "--bit-depth 8|16", "Bits of each channel; auto: as the source."
    )
    strip_metadata: bool = _file(
        False, "--strip-metadata", "Leave out EXIF, GPS, XMP, IPTC; keep the colour profile."
    )

    def depth(self) -> Literal[8, 16] | None:
        depths: dict[str, Literal[8, 16] | None] = {"auto": None, "8": 8, "16": 16}
        return depths[self.bit_depth]


@dataclass(frozen=True)
class FileOptions(FormatOptions):
    keep_dates: bool = _file(False, "--keep-dates", "Give each result the date of its source.")
    preview: bool = _file(
        False, "--preview", "Only a detail beside plain enlargement, in seconds: NAME_x4_preview.png."
    )
    recursive: bool = _file(False, "--recursive", "Take sub-folders too.")
    skip_existing: bool = _file(
        False,
        "--skip-existing",
        "Continue an earlier run. Finished results are kept, unless source or options changed.",
    )
    overwrite: bool = _file(False, "--overwrite", "Replace results that are there.")
    shard: str | None = _file(None, "--shard i/n", "Do only part i of n, such as 1/4, to share work.")
    dry_run: bool = _file(False, "--dry-run", "Say what would be done; write nothing.")
    as_json: bool = _file(False, "--json", "Report as JSON on standard output.")
    verbose: bool = _file(False, "-v --verbose", "Say more about each photo.")

    def if_exists(self) -> "IfExists":
        """Raises UsageError."""
        if self.skip_existing and self.overwrite:
            raise UsageError("Give --skip-existing or --overwrite, not both.")
        return "skip" if self.skip_existing else "overwrite" if self.overwrite else "refuse"


def batch_options(
    size: SizeOptions, tile: int | Literal["auto"], look: LookOptions, files: FormatOptions
) -> "Options":
    """Raises UsageError."""
    from ..batch.options import Options

    return Options(
        size.target(),
        look.settings(tile),
        files.quality,
        files.depth(),
        files.strip_metadata,
        look.samples,
        look.detail_map,
        look.consistency_tolerance(),
        isinstance(files, FileOptions) and files.keep_dates,
        isinstance(files, FileOptions) and files.preview,
    )


def option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer needs it: parameters that are dataclasses become one parameter for each field."""
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    groups: dict[str, Any] = {
        each.name: each.annotation for each in parameters if is_dataclass(each.annotation)
    }
    spread = []
    for each in parameters:
        if each.name not in groups:
            spread.append(each.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        types = get_type_hints(each.annotation)
        for field in fields(each.annotation):
            default, kind = field.default, inspect.Parameter.KEYWORD_ONLY
            spread.append(inspect.Parameter(field.name, kind, default=default, annotation=types[field.name]))

    @wraps(command)
    def spread_command(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    spread_command.__signature__ = inspect.Signature(spread)  # type: ignore[attr-defined]
    spread_command.__annotations__ = {each.name: each.annotation for each in spread}
    return spread_command
