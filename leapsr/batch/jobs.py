"""Which pictures are to be upscaled, and where the results go."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..data.captions import Captions
from ..data.listing import NOT_PHOTOS
from ..errors import OutputError, UsageError
from ..pictures import raw_kinds, result_metadata, unsupported
from ..pictures.picture import READABLE_SUFFIXES
from ..pictures.save_file import WRITABLE
from ..upscaling.sizes import LABEL
from .existing import Manifest
from .naming import SIDECAR, check_format, make_distinct, output_name

_NAME_OF_RESULT = re.compile(rf"(?P<stem>.+)_{LABEL}{SIDECAR}")

Item = TypeVar("Item")


@dataclass(frozen=True)
class Job:
    """One picture. home: the folder whose manifest tells how `output` was made; None where none is kept.
    caption: of this picture; None is that of the settings."""

    source: Path
    output: Path
    home: Path | None = None
    caption: str | None = None


@dataclass(frozen=True)
class InputFile:
    """A picture that was named, or that lies in a folder that was.

    relative: its path below that folder; just its name without one. root: that folder.
    """

    path: Path
    relative: Path
    root: Path | None


@dataclass(frozen=True)
class Plan:
    jobs: list[Job]
    own_results: list[Path]
    """Left out because leapsr made them."""
    unreadable: list[Path]
    """Left out as pictures of kinds that are not read, such as RAW."""
    folders: tuple[Path, ...] = ()
    """Sub-folders with pictures, which nobody has asked for."""


def plan(
    inputs: Sequence[Path],
    out: Path | None,
    label: str,
    suffix: str | None = None,
    recursive: bool = False,
    remember_all: bool = False,
    has_sidecars: bool = False,
    captions: Captions | None = None,
) -> Plan:
    """One job for each picture among `inputs`, which are files and folders.

    The jobs come in the order of the inputs, sorted by name in each folder: the same on every machine.
    A folder's hidden files are left out, and so are those that leapsr made; of files named one by one, those
    named together with the picture that they were made from. Only files whose name ends in a label are looked
    at: the manifest or the Software tag decides.

    Args:
        out: None puts each result beside its source; a folder gets the tree of the input folders; for a
            single file it may be a file name.
        label: for the name of results, `{stem}_{label}{suffix}`.
        suffix: of the results. None keeps the source's where it can be written; else HEIC becomes .jpg and
            the rest .png.
        recursive: sub-folders too; not those that are links, so that loops of links have an end.
        remember_all: also the results of files that were named one by one get a home.
        has_sidecars: results have files beside them, whose names must differ too.
        captions: of each picture, by its path below the folder that was named, or its name.

    Raises:
        DataError: a picture has no caption.
        UsageError: for an empty folder, for a pipe or a device, for `out` that cannot hold the results, and
            rather than write over a source.
    """
    listed = _unique(_input_files(inputs, out, recursive))
    for item in listed:
        if item.root is None and _is_endless(item.path):
            raise UsageError(f"{item.path} is a pipe or a device, not a file; give it alone, or '-'.")
    listed = [item for item in listed if not _is_endless(item.path)]
    found = [item for item in listed if item.root is None or not is_unreadable(item.path)]
    unreadable = [item.path for item in listed if item.root is not None and is_unreadable(item.path)]
    if unreadable and not found:
        advice = " ".join(unsupported.advice(unreadable, raw_kinds.HINT))
        raise UsageError(f"There is no picture that can be read. {advice}")
    results = _KnownResults()
    own = [item for item in found if _is_named_as_result(item, found) and results.made_by_leapsr(item)]
    left_out = set(own)
    chosen = [item for item in found if item not in left_out]
    if out is not None and names_a_file(out, inputs):
        name = check_format(out, suffix)
        home = name.parent if remember_all else None
        jobs = [Job(item.path, name, home, _caption(item, captions)) for item in chosen]
    else:
        jobs = _in_folders(chosen, out, label, suffix, remember_all, has_sidecars, captions)
    refuse_overwriting((job.source for job in jobs), (job.output for job in jobs))
    folders = () if recursive else tuple(_with_pictures(inputs, out))
    return Plan(jobs, [item.path for item in own], unreadable, folders)


def _input_files(inputs: Iterable[Path], out: Path | None, recursive: bool) -> Iterator[InputFile]:
    for path in inputs:
        if not _is_folder(path):
            yield InputFile(path, Path(path.name), None)
            continue
        inside = [InputFile(file, file.relative_to(path), path) for file in _pictures(path, out, recursive)]
        if not inside:
            hint = "" if recursive else "; --recursive looks into its sub-folders"
            raise UsageError(f"{path} holds no pictures{hint}.")
        yield from inside


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long for the file system; reading it will tell
        return False


def _pictures(folder: Path, out: Path | None, recursive: bool) -> Iterator[Path]:
    results = resolved(out) if out is not None else None
    closed: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=closed.append):
        here = Path(place)
        for name in sorted(files):
            path = here / name
            if not name.startswith(".") and (is_readable(path) or is_unreadable(path)):
                yield path
        keep = (name for name in sorted(folders) if recursive and not name.startswith("."))
        folders[:] = [name for name in keep if name not in NOT_PHOTOS and resolved(here / name) != results]
    for error in closed:  # as jobs that will fail, and say why
        yield Path(error.filename)


def _with_pictures(inputs: Iterable[Path], out: Path | None) -> Iterator[Path]:
    """The sub-folders of the inputs that hold pictures, as a look at their lists of files tells."""
    results = resolved(out) if out is not None else None
    for folder in filter(_is_folder, inputs):
        found: list[Path] = []
        with suppress(OSError):  # of a folder that may not be read; it is a job that fails
            found = sorted(folder.iterdir())
        for inside in found:
            with suppress(OSError):
                name = inside.name
                if name.startswith(".") or name in NOT_PHOTOS or inside.is_symlink() or not inside.is_dir():
                    continue
                if resolved(inside) != results and any(map(is_readable, inside.iterdir())):
                    yield inside


def is_readable(path: Path) -> bool:
    """Whether it is a picture that can be opened here, by its name."""
    if unsupported.kind_of(path) == unsupported.RAW:
        return raw_kinds.is_available()
    return path.suffix.lower() in READABLE_SUFFIXES


def is_unreadable(path: Path) -> bool:
    """Whether it is a picture of a kind that cannot, by its name."""
    return not is_readable(path) and unsupported.kind_of(path) is not None


def _is_endless(path: Path) -> bool:
    """Whether reading it might never end: a pipe, a socket, a device."""
    try:
        mode = path.stat().st_mode
    except OSError:  # reading it will tell
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _unique(found: Iterable[InputFile]) -> list[InputFile]:
    """Each file once, also where the system ignores case and its name was spelt in two ways."""
    unique: dict[tuple[str, object], InputFile] = {}
    for item in found:
        path = resolved(item.path)
        unique.setdefault((str(path).casefold(), identity(path) or path), item)
    return list(unique.values())


class _KnownResults:
    """The files that the manifests of folders list, each manifest read once and only where it is needed."""

    def __init__(self) -> None:
        self._manifests: dict[Path, Manifest | None] = {}

    def made_by_leapsr(self, item: InputFile) -> bool:
        folders = {item.path.parent, item.root or item.path.parent}
        listed = any(self._lists(folder, item.path) for folder in folders)
        return listed or result_metadata.made_by_leapsr(item.path)

    def _lists(self, folder: Path, path: Path) -> bool:
        if folder not in self._manifests:
            self._manifests[folder] = None
            with suppress(OutputError):  # raised again where results are written
                self._manifests[folder] = Manifest(folder)
        manifest = self._manifests[folder]
        return manifest is not None and manifest.lists(path)


def _is_named_as_result(item: InputFile, found: Iterable[InputFile]) -> bool:
    """Whether a file may be a result; of files named one by one, of another of them."""
    made = _NAME_OF_RESULT.fullmatch(item.path.stem)
    if made is None:
        return False
    return item.root is not None or any(
        other.path.parent == item.path.parent and made["stem"] in (other.path.stem, other.path.name)
        for other in found
    )


def names_a_file(out: Path, inputs: Sequence[Path]) -> bool:
    """Whether `out` is the file of the only result. Raises UsageError for a file in the place of a folder."""
    one_file = len(inputs) == 1 and not _is_folder(inputs[0])
    if not one_file and out.is_file():
        raise UsageError(f"{out} is a file; several pictures need a folder after -o.")
    if not one_file and not out.is_dir() and out.suffix.lower() in WRITABLE:
        raise UsageError(f"{out} is the name of a file; several pictures need a folder after -o.")
    return one_file and not out.is_dir() and bool(out.suffix)


def _in_folders(
    found: Sequence[InputFile],
    out: Path | None,
    label: str,
    suffix: str | None,
    remember_all: bool,
    has_sidecars: bool,
    captions: Captions | None,
) -> list[Job]:
    several = len({item.root for item in found if item.root}) > 1
    wanted = []
    for item in found:
        folder = item.path.parent
        if out is not None:  # with several input folders each gets its own in `out`
            own = resolved(item.root).name if several and item.root else ""
            folder = out / own / item.relative.parent
        wanted.append(folder / output_name(item.path, label, suffix))
    outputs = make_distinct([item.path for item in found], wanted, label, has_sidecars)
    jobs = []
    for item, output in zip(found, outputs, strict=True):
        home = out or item.root
        if item.root is None:
            home = (out or output.parent) if remember_all else None
        jobs.append(Job(item.path, output, home, _caption(item, captions)))
    return jobs


def _caption(item: InputFile, captions: Captions | None) -> str | None:
    return None if captions is None else captions(item.relative.as_posix())


def refuse_overwriting(sources: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Raises UsageError where an output would replace a source."""
    if (output := overwriting(sources, outputs)) is not None:
        raise UsageError(f"{output} is one of the sources and is never written over; choose another -o.")


def overwriting(sources: Iterable[Path], outputs: Iterable[Path]) -> Path | None:
    """The first output that would replace a source, by whatever name: through links, in another case."""
    known = {resolved(source) for source in sources}
    files = {identity(path) for path in known} - {None}
    return next((each for each in outputs if resolved(each) in known or identity(each) in files), None)


def resolved(path: Path) -> Path:
    """Path.resolve() that also bears links which lead back to themselves."""
    return Path(os.path.realpath(path))


def identity(path: Path) -> tuple[int, int] | None:
    """Which file a name leads to, also on systems that ignore case; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def shard(jobs: Sequence[Item], part: str) -> list[Item]:
    """Part "i/n" of the jobs, 1 <= i <= n: every n-th of the plan from the i-th on.

    Machines that see the same files make the same plan, so the n parts are disjoint and together complete.
    Raises UsageError for anything else than two such numbers.
    """
    made = re.fullmatch(r"(\d+)/(\d+)", part)
    if made is None or not 1 <= int(made[1]) <= int(made[2]):
        raise UsageError(f"--shard takes i/n with i from 1 to n, as 1/4, not '{part}'.")
    return list(jobs[int(made[1]) - 1 :: int(made[2])])
