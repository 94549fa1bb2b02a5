"""A real server on a port of its own, with a tiny model."""

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.conftest import picture_array

for needed in ("fastapi", "uvicorn", "prometheus_client", "zipstream", "pyvips"):
    pytest.importorskip(needed, reason=f"the server needs {needed}")

from leapsr.serve.app import create_app
from leapsr.serve.config import Config, Limits
from leapsr.serve.guard import Tokens
from leapsr.serve.on_ray import RayPool
from leapsr.serve.server import Server
from leapsr.serve.service import Service

SECONDS = 240.0
"""Of patience: a machine that does much else is slow to start processes."""


@dataclass
class Served:
    """address: as http://127.0.0.1:8000. http: a client with that address."""

    address: str
    http: httpx.Client
    service: Service
    folder: Path

    def post(
        self, data: bytes, name: str = "a.png", path: str = "/v1/requests", **fields: Any
    ) -> httpx.Response:
        headers = fields.pop("headers", {})
        form = {key: str(value) for key, value in fields.items()}
        return self.http.post(path, files={"image": (name, data)}, data=form, headers=headers)

    def done(self, data: bytes, name: str = "a.png", **fields: Any) -> dict[str, Any]:
        """The status of a request that has ended."""
        answer = self.post(data, name, **fields)
        assert answer.status_code == 201, answer.text
        return self.wait(answer.json()["id"])

    def wait(self, request_id: str, *statuses: str) -> dict[str, Any]:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            status: dict[str, Any] = self.http.get(f"/v1/requests/{request_id}").json()
            if status["status"] in (statuses or ("done", "failed", "cancelled")):
                return status
            time.sleep(0.02)
        raise AssertionError(status)


Start = Callable[..., AbstractContextManager[Served]]


@contextmanager
def running(
    folder: Path,
    model_dir: Path,
    tokens: Tokens | None = None,
    cluster: RayPool | None = None,
    **settings: Any,
) -> Iterator[Served]:
    limits = {name: settings.pop(name) for name in list(settings) if name in Limits.__dataclass_fields__}
    config = Config(folder, model_dir=model_dir, threads=1, limits=Limits(**limits), **settings)
    app, started, address = create_app(config, tokens, cluster), threading.Event(), list[str]()

    def listens(at: str) -> None:
        address.append(at.rstrip("/"))
        started.set()

    server = Server(app, "127.0.0.1", 0, listens)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(SECONDS)
        with httpx.Client(base_url=address[0], timeout=SECONDS) as http:
            yield Served(address[0], http, app.state.service, folder)
    finally:
        app.state.service.closing.set()
        server.should_exit = True
        thread.join(SECONDS)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Served]:
    """One for all tests that change nothing of it."""
    with running(tmp_path_factory.mktemp("data"), tiny_model.parent) as server:
        yield server


@pytest.fixture
def start(tmp_path: Path, tiny_model: Path) -> Start:
    """Start one with settings of its own."""
    return lambda **settings: running(
        settings.pop("folder", tmp_path / "data"), tiny_model.parent, **settings
    )


def encoded(height: int = 24, width: int = 37, kind: str = "PNG", seed: int = 0, **options: Any) -> bytes:
    """A small photo as a file."""
    file = io.BytesIO()
    Image.fromarray(picture_array(height, width, seed)).save(file, kind, **options)
    return file.getvalue()


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
