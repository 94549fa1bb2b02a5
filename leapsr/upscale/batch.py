"""Upscale many files: one that fails does not stop the others."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import ImageError, OutputError
from . import images, saving
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
    """What every job of a batch has in common. quality: of JPEG and WebP, 1 to 100."""

    target: Target = AS_THE_MODEL
    settings: Settings = DEFAULTS
    existing: Existing = "refuse"
    quality: int = 95


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
    size = options.target.size(*picture.size, upscaler.restorer.scale)
    if options.target.reached_by(*picture.size, upscaler.restorer.scale):
        _copy(job, picture, options)
        return (
            "copied",
            f"{job.source} already has {picture.size[1]} x {picture.size[0]} pixels and was only copied.",
        )
    saving.check_output(job.output, *size, picture.alpha is not None)
    result = upscaler.upscale(picture, options.target, options.settings, progress)
    saving.save(result, job.output, options.quality)
    return "done", ""


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}; choose another -o."
        ) from error


def _copy(job: Job, picture: images.Picture, options: Options) -> None:
    """The file's own bytes where the format stays, so that nothing is lost."""
    if job.source.suffix.lower() == job.output.suffix.lower():
        saving.write(job.output, job.source.read_bytes())
    else:
        saving.save(picture, job.output, options.quality)
