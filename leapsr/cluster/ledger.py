"""What a destination knows of its results: which photo each was made of, and how.

Parquet files in the destination's folder `.leapsr`, a new one for every thousand results, because an object
store cannot append. A run that has begun leaves a file there too until it has ended. In memory a result takes
about 200 bytes.
"""

import hashlib
import io
import json
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from ..errors import OutputError, first_line, optional
from .listing import Photo
from .store import Store, StoredFile, is_tagged

FOLDER = ".leapsr"
ROWS, SECONDS = 1000, 30.0
"""After which rows are written."""
Status = Literal["done", "copied", "failed"]
State = Literal["unknown", "changed", "of another photo", "outdated", "current"]
"""Of a result that is there: it, or a file beside it, is not in the books, or was changed by someone since;
it was made of another photo; of this one, by another recipe or before the photo has changed, or a file beside
it is gone; it is what this run would make."""
_BYTES = 8
"""Of a digest."""
_HEAD = 3 * _BYTES
"""Of what is known of a result: source, version, recipe. Then name and version of each of its files."""


@dataclass(frozen=True)
class Result:
    """What became of a photo or an archive. output: below the destination. source, version: of the photo.
    pixels: of the result. seconds: of work. message: why it was not simply done. files: what was written, see
    `described`."""

    output: str
    source: str
    version: str
    status: Status
    message: str = ""
    pixels: int = 0
    seconds: float = 0.0
    files: str = ""

    def __post_init__(self) -> None:
        """Bytes of names that are not UTF-8, which Arrow cannot hold, become backslashes."""
        for name in ("output", "source", "message"):
            text = getattr(self, name).encode("utf-8", "backslashreplace").decode()
            object.__setattr__(self, name, text)


def described(files: Iterable[StoredFile]) -> str:
    """The version of each by its name, as JSON."""
    return json.dumps({file.name: file.version for file in files}, sort_keys=True)


def digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=_BYTES).digest()


def _pairs(made: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Digests of name and version of each file."""
    for at in range(_HEAD, len(made), 2 * _BYTES):
        yield made[at : at + _BYTES], made[at + _BYTES : at + 2 * _BYTES]


class Ledger:
    """recipe: all that decides what becomes of a photo, see `batch.options.recipe`. sources: of the run.

    Raises OutputError for books that cannot be read.
    """

    def __init__(self, store: Store, recipe: Mapping[str, Any], sources: Iterable[str] = ()) -> None:
        self.store = store
        self.recipe = json.dumps(recipe, sort_keys=True)
        self.sources = digest(json.dumps(sorted(sources))).hex()
        self._made: dict[bytes, bytes] = {}
        self._rows: list[Result] = []
        self._written = time.monotonic()
        self._runs = self._names("run-")
        self._own = ""
        parquet = optional("pyarrow.parquet", "ray")
        for name in self._names("results-"):
            try:
                for row in parquet.read_table(io.BytesIO(store.read(f"{FOLDER}/{name}"))).to_pylist():
                    self._learn(row)
            except Exception as error:  # of any store's library, or of Arrow
                raise OutputError(
                    f"{store.url(FOLDER)}/{name} cannot be read: {first_line(error)}. Remove it, and "
                    "--overwrite what it knew of."
                ) from error

    def _learn(self, row: Mapping[str, Any]) -> None:
        """Files that an earlier run has made beside the same result stay known."""
        if not row.get("files"):
            return
        key = digest(row["output"])
        made_by = "" if row["status"] == "failed" else row["recipe"]  # what failed in part is made again
        files = dict(_pairs(self._made.get(key, b"")))
        files |= {digest(name): digest(version) for name, version in json.loads(row["files"]).items()}
        facts = [*map(digest, (row["source"], row["version"], made_by)), *chain(*files.items())]
        self._made[key] = b"".join(facts)

    @property
    def is_torn(self) -> bool:
        """Whether a run has begun that has not ended: its last results are not written down."""
        return bool(self._runs)

    def begin(self) -> None:
        """Remember that a run begins now. Raises OutputError."""
        about = {"recipe": self.recipe, "sources": self.sources}
        self._own = self._put("run-", json.dumps(about).encode(), ".json")
        self._runs.append(self._own)

    def end(self) -> None:
        """Everything that this run, and those before it of the same sources, have made is written down. Runs
        of other sources may go on still. Raises OutputError."""
        self.flush()
        ended = []
        for name in self._runs:
            with suppress(Exception):  # of any store's library; then the next run looks more closely
                if name == self._own or self._sources(name) == self.sources:
                    self.store.fs.rm_file(f"{self.store.root}/{FOLDER}/{name}")
                    ended.append(name)
        self._runs = [name for name in self._runs if name not in ended]

    def _sources(self, run: str) -> str | None:
        """Raises what the store's library does, and ValueError."""
        found: str | None = json.loads(self.store.read(f"{FOLDER}/{run}")).get("sources")
        return found

    def state(
        self, photo: Photo, output: str, names: Sequence[str], there: Mapping[str, StoredFile]
    ) -> tuple[State, str]:
        """And the file that it is of. names: of the result and all that would be written beside it, of which
        some are there."""
        made = self._made.get(digest(output))
        files = [there[name] for name in names if name in there]
        if made is None:
            return "unknown", files[0].name
        source, version, recipe = (made[at : at + _BYTES] for at in range(0, _HEAD, _BYTES))
        known = dict(_pairs(made))
        for file in files:
            if digest(file.name) not in known:
                return "unknown", file.name
            if known[digest(file.name)] != digest(file.version):
                return "changed", file.name
        is_same = not photo.version or version == digest(photo.version)
        if source != digest(photo.url) and not (is_same and is_tagged(photo.version)):
            return "of another photo", files[0].name
        is_whole = all(name in there or digest(name) not in known for name in names)
        is_current = is_same and is_whole and recipe == digest(self.recipe)
        return "current" if is_current else "outdated", files[0].name

    def add(self, results: Iterable[Result]) -> None:
        """Written when there are many, or the last time is long ago; else by `flush`. Raises OutputError."""
        self._rows += results
        if len(self._rows) >= ROWS or time.monotonic() - self._written > SECONDS:
            self.flush()

    def flush(self) -> None:
        """Raises OutputError."""
        self._written = time.monotonic()
        if not self._rows:
            return
        pyarrow, parquet = optional("pyarrow", "ray"), optional("pyarrow.parquet", "ray")
        rows = [{**asdict(row), "recipe": self.recipe} for row in self._rows]
        data = io.BytesIO()
        parquet.write_table(pyarrow.Table.from_pylist(rows), data)
        self._put("results-", data.getvalue(), ".parquet")
        self._rows = []

    def _put(self, kind: str, data: bytes, suffix: str) -> str:
        name = f"{kind}{time.time_ns():020}-{uuid.uuid4().hex}{suffix}"
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder, "part")
            part.write_bytes(data)
            self.store.put(part, f"{FOLDER}/{name}")
        return name

    def _names(self, kind: str) -> list[str]:
        try:
            self.store.fs.invalidate_cache()
            paths = self.store.fs.ls(f"{self.store.root}/{FOLDER}", detail=False)
        except FileNotFoundError:
            return []
        except Exception as error:  # of any store's library
            place = self.store.url(FOLDER)
            raise OutputError(f"{place} cannot be listed: {first_line(error)}; choose another -o.") from error
        names = (path.rpartition("/")[2] for path in paths)
        return sorted(name for name in names if name.startswith(kind))  # the oldest first
