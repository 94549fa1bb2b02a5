"""Which photos are still to be done, and what their results are called."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from pathlib import Path, PurePosixPath

from ..batch import sidecars
from ..batch.jobs import identity
from ..batch.naming import make_distinct, output_name
from ..batch.options import Options
from ..errors import UsageError, first_line
from .ledger import Ledger, Result
from .listing import Photo
from .store import Store

DEFAULT = Options()
_REASONS = {
    "unknown": "{} is there, nobody knows how it was made",
    "changed": "{} was changed by someone and is kept",
    "of another photo": "{} was made of another photo, not of {}",
}
_SOURCE = "{} is one of the sources and is never written over; choose another -o."


@dataclass(frozen=True)
class Task:
    """output: below the destination, with slashes. is_doubtful: a file is there that a killed run may have
    made; it stays unless it is what is made now."""

    photo: Photo
    output: str
    is_doubtful: bool = False


@dataclass(frozen=True)
class Plan:
    """done: results that are there already. refused: results that are there and are somebody else's."""

    tasks: list[Task]
    done: int
    refused: list[Result]


def plan(
    photos: Sequence[Photo],
    destination: Store,
    ledger: Ledger,
    label: str,
    suffix: str | None,
    overwrite: bool,
    options: Options = DEFAULT,
) -> Plan:
    """label, suffix: see `batch.jobs.plan`. overwrite: also what leapsr did not make.

    Raises UsageError where a result would replace a photo, by whatever name, or another result, for archives
    with sidecars, and for a folder of results that cannot be listed.
    """

    @cache
    def files() -> set[tuple[int, int] | None]:
        """The sources on disks, each of which is looked at, and so only where something is written over."""
        return {identity(Path(photo.url)) for photo in photos if "://" not in photo.url} - {None}

    def is_source(name: str) -> bool:
        return destination.is_local and identity(Path(destination.url(name))) in files()

    closed: list[OSError] = []
    there = {file.name: file for file in destination.files(recursive=True, closed=closed.append)}
    tasks: list[Task] = []
    refused: list[Result] = []
    done = 0
    sources = {photo.url for photo in photos}
    named: dict[str, str] = {}
    for task in _tasks(photos, label, suffix, options.has_sidecars):
        photo, output = task.photo, task.output
        if any("\ud800" <= letter <= "\udfff" for letter in photo.url):  # what Python makes of them
            reason = f"The name of {photo.url} is not UTF-8: rename it."
            refused.append(Result(output, photo.url, photo.version, "failed", reason))
            continue
        if (other := named.setdefault(output, photo.url)) != photo.url:
            raise UsageError(f"{other} and {photo.url} would become one file, {output}.")
        if options.has_sidecars and photo.is_archive:
            raise UsageError(f"{photo.url} is an archive: leave out --samples and --detail-map.")
        written = [output, *(path.as_posix() for path in sidecars.paths(Path(output), options))]
        if taken := sources.intersection(map(destination.url, written)):
            raise UsageError(_SOURCE.format(taken.pop()))
        for error in closed:
            folder = str(error.filename or destination.url()).rstrip("/")
            if destination.url(output).startswith(f"{folder}/"):
                raise UsageError(f"{folder} cannot be listed: {first_line(error)}; choose another -o.")
        kept = [name for name in written if name in there]
        if not kept:
            tasks.append(task)
            continue
        state, name = ("outdated", "") if overwrite else ledger.state(photo, output, written, there)
        if state != "current" and (source := next(filter(is_source, kept), None)) is not None:
            raise UsageError(_SOURCE.format(destination.url(source)))
        match state:
            case "current":
                done += 1
            case "outdated":
                tasks.append(task)
            case "unknown" | "changed" if ledger.is_torn:
                tasks.append(replace(task, is_doubtful=True))
            case _:
                reason = _REASONS[state].format(destination.url(name), photo.url)
                message = f"{reason}; --overwrite replaces it."
                refused.append(Result(output, photo.url, photo.version, "failed", message))
    return Plan(tasks, done, refused)


def _tasks(photos: Iterable[Photo], label: str, suffix: str | None, has_sidecars: bool) -> Iterable[Task]:
    """Each with a name of its own; an archive keeps its name."""

    def folder(photo: Photo) -> str:
        return photo.name.rpartition("/")[0]

    for place, group in groupby(sorted(set(photos), key=lambda photo: (folder(photo), photo.name)), folder):
        every = list(group)
        single = [photo for photo in every if not photo.is_archive]
        sources = [Path(photo.name) for photo in single]
        wanted = [Path(output_name(source, label, suffix)) for source in sources]
        names = make_distinct(sources, wanted, label, has_sidecars)
        for photo, name in zip(single, names, strict=True):
            yield Task(photo, str(PurePosixPath(place, name.name)))
        for photo in every:
            if photo.is_archive:
                yield Task(photo, photo.name)
