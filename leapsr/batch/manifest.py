"""What a folder's results were made from and how: a line of JSON for each finished file, in `.leapsr.jsonl`.

The file is hidden, so that a photographer's folder shows pictures only, and names paths within its folder, so
that the folder can be moved. Several processes and machines may append to it at once.
"""

import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from ..errors import OutputError
from ..files import sha256

logger = logging.getLogger(__name__)

NAME = ".leapsr.jsonl"

Recipe = Mapping[str, JsonValue]
"""All that decides what becomes of a source, see `options.recipe`."""


class Fingerprint(BaseModel):
    """A file's content: enough to tell cheaply that it has not changed, and surely that it has."""

    model_config = ConfigDict(frozen=True)

    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """Reads the whole file. Raises OSError."""
        found = path.stat()
        return cls(size=found.st_size, mtime_ns=found.st_mtime_ns, sha256=sha256(path))

    def matches(self, path: Path) -> bool:
        """Whether `path` still holds this; it is read only where its time differs, as after a copy."""
        try:
            found = path.stat()
            if found.st_size != self.size:
                return False
            return found.st_mtime_ns == self.mtime_ns or Fingerprint.of(path).sha256 == self.sha256
        except OSError:
            return False


class Record(BaseModel):
    """One line. output, source: relative to the manifest's folder; with slashes. beside: the files beside the
    result, by name."""

    model_config = ConfigDict(frozen=True)

    output: str
    source: str
    result: Fingerprint
    original: Fingerprint
    recipe: dict[str, JsonValue]
    beside: dict[str, Fingerprint] = {}

    def untouched(self, output: Path) -> bool:
        """Whether the result, and what is left beside it, is what was written. output: where it lies now."""
        beside = ((output.with_name(name), known) for name, known in self.beside.items())
        return self.result.matches(output) and all(
            known.matches(path) for path, known in beside if path.exists()
        )


class Manifest:
    """The records of one folder, the last of each output. Safe for several threads."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._lock = threading.Lock()
        self._broken = False
        text = _text(self.path)
        self._torn = bool(text) and not text.endswith("\n")  # a line that a killed process left torn
        # Not splitlines: it also splits at separators that a caption may hold.
        self._records = {record.output: record for line in text.split("\n") if (record := _record(line))}

    def find(self, output: Path) -> Record | None:
        """What is known of `output`, a path as the caller has it."""
        return self._records.get(self.name_of(output))

    def names(self) -> set[str]:
        """Of all results and of the files beside them, as `name_of` calls them."""
        beside = {
            str(PurePosixPath(record.output).with_name(name))
            for record in self._records.values()
            for name in record.beside
        }
        return beside | self._records.keys()

    def add(
        self,
        source: Path,
        original: Fingerprint,
        output: Path,
        recipe: Recipe,
        beside: Sequence[Path] = (),
    ) -> None:
        """Remember a finished result, in one write that ends up whole in the file or not at all.

        beside: the files that were written with it, in its folder.
        Where that fails there is one warning, because the picture itself is done.
        """
        try:
            record = Record(
                output=self.name_of(output),
                source=self.name_of(source),
                result=Fingerprint.of(output),
                original=original,
                recipe=dict(recipe),
                beside={portable(path.name): Fingerprint.of(path) for path in beside},
            )
            with self._lock:
                self._append(record)
        except OSError as error:
            if not self._broken:
                logger.warning(
                    "%s cannot be written (%s); --skip-existing will not know how these results were made.",
                    self.path,
                    error.strerror or error,
                )
            self._broken = True

    def _append(self, record: Record) -> None:
        data = (("\n" if self._torn else "") + record.model_dump_json() + "\n").encode()
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            self._torn = os.write(handle, data) < len(data)
        finally:
            os.close(handle)
        self._records[record.output] = record

    def name_of(self, path: Path) -> str:
        """How a record calls a path."""
        folder, place = os.path.realpath(self.path.parent), os.path.realpath(path.parent)
        with suppress(ValueError):  # on Windows nothing leads from one drive to another
            place = os.path.relpath(place, folder)
        return portable(Path(place, path.name).as_posix())


def portable(name: str) -> str:
    """A name of the file system as JSON can hold it: as it is, where it is UTF-8."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise OutputError(f"{path} cannot be read ({error.strerror or error}); choose another -o.") from error


def _record(line: str) -> Record | None:
    """None for a torn line, and for one of another program or version."""
    try:
        return Record.model_validate(json.loads(line))
    except (ValueError, ValidationError):
        return None
