"""The sizes of photos that lie in files or in .tar archives, in a process of its own."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError
from ..pictures.picture import READABLE_SUFFIXES
from .listing import NOT_PHOTOS
from .reading import size_of

Job = list[str] | int
"""Names of photos, or the number of an archive."""


class Found(NamedTuple):
    sizes: list[tuple[int, int]]
    members: list[tuple[str, tuple[int, int], tuple[int, int]]]
    """Of an archive: name, size, and first byte and length."""
    problem: str | None
    """What is wrong with the first photo that cannot be read, before which those of the job were."""


_work: tuple[Path, list[str]]


def start(folder: Path, archives: list[str]) -> None:
    global _work
    _work = folder, archives


def measure(job: Job) -> Found:
    folder, archives = _work
    found = Found([], [], None)
    try:
        if isinstance(job, int):
            found.members.extend(_members(folder, archives[job]))
        else:
            for name in job:
                found.sizes.append(size_of(folder / name))
    except DataError as error:
        return found._replace(problem=str(error))
    return found


def _members(folder: Path, archive: str) -> Iterator[tuple[str, tuple[int, int], tuple[int, int]]]:
    """The photos of an archive. Raises DataError."""
    place = folder / archive
    try:
        with tarfile.open(place, "r:") as opened, place.open("rb") as content:
            for member in opened:
                opened.members = []  # type: ignore[attr-defined]  # else each stays in memory
                parts = member.name.removeprefix("./").split("/")
                hidden = any(part.startswith(".") or part in NOT_PHOTOS for part in parts)
                if hidden or not member.isreg() or Path(parts[-1]).suffix.lower() not in READABLE_SUFFIXES:
                    continue
                name = "/".join((archive, *parts))
                check_name(name)
                content.seek(member.offset_data)
                size = size_of(content.read(member.size), str(folder / name))
                yield name, size, (member.offset_data, member.size)
    except (OSError, tarfile.TarError) as error:
        raise DataError(
            f"{place} cannot be read as an archive ({error}); it must be a whole .tar that is not compressed."
        ) from error


def read_part(file: Path, first: int, length: int) -> bytes:
    """Raises DataError."""
    try:
        with file.open("rb") as opened:
            opened.seek(first)
            return opened.read(length)
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror or error}).") from error


def check_name(name: str) -> None:
    """Raises DataError for a name that is no Unicode, which no archive can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "backslashreplace").decode()
        raise DataError(f"{shown} has a name that is not UTF-8; rename it.") from None
