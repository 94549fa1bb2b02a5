"""The stages of one job before and after the network: examine, load, write; and what becomes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from .. import memory
from ..errors import OutputError
from ..pictures import picture as pictures
from ..pictures import save_file
from ..pictures.picture import Picture
from ..upscaling.upscaler import Upscaler
from . import sidecars
from .existing import Decision, ExistingPolicy
from .jobs import Job
from .options import Options
from .sidecars import NO_SIDECARS, Sidecars

Status = Literal["done", "copied", "skipped", "failed"]


@dataclass(frozen=True)
class Seconds:
    """Of work on one job, without the waiting between its stages."""

    reading: float = 0.0
    restoring: float = 0.0
    writing: float = 0.0

    @property
    def total(self) -> float:
        return self.reading + self.restoring + self.writing


@dataclass(frozen=True)
class Outcome:
    """What became of one job. message: why it was not simply done, else empty. is_uncertain: see `Decision`.
    last: the rest would fail for the same reason, so that no more work is begun. size, result: (height,
    width) of the source and of the result, where known.
    """

    job: Job
    status: Status
    message: str = ""
    seconds: Seconds = Seconds()
    size: tuple[int, int] | None = None
    result: tuple[int, int] | None = None
    is_uncertain: bool = False
    sidecars: Sidecars = NO_SIDECARS
    last: bool = False


@dataclass(frozen=True)
class Examined:
    """A job that is to be done. size, result: (height, width) before and after. copied: the source is large
    enough. decision: why it is done.
    """

    job: Job
    size: tuple[int, int]
    result: tuple[int, int]
    copied: bool
    decision: Decision

    @property
    def footprint(self) -> int:
        """Bytes that the picture and its result take, about."""
        return memory.FLOAT_RGBA * (self.size[0] * self.size[1] + self.result[0] * self.result[1])


def examine(job: Job, scale: int, options: Options, existing: ExistingPolicy) -> Examined | Outcome:
    """Whether and how a job is to be done, from the headers of files. scale: the model's.

    Raises ImageError for a source that is no picture, OutputError for a result that has no place or is too
    large for its format.
    """
    decision = existing.decide(job, sidecars.paths(job.output, options))
    if not decision.make:
        return Outcome(job, "skipped", decision.reason, is_uncertain=decision.is_uncertain)
    save_file.check_place(job.output)
    size = pictures.measure(job.source)
    copied = options.target.reached_by(*size, scale)
    result = size if copied else options.target.size(*size, scale)
    work = Examined(job, size, result, copied, decision)
    if not options.preview:  # which is a small picture of its own, and opaque
        _check_format(work, options, has_alpha=False)  # the header alone does not always say
    return work


def load(work: Examined, upscaler: Upscaler, options: Options) -> Picture:
    """Raises ImageError, and OutputError where the output's format cannot hold the result."""
    if not work.copied:
        upscaler.check_memory(work.size, options.target)
    with memory.translate_oom(work.job.source):
        picture = pictures.load(work.job.source)
    if save_file.WRITABLE.get(work.job.output.suffix.lower()) in save_file.OPAQUE:
        picture = picture.without_useless_alpha()
    if not options.preview:
        _check_format(work, options, picture.has_alpha)
    return picture if options.depth is None else replace(picture, depth=options.depth)


def write(work: Examined, picture: Picture, options: Options, beside: Sequence[Path] = ()) -> None:
    """The complete file. Raises OutputError, and leaves nothing behind then.

    beside: files that were written before, to be dated with it.
    """
    if work.copied and keeps_bytes(work, options):
        try:
            data = work.job.source.read_bytes()
        except OSError as error:  # it was there when it was looked at
            raise OutputError(f"{work.job.source} could not be read: {error.strerror or error}.") from error
        save_file.write(work.job.output, data)
    else:
        sidecars.save(picture, work.job.output, options)
    if options.keep_dates:
        save_file.date(work.job.source, [work.job.output, *beside])


def _check_format(work: Examined, options: Options, has_alpha: bool) -> None:
    if not work.copied or not keeps_bytes(work, options):
        save_file.check_output(work.job.output, *work.result, has_alpha)


def keeps_bytes(work: Examined, options: Options) -> bool:
    """A copy in which nothing changes is the file's own bytes, so that nothing is lost."""
    before, after = (
        save_file.WRITABLE.get(path.suffix.lower()) for path in (work.job.source, work.job.output)
    )
    same_format = after is not None and before == after
    return same_format and options.depth is None and not options.strip_metadata
