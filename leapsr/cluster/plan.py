"""Which photos are still to be done, and what their results are called."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

from ..batch.naming import make_distinct, output_name
from ..errors import UsageError
from .ledger import Ledger, Result
from .listing import Photo
from .store import Store


@dataclass(frozen=True)
class Task:
    """output: below the destination, with slashes."""

    photo: Photo
    output: str


@dataclass(frozen=True)
class Plan:
    """done: results that are there already. refused: results that are there and are somebody else's."""

    tasks: list[Task]
    done: int
    refused: list[Result]


def plan(
    photos: Iterable[Photo],
    destination: Store,
    ledger: Ledger,
    label: str,
    suffix: str | None,
    overwrite: bool,
    has_sidecars: bool = False,
) -> Plan:
    """label, suffix, has_sidecars: see `batch.jobs.plan`. overwrite: also what leapsr did not make.

    Raises UsageError where a result would replace a photo or another result, and for archives with sidecars.
    """
    there = {file.name: file for file in destination.files(recursive=True)}
    tasks: list[Task] = []
    refused: list[Result] = []
    done = 0
    named: dict[str, str] = {}
    for task in _tasks(photos, label, suffix, has_sidecars):
        if (other := named.setdefault(task.output, task.photo.url)) != task.photo.url:
            raise UsageError(f"{other} and {task.photo.url} would become one file, {task.output}.")
        if has_sidecars and task.photo.is_archive:
            raise UsageError(f"{task.photo.url} is an archive: leave out --samples and --detail-map.")
        if destination.url(task.output) == task.photo.url:
            raise UsageError(
                f"{task.photo.url} is one of the sources and is never written over; choose another -o."
            )
        found = there.get(task.output)
        if found is not None and not overwrite:
            if ledger.knows(task.photo, task.output):
                done += 1
                continue
            if not ledger.is_ours(found):
                place = destination.url(task.output)
                reason = f"{place} is there, nobody knows how it was made; --overwrite replaces it."
                refused.append(Result(task.output, task.photo.url, task.photo.version, "failed", reason))
                continue
        tasks.append(task)
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
