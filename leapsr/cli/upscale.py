"""leapsr upscale."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from ..errors import UsageError
from ..hub import catalog
from . import pipes
from . import upscale_options as option
from .saying import say
from .stopping import interruptible
from .upscale_report import Report, log_to, preview, work_through

if TYPE_CHECKING:
    from ..batch.ledger import Existing

_DEPTHS: dict[str, Literal[8, 16] | None] = {"auto": None, "8": 8, "16": 16}


def upscale(
    inputs: option.Inputs,
    out: option.Out = None,
    scale: option.Scale = None,
    width: option.Width = None,
    height: option.Height = None,
    long_side: option.LongSide = None,
    short_side: option.ShortSide = None,
    megapixels: option.Megapixels = None,
    model: option.Model = None,
    model_dir: option.ModelDir = None,
    device: option.Device = "auto",
    processes: option.Workers = 1,
    dtype: option.Dtype = "auto",
    offload: option.Offload = False,
    tile: option.Tile = "auto",
    steps: option.Steps = 1,
    fidelity: option.Fidelity = None,
    denoise: option.Denoise = "auto",
    guidance: option.Guidance = None,
    caption: option.Caption = None,
    captioner: option.Captioner = None,
    text_encoder: option.TextEncoder = None,
    seed: option.Seed = 0,
    samples: option.Samples = 1,
    detail_map: option.DetailMap = False,
    consistency: option.Consistency = False,
    tolerance: option.Tolerance = None,
    color_fix: option.ColorFix = "auto",
    seamless: option.Seamless = False,
    file_format: option.Format = "auto",
    quality: option.Quality = 95,
    bit_depth: option.BitDepth = "auto",
    strip_metadata: option.Strip = False,
    keep_dates: option.KeepDates = False,
    recursive: option.Recursive = False,
    skip_existing: option.Skip = False,
    overwrite: option.Overwrite = False,
    shard: option.Shard = None,
    dry_run: option.DryRun = False,
    as_json: option.Json = False,
    verbose: option.Verbose = False,
) -> None:
    """Make pictures larger and cleaner; results are called NAME_x4 and never replace their source."""
    console = Console(stderr=True)
    log_to(console, verbose)
    import torch

    from ..batch import jobs, naming, pipeline, sidecars, workers
    from ..batch.ledger import Ledger
    from ..batch.options import Options, recipe
    from ..batch.worker import Brief
    from ..devices import choose_dtype
    from ..restorer import read_config
    from ..upscaling.sizes import Target
    from ..upscaling.upscaler import Settings, Upscaler

    target = Target(scale, width, height, long_side, short_side, megapixels)
    words = _text(caption), _path(captioner), _path(text_encoder)
    look = fidelity, seed, _tile(tile), color_fix, seamless, _denoise(denoise), guidance
    settings = Settings(steps, *look, *words)
    agreement = _agreement(consistency, tolerance)
    options = Options(
        target,
        settings,
        quality,
        _DEPTHS[bit_depth],
        strip_metadata,
        samples,
        detail_map,
        agreement,
        keep_dates,
    )
    existing, suffix = _existing(skip_existing, overwrite), naming.FORMATS.get(file_format)
    folder = _model_folder(model, model_dir, scale)
    places = workers.devices(device, processes)
    config = read_config(folder)
    if verbose and config.licence != catalog.LICENCE:
        say(console, f"{folder.name}: the licence of its weights is {config.licence}.")
    if config.method == "teacher" and steps == 1:
        say(console, f"{folder.name} is a teacher, which blurs in one step; it is made for --steps 20 or 40.")
    if pipes.wanted(inputs, out):
        given = {
            "--samples": samples > 1,
            "--detail-map": detail_map,
            "--dry-run": dry_run,
            "--json": as_json,
            "--shard": shard,
            "--keep-dates": keep_dates,
        }
        source, output = pipes.checked(inputs, out, given)
        upscaler = Upscaler.from_pretrained(folder, places[0], dtype, offload=offload)
        with interruptible():
            pipes.work(source, output, suffix, upscaler, options, existing)
        return
    label = target.label(config.factor)
    if samples > 1:
        label = naming.with_seed(label, seed)
    plan = jobs.plan(inputs, out, label, suffix, recursive, skip_existing, options.accompanied)
    sidecars.refuse_sources(plan.jobs, options)
    chosen = plan.jobs if shard is None else jobs.shard(plan.jobs, shard)
    made_with = recipe(options, folder, choose_dtype(dtype, torch.device(places[0]), config.preferred_half))
    report = Report(console, plan, chosen, made_with, places, as_json, verbose)
    if dry_run:
        preview(report, config.factor, options, Ledger(existing, made_with))
    elif len(places) > 1:
        threads = workers.threads(len(places))
        brief = Brief(folder, dtype, options, existing, made_with, len(places), threads, offload)
        work_through(report, partial(workers.run, chosen, brief, places))
    else:
        upscaler = Upscaler.from_pretrained(folder, places[0], dtype, offload=offload)
        ledger = Ledger(existing, made_with)
        work_through(report, partial(pipeline.run, chosen, upscaler, options, ledger))


def _existing(skip: bool, overwrite: bool) -> "Existing":
    if skip and overwrite:
        raise UsageError("Give --skip-existing or --overwrite, not both.")
    return "skip" if skip else "overwrite" if overwrite else "refuse"


def _agreement(consistency: bool, tolerance: float | None) -> float | None:
    from ..upscaling.consistency import TOLERANCE, check_tolerance

    if tolerance is None:
        return TOLERANCE if consistency else None
    if not consistency:
        raise UsageError("--tolerance is how closely --consistency is kept; give both.")
    check_tolerance(tolerance)
    return tolerance


def _text(caption: str | None) -> str | None:
    return None if caption == "none" else caption


def _path(folder: Path | None) -> str | None:
    return None if folder is None else str(catalog.expanded(folder).resolve())


def _denoise(text: str) -> float | Literal["auto"]:
    """Raises UsageError."""
    if text == "auto":
        return "auto"
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"--denoise takes auto or a number from 0 to 1, not '{text}'.") from None


def _tile(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise UsageError(f"--tile is auto, 0 for the whole picture, or a number of pixels, not '{text}'.")
    return int(text)


def _model_folder(name: str | None, model_dir: Path | None, factor: float | None) -> Path:
    """Of the model by that name, or the default one; -m without -n may be a model folder itself."""
    if name is None and model_dir is not None and (catalog.expanded(model_dir) / catalog.CONFIG).is_file():
        return catalog.find(model_dir)
    if name is None and model_dir is not None:
        catalog.check_holds_models(model_dir)
    return catalog.find(catalog.default_name(model_dir, factor) if name is None else name, model_dir)
