"""What is to be upscaled: photos and archives of photos in folders and object stores, or named by a list."""

import io
import os
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..batch.jobs import identity, is_readable, is_unreadable
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
            own = store.root.rpartition("/")[2] if len(sources) > 1 else ""
            if any(_is_same(store.url(), place) for place in (destination, f"{destination}/{own}")):
                raise UsageError(f"Results would lie among the photos of {source}: give another -o.")
            _add_folder(found, store, own, recursive, destination)
        elif suffix in LISTS:
            urls, place = _column(store, source, column), store.url()
            here = Path(place).parent.as_posix() if store.is_local else place.rpartition("/")[0]
            found.photos += _in_list(urls, here)
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

    @cache
    def is_of_results(folder: str) -> bool:
        """Whether a sub-folder is the destination, or lies in it."""
        above = folder.rpartition("/")[0]
        return bool(folder) and (_is_same(store.url(folder), destination) or is_of_results(above))

    for file in store.files(recursive, found.closed.append):
        *folders, name = file.name.split("/")
        if is_of_results("/".join(folders)) or NOT_PHOTOS & set(folders):
            continue
        if ".." in folders:  # a name like any other in an object store
            raise UsageError(f"{store.url(file.name)} would lead out of -o by '..': rename it.")
        if _is_wanted(name):
            found.photos.append(Photo(store.url(file.name), f"{own}/{file.name}".lstrip("/"), file.version))
        elif is_unreadable(Path(name)):
            found.unreadable.append(Path(file.name))


def _is_same(one: str, other: str) -> bool:
    """Whether two addresses are of one folder, on a disk by whatever name. other: "" is none."""
    if one == other or not other or "://" in one + other:
        return one == other
    known = identity(Path(one))
    return known is not None and known == identity(Path(other))


def _in_list(urls: Sequence[str], here: str) -> Iterator[Photo]:
    """here: the folder of the list, where relative names are looked for. Results are called by what differs
    in the names."""
    whole = [_whole(url, here) for url in urls]
    paths = [PurePosixPath("/", _path(url).lstrip("/")) for url in whole]
    common = posixpath.commonpath([path.parent for path in paths]) if paths else "/"
    for url, path in zip(whole, paths, strict=True):
        name = path.relative_to(common)
        if ".." in name.parts:
            raise UsageError(f"{url} leads out of its folder by '..': name the place itself.")
        yield Photo(url, name.as_posix())


def _whole(url: str, here: str) -> str:
    """With slashes on every system."""
    if url.startswith("file://"):
        return Store.open(url, {}).url()
    if "://" in url:
        return url
    if "://" in here and not os.path.isabs(url):  # noqa: PTH117
        return f"{here}/{url}"
    return Path(here, url).as_posix()


def _path(url: str) -> str:
    """Without the protocol; on Windows the drive is a folder."""
    if "://" in url:
        return url.partition("://")[2]
    drive, rest = os.path.splitdrive(os.path.abspath(url))  # noqa: PTH100
    return Path(drive.rstrip(":") + rest).as_posix()


def _column(store: Store, source: str, column: str | None) -> list[str]:
    """store: the list. Raises UsageError for one that cannot be read, a column that is not there or holds
    anything but text, and a first line that is no heading."""
    try:
        data = store.fs.cat_file(store.root)
        if source.lower().endswith(".txt"):
            return [line.strip() for line in data.decode().splitlines() if line.strip()]
        pandas = optional("pandas", "ray")
        read = pandas.read_parquet if source.lower().endswith(".parquet") else pandas.read_csv
        table = read(io.BytesIO(data))
    except (OSError, ValueError) as error:
        raise UsageError(f"{source} cannot be read: {first_line(error)}.") from error
    names = [str(name) for name in table.columns]
    if len(names) == 1 and column is None and (_is_wanted(names[0]) or is_unreadable(Path(names[0]))):
        raise UsageError(
            f"The first line of {source} is {names[0]}, where the name of the column belongs: put the line "
            f"'{COLUMNS[0]}' above it, or call the list .txt."
        )
    wanted = [column] if column else [*COLUMNS, *names] if len(names) == 1 else COLUMNS
    chosen = next((name for name in wanted if name in names), None)
    if chosen is None:
        raise UsageError(f"{source} has no column {wanted[0]}; --column takes one of {', '.join(names)}.")
    values = list(table[chosen].dropna())
    if (other := next((value for value in values if not isinstance(value, str)), None)) is not None:
        raise UsageError(
            f"The column {chosen} of {source} holds {type(other).__name__}, not paths: --column names "
            "another, or write the pictures into files first."
        )
    return values


def _is_wanted(name: str) -> bool:
    return is_readable(Path(name)) or name.lower().endswith(ARCHIVE)
