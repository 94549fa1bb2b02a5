"""What a destination knows of its results: which photo each was made of, and how.

Parquet files in the destination's folder `.leapsr`, a new one for every thousand results, because an object
store cannot append. In memory a result takes 16 bytes.
"""

import hashlib
import io
import json
import tempfile
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import optional
from .listing import Photo
from .store import Store, StoredFile

FOLDER = ".leapsr"
ROWS, SECONDS = 1000, 30.0
"""After which rows are written."""
Status = Literal["done", "copied", "failed"]


@dataclass(frozen=True)
class Result:
    """What became of a photo or an archive. output: below the destination. source, version: of the photo.
    pixels: of the result. seconds: of work. message: why it was not simply done."""

    output: str
    source: str
    version: str
    status: Status
    message: str = ""
    pixels: int = 0
    seconds: float = 0.0


def digest(*texts: str) -> bytes:
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogateescape"), digest_size=8).digest()


class Ledger:
    """recipe: all that decides what becomes of a photo, see `batch.options.recipe`."""

    def __init__(self, store: Store, recipe: Mapping[str, Any]) -> None:
        self.store = store
        self.recipe = json.dumps(recipe, sort_keys=True)
        self._made: dict[bytes, bytes] = {}
        self._rows: list[Result] = []
        self._written = time.monotonic()
        self._runs: list[float] = []
        parquet = optional("pyarrow.parquet", "ray")
        for name in self._names("results-"):
            table = parquet.read_table(io.BytesIO(store.read(f"{FOLDER}/{name}")))
            for row in table.to_pylist():
                if row["status"] != "failed":
                    self._made[digest(row["output"])] = digest(row["source"], row["version"], row["recipe"])
        for name in self._names("run-"):
            begun = store.find(f"{FOLDER}/{name}")
            self._runs += [begun.modified] if begun and begun.modified is not None else []

    def begin(self) -> None:
        """Remember that a run begins now, by the store's clock."""
        self._put("run-", json.dumps({"recipe": self.recipe}).encode(), ".json")

    def knows(self, photo: Photo, output: str) -> bool:
        """Whether the result is of this photo, as it is now, by this recipe."""
        return self._made.get(digest(output)) == digest(photo.url, photo.version, self.recipe)

    def is_ours(self, output: StoredFile) -> bool:
        """Whether it is in the books, or was written after the first run had begun: a run that is killed has
        not yet written down its last results."""
        if digest(output.name) in self._made:
            return True
        return output.modified is not None and any(begun <= output.modified for begun in self._runs)

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

    def _put(self, kind: str, data: bytes, suffix: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder, "part")
            part.write_bytes(data)
            self.store.put(part, f"{FOLDER}/{kind}{time.time_ns():020}-{uuid.uuid4().hex}{suffix}")

    def _names(self, kind: str) -> Sequence[str]:
        try:
            self.store.fs.invalidate_cache()
            paths = self.store.fs.ls(f"{self.store.root}/{FOLDER}", detail=False)
        except FileNotFoundError:
            return []
        names = (path.rpartition("/")[2] for path in paths)
        return sorted(name for name in names if name.startswith(kind))  # the oldest first
