"""Which photos a folder holds, where each lies and how large it is, remembered from run to run.

To open a million files for their sizes takes minutes, in every process and every run. So a large folder has
an index: a file in the user's cache, never in the folder itself. It holds while no folder below has another
time of change, as one has when files are added, removed, renamed or replaced. Else all is listed anew, and
only files of another size or time are opened. A photo that was written over in place is found when it is
read.

A folder without pictures may hold .tar archives of them instead, as WebDataset has them, each of any size and
as many as there are: the index says where in which archive a photo lies, so that it is read without the rest.
"""

import hashlib
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from ..errors import DataError, OutputError
from ..files import alone, atomic_write, cache_folder
from ..pictures import unsupported
from .listing import UNKNOWN, Listing, Stamp, in_order, listing
from .measuring import Found, Job, check_name, measure, start
from .processes import spread

LARGE = 1000
"""Photos of a folder that is worth an index."""
AT_ONCE = 500
"""Files that a process opens before it says so."""
FRESH = 2_000_000_000
"""Nanoseconds for which a time of change is not trusted: another change could have the same."""
SAVE_EVERY = 60.0
"""Seconds after which what is known is kept, for a run that is interrupted."""
SAVING_COSTS = 20
"""Time spent between two saves, for each second that one takes."""
_VERSION = 1


@dataclass(frozen=True)
class Index:
    names: list[str]
    """Of all photos, in order; of an archive's, its own and then theirs in it."""
    sizes: np.ndarray
    """(N, 2) int32, (height, width) upright."""
    stamps: np.ndarray
    """(N, 2) int64, a Stamp of each file; of the archive where it lies in one."""
    places: np.ndarray
    """(N, 3) int64: number of its archive, first byte and length in it; -1 for a file of its own."""
    folders: dict[str, int]
    archives: list[str]
    archive_stamps: np.ndarray
    """(A, 2) int64."""
    others: list[str]
    unused_archives: list[str]
    """Archives beside pictures, which may hold the same ones."""
    closed: tuple[str, ...] = ()
    """Folders that may not be looked into. They are not kept: such an index is made anew at every start."""

    def left_out(self, folder: Path) -> list[str]:
        """A sentence for each kind of file that was."""
        told = list(unsupported.advice([folder / name for name in self.others]))
        if unused := [Path(name) for name in self.unused_archives]:
            told.append(
                f"{len(unused)} archives left out ({unsupported.some_names(unused)}): there are pictures "
                "beside them, perhaps the same ones; move either to a folder of its own."
            )
        if closed := [folder / name for name in self.closed]:
            folders = "1 folder" if len(closed) == 1 else f"{len(closed)} folders"
            told.append(
                f"{folders} left out, which may not be looked into ({unsupported.some_names(closed)}): allow "
                "it (chmod u+rx), or move them away."
            )
        return told

    def is_current(self, folder: Path) -> bool:
        """Whether no folder and no archive has changed. One look at each, none at photos."""
        try:
            return all(
                _is_same((folder / name).stat().st_mtime_ns, known) for name, known in self.folders.items()
            ) and all(
                (about.st_size, about.st_mtime_ns) == tuple(known)
                for name, known in zip(self.archives, self.archive_stamps.tolist(), strict=True)
                for about in [(folder / name).stat()]
            )
        except OSError:
            return False

    def save(self, file: Path) -> None:
        """Raises OutputError."""
        texts = {
            "names": self.names,
            "folders": [*self.folders],
            "archives": self.archives,
            "others": self.others,
            "unused_archives": self.unused_archives,
        }
        arrays: dict[str, Any] = {
            "version": np.array(_VERSION),
            "sizes": self.sizes,
            "stamps": self.stamps,
            "places": self.places,
            "folder_times": np.array([*self.folders.values()], np.int64),
            "archive_stamps": self.archive_stamps,
        }
        for name, text in texts.items():
            arrays[name] = np.frombuffer(os.fsencode("\0".join(text)), np.uint8)
        with atomic_write(file) as part, part.open("wb") as opened:
            np.savez(opened, **arrays)

    @classmethod
    def load(cls, file: Path) -> Self | None:
        """None where there is none, or another version's, or a damaged one."""
        try:
            with file.open("rb") as content, np.load(content, allow_pickle=False) as opened:
                if opened["version"] != _VERSION:
                    return None

                times = opened["folder_times"].tolist()

                def texts(name: str) -> list[str]:
                    text = os.fsdecode(opened[name].tobytes())
                    return text.split("\0") if text or (name == "folders" and times) else []

                return cls(
                    texts("names"),
                    opened["sizes"],
                    opened["stamps"],
                    opened["places"],
                    dict(zip(texts("folders"), times, strict=True)),
                    texts("archives"),
                    opened["archive_stamps"],
                    texts("others"),
                    texts("unused_archives"),
                )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None


def _is_same(now: int, known: int) -> bool:
    return known != UNKNOWN and now == known


def file_of(source: Path) -> Path:
    """Where the index of a folder, or of an archive, is kept."""
    return (
        cache_folder() / "photos" / f"{hashlib.sha256(os.fsencode(os.path.realpath(source))).hexdigest()}.npz"
    )


def open_index(source: Path, tell: Callable[[str], None] = lambda sentence: None) -> Index:
    """What a folder, or a single archive, holds. The index of a large one is read, or made and kept.

    tell: is told before many files are opened. Raises DataError for a photo that cannot be read.
    """
    file = file_of(source)
    folder = source if source.is_dir() else source.parent
    known = Index.load(file)
    if known is not None and known.is_current(folder):
        return known
    maker = _Maker(source, folder, file, tell)
    if not maker.is_worth_it:
        return maker.make()
    with alone(file):  # other processes of a run wait here for the first
        known = Index.load(file)
        if known is not None and known.is_current(folder):
            return known
        maker.take_over(known)
        return maker.make()


class Row(NamedTuple):
    name: str
    size: tuple[int, int]
    stamp: Stamp
    place: tuple[int, int, int] = (-1, -1, -1)


class _Maker:
    """Makes an index, of what another one knows already and of files that are opened."""

    def __init__(self, source: Path, folder: Path, file: Path, tell: Callable[[str], None]) -> None:
        self.folder, self.file, self.tell = folder, file, tell
        if source.is_dir():
            self.listed = listing(source)
        else:
            about = source.stat()
            self.listed = Listing(archives={source.name: (about.st_size, about.st_mtime_ns)})
        self.unused = [*self.listed.archives] if self.listed.pictures else []
        self.archives = [] if self.unused else in_order(self.listed.archives)
        self.rows: list[Row] = []
        self.due = time.monotonic() + SAVE_EVERY
        for name in self.listed.pictures:
            check_name(name)

    @property
    def is_worth_it(self) -> bool:
        """Whether to keep it. An archive has to be read through for a single photo."""
        return len(self.listed.pictures) >= LARGE or bool(self.archives)

    def take_over(self, known: Index | None) -> None:
        """What is known of files that have not changed."""
        if known is None:
            return
        numbers = {name: number for number, name in enumerate(self.archives)}
        same = [
            numbers.get(name, -1) if self.listed.archives.get(name) == tuple(stamp) else -1
            for name, stamp in zip(known.archives, known.archive_stamps.tolist(), strict=True)
        ]
        for name, size, stamp, (archive, *part) in zip(
            known.names, known.sizes.tolist(), known.stamps.tolist(), known.places.tolist(), strict=True
        ):
            if archive < 0 and not self.archives and self.listed.pictures.get(name) == tuple(stamp):
                self.rows.append(Row(name, tuple(size), tuple(stamp)))
            elif archive >= 0 and same[archive] >= 0:
                self.rows.append(Row(name, tuple(size), tuple(stamp), (same[archive], *part)))

    def make(self) -> Index:
        there = {row.name for row in self.rows}
        done = {row.place[0] for row in self.rows}
        new = in_order([name for name in self.listed.pictures if name not in there])
        unread = [number for number in range(len(self.archives)) if number not in done]
        if len(new) > LARGE or unread:
            what = f"{len(unread)} archives" if unread else f"{len(new)} photos"
            self.tell(f"{what} are new: their sizes are read once, and kept in {self.file.parent}.")
        jobs: list[Job] = [new[start : start + AT_ONCE] for start in range(0, len(new), AT_ONCE)]
        jobs += unread
        self._measure(jobs)
        index = self._index(complete=True)
        self._save(index)
        return index

    def _measure(self, jobs: list[Job]) -> None:
        shared = self.folder, self.archives
        if len(jobs) > 8:
            measured = spread(measure, jobs, start, shared)
        else:  # before other processes would have begun
            start(*shared)
            measured = ((job, measure(job)) for job in jobs)
        try:
            for job, found in measured:
                self._add(job, found)
                if (began := time.monotonic()) > self.due:
                    self._save(self._index(complete=False))
                    took = time.monotonic() - began
                    self.due = time.monotonic() + max(SAVE_EVERY, SAVING_COSTS * took)
        except BaseException:  # the next run goes on from here
            self._save(self._index(complete=False))
            raise

    def _add(self, job: Job, found: Found) -> None:
        """Raises DataError for a photo that could not be read."""
        if not isinstance(job, int):
            known = zip(job, found.sizes, strict=False)  # those before it
            self.rows += [Row(name, size, self.listed.pictures[name]) for name, size in known]
        if found.problem is not None:
            raise DataError(found.problem)
        if isinstance(job, int):  # a part of an archive would count as all of it
            stamp = self.listed.archives[self.archives[job]]
            self.rows += [Row(name, size, stamp, (job, *part)) for name, size, part in found.members]

    def _index(self, complete: bool) -> Index:
        """complete: whether it may be taken for all there is."""
        rows = sorted(self.rows, key=lambda row: row.name.replace("/", "\0"))
        trusted = time.time_ns() - FRESH
        folders = {
            name: changed if complete and changed < trusted else UNKNOWN
            for name, changed in self.listed.folders.items()
        }
        if not complete:  # also of a single archive, which has no folders
            folders[""] = UNKNOWN
        stamps = np.array([self.listed.archives[name] for name in self.archives], np.int64).reshape(-1, 2)
        stamps[stamps[:, 1] >= trusted] = UNKNOWN
        return Index(
            [row.name for row in rows],
            np.array([row.size for row in rows], np.int32).reshape(-1, 2),
            np.array([row.stamp for row in rows], np.int64).reshape(-1, 2),
            np.array([row.place for row in rows], np.int64).reshape(-1, 3),
            folders,
            self.archives,
            stamps,
            self.listed.others,
            self.unused,
            tuple(self.listed.closed),
        )

    def _save(self, index: Index) -> None:
        if not self.is_worth_it:
            return
        try:
            index.save(self.file)
        except OutputError as error:
            self.tell(f"{error} The sizes of photos will be read again next time.")
