"""Which results are there already, and what they were made from and how.

A folder of results holds a hidden file, `.leapsr.jsonl`, with a line of JSON for each finished result. Its
paths are relative, so that the folder can be moved. Several processes and machines may append to it.
"""

import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, JsonValue

from ..errors import ImageError, OutputError
from ..files import sha256

if TYPE_CHECKING:
    from .jobs import Job

logger = logging.getLogger(__name__)

NAME = ".leapsr.jsonl"

Recipe = Mapping[str, JsonValue]
"""All that decides what becomes of a source, see `options.recipe`."""

_TIME_STEP = 2_000_000_000
"""Nanoseconds: the times of files on FAT drives, such as memory cards, come in steps of two seconds."""

IfExists = Literal["refuse", "skip", "overwrite"]


class FileState(BaseModel):
    """What tells whether a file has changed: its size and time, and for sources also the content."""

    model_config = ConfigDict(frozen=True)

    size: int
    mtime_ns: int
    sha256: str | None = None

    @classmethod
    def of(cls, path: Path, with_content: bool = False) -> Self:
        """Raises OSError."""
        found = path.stat()
        digest = sha256(path) if with_content else None
        return cls(size=found.st_size, mtime_ns=found.st_mtime_ns, sha256=digest)

    def matches(self, path: Path) -> bool:
        """Whether it is unchanged. Where only its time differs, as after a copy, a known content decides."""
        try:
            found = path.stat()
            if found.st_size != self.size:
                return False
            if self.sha256 is None:
                return abs(found.st_mtime_ns - self.mtime_ns) <= _TIME_STEP
            return found.st_mtime_ns == self.mtime_ns or sha256(path) == self.sha256
        except OSError:
            return False


class Record(BaseModel):
    """One line of the manifest."""

    model_config = ConfigDict(frozen=True)

    output: str
    """Relative to the manifest's folder, with slashes; so is `source`."""
    source: str
    result: FileState
    original: FileState
    """Of the source."""
    recipe: dict[str, JsonValue]
    beside: dict[str, FileState] = {}
    """The files that were written beside the result, by name."""


class Manifest:
    """The records of one folder, the last of each output. Safe for several threads."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._lock = threading.Lock()
        self._has_failed = False
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            text = ""
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(f"{self.path} cannot be read ({reason}); choose another -o.") from error
        self._is_torn = bool(text) and not text.endswith("\n")  # its writer was killed in the last line
        self._records: dict[str, Record] = {}
        self._files: set[str] = set()
        for line in text.split("\n"):  # not splitlines: it also splits at separators that a caption may hold
            with suppress(ValueError):  # a torn line, or one of another program or version
                self._remember(Record.model_validate(json.loads(line)))

    def find(self, output: Path) -> Record | None:
        """What is known of `output`, a path as the caller has it."""
        return self._records.get(self.name_of(output))

    def lists(self, path: Path) -> bool:
        """Whether a file is a result, or was written beside one."""
        return self.name_of(path) in self._files

    def add(
        self, source: Path, original: FileState, output: Path, recipe: Recipe, beside: Sequence[Path] = ()
    ) -> None:
        """Remember a finished result, in one write that ends up whole in the file or not at all.

        Where that fails there is one warning, because the picture itself is done.

        Args:
            original: of the source, taken before it was read.
            beside: the files that were written with the result, in its folder.
        """
        try:
            record = Record(
                output=self.name_of(output),
                source=self.name_of(source),
                result=FileState.of(output),
                original=original,
                recipe=dict(recipe),
                beside={as_json_text(path.name): FileState.of(path) for path in beside},
            )
            with self._lock:
                self._append(record)
        except OSError as error:
            if not self._has_failed:
                logger.warning(
                    "%s cannot be written (%s); --skip-existing will not know how these results were made.",
                    self.path,
                    error.strerror or error,
                )
            self._has_failed = True

    def _append(self, record: Record) -> None:
        data = (("\n" if self._is_torn else "") + record.model_dump_json() + "\n").encode()
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            self._is_torn = os.write(handle, data) < len(data)
        finally:
            os.close(handle)
        self._remember(record)

    def _remember(self, record: Record) -> None:
        self._records[record.output] = record
        self._files |= {str(PurePosixPath(record.output).with_name(name)) for name in record.beside}
        self._files.add(record.output)

    def name_of(self, path: Path) -> str:
        """How a record names a path."""
        folder, place = os.path.realpath(self.path.parent), os.path.realpath(path.parent)
        with suppress(ValueError):  # on Windows there is no relative path from one drive to another
            place = os.path.relpath(place, folder)
        return as_json_text(Path(place, path.name).as_posix())


def as_json_text(name: str) -> str:
    """A file name as JSON can hold it: bytes that are not UTF-8 are escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Decision:
    make: bool
    """Whether the job is to be done."""
    reason: str = ""
    """Why it is not, or why it is done although a result is there; else empty."""
    is_uncertain: bool = False
    """Whether what is kept, the result or files beside it, may be another one than the one wanted."""
    keep: frozenset[Path] = frozenset()
    """Files beside the result that leapsr does not know and that stay as they are."""


class ExistingPolicy:
    """What becomes of results that are there already, and the memory of those that are made now.

    Made again is only what leapsr made of the same source with other options, or of a source that has changed
    since. Anything else may be someone's work and is kept. Safe for several threads.

    Args:
        if_exists: what to do where a result is there.
        recipe: how results are made this time. Without one nothing is remembered and every result that is
            there is taken for the one that is wanted.
    """

    def __init__(self, if_exists: IfExists, recipe: Recipe | None = None) -> None:
        self.if_exists, self.recipe = if_exists, recipe
        self._manifests: dict[Path, Manifest] = {}

    def decide(self, job: "Job", beside: Sequence[Path] = ()) -> Decision:
        """Whether to do a job. beside: the files that would be written with the result.

        Raises OutputError where one of the files is there and has to be refused.
        """
        present = [path for path in (job.output, *beside) if _exists(path)]
        if not present:
            return Decision(True)
        if self.if_exists == "overwrite":
            return Decision(True, f"{present[0]} is replaced.")
        if self.if_exists == "refuse":
            raise OutputError(f"{present[0]} is already there; use --overwrite or --skip-existing.")
        manifest = self._manifest(job)
        record = manifest.find(job.output) if manifest else None
        known = record.beside if record else {}
        if job.output not in present:
            if any(path.name in known for path in present):
                return _kept(f"{job.output} was taken away and {present[0].name} was left")
            reason = (
                f"{present[0]} was there before {job.output.name}, as a run that was killed leaves it. It is "
                "kept, though it may be of other options; --overwrite replaces it."
            )
            return Decision(True, reason, is_uncertain=True, keep=frozenset(present))
        if manifest is None or self.recipe is None:
            return Decision(False, f"{job.output} is already there.")
        if record is None:
            return _kept(f"{job.output} is there, nobody knows how it was made")
        outdated = _difference(record.recipe, _with_caption(self.recipe, job))
        if not record.original.matches(job.source):
            if record.source != manifest.name_of(job.source):
                return _kept(f"{job.output} was made of {record.source}, not of {job.source}")
            outdated = f"{job.source} has changed"
        sidecars = {job.output.with_name(name): state for name, state in known.items()}
        changed = (not state.matches(path) for path, state in sidecars.items() if path.exists())
        if not record.result.matches(job.output) or any(changed):
            return _kept(f"{job.output}, or a file beside it, was changed by someone and is kept")
        if not outdated:
            return Decision(False, f"{job.output} is already there.")
        unknown = frozenset(path for path in present[1:] if path.name not in known)
        return Decision(True, f"{job.output} is made again: {outdated}.", keep=unknown)

    def fingerprint(self, job: "Job") -> FileState | None:
        """Of the source, to be given to `remember`; None where nothing is remembered. Raises ImageError."""
        if self._manifest(job) is None or self.recipe is None:
            return None
        try:
            return FileState.of(job.source, with_content=True)
        except OSError as error:
            raise ImageError(f"{job.source} could not be read: {error.strerror or error}.") from error

    def remember(self, job: "Job", original: FileState | None, beside: Sequence[Path] = ()) -> None:
        """Record a finished job. beside: the files that were written with the result."""
        manifest = self._manifest(job)
        if manifest is not None and original is not None and self.recipe is not None:
            manifest.add(job.source, original, job.output, _with_caption(self.recipe, job), beside)

    def _manifest(self, job: "Job") -> Manifest | None:
        if job.home is None:
            return None
        if job.home not in self._manifests:
            self._manifests[job.home] = Manifest(job.home)
        return self._manifests[job.home]


def _with_caption(recipe: Recipe, job: "Job") -> Recipe:
    return recipe if job.caption is None else {**recipe, "caption": as_json_text(job.caption)}


def _kept(reason: str) -> Decision:
    return Decision(False, f"{reason}; --overwrite replaces it.", is_uncertain=True)


def _difference(before: Recipe, now: Recipe) -> str:
    """The first option that differs, in words; empty where none does."""
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            values = (_short(each.get(name)) for each in (before, now))
            return "{} was {} and is {}".format(name.replace("_", " "), *values)
    return ""


def _short(value: object) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 24 else f"{text[:12]}..."


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}; choose another -o."
        ) from error
