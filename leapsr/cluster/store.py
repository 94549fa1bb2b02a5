"""A folder on a disk or in an object store, by fsspec: s3://, gs://, a plain path, ..."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from ..errors import MissingExtra, OutputError, UsageError, first_line, optional
from ..files import atomic_write

StorageOptions = Mapping[str, Any]
OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "abfs", "az", "memory")
"""Protocols where an object is there whole or not at all, without a temporary name."""
BLOCK = 1 << 20
"""Bytes that are compared at once."""


class StoredFile(NamedTuple):
    """name: below the folder, with slashes. version: size and the store's tag (see `is_tagged`) or time,
    which change when the content does; "" if unknown."""

    name: str
    version: str


@dataclass(frozen=True)
class Store:
    """fs: of fsspec. root: the folder as fs names it, without a slash at its end."""

    fs: Any
    root: str

    @classmethod
    def open(cls, url: str, options: StorageOptions) -> Self:
        """Raises UsageError for a protocol that fsspec does not know, MissingExtra for one whose package is
        not installed."""
        core = optional("fsspec.core", "ray")
        try:
            fs, root = core.url_to_fs(url, **(options if "://" in url else {}))
        except ImportError as error:
            raise MissingExtra(f"{url} needs another package: {first_line(error)}.") from error
        except ValueError as error:
            raise UsageError(f"{url} is no place that fsspec knows: {first_line(error)}.") from error
        return cls(fs, root.rstrip("/"))

    @property
    def is_local(self) -> bool:
        return "file" in _protocols(self.fs)

    @property
    def _is_object_store(self) -> bool:
        return bool(set(_protocols(self.fs)) & set(OBJECT_STORES))

    def url(self, name: str = "") -> str:
        """For another process: with the protocol, but for plain paths."""
        path = f"{self.root}/{name}".rstrip("/")
        return path if self.is_local else str(self.fs.unstrip_protocol(path))

    def files(
        self, recursive: bool, closed: Callable[[OSError], None] = lambda error: None
    ) -> Iterator[StoredFile]:
        """All that are not hidden, by name; no pipes and devices, which might never end.

        closed: is told of each folder that may not be listed; object stores have none.
        Raises UsageError where the store does not answer.
        """
        try:
            self.fs.invalidate_cache()
            if self._is_object_store:
                found = self.fs.find(self.root, maxdepth=None if recursive else 1, detail=True)
            else:
                found = dict(self._walk(self.root, recursive, closed))
        except Exception as error:  # of any store's library
            raise UsageError(f"{self.url()} cannot be listed: {first_line(error)}.") from error
        for path in sorted(found):
            name, about = path.removeprefix(self.root).lstrip("/"), found[path]
            if any(_is_hidden(part) for part in name.split("/")):
                continue
            if about.get("islink"):
                try:
                    about = self.fs.info(path)  # of what it leads to
                except OSError:
                    about = {**about, "type": "link"}  # to nothing, which is told when it is read
            if about.get("type") not in ("other", "directory"):
                yield _stored(name, about)

    def _walk(
        self, folder: str, recursive: bool, closed: Callable[[OSError], None]
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """As fs.find, which says nothing of folders that may not be listed. A folder that is not there is
        empty."""
        try:
            inside = self.fs.ls(folder, detail=True)
        except FileNotFoundError:
            return
        except OSError as error:
            closed(error)
            return
        for about in inside:
            if about["type"] != "directory":
                yield about["name"], about
            elif recursive:
                yield from self._walk(about["name"], recursive, closed)

    def find(self, name: str) -> StoredFile | None:
        """None where there is no such file."""
        try:
            return _stored(name, self.fs.info(f"{self.root}/{name}"))
        except FileNotFoundError:
            return None

    def put(self, file: Path, name: str) -> None:
        """Copy a local file there, whole or not at all. Raises OutputError."""
        target = f"{self.root}/{name}"
        try:
            if self.is_local:
                with atomic_write(Path(target)) as part:
                    shutil.copyfile(file, part)
                    about = file.stat()
                    os.utime(part, ns=(about.st_atime_ns, about.st_mtime_ns))
            elif self._is_object_store:
                self.fs.put_file(str(file), target)
            else:
                self.fs.makedirs(target.rpartition("/")[0], exist_ok=True)
                self.fs.put_file(str(file), f"{target}.part")
                self.fs.mv(f"{target}.part", target)
        except OutputError:
            raise
        except Exception as error:  # of any store's library
            raise OutputError(f"{self.url(name)} cannot be written: {first_line(error)}.") from error

    def read(self, name: str) -> bytes:
        data: bytes = self.fs.cat_file(f"{self.root}/{name}")
        return data

    def holds(self, name: str, file: Path) -> bool:
        """Whether the same bytes lie there. Raises what the store's library does."""
        target = f"{self.root}/{name}"
        if self.fs.info(target)["size"] != file.stat().st_size:
            return False
        with self.fs.open(target, "rb") as there, file.open("rb") as here:
            while block := here.read(BLOCK):
                if there.read(BLOCK) != block:
                    return False
        return True


def is_tagged(version: str) -> bool:
    """Whether it has a tag that a store makes of the content, not only size and time."""
    return " tag:" in version


def fetch(url: str, to: Path, options: StorageOptions) -> None:
    """Copy one file here. Raises what the store's library does."""
    fs, path = optional("fsspec.core", "ray").url_to_fs(url, **options)
    fs.get_file(path, str(to))


def parse_options(text: str | None) -> dict[str, Any]:
    """Of fsspec, such as {"endpoint_url": "..."}. Raises UsageError."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError(f"--storage-options takes a JSON object for fsspec, not '{text}'.")
    return found


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") and name != ".."


def _stored(name: str, about: Mapping[str, Any]) -> StoredFile:
    tag = next((str(about[key]) for key in ("ETag", "etag", "md5Hash") if about.get(key)), "")
    tag = tag.removeprefix("W/").strip('"')  # some stores quote it in lists only
    keys = ("mtime", "LastModified", "last_modified", "updated", "created")
    time = next((about[key] for key in keys if about.get(key)), "")
    if isinstance(time, datetime):  # some stores have one kind in lists, the other for a file
        time = time.timestamp()
    known = f"tag:{tag}" if tag else f"{time:.3f}" if isinstance(time, int | float) else str(time)
    return StoredFile(name, known and f"{about.get('size')} {known}")
