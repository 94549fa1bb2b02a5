"""What is to be upscaled: photos and archives of photos in folders and object stores, or named by a list."""

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..batch.jobs import is_readable, is_unreadable
from ..data.listing import NOT_PHOTOS
from ..errors import UsageError, first_line, optional
from ..pictures import raw_kinds, unsupported
from .store import StorageOptions, Store

ARCHIVE = ".tar"
"""Of a webdataset: a tar file of samples."""
LISTS = (".parquet", ".csv", ".txt")
COLUMNS = ("path", "url", "file", "image")
"""Of a list, unless another one is named; else its only column."""


class Photo(NamedTuple):
    """A photo or an archive. url: where it lies. name: what it is called below its source, with slashes.
    version: see StoredFile; "" of those that a list names."""

    url: str
    name: str
    version: str = ""

    @property
    def is_archive(self) -> bool:
        return self.name.lower().endswith(ARCHIVE)


@dataclass
class Found:
    photos: list[Photo] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)
    """Left out as pictures of kinds that are not read, such as RAW without its extra."""
    closed: list[OSError] = field(default_factory=list)
    """Of sub-folders that may not be listed."""


def find(
    sources: Sequence[str],
    recursive: bool,
    column: str | None,
    options: StorageOptions,
    destination: str = "",
) -> Found:
    """What each source is or holds: a folder, a photo, an archive, or a list (.parquet, .csv, .txt) of them.

    destination: the folder of results, which are no photos.
    Raises UsageError for a source that is not there, holds nothing that can be read, or is the destination.
    """
    found = Found()
    for source in sources:
        store = Store.open(source, options)
        suffix = os.path.splitext(store.root)[1].lower()  # noqa: PTH122  of a URL
        before = len(found.photos)
        try:
            is_folder = store.fs.isdir(store.root)
            is_there = is_folder or store.fs.exists(store.root)
        except Exception as error:  # of any store's library
            raise UsageError(f"{source} cannot be opened: {first_line(error)}.") from error
        if not is_there:
            raise UsageError(f"{source} is no folder, photo, archive or list that is there.")
        if is_folder:
            if store.url() == destination:
                raise UsageError(f"Results would lie among the photos of {source}: give another -o.")
            own = store.root.rpartition("/")[2] if len(sources) > 1 else ""
            _add_folder(found, store, own, recursive, destination)
        elif suffix in LISTS:
            found.photos += _in_list(source, column, options)
        elif _is_wanted(store.root):
            folder, _, name = store.root.rpartition("/")
            if store.fs.info(store.root)["type"] == "other":
                raise UsageError(f"{source} is a pipe or a device, which may never end: give a file.")
            file = Store(store.fs, folder).find(name)
            found.photos.append(Photo(store.url(), name, file.version if file else ""))
        else:
            raise UsageError(
                unsupported.refusal(Path(source))
                or f"{source} is no folder, photo, archive ({ARCHIVE}) or list ({', '.join(LISTS)})."
            )
        if len(found.photos) == before:
            told = [*unsupported.advice(found.unreadable, raw_kinds.HINT), *map(str, found.closed)]
            hint = "" if recursive or not is_folder else "; --recursive looks into its sub-folders"
            raise UsageError(" ".join([f"{source} holds no photos{hint}.", *told]))
    return found


def _add_folder(found: Found, store: Store, own: str, recursive: bool, destination: str) -> None:
    """own: a folder for its results in the destination."""
    for file in store.files(recursive, found.closed.append):
        *folders, name = file.name.split("/")
        is_result = bool(destination) and store.url(file.name).startswith(f"{destination}/")
        if is_result or NOT_PHOTOS & set(folders):
            continue
        if ".." in folders:  # a name like any other in an object store
            raise UsageError(f"{store.url(file.name)} would lead out of -o by '..': rename it.")
        if _is_wanted(name):
            found.photos.append(Photo(store.url(file.name), f"{own}/{file.name}".lstrip("/"), file.version))
        elif is_unreadable(Path(name)):
            found.unreadable.append(Path(file.name))


def _in_list(source: str, column: str | None, options: StorageOptions) -> Iterator[Photo]:
    """Relative names are looked for beside the list; results are called by what differs in the names."""
    urls = _column(source, column, options)
    here = source.rpartition("/")[0]
    whole = [url if "://" in url or os.path.isabs(url) else os.path.join(here, url) for url in urls]  # noqa: PTH117, PTH118
    paths = [url.partition("://")[2] if "://" in url else os.path.abspath(url) for url in whole]  # noqa: PTH100
    folders = [path.rpartition("/")[0] for path in paths]
    common = os.path.commonpath(folders) if len({path[:1] == "/" for path in paths}) == 1 else ""
    for url, path in zip(whole, paths, strict=True):
        name = path.removeprefix(common).lstrip("/")
        if ".." in name.split("/"):
            raise UsageError(f"{url} leads out of its folder by '..': name the place itself.")
        yield Photo(url, name)


def _column(source: str, column: str | None, options: StorageOptions) -> list[str]:
    """Raises UsageError for a list that cannot be read, or a column that is not there."""
    store = Store.open(source.rpartition("/")[0] or ".", options)
    try:
        data = store.read(source.rpartition("/")[2])
        if source.lower().endswith(".txt"):
            return [line.strip() for line in data.decode().splitlines() if line.strip()]
        pandas = optional("pandas", "ray")
        read = pandas.read_parquet if source.lower().endswith(".parquet") else pandas.read_csv
        table = read(io.BytesIO(data))
    except (OSError, ValueError) as error:
        raise UsageError(f"{source} cannot be read: {first_line(error)}.") from error
    names = [str(name) for name in table.columns]
    wanted = [column] if column else [*COLUMNS, *names] if len(names) == 1 else COLUMNS
    chosen = next((name for name in wanted if name in names), None)
    if chosen is None:
        raise UsageError(f"{source} has no column {wanted[0]}; --column takes one of {', '.join(names)}.")
    return [str(value) for value in table[chosen].dropna()]


def _is_wanted(name: str) -> bool:
    return is_readable(Path(name)) or name.lower().endswith(ARCHIVE)
