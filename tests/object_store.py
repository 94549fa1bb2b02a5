"""An object store on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def bucket(name: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Its file system, with an empty bucket of that name, and the storage options that lead to it.

    The bucket goes at the end: all servers of one process share theirs.
    """
    server = pytest.importorskip("moto.server", reason="needs moto[server]")
    s3fs = pytest.importorskip("s3fs", reason="needs s3fs")
    store = server.ThreadedMotoServer("127.0.0.1", 0)
    store.start()
    try:
        host, port = store.get_host_and_port()
        storage = {"endpoint_url": f"http://{host}:{port}", "key": "a", "secret": "b"}
        files = s3fs.S3FileSystem(**storage)
        files.mkdir(name)
        try:
            yield files, storage
        finally:
            files.rm(name, recursive=True)
    finally:
        store.stop()
