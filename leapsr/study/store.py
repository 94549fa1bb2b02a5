"""Votes in SQLite: one for each rater and question, on disk before it is acknowledged."""

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

FILE = "votes.sqlite"
SCHEMA = """
CREATE TABLE IF NOT EXISTS raters (id INTEGER PRIMARY KEY, token TEXT UNIQUE NOT NULL, since TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS invited (rater INTEGER PRIMARY KEY REFERENCES raters);
CREATE TABLE IF NOT EXISTS votes (
    rater INTEGER NOT NULL REFERENCES raters, question INTEGER NOT NULL, method TEXT, slot INTEGER,
    seconds REAL, at TEXT NOT NULL, PRIMARY KEY (rater, question)
) WITHOUT ROWID;
"""
WAIT = 30.0
"""Seconds that a writer waits for the others."""


class Vote(NamedTuple):
    """method, slot: None where the rater had no preference. seconds: until the vote. at: when it was."""

    rater: int
    question: int
    method: str | None
    slot: int | None
    seconds: float | None
    at: str


class Store:
    """The votes of one study. Threads and processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        with self._open() as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A transaction: what is written is on disk when the block has ended, or nothing of it is."""
        with closing(sqlite3.connect(self.file, timeout=WAIT)) as database:
            database.execute("PRAGMA synchronous = FULL")
            with database:
                yield database

    def add_rater(self, invited: bool = False) -> str:
        """A new rater's token, which nobody can guess; only its hash is kept. invited: or walked in."""
        token = secrets.token_urlsafe(24)
        with self._open() as database:
            new = database.execute("INSERT INTO raters (token, since) VALUES (?, ?)", (_hash(token), _now()))
            if invited:
                database.execute("INSERT INTO invited VALUES (?)", (new.lastrowid,))
        return token

    def rater(self, token: str, invited_only: bool = False) -> int | None:
        """None for a token that is no rater's, or not of one who was invited."""
        among = "raters JOIN invited ON rater = id" if invited_only else "raters"
        with self._open() as database:
            found = database.execute(f"SELECT id FROM {among} WHERE token = ?", (_hash(token),)).fetchone()
        return None if found is None else int(found[0])

    def vote(
        self, rater: int, question: int, method: str | None, slot: int | None, seconds: float | None
    ) -> bool:
        """Whether it was counted: a second vote on a question changes nothing."""
        with self._open() as database:
            values = (rater, question, method, slot, seconds, _now())
            done = database.execute("INSERT OR IGNORE INTO votes VALUES (?, ?, ?, ?, ?, ?)", values)
            return done.rowcount == 1

    def answered(self, rater: int) -> set[int]:
        """The numbers of the questions."""
        with self._open() as database:
            found = database.execute("SELECT question FROM votes WHERE rater = ?", (rater,))
            return {int(row[0]) for row in found}

    def votes(self) -> list[Vote]:
        with self._open() as database:
            found = database.execute(
                "SELECT rater, question, method, slot, seconds, at FROM votes ORDER BY rater, at, question"
            )
            return [Vote(*row) for row in found]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
