"""leapsr upscale."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ..errors import ImageError
from ..hub import catalog
from ..pictures import unsupported
from . import standard_streams
from .terminal import starting
from .upscale_options import (
    FileOptions,
    Inputs,
    LookOptions,
    ModelOptions,
    Out,
    SizeOptions,
    batch_options,
    option_groups,
)
from .upscale_report import Report, log_to, preview, say_how, say_of_model, work_through

if TYPE_CHECKING:
    from ..batch.jobs import Plan
    from ..batch.options import Options


@option_groups
def upscale(
    inputs: Inputs,
    *,
    out: Out = None,
    size: SizeOptions,
    model: ModelOptions,
    look: LookOptions,
    files: FileOptions,
) -> None:
    """Make photos larger and cleaner. Results are called NAME_x4; sources are never changed."""
    console = Console(stderr=True)
    log_to(console, files.verbose)
    size.target()  # what cannot work is told before seconds pass
    _check_there(inputs)
    with starting():
        import torch

        from ..batch import jobs, pipeline, workers
        from ..batch.existing import ExistingPolicy
        from ..batch.options import recipe
        from ..devices import choose_dtype
        from ..restorer import read_config

    if model.threads is not None:
        torch.set_num_threads(model.threads)
    options, if_exists = batch_options(size, model.tile_side(), look, files), files.if_exists()
    folder, devices = model.folder(size.scale), workers.devices(model.device, model.processes)
    config = read_config(folder)
    dtype = choose_dtype(model.dtype, torch.device(devices[0]), config.preferred_half)
    name = catalog.model_name(folder)
    say_of_model(console, name, config, look.steps, files.verbose)
    if standard_streams.wanted(inputs, out):
        standard_streams.work(inputs, out, look, files, options, partial(model.load, folder, devices[0]))
        return
    plan = _plan(inputs, out, options, config.factor, files, look.captions)
    chosen = plan.jobs if files.shard is None else jobs.shard(plan.jobs, files.shard)
    existing = ExistingPolicy(if_exists, made_with := recipe(options, folder, dtype))
    report = Report(console, plan, chosen, made_with, devices, files.as_json, files.verbose)
    if files.dry_run:
        preview(report, config.factor, options, existing)
    elif len(devices) > 1:
        say_how(console, name, devices, dtype)
        worker = workers.WorkerConfig(
            folder, model.dtype, options, existing, len(devices), model.offload, model.threads
        )
        work_through(report, partial(workers.run, chosen, worker, devices))
    else:
        say_how(console, name, devices, dtype)
        with console.status(f"Loading {name}"):
            upscaler = model.load(folder, devices[0])
        work_through(report, partial(pipeline.run, chosen, upscaler, options, existing))


def _check_there(inputs: Sequence[Path]) -> None:
    """Raises ImageError where nothing of what was named is there."""
    given = [path for path in inputs if path != standard_streams.DASH]
    if given and not any(os.path.lexists(path) for path in inputs):
        raise ImageError(" ".join(map(unsupported.missing, given[:3])) + (" ..." if given[3:] else ""))


def _plan(
    inputs: Sequence[Path],
    out: Path | None,
    options: "Options",
    scale: int,
    files: FileOptions,
    captions: Path | None,
) -> "Plan":
    """Raises UsageError, and DataError where a photo has no caption. scale: the model's."""
    from ..batch import jobs, naming, sidecars
    from ..batch.options import result_label
    from ..data.captions import read_captions

    label = result_label(options, scale)
    suffix = naming.FORMATS.get(files.file_format)
    if options.preview:
        label = f"{label}_preview"
        if out is None or not jobs.names_a_file(out, inputs):
            suffix = suffix or ".png"
    said = None if captions is None else read_captions(captions)
    plan = jobs.plan(
        inputs, out, label, suffix, files.recursive, files.skip_existing, options.has_sidecars, said
    )
    sidecars.refuse_sources(plan.jobs, options)
    return plan
