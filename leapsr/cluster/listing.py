"""What is to be upscaled: photos and archives of photos in folders and object stores, or named by a list."""

import io
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..data.listing import NOT_PHOTOS
from ..errors import UsageError, first_line, optional
from ..pictures.picture import READABLE_SUFFIXES
from .store import StorageOptions, Store

ARCHIVE = ".tar"
"""Of a webdataset: a tar file of samples."""
LISTS = (".parquet", ".csv", ".txt")
COLUMNS = ("path", "url", "file", "image")
"""Of a list, unless another one is named; else its only column."""


class Photo(NamedTuple):
    """A photo or an archive. url: where it lies. name: what it is called below its source, with slashes.
    version: see StoredFile."""

    url: str
    name: str
    version: str = ""

    @property
    def is_archive(self) -> bool:
        return self.name.lower().endswith(ARCHIVE)


def photos(
    sources: Sequence[str],
    recursive: bool,
    column: str | None,
    options: StorageOptions,
    destination: str = "",
) -> Iterator[Photo]:
    """Of each source: a folder, a photo, an archive, or a list (.parquet, .csv, .txt) of any of these.

    destination: the folder of results, which are no photos.
    Raises UsageError for a source that is not there, holds nothing, or is the destination.
    """
    several = len(sources) > 1
    for source in sources:
        store = Store.open(source, options)
        suffix = os.path.splitext(store.root)[1].lower()  # noqa: PTH122  of a URL
        try:
            is_folder = store.fs.isdir(store.root)
        except Exception as error:  # of any store's library
            raise UsageError(f"{source} cannot be opened: {first_line(error)}.") from error
        if is_folder:
            if store.url() == destination:
                raise UsageError(f"Results would lie among the photos of {source}: give another -o.")
            found = _in_folder(store, recursive, destination)
        elif suffix in LISTS:
            found = _in_list(source, column, options)
        elif suffix in READABLE_SUFFIXES or suffix == ARCHIVE:
            folder, _, name = store.root.rpartition("/")
            found = _one(Store(store.fs, folder), name)
        else:
            raise UsageError(
                f"{source} is no folder, photo, archive ({ARCHIVE}) or list ({', '.join(LISTS)})."
            )
        own = store.root.rpartition("/")[2] if several and is_folder else ""
        count = 0
        for photo in found:
            count += 1
            yield photo._replace(name=f"{own}/{photo.name}".lstrip("/"))
        if not count:
            hint = "" if recursive or not is_folder else "; --recursive looks into its sub-folders"
            raise UsageError(f"{source} holds no photos{hint}.")


def _in_folder(store: Store, recursive: bool, destination: str = "") -> Iterator[Photo]:
    for file in store.files(recursive):
        *folders, name = file.name.split("/")
        is_result = bool(destination) and store.url(file.name).startswith(f"{destination}/")
        if _is_wanted(name) and not is_result and not NOT_PHOTOS & set(folders):
            yield Photo(store.url(file.name), file.name, file.version)


def _one(store: Store, name: str) -> Iterator[Photo]:
    if file := store.find(name):
        yield Photo(store.url(name), name, file.version)


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
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122  of a URL
    return suffix in READABLE_SUFFIXES or suffix == ARCHIVE
