"""Upscale many files: one that fails does not stop the others."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..errors import ImageError, OutputError
from . import images, saving
from .describing import without_metadata
from .jobs import Job
from .sizes import AS_THE_MODEL, Target
from .upscaler import DEFAULTS, Progress, Settings, Upscaler

Status = Literal["done", "copied", "skipped", "failed"]
Existing = Literal["refuse", "skip", "overwrite"]


@dataclass(frozen=True)
class Outcome:
    """What became of one job. message: why it was not simply done, else empty. seconds: of wall time."""

    job: Job
    status: Status
    message: str
    seconds: float


@dataclass(frozen=True)
class Options:
    """What every job of a batch has in common. quality: of JPEG, WebP and AVIF, 1 to 100. depth: bits of each
    number, 8 or 16; None is as many as the source has. strip_metadata: only the colour profile stays.
    """

    target: Target = AS_THE_MODEL
    settings: Settings = DEFAULTS
    existing: Existing = "refuse"
    quality: int = 95
    depth: Literal[8, 16] | None = None
    strip_metadata: bool = False


def run(
    jobs: Sequence[Job],
    upscaler: Upscaler,
    options: Options,
    progress: Callable[[Job], Progress] | None = None,
) -> Iterator[Outcome]:
    """Work through the jobs in order, and yield each outcome when its file is complete.

    progress: given a job, the callback for its tiles. Errors of one picture become outcomes; others are
    raised.
    """
    for job in jobs:
        start = time.monotonic()
        try:
            status, message = _upscale_file(job, upscaler, options, progress(job) if progress else None)
        except (ImageError, OutputError) as error:
            status, message = "failed", str(error)
        yield Outcome(job, status, message, time.monotonic() - start)


def _upscale_file(
    job: Job, upscaler: Upscaler, options: Options, progress: Progress | None
) -> tuple[Status, str]:
    exists = _exists(job.output)
    if exists and options.existing == "skip":
        return "skipped", f"{job.output} is already there."
    if exists and options.existing == "refuse":
        raise OutputError(f"{job.output} is already there; use --overwrite or --skip-existing.")
    saving.check_place(job.output)
    upscaler.check_room(images.measure(job.source), options.target)
    picture = images.load(job.source)
    if options.depth is not None:
        picture = replace(picture, depth=options.depth)
    size = options.target.size(*picture.size, upscaler.restorer.scale)
    if options.target.reached_by(*picture.size, upscaler.restorer.scale):
        _copy(job, picture, options)
        return (
            "copied",
            f"{job.source} already has {picture.size[1]} x {picture.size[0]} pixels and was only copied.",
        )
    saving.check_output(job.output, *size, picture.alpha is not None)
    _save(upscaler.upscale(picture, options.target, options.settings, progress), job, options)
    return "done", ""


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}; choose another -o."
        ) from error


def _copy(job: Job, picture: images.Picture, options: Options) -> None:
    """The file's own bytes where nothing about it changes, so that nothing is lost."""
    same_format = job.source.suffix.lower() == job.output.suffix.lower()
    if same_format and options.depth is None and not options.strip_metadata:
        saving.write(job.output, job.source.read_bytes())
    else:
        saving.check_output(job.output, *picture.size, picture.alpha is not None)
        _save(picture, job, options)


def _save(picture: images.Picture, job: Job, options: Options) -> None:
    if options.strip_metadata:
        picture = without_metadata(picture)
    saving.save(picture, job.output, options.quality)
