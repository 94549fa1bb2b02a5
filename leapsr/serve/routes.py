"""The rest of the API: for clients that wait, models, downloads, and the state of the server."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.background import BackgroundTask
from zipstream import ZipStream

from ..hub import catalog
from ..restorer import read_config
from .answers import Health, ModelCard, ModelList, Upscaled
from .config import Config
from .dependencies import Asking, Served, described, gone
from .downloads import StoredFile
from .guard import TOKEN_COOKIE, Tokens
from .instant import check_sample
from .metrics import MEDIA_TYPE, Metrics
from .options import MEDIA_TYPES, PreviewForm, QueuedWanted, UpscaleForm
from .problems import Problem, given_up, not_found
from .store import Entry

router = APIRouter()

ZIPPED = 1000
_PICTURE = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "/v1/images/upscale",
    tags=["images"],
    response_class=Response,
    responses={
        200: {"model": Upscaled, "content": {"image/*": _PICTURE}},
        **described(413, 422, 429, 503, 504, 507),
    },
)
async def upscale_image(
    request: Request,
    service: Served,
    client: Asking,
    form: Annotated[UpscaleForm, Form(media_type="multipart/form-data")],
    accept: Annotated[str, Header()] = "*/*",
) -> Response:
    """Send a photo and wait for the result: the file, or JSON where Accept prefers that."""
    wanted = QueuedWanted.model_validate(form.model_dump(include=set(QueuedWanted.model_fields)))
    async with service.uploaded(form.image.file, form.image.filename) as upload:
        entry, _ = await service.add(client, upload, wanted, held=True)
    watch = asyncio.ensure_future(gone(request))
    watch.add_done_callback(lambda _: service.changed(entry.id))
    try:
        async with aclosing(service.states(entry.id)) as states:
            async for now in states:
                entry = now or entry
                if watch.done():
                    raise given_up()
        if entry.status == "running":  # the server is stopping and lets it end
            entry = await service.finished(entry)
        if entry.status != "done":
            raise _failure(entry)
    except BaseException:
        await service.remove(entry)
        raise
    finally:
        watch.cancel()
    path, name = service.store.result_path(entry), entry.result_name()
    clean = BackgroundTask(service.remove, entry)
    media_type = MEDIA_TYPES[path.suffix.lower()]
    if "application/json" in accept and "image/" not in accept:
        return StreamingResponse(
            _as_json(entry, path, name, media_type), media_type="application/json", background=clean
        )
    return StoredFile(path, media_type=media_type, filename=name, background=clean)


def _failure(entry: Entry) -> Problem:
    error = entry.error
    if error is None:
        return Problem(503, "The server is stopping; try again in a minute.", "Stopping")
    return Problem(error["status"], error["detail"], error["code"])


def _as_json(entry: Entry, path: Path, name: str, media_type: str) -> Iterator[bytes]:
    """An `Upscaled`, without the whole of it in memory."""
    assert entry.result is not None
    about = {"name": name, "media_type": media_type, "width": entry.result["width"]}
    about |= {"height": entry.result["height"]}
    yield json.dumps(about).removesuffix("}").encode() + b', "data": "'
    with path.open("rb") as file:
        while data := file.read(3 << 18):
            yield base64.b64encode(data)
    yield b'"}'


@router.post(
    "/v1/preview",
    tags=["images"],
    response_class=Response,
    responses={200: {"content": {"image/webp": _PICTURE}}, **described(413, 422, 503, 507)},
)
async def preview_image(
    request: Request,
    service: Served,
    client: Asking,
    form: Annotated[PreviewForm, Form(media_type="multipart/form-data")],
) -> Response:
    """The whole photo as it will look on a screen, at once. Where the result is larger than the screen, a
    reduced copy of the photo is restored."""
    async with service.uploaded(form.image.file, form.image.filename) as upload:
        try:
            picture = await service.instant.preview(upload, form, partial(gone, request))
        finally:
            await service.store.run(service.store.remove, upload.request_id)
    return Response(picture, media_type="image/webp")


async def _kept(
    service: Served,
    client: Asking,
    ids: Annotated[
        str,
        Query(description="Of requests that are done, with commas between; ID:2 is sample 2 of one only."),
    ] = "",
    all_done: Annotated[bool, Query(description="Also all of your other requests that are done.")] = False,
) -> AsyncIterator[list[str]]:
    """Each of the ids. What they name does not expire until the answer has been sent."""
    wanted = list(dict.fromkeys(ids.split(",")))[:ZIPPED] if ids or not all_done else []
    if all_done:
        named = {each.partition(":")[0] for each in wanted}
        entries = await service.store.run(service.store.of_owner, client.owner)
        wanted += [each.id for each in reversed(entries) if each.status == "done" and each.id not in named]
    with service.kept(each.partition(":")[0] for each in wanted):
        yield wanted


@router.get(
    "/v1/archive",
    tags=["requests"],
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": _PICTURE}}, **described(404, 409)},
)
async def get_archive(
    service: Served, client: Asking, wanted: Annotated[list[str], Depends(_kept)]
) -> StreamingResponse:
    """The results of several requests, in one zip."""
    archive, names = ZipStream(sized=True), set[str]()
    for each in wanted:
        request_id, _, picked = each.partition(":")
        entry = await service.find(request_id, client)
        check_sample(entry, int(picked) if _is_sample(picked) else 0)
        assert entry.result is not None
        for sample in [int(picked)] if _is_sample(picked) else range(entry.result["samples"]):
            name = _distinct(entry.result_name(sample), names)
            try:
                archive.add_path(service.store.result_path(entry, sample), name)
            except OSError:
                raise not_found() from None  # it has been removed meanwhile
    headers = {
        "Content-Disposition": 'attachment; filename="leapsr.zip"',
        "Content-Length": str(len(archive)),
    }
    return StreamingResponse(archive, media_type="application/zip", headers=headers)


def _distinct(name: str, taken: set[str]) -> str:
    """The name, with a number where it is taken; case does not tell names apart."""
    path, count, found = Path(name), 1, name
    while found.casefold() in taken:
        count += 1
        found = f"{path.stem} ({count}){path.suffix}"
    taken.add(found.casefold())
    return found


@router.get("/v1/models", tags=["models"])
def list_models(service: Served) -> ModelList:
    """The models that can be asked for."""
    config = service.config
    default = catalog.default_name(config.model_dir)
    return ModelList(models=[_card(name, config, default) for name in catalog.names(config.model_dir)])


def _card(name: str, config: Config, default: str) -> ModelCard:
    folder = catalog.find(name, config.model_dir)
    found, readme = catalog.summary(folder), folder / catalog.CARD
    packaged = folder.parent == catalog.PACKAGED and name in catalog.PURPOSES
    seconds, purpose = catalog.PURPOSES[name] if packaged else (None, found.method or "")
    return ModelCard(
        name=name,
        purpose=purpose,
        scale=found.scale,
        licence=found.licence or (catalog.LICENCE if packaged else None),
        fidelity=found.fidelity,
        seconds_per_megapixel=None if seconds is None else float(seconds),
        reads_noise=read_config(folder).network.reads_damage,
        is_default=name == default,
        card=readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else "",
    )


class Session(BaseModel):
    token: str


@router.post("/v1/session", tags=["server"], status_code=204, responses=described(401, 413, 429))
async def start_session(request: Request, client: Asking, session: Session, response: Response) -> None:
    """Let a browser remember a token, in a cookie that no script can read."""
    tokens: Tokens = request.app.state.tokens
    if tokens:
        tokens.check(session.token, client.address)
    secure = request.url.scheme == "https"
    response.set_cookie(TOKEN_COOKIE, session.token, httponly=True, samesite="strict", secure=secure)


class LimitsHere(BaseModel):
    """upload_bytes: of a file. source_pixels: of a photo. result_side, result_pixels: of a result.
    waiting_of_client: requests that wait. keep_seconds: until what is done expires."""

    upload_bytes: int
    source_pixels: int
    result_side: int
    result_pixels: int
    steps: int
    samples: int
    waiting_of_client: int
    keep_seconds: float


@router.get("/v1/limits", tags=["server"])
async def get_limits(service: Served) -> LimitsHere:
    """What this server takes."""
    return LimitsHere.model_validate(service.limits, from_attributes=True)


@router.head("/health", include_in_schema=False)
@router.get("/health", tags=["server"])
async def get_health() -> Health:
    """That the server answers."""
    return Health(status="ok")


@router.head("/ready", include_in_schema=False)
@router.get("/ready", tags=["server"], responses={503: {"model": Health}})
async def get_ready(service: Served, response: Response) -> Health:
    """That it takes requests."""
    if not service.is_ready:
        response.status_code = 503
    return Health(status="ok" if service.is_ready else "starting")


@router.get(
    "/metrics", tags=["server"], response_class=Response, responses={200: {"content": {"text/plain": {}}}}
)
async def get_metrics(request: Request, service: Served) -> Response:
    """For Prometheus."""
    metrics: Metrics = request.app.state.metrics
    return Response(await metrics.text(service), media_type=MEDIA_TYPE)


def _is_sample(text: str) -> bool:
    return text.isdecimal() and len(text) < 5
