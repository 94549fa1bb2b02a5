"""What every job of a batch has in common."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from pydantic import JsonValue

from .. import __version__
from ..errors import UsageError
from ..hub.catalog import digest, model_name
from ..methods.restore import Region
from ..restorer import read_config
from ..upscaling.sizes import AS_THE_MODEL, Target
from ..upscaling.upscaler import DEFAULTS, Settings
from .existing import as_json_text
from .jobs import Job
from .naming import with_seed


@dataclass(frozen=True)
class Options:
    """quality: of JPEG, WebP and AVIF, 1 to 100. depth: bits of each number, 8 or 16; None is as many as the
    source has. strip_metadata: only the colour profile stays. samples: results of each picture, from as many
    seeds. detail_map: a map of invented detail beside each result. consistency: the tolerance of
    `consistency.consistent`, in grey levels; None leaves results as they are. keep_dates: files have been
    changed when their sources were. preview: see `upscaling.preview`, in place of the result. Raises
    UsageError for what cannot be combined.
    """

    target: Target = AS_THE_MODEL
    settings: Settings = DEFAULTS
    quality: int = 95
    depth: Literal[8, 16] | None = None
    strip_metadata: bool = False
    samples: int = 1
    detail_map: bool = False
    consistency: float | None = None
    keep_dates: bool = False
    preview: bool = False

    def __post_init__(self) -> None:
        """Raises UsageError."""
        if self.preview and self.depth is not None:
            raise UsageError("A preview has 8 bits: leave out --bit-depth.")
        if self.preview and (self.has_sidecars or self.consistency is not None):
            raise UsageError(
                "A preview is a detail of one result: leave out --samples, --detail-map and --consistency."
            )

    @property
    def has_sidecars(self) -> bool:
        """Whether files lie beside each result."""
        return self.samples > 1 or self.detail_map


def result_label(options: Options, scale: int) -> str:
    """What stands in the names of results, such as x4, or x4_s0 of the first of several samples. scale: the
    model's."""
    label = options.target.label(scale)
    return with_seed(label, options.settings.seed) if options.samples > 1 else label


def for_job(options: Options, job: Job) -> Options:
    """With the job's own caption, if it has one."""
    if job.caption is None:
        return options
    return replace(options, settings=replace(options.settings, caption=job.caption))


def recipe(options: Options, model: Path, dtype: torch.dtype) -> dict[str, JsonValue]:
    """All that decides what becomes of a source, flat, as JSON: a result made by another recipe is outdated.

    model: its folder or file. The size of tiles is left out where tiles do not show: with models of ours that
    have no latents; and so is what does not change the content of files.
    """
    left_out = {"target", "settings", "keep_dates"} | (set() if options.preview else {"preview"})
    config = read_config(model)
    if config.autoencoder is None and not config.network.is_foreign:
        left_out.add("tile")
    if options.settings.solver is None:  # results that are there were made before there was a choice
        left_out.add("solver")
    every = {**asdict(options), **asdict(options.target), **asdict(options.settings)}
    guidance = config.guidance if config.region is Region.DIAGONAL else None
    for control, own in (("fidelity", config.fidelity), ("guidance", guidance)):
        every[control] = own if every[control] is None else every[control]
    chosen = {name: value for name, value in every.items() if name not in left_out}
    precision = str(dtype).removeprefix("torch.")
    made_with = {"leapsr": __version__, "model": model_name(model), "dtype": precision}
    whole = {**made_with, "model_sha256": digest(model), **chosen}
    return {name: as_json_text(value) if isinstance(value, str) else value for name, value in whole.items()}
