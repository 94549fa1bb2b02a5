"""Which photos are still to be done, and what their results are called."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path, PurePosixPath

from ..batch import sidecars
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

    Raises UsageError where a result would replace a photo or another result, for archives with sidecars, and
    for a folder of results that cannot be listed.
    """
    closed: list[OSError] = []
    there = {file.name: file for file in destination.files(recursive=True, closed=closed.append)}
    tasks: list[Task] = []
    refused: list[Result] = []
    done = 0
    sources = {photo.url for photo in photos}
    named: dict[str, str] = {}
    for task in _tasks(photos, label, suffix, options.has_sidecars):
        photo, output = task.photo, task.output
        if (other := named.setdefault(output, photo.url)) != photo.url:
            raise UsageError(f"{other} and {photo.url} would become one file, {output}.")
        if options.has_sidecars and photo.is_archive:
            raise UsageError(f"{photo.url} is an archive: leave out --samples and --detail-map.")
        written = [output, *(path.as_posix() for path in sidecars.paths(Path(output), options))]
        if taken := sources.intersection(map(destination.url, written)):
            raise UsageError(
                f"{taken.pop()} is one of the sources and is never written over; choose another -o."
            )
        for error in closed:
            folder = str(error.filename or destination.url()).rstrip("/")
            if destination.url(output).startswith(f"{folder}/"):
                raise UsageError(f"{folder} cannot be listed: {first_line(error)}; choose another -o.")
        if overwrite or not any(name in there for name in written):
            tasks.append(task)
            continue
        state, name = ledger.state(photo, output, written, there)
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
