"""The options of leapsr upscale: one dataclass for each panel of its help."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_type_hints

import typer

from ..errors import UsageError
from ..hub import catalog
from .completion import model_names

if TYPE_CHECKING:
    from ..batch.existing import IfExists
    from ..batch.options import Options
    from ..upscaling.settings import Settings
    from ..upscaling.sizes import Target
    from ..upscaling.upscaler import Upscaler

_size = partial(typer.Option, rich_help_panel="Size of the result (give one)")
_model = partial(typer.Option, rich_help_panel="Model and device")
_look = partial(typer.Option, rich_help_panel="Look")
_file = partial(typer.Option, rich_help_panel="Files")

Inputs = Annotated[
    list[Path],
    typer.Argument(metavar="IN", help="Photos and folders of photos; - reads one from standard input."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE|FOLDER",
        help="Where results go; - is standard output. Default: beside each photo.",
    ),
]


@dataclass(frozen=True)
class SizeOptions:
    scale: Annotated[
        float | None,
        _size("-s", "--scale", metavar="FACTOR", help="How many times larger, such as 2 or 2.5."),
    ] = None
    width: Annotated[
        int | None, _size("--width", metavar="PIXELS", help="Width, such as 3000; the height follows.")
    ] = None
    height: Annotated[
        int | None, _size("--height", metavar="PIXELS", help="Height; with --width the picture is stretched.")
    ] = None
    long_side: Annotated[
        int | None, _size("--long-side", metavar="PIXELS", help="The longer side, such as 4096.")
    ] = None
    short_side: Annotated[
        int | None, _size("--short-side", metavar="PIXELS", help="The shorter side, such as 2160.")
    ] = None
    megapixels: Annotated[
        float | None, _size("--megapixels", metavar="N", help="Megapixels: the area, such as 24.")
    ] = None

    def target(self) -> "Target":
        """Raises UsageError."""
        from ..upscaling.sizes import Target

        return Target(self.scale, self.width, self.height, self.long_side, self.short_side, self.megapixels)


@dataclass(frozen=True)
class ModelOptions:
    model: Annotated[
        str | None,
        _model(
            "-n",
            "--model",
            metavar="NAME|FOLDER",
            help="The model; 'leapsr models list' shows names.",
            autocompletion=model_names,
        ),
    ] = None
    model_dir: Annotated[
        Path | None,
        _model("-m", "--model-dir", metavar="FOLDER", help="Look for models here first."),
    ] = None
    device: Annotated[
        str,
        _model(
            "--device",
            metavar="NAME",
            help="cpu, mps, cuda:1; several as cuda:0,cuda:1; all GPUs as cuda:all.",
        ),
    ] = "auto"
    processes: Annotated[int, _model("--workers", metavar="N", min=1, help="Processes on each device.")] = 1
    dtype: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"],
        _model("--dtype", metavar="TYPE", help="auto, fp32 (exact), bf16 or fp16 (faster on GPUs)."),
    ] = "auto"
    offload: Annotated[
        bool, _model("--offload", help="For small GPUs: hold only the part of the model in use.")
    ] = False
    tile: Annotated[
        str,
        _model(
            "-t",
            "--tile",
            metavar="auto|PIXELS",
            help="Side of the squares worked on, in source pixels; 0: no tiles.",
        ),
    ] = "auto"

    def folder(self, factor: float | None) -> Path:
        """Of the model by that name, or the default one; -m without -n may be a model folder itself.

        factor: how much larger results shall be; decides which model is the default.
        Raises UnknownName, WeightsError, UsageError.
        """
        if self.model is None and self.model_dir is not None:
            if (catalog.expanded(self.model_dir) / catalog.CONFIG).is_file():
                return catalog.find(self.model_dir)
            catalog.check_holds_models(self.model_dir)
        name = catalog.default_name(self.model_dir, factor) if self.model is None else self.model
        return catalog.find(name, self.model_dir)

    def load(self, folder: Path, device: str) -> "Upscaler":
        from ..upscaling.upscaler import Upscaler

        return Upscaler.from_pretrained(folder, device, self.dtype, offload=self.offload)

    def tile_side(self) -> int | Literal["auto"]:
        """Raises UsageError."""
        if self.tile != "auto" and not self.tile.isdecimal():
            raise UsageError(
                f"--tile is auto, 0 for the whole picture, or a number of pixels, not '{self.tile}'."
            )
        return "auto" if self.tile == "auto" else int(self.tile)


@dataclass(frozen=True)
class LookOptions:
    steps: Annotated[
        int, _look("--steps", metavar="N", help="Network passes; teacher models need 20 to 40.")
    ] = 1
    fidelity: Annotated[
        float | None,
        _look("--fidelity", metavar="0..1", help="0: sharpest, invents detail; 1: safest, softest."),
    ] = None
    denoise: Annotated[
        str,
        _look(
            "--denoise",
            metavar="auto|0..1",
            help="Noise to remove: 0 keeps grain, 1 removes all; auto measures the photo.",
        ),
    ] = "auto"
    guidance: Annotated[
        float | None,
        _look(
            "--guidance",
            metavar="N",
            help="Teacher models: distance kept from bad pictures, such as 4; 1: off.",
        ),
    ] = None
    caption: Annotated[
        str | None,
        _look(
            "--caption",
            metavar="TEXT|none",
            help="What the photos show, such as 'a red fox'; for models that read text.",
        ),
    ] = None
    captioner: Annotated[
        Path | None,
        _look("--captioner", metavar="FOLDER", help="LLaVA 1.5 or Qwen2-VL, to caption each photo."),
    ] = None
    text_encoder: Annotated[
        Path | None,
        _look(
            "--text-encoder",
            metavar="FOLDER",
            help="Base model that encodes captions, if not the model's own.",
        ),
    ] = None
    seed: Annotated[int, _look("--seed", metavar="N", help="Another number invents other detail.")] = 0
    samples: Annotated[
        int,
        _look(
            "--samples",
            metavar="N",
            min=1,
            help="Make N results of each photo, and a sheet to compare.",
        ),
    ] = 1
    detail_map: Annotated[bool, _look("--detail-map", help="Also write a map of the invented detail.")] = (
        False
    )
    consistency: Annotated[
        bool,
        _look(
            "--consistency",
            help="Made small again, results equal the source; for clean sources only.",
        ),
    ] = False
    tolerance: Annotated[
        float | None,
        _look(
            "--tolerance",
            metavar="N",
            help="How closely --consistency is kept, in grey levels of 255. Default: 0.5.",
        ),
    ] = None
    color_fix: Annotated[
        Literal["auto", "wavelet", "adain", "none"],
        _look(
            "--color-fix", metavar="HOW", help="Keep the colours of the source: auto, wavelet, adain, none."
        ),
    ] = "auto"
    seamless: Annotated[bool, _look("--seamless", help="For textures that repeat: opposite edges match.")] = (
        False
    )

    def settings(self, tile: int | Literal["auto"]) -> "Settings":
        """Raises UsageError."""
        from ..upscaling.settings import Settings

        return Settings(
            self.steps,
            self.fidelity,
            self.seed,
            tile,
            self.color_fix,
            self.seamless,
            self._denoise(),
            self.guidance,
            None if self.caption == "none" else self.caption,
            *(
                None if folder is None else str(catalog.expanded(folder).resolve())
                for folder in (self.captioner, self.text_encoder)
            ),
        )

    def _denoise(self) -> float | Literal["auto"]:
        try:
            return "auto" if self.denoise == "auto" else float(self.denoise)
        except ValueError:
            raise UsageError(f"--denoise takes auto or a number from 0 to 1, not '{self.denoise}'.") from None

    def consistency_tolerance(self) -> float | None:
        """In grey levels; None where results are left as they are. Raises UsageError."""
        from ..upscaling.consistency import TOLERANCE, check_tolerance

        if self.tolerance is None:
            return TOLERANCE if self.consistency else None
        if not self.consistency:
            raise UsageError("--tolerance is how closely --consistency is kept; give both.")
        check_tolerance(self.tolerance)
        return self.tolerance


@dataclass(frozen=True)
class FileOptions:
    file_format: Annotated[
        Literal["auto", "png", "jpg", "webp", "avif", "tiff"],
        _file("-f", "--format", metavar="FORMAT", help="png, jpg, webp, avif or tiff; auto: as the source."),
    ] = "auto"
    quality: Annotated[
        int,
        _file("-q", "--quality", metavar="N", min=1, max=100, help="Of JPEG, WebP and AVIF."),
    ] = 95
    bit_depth: Annotated[
        Literal["auto", "8", "16"],
        _file("--bit-depth", metavar="8|16", help="Bits of each channel; auto: as the source."),
    ] = "auto"
    strip_metadata: Annotated[
        bool, _file("--strip-metadata", help="Leave out EXIF, GPS, XMP, IPTC; keep the colour profile.")
    ] = False
    keep_dates: Annotated[bool, _file("--keep-dates", help="Give each result the date of its source.")] = (
        False
    )
    recursive: Annotated[bool, _file("--recursive", help="Take sub-folders too.")] = False
    skip_existing: Annotated[
        bool,
        _file(
            "--skip-existing",
            help="Continue an earlier run. Finished results are kept, unless source or options changed.",
        ),
    ] = False
    overwrite: Annotated[bool, _file("--overwrite", help="Replace results that are there.")] = False
    shard: Annotated[
        str | None,
        _file("--shard", metavar="i/n", help="Do only part i of n, such as 1/4, to share work."),
    ] = None
    dry_run: Annotated[bool, _file("--dry-run", help="Say what would be done; write nothing.")] = False
    as_json: Annotated[bool, _file("--json", help="Report as JSON on standard output.")] = False
    verbose: Annotated[bool, _file("-v", "--verbose", help="Say more about each photo.")] = False

    def if_exists(self) -> "IfExists":
        """Raises UsageError."""
        if self.skip_existing and self.overwrite:
            raise UsageError("Give --skip-existing or --overwrite, not both.")
        return "skip" if self.skip_existing else "overwrite" if self.overwrite else "refuse"

    def depth(self) -> Literal[8, 16] | None:
        depths: dict[str, Literal[8, 16] | None] = {"auto": None, "8": 8, "16": 16}
        return depths[self.bit_depth]


def batch_options(size: SizeOptions, model: ModelOptions, look: LookOptions, files: FileOptions) -> "Options":
    """Raises UsageError."""
    from ..batch.options import Options

    return Options(
        size.target(),
        look.settings(model.tile_side()),
        files.quality,
        files.depth(),
        files.strip_metadata,
        look.samples,
        look.detail_map,
        look.consistency_tolerance(),
        files.keep_dates,
    )


def option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer needs it: parameters that are dataclasses become one parameter for each field."""
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    groups = {each.name: each.annotation for each in parameters if is_dataclass(each.annotation)}
    spread = []
    for each in parameters:
        if each.name not in groups:
            spread.append(each.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        types = get_type_hints(each.annotation, include_extras=True)
        for value_type, option in map(get_args, types.values()):
            if value_type is bool:
                option.metavar = ""  # typer's help would say <bool>
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
