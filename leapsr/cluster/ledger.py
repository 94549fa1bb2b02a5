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
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import OutputError, first_line, optional
from .listing import Photo
from .store import Store, StoredFile

FOLDER = ".leapsr"
ROWS, SECONDS = 1000, 30.0
"""After which rows are written."""
Status = Literal["done", "copied", "failed"]
State = Literal["unknown", "changed", "of another photo", "outdated", "current"]
"""Of a result that is there: not in the books; changed by someone since; made of another photo; of this one,
by another recipe or before the photo has changed; what this run would make."""
_BYTES = 8
"""Of a digest."""


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


def described(files: Iterable[StoredFile]) -> str:
    """Name and version of each, one a line."""
    return "\n".join(f"{file.name} {file.version}" for file in files)


def digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=_BYTES).digest()


class Ledger:
    """recipe: all that decides what becomes of a photo, see `batch.options.recipe`.

    Raises OutputError for books that cannot be read.
    """

    def __init__(self, store: Store, recipe: Mapping[str, Any]) -> None:
        self.store = store
        self.recipe = json.dumps(recipe, sort_keys=True)
        self._made: dict[bytes, bytes] = {}
        self._rows: list[Result] = []
        self._written = time.monotonic()
        self._runs = self._names("run-")
        parquet = optional("pyarrow.parquet", "ray")
        for name in self._names("results-"):
            try:
                table = parquet.read_table(io.BytesIO(store.read(f"{FOLDER}/{name}")))
            except Exception as error:  # of any store's library, or of Arrow
                raise OutputError(
                    f"{store.url(FOLDER)}/{name} cannot be read: {first_line(error)}. Remove it, and "
                    "--overwrite what it knew of."
                ) from error
            for row in table.to_pylist():
                if row["files"]:  # also of an archive of which some photos failed, which is to be made again
                    made_by = "" if row["status"] == "failed" else row["recipe"]
                    facts = map(digest, (row["source"], row["version"], made_by, row["files"]))
                    self._made[digest(row["output"])] = b"".join(facts)

    @property
    def is_torn(self) -> bool:
        """Whether a run has begun that has not ended: its last results are not written down."""
        return bool(self._runs)

    def begin(self) -> None:
        """Remember that a run begins now. Raises OutputError."""
        self._runs.append(self._put("run-", json.dumps({"recipe": self.recipe}).encode(), ".json"))

    def end(self) -> None:
        """Everything that this run, and those before it, have made is written down. Raises OutputError."""
        self.flush()
        for name in self._runs:
            with suppress(Exception):  # of any store's library; then the next run looks more closely
                self.store.fs.rm_file(f"{self.store.root}/{FOLDER}/{name}")
        self._runs = []

    def state(self, photo: Photo, output: str, files: Iterable[StoredFile]) -> State:
        """files: the result and those beside it that are there now."""
        made = self._made.get(digest(output))
        if made is None:
            return "unknown"
        source, version, recipe, written = (made[at : at + _BYTES] for at in range(0, len(made), _BYTES))
        if written != digest(described(files)):
            return "changed"
        is_same = version == digest(photo.version) if photo.version else source == digest(photo.url)
        if not is_same and source != digest(photo.url):
            return "of another photo"
        return "current" if is_same and recipe == digest(self.recipe) else "outdated"

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
