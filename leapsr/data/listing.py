"""What lies below a folder of pictures, by names alone: nothing is opened."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..pictures import unsupported
from ..pictures.picture import READABLE_SUFFIXES

NOT_PHOTOS = frozenset(("__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found"))
"""Folders of archives, network drives, disks and Windows, with previews and leftovers named as photos are."""
TAR = ".tar"
UNKNOWN = -1

Stamp = tuple[int, int]
"""Size of a file in bytes, and time of its last change in nanoseconds."""


@dataclass
class Listing:
    """What lies below a folder, by names relative to it."""

    folders: dict[str, int] = field(default_factory=dict)
    """Their times of change; those of links are of what they lead to. UNKNOWN of those in `closed`."""
    pictures: dict[str, Stamp] = field(default_factory=dict)
    archives: dict[str, Stamp] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    """Pictures of kinds that are not read."""
    closed: list[str] = field(default_factory=list)
    """Folders that may not be looked into, or are gone again."""


def listing(folder: Path) -> Listing:
    """Hidden files, those in hidden folders and in NOT_PHOTOS, and folders with a picture's suffix are no
    pictures. Links to folders are followed, each folder once.
    """
    found, seen = Listing(), set[tuple[int, int]]()

    def look_into(place: str, prefix: str) -> None:
        try:
            walk(place, prefix)
        except OSError:
            found.folders[prefix] = UNKNOWN
            found.closed.append(prefix)

    def walk(place: str, prefix: str) -> None:
        about = Path(place).stat()
        if (about.st_dev, about.st_ino) in seen:
            return
        seen.add((about.st_dev, about.st_ino))
        found.folders[prefix] = about.st_mtime_ns
        below = []
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name in NOT_PHOTOS:
                    continue
                if _is_folder(entry):
                    below.append(entry.name)
                    continue
                name, suffix = prefix + entry.name, os.path.splitext(entry.name)[1].lower()  # noqa: PTH122  Path takes seconds for a million
                if suffix in READABLE_SUFFIXES:
                    found.pictures[name] = _stamp(entry)
                elif suffix == TAR:
                    found.archives[name] = _stamp(entry)
                elif unsupported.kind_of(Path(entry.name)) is not None:
                    found.others.append(name)
        for name in sorted(below):
            look_into(f"{place}/{name}", f"{prefix}{name}/")

    look_into(str(folder), "")
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def _stamp(entry: os.DirEntry[str]) -> Stamp:
    try:
        about = entry.stat()
    except OSError:  # a link to nothing: what is wrong is said when it is opened
        return UNKNOWN, UNKNOWN
    return about.st_size, about.st_mtime_ns


def in_order(names: Iterable[str]) -> list[str]:
    """By their parts: what is in a folder stays together."""
    return sorted(names, key=lambda name: name.replace("/", "\0"))


def picture_files(folder: Path) -> list[Path]:
    """Every picture below a folder, by name, see `listing`."""
    return [folder / name for name in in_order(listing(folder).pictures)]
