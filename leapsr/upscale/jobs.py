"""Which pictures are to be upscaled, and what the results are called."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from .images import READABLE_SUFFIXES
from .saving import WRITABLE
from .sizes import LABEL

FORMATS = {"png": ".png", "jpg": ".jpg", "webp": ".webp", "avif": ".avif", "tiff": ".tif"}
_SUBSTITUTES = {".heic": ".jpg", ".heif": ".jpg"}
"""Of formats that are read only; PNG takes the place of the others."""
_OURS = re.compile(rf"(?P<stem>.+)_{LABEL}")


@dataclass(frozen=True)
class Job:
    source: Path
    output: Path


@dataclass(frozen=True)
class Found:
    """A picture and where it lies below the folder that was named (just its name for a file)."""

    path: Path
    relative: Path
    root: Path | None


@dataclass(frozen=True)
class Plan:
    jobs: list[Job]
    ours: list[Path]  # left out because their names say that leapsr made them


def plan(
    inputs: Sequence[Path], out: Path | None, label: str, suffix: str | None = None, recursive: bool = False
) -> Plan:
    """One job for each picture among `inputs`, which are files and folders.

    out: None puts each result beside its source; a folder gets the tree of the input folders; for a single
    file it may be a file name. label: what `{stem}_{label}{suffix}` tells. suffix: of the results, None keeps
    the source's where it can be written, and where not it is .jpg for HEIC and .png for the rest.
    recursive: sub-folders too.
    A folder's hidden files, and files whose names end in a label, are left out; so are files named together
    with the picture that they were made from.
    Raises UsageError for an empty folder, for `out` that cannot hold the results, and rather than write over
    a source.
    """
    found = _unique(_found(inputs, out, recursive))
    ours = [item for item in found if _is_ours(item, found)]
    chosen = [item for item in found if item not in ours]
    if out is not None and _names_a_file(out, inputs):
        jobs = [Job(item.path, _checked_name(out, suffix)) for item in chosen]
    else:
        jobs = _in_folders(chosen, out, label, suffix)
    _refuse_overwriting(jobs)
    return Plan(jobs, [item.path for item in ours])


def _found(inputs: Iterable[Path], out: Path | None, recursive: bool) -> Iterator[Found]:
    for path in inputs:
        if not _is_folder(path):
            yield Found(path, Path(path.name), None)
            continue
        inside = [Found(file, file.relative_to(path), path) for file in _pictures(path, out, recursive)]
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
    results = out.resolve() if out is not None else None
    for place, folders, files in os.walk(folder):
        here = Path(place)
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in READABLE_SUFFIXES:
                yield here / name
        keep = (name for name in sorted(folders) if recursive and not name.startswith("."))
        folders[:] = [name for name in keep if (here / name).resolve() != results]


def _unique(found: Iterable[Found]) -> list[Found]:
    unique: dict[Path, Found] = {}
    for item in found:
        unique.setdefault(item.path.resolve(), item)
    return list(unique.values())


def _is_ours(item: Found, found: Iterable[Found]) -> bool:
    made = _OURS.fullmatch(item.path.stem)
    if made is None:
        return False
    return item.root is not None or any(
        other.path.parent == item.path.parent and made["stem"] in (other.path.stem, other.path.name)
        for other in found
    )


def _names_a_file(out: Path, inputs: Sequence[Path]) -> bool:
    one_file = len(inputs) == 1 and not _is_folder(inputs[0])
    if out.is_file() and not one_file:
        raise UsageError(f"{out} is a file; several pictures need a folder after -o.")
    return one_file and not out.is_dir() and bool(out.suffix)


def _checked_name(out: Path, suffix: str | None) -> Path:
    if out.suffix.lower() not in WRITABLE:
        raise UsageError(f"{out} has no suffix that can be written; use one of {', '.join(WRITABLE)}.")
    if suffix is not None and WRITABLE[suffix] != WRITABLE[out.suffix.lower()]:
        raise UsageError(f"{out} and '-f {suffix[1:]}' ask for two formats; leave out -f.")
    return out


def _in_folders(found: Sequence[Found], out: Path | None, label: str, suffix: str | None) -> list[Job]:
    several = len({item.root for item in found if item.root}) > 1
    outputs = [
        _folder(item, out, several) / f"{item.path.stem}_{label}{_suffix(item, suffix)}" for item in found
    ]
    uses = Counter(map(_key, outputs))
    return [
        Job(
            item.path,
            output.with_name(f"{item.path.name}_{label}{output.suffix}")
            if uses[_key(output)] > 1
            else output,
        )
        for item, output in zip(found, outputs, strict=True)
    ]


def _folder(item: Found, out: Path | None, several: bool) -> Path:
    """Where the result goes; with several input folders each gets its own in `out`."""
    if out is None:
        return item.path.parent
    own = Path(item.root.resolve().name) if several and item.root else Path()
    return out / own / item.relative.parent


def _suffix(item: Found, suffix: str | None) -> str:
    old = item.path.suffix
    return suffix or (old if old.lower() in WRITABLE else _SUBSTITUTES.get(old.lower(), ".png"))


def _key(path: Path) -> str:
    """Equal for names that are one file on systems that ignore case."""
    return str(path).casefold()


def _refuse_overwriting(jobs: Sequence[Job]) -> None:
    sources = {job.source.resolve() for job in jobs}
    files = {_identity(path) for path in sources} - {None}
    for job in jobs:
        if job.output.resolve() in sources or _identity(job.output) in files:
            raise UsageError(
                f"{job.output} is one of the sources and is never written over; choose another -o."
            )


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a name leads to, also on systems that ignore case; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
