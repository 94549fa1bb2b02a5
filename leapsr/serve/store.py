"""Requests and their states in SQLite, and their files beside it. What is accepted survives the server.

The folder holds `requests.sqlite3`; `files/ID` for each request, with its source, results and tiles; and
`uploads`, where files are while they come in, without a name. Everything here is done by one thread, see
`Store.run`.
"""

import asyncio
import json
import os
import secrets
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Container, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, fields
from math import inf
from pathlib import Path, PurePosixPath
from typing import Any, Literal, ParamSpec, TypeVar

from ..batch import naming
from ..errors import OutputError

Status = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: tuple[Status, ...] = ("done", "failed", "cancelled")
KEY_SECONDS = 24 * 3600.0
"""How long an Idempotency-Key is remembered."""

P = ParamSpec("P")
T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, address TEXT NOT NULL, status TEXT NOT NULL,
    settings TEXT NOT NULL, source TEXT NOT NULL, result TEXT, error TEXT,
    created REAL NOT NULL, ended REAL, attempts INTEGER NOT NULL, held INTEGER NOT NULL,
    webhook TEXT, bytes INTEGER NOT NULL, told REAL
) STRICT;
CREATE INDEX IF NOT EXISTS by_owner ON requests (owner, created);
CREATE INDEX IF NOT EXISTS by_status ON requests (status, created);
CREATE TABLE IF NOT EXISTS keys (
    owner TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, id TEXT NOT NULL,
    created REAL NOT NULL, PRIMARY KEY (owner, key)
) STRICT;
"""


def new_id() -> str:
    """That nobody can guess: 144 random bits."""
    return secrets.token_urlsafe(18)


@dataclass(frozen=True)
class Entry:
    """One request. held: a client waits for it and nobody will ask for it later. bytes: of its files.
    created, ended: seconds since 1970. told: of which end, by its time, the webhook knows."""

    owner: str
    address: str
    settings: dict[str, Any]
    source: dict[str, Any]
    id: str = field(default_factory=new_id)
    status: Status = "queued"
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    created: float = field(default_factory=time.time)
    ended: float | None = None
    attempts: int = 0
    held: bool = False
    webhook: str | None = None
    bytes: int = 0
    told: float | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    def result_name(self, sample: int = 0) -> str:
        """As the command line names the result. sample: counted from 0."""
        name, seed = self.source["result_name"], self.settings["seed"]
        return naming.sample_path(Path(name), seed, seed + sample).name if sample else str(name)


_COLUMNS = [each.name for each in fields(Entry)]
_AS_JSON = ("settings", "source", "result", "error")


class KeyUsed(Exception):
    """An Idempotency-Key that came before. fingerprint: of what came with it then."""

    def __init__(self, request_id: str, fingerprint: str) -> None:
        super().__init__(request_id)
        self.request_id, self.fingerprint = request_id, fingerprint


class Store:
    """Raises OutputError where another server uses the folder, or it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.files, self.uploads = folder, folder / "files", folder / "uploads"
        try:
            for each in (self.files, self.uploads):
                each.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)  # other people's photos
            self._lock = _locked(folder / "lock")
            for left in self.uploads.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        except OSError as error:
            raise OutputError(f"{folder} cannot be used: {error.strerror}; choose another --data.") from error
        self._thread = ThreadPoolExecutor(1, "leapsr-store")
        self._database = self._thread.submit(self._open).result()

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.folder / "requests.sqlite3", isolation_level=None)
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.executescript(_SCHEMA)
        if "told" not in {row["name"] for row in database.execute("PRAGMA table_info(requests)")}:
            database.execute("ALTER TABLE requests ADD COLUMN told REAL")  # of a server before there was one
        return database

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A method of this store, in its thread."""
        call = self._thread.submit(function, *args, **kwargs)
        return await asyncio.wrap_future(call)

    async def measure(self, request_id: str) -> None:
        """Note how many bytes the files of a request take; none, where it was removed meanwhile."""
        place = self.place(request_id)
        size = await asyncio.to_thread(_size, place)
        await self.run(self.update, request_id, ENDED, bytes=size)
        if await self.run(self.find, request_id) is None:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)

    def close(self) -> None:
        self._thread.submit(self._database.close).result()
        self._thread.shutdown()
        self._lock.close()

    def place(self, request_id: str) -> Path:
        """The folder of a request's files."""
        return self.files / request_id

    def source_path(self, entry: Entry) -> Path:
        return self.place(entry.id) / f"source{entry.source['suffix']}"

    def result_path(self, entry: Entry, sample: int = 0) -> Path:
        """sample: counted from 0."""
        suffix = PurePosixPath(entry.source["result_name"]).suffix
        path, seed = self.place(entry.id) / f"result{suffix}", entry.settings["seed"]
        return naming.sample_path(path, seed, seed + sample) if sample else path

    def recover(self) -> list[Entry]:
        """What waits, oldest first, after what the last server left is put in order: work that was begun is
        to be done again, and what is only a row or only files goes."""
        self._database.execute("DELETE FROM requests WHERE held")
        self._database.execute("UPDATE requests SET status = 'queued' WHERE status = 'running'")
        known = {row["id"] for row in self._database.execute("SELECT id FROM requests")}
        there = {folder.name for folder in self.files.iterdir()}
        for request_id in known ^ there:
            self.remove(request_id)
        return self._entries("WHERE status = 'queued' ORDER BY created")

    def add(self, entry: Entry, key: str | None = None, fingerprint: str = "") -> None:
        """Raises KeyUsed, and then adds nothing. A key goes with its request."""
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            if key is not None:
                since = time.time() - KEY_SECONDS
                self._database.execute("DELETE FROM keys WHERE created < ?", (since,))
                query = (
                    "SELECT keys.id, fingerprint FROM keys JOIN requests ON requests.id = keys.id"
                    " WHERE keys.owner = ? AND key = ?"
                )
                if (found := self._database.execute(query, (entry.owner, key)).fetchone()) is not None:
                    raise KeyUsed(found["id"], found["fingerprint"])
                row = (entry.owner, key, fingerprint, entry.id, entry.created)
                self._database.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?)", row)
            values = [_dumped(name, getattr(entry, name)) for name in _COLUMNS]
            self._database.execute(
                f"INSERT INTO requests ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(values))})",
                values,
            )

    def untold(self) -> list[Entry]:
        """Those that have ended and whose webhook does not know it yet."""
        return self._entries("WHERE ended IS NOT NULL AND webhook IS NOT NULL AND told IS NOT ended")

    def tell(self, entry: Entry) -> None:
        """The webhook knows this end of a request, or never will; not that of a retry."""
        change = "UPDATE requests SET told = ended WHERE id = ? AND ended = ?"
        self._database.execute(change, (entry.id, entry.ended))

    def find(self, request_id: str) -> Entry | None:
        return next(iter(self._entries("WHERE id = ?", request_id)), None)

    def of_owner(self, owner: str, most: int = -1, last: Entry | None = None) -> list[Entry]:
        """Newest first, without those that a client waits for. most: -1 is all. last: only those that come
        after this one."""
        where = (
            "WHERE owner = ? AND NOT held AND (created, id) < (?, ?) ORDER BY created DESC, id DESC LIMIT ?"
        )
        created, request_id = (inf, "") if last is None else (last.created, last.id)
        return self._entries(where, owner, created, request_id, most)

    def update(self, request_id: str, only_if: Iterable[Status], **values: Any) -> Entry | None:
        """Change a request if its status is one of these; None where it is another one or gone."""
        names = ", ".join(f"{name} = ?" for name in values)
        allowed = tuple(only_if)
        done = self._database.execute(
            f"UPDATE requests SET {names} WHERE id = ? AND status IN ({', '.join('?' * len(allowed))})",
            (*(_dumped(*each) for each in values.items()), request_id, *allowed),
        )
        return self.find(request_id) if done.rowcount else None

    def begin(self, request_id: str) -> Entry | None:
        """Make a request that waits one that runs; None where it does not wait any more."""
        done = self._database.execute(
            "UPDATE requests SET status = 'running', attempts = attempts + 1"
            " WHERE id = ? AND status = 'queued'",
            (request_id,),
        )
        return self.find(request_id) if done.rowcount else None

    def remove(self, request_id: str) -> None:
        """With its files. The row goes first: files without a row are removed by the next server."""
        self._database.execute("DELETE FROM requests WHERE id = ?", (request_id,))
        shutil.rmtree(self.place(request_id), ignore_errors=True)

    def active(self, owner: str, address: str) -> tuple[int, int]:
        """Requests that wait or run: of all, and of a client."""
        query = (
            "SELECT COUNT(*) AS every, COALESCE(SUM(owner = ? OR address = ?), 0) AS own"
            " FROM requests WHERE status IN ('queued', 'running')"
        )
        row = self._database.execute(query, (owner, address)).fetchone()
        return row["every"], row["own"]

    def counts(self) -> dict[str, int]:
        rows = self._database.execute("SELECT status, COUNT(*) AS n FROM requests GROUP BY status")
        return {row["status"]: row["n"] for row in rows}

    def bytes(self) -> int:
        return int(self._database.execute("SELECT COALESCE(SUM(bytes), 0) FROM requests").fetchone()[0])

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free

    def expire(self, seconds: float, most_bytes: int, kept: Container[str] = ()) -> list[str]:
        """Remove what ended longer ago than that, then the oldest until the rest of what ended fits; their
        ids. kept: ids that stay for now."""
        query = "SELECT id, bytes, ended FROM requests WHERE ended IS NOT NULL ORDER BY ended"
        rows = self._database.execute(query).fetchall()
        excess, since, gone = sum(row["bytes"] for row in rows) - most_bytes, time.time() - seconds, []
        for row in rows:
            if row["ended"] >= since and excess <= 0:
                break
            if row["id"] not in kept:
                gone.append(row["id"])
                excess -= row["bytes"]
        for request_id in gone:
            self.remove(request_id)
        return gone

    def _entries(self, where: str, *values: object) -> list[Entry]:
        rows = self._database.execute(f"SELECT {', '.join(_COLUMNS)} FROM requests {where}", values)
        return [Entry(**{name: _loaded(name, row[name]) for name in _COLUMNS}) for row in rows]


def _dumped(name: str, value: Any) -> Any:
    return json.dumps(value) if name in _AS_JSON and value is not None else value


def _loaded(name: str, value: Any) -> Any:
    if name == "held":
        return bool(value)
    return json.loads(value) if name in _AS_JSON and value is not None else value


def _size(folder: Path) -> int:
    """Bytes of all files in it."""
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # tiles are renamed meanwhile
                size += Path(place, name).stat().st_size
    return size


def _locked(path: Path) -> Any:
    """An open file that no other server can have open. Raises OSError where one has."""
    file = path.open("a")
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise OSError(error.errno, "another server works there") from error
    return file
