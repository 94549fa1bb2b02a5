"""The stages of one job, each a function of what the one before gave: examine, load, restore, write."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from .. import memory
from ..errors import ImageError, OutputError
from ..pictures import picture as pictures
from ..pictures import save_file
from ..pictures.picture import Picture
from ..upscaling.upscaler import Progress, Upscaler
from . import sidecars
from .jobs import Job
from .ledger import Ledger
from .manifest import Fingerprint
from .options import Options
from .sidecars import NOTHING, Extras

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
    """What became of one job. message: why it was not simply done, else empty. doubtful: a result was left
    there although it may be another than the one wanted. last: the rest would fail for the same reason, so
    that no more work is begun. size, result: (height, width) of the source and of the result, where known.
    """

    job: Job
    status: Status
    message: str = ""
    seconds: Seconds = Seconds()
    size: tuple[int, int] | None = None
    result: tuple[int, int] | None = None
    doubtful: bool = False
    extras: Extras = NOTHING
    last: bool = False


@dataclass(frozen=True)
class Examined:
    """A job that is to be done. size, result: (height, width) before and after. reason: why it is done
    although a result is there, else empty. copied: the source is large enough. kept: see `Decision`.
    """

    job: Job
    size: tuple[int, int]
    result: tuple[int, int]
    copied: bool
    reason: str
    kept: frozenset[Path] = frozenset()

    @property
    def footprint(self) -> int:
        """Bytes that the picture and its result take, about."""
        return memory.FLOAT_RGBA * (self.size[0] * self.size[1] + self.result[0] * self.result[1])


def examine(job: Job, scale: int, options: Options, ledger: Ledger) -> Examined | Outcome:
    """Whether and how a job is to be done, from the headers of files. scale: the model's.

    Raises ImageError for a source that is no picture, OutputError for a result that has no place or is too
    large for its format.
    """
    decision = ledger.decide(job, sidecars.paths(job.output, options))
    if not decision.make:
        return Outcome(job, "skipped", decision.reason, doubtful=decision.doubtful)
    save_file.check_place(job.output)
    size = pictures.measure(job.source)
    copied = options.target.reached_by(*size, scale)
    result = size if copied else options.target.size(*size, scale)
    work = Examined(job, size, result, copied, decision.reason, decision.kept)
    _check_format(work, options, has_alpha=False)  # the header alone does not always say
    return work


def fingerprint(job: Job, ledger: Ledger) -> Fingerprint | None:
    """What to remember the source by, taken before it is read. Raises ImageError."""
    try:
        return ledger.fingerprint(job)
    except OSError as error:
        raise ImageError(f"{job.source} could not be read: {error.strerror or error}.") from error


def load(work: Examined, upscaler: Upscaler, options: Options) -> Picture:
    """Raises ImageError, and OutputError where the output's format cannot hold the result."""
    if not work.copied:
        upscaler.check_memory(work.size, options.target)
    with memory.translate_oom(work.job.source):
        picture = pictures.load(work.job.source)
    _check_format(work, options, picture.has_alpha)
    return picture if options.depth is None else replace(picture, depth=options.depth)


def restore(
    work: Examined, picture: Picture, upscaler: Upscaler, options: Options, tiles: Progress | None
) -> tuple[Picture, Extras]:
    """The only stage that uses the network, and so the only one that must not run twice at once."""
    if work.copied:
        return picture, NOTHING
    with memory.translate_oom(work.job.source):
        return sidecars.make(upscaler, picture, work.job.output, options, tiles, work.kept)


def write(work: Examined, picture: Picture, options: Options, beside: Sequence[Path] = ()) -> None:
    """The complete file. Raises OutputError, and leaves nothing behind then.

    beside: files that were written before, to be dated with it.
    """
    if work.copied and _keeps_bytes(work, options):
        save_file.write(work.job.output, _bytes(work.job.source))
    else:
        sidecars.save(picture, work.job.output, options)
    if options.keep_dates:
        save_file.date(work.job.source, [work.job.output, *beside])


def _bytes(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:  # it was there when it was looked at
        raise OutputError(f"{source} could not be read: {error.strerror or error}.") from error


def _check_format(work: Examined, options: Options, has_alpha: bool) -> None:
    if not work.copied or not _keeps_bytes(work, options):
        save_file.check_output(work.job.output, *work.result, has_alpha)


def _keeps_bytes(work: Examined, options: Options) -> bool:
    """A copy in which nothing changes is the file's own bytes, so that nothing is lost."""
    same_format = work.job.source.suffix.lower() == work.job.output.suffix.lower()
    return same_format and options.depth is None and not options.strip_metadata
