"""The application: the page at /, the API below /v1."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.staticfiles import StaticFiles

from .. import __version__
from . import problems, routes, routes_of_requests
from .config import Config
from .dependencies import described
from .guard import Guard, Tokens
from .metrics import Metrics
from .on_ray import RayPool
from .service import Service

PAGE = Path(__file__).parent / "page"


def create_app(config: Config, tokens: Tokens | None = None, cluster: RayPool | None = None) -> FastAPI:
    """tokens: None asks for none. cluster: see `Service`. Raises OutputError where the folder of the data
    cannot be used."""
    service, metrics, tokens = Service(config, cluster), Metrics(), tokens or Tokens({})

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()

    app = FastAPI(
        title="leapsr",
        version=__version__,
        description="Small, damaged photos made large and clean. Errors are problem documents (RFC 9457).",
        lifespan=lifespan,
        docs_url=None,  # they would load scripts from another host
        redoc_url=None,
        responses=described(401, 403, 422),
        generate_unique_id_function=lambda route: route.name,  # the names of a generated client's functions
        form_limits={"max_files": 1, "max_fields": 40, "max_part_size": 4096},
    )
    app.state.service, app.state.metrics, app.state.tokens = service, metrics, tokens
    app.add_middleware(
        Guard,
        limits=config.limits,
        hosts=config.hosts,
        tokens=tokens,
        check_room=service.check_room,
        answered=metrics.answered,
    )
    problems.install(app)
    app.include_router(routes_of_requests.router)
    app.include_router(routes.router)
    app.mount("/", GZipMiddleware(StaticFiles(directory=PAGE, html=True)), name="page")
    return app
