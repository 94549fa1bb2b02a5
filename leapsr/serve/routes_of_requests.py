"""/v1/requests: the queue, for clients that do not wait."""

import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Header, Query, Request, Response
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from . import webhook
from .answers import RequestList, RequestStatus
from .dependencies import Asking, Known, Served, described, gone
from .downloads import StoredFile
from .instant import check_sample
from .options import MEDIA_TYPES, Part, RequestForm
from .pyramid import Place

router = APIRouter(prefix="/v1/requests", tags=["requests"])

LISTED = 500
"""Requests of a client that are told at once."""
_WAIT = re.compile(r"\bwait=(\d{1,6})\b")
_PICTURE: dict[str, Any] = {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}
_CACHED = {"Cache-Control": "private, max-age=86400, immutable"}


@router.post("", status_code=201, responses=described(409, 413, 422, 429, 503, 507))
async def create_request(
    service: Served,
    client: Asking,
    form: Annotated[RequestForm, Form(media_type="multipart/form-data")],
    response: Response,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    prefer: Annotated[str | None, Header(description="Such as wait=10, in seconds.")] = None,
) -> RequestStatus:
    """Put a photo into the queue. An Idempotency-Key that came in the last 24 hours gives the request that
    came with it then."""
    webhook.check(form.webhook, service.config.webhook_hosts)
    async with service.uploaded(form.image.file, form.image.filename) as upload:
        entry, is_new = await service.add(client, upload, form, key=idempotency_key, webhook=form.webhook)
    response.headers["Location"] = f"/v1/requests/{entry.id}"
    if not is_new:
        response.headers["Idempotent-Replayed"] = "true"
    if (found := _WAIT.search(prefer or "")) is not None:
        entry = await service.ended(entry.id, min(int(found[1]), service.limits.held_seconds))
        response.headers["Preference-Applied"] = found[0]
    return RequestStatus.model_validate(service.status(entry))


@router.get("", responses=described(404))
async def list_requests(
    service: Served,
    client: Asking,
    before: Annotated[
        str | None, Query(description="`next` of another list: those that are older than all of it.")
    ] = None,
) -> RequestList:
    """This client's requests, newest first, 500 at once."""
    last = None if before is None else await service.find(before, client)
    entries = await service.store.run(service.store.of_owner, client.owner, LISTED, last)
    return RequestList(
        requests=[RequestStatus.model_validate(service.status(entry)) for entry in entries],
        next=entries[-1].id if len(entries) == LISTED else None,
    )


@router.get("/{request_id}", responses=described(404))
async def get_request(service: Served, entry: Known) -> RequestStatus:
    """How far a request is."""
    return RequestStatus.model_validate(service.status(entry))


@router.put("/{request_id}/cancel", responses=described(404, 409))
async def cancel_request(service: Served, entry: Known) -> RequestStatus:
    """End it, whether it waits or runs."""
    return RequestStatus.model_validate(service.status(await service.cancel(entry)))


@router.post("/{request_id}/retry", responses=described(404, 409, 429, 503))
async def retry_request(service: Served, entry: Known) -> RequestStatus:
    """Put one that failed or was cancelled into the queue again."""
    return RequestStatus.model_validate(service.status(await service.retry(entry)))


@router.delete("/{request_id}", status_code=204, responses=described(404))
async def delete_request(service: Served, entry: Known) -> None:
    """Remove it with all its files."""
    await service.remove(entry)


@router.head("/{request_id}/result", include_in_schema=False)
@router.get(
    "/{request_id}/result", response_class=FileResponse, responses={200: _PICTURE, **described(404, 409)}
)
async def get_result(
    service: Served,
    entry: Known,
    sample: Annotated[int, Query(ge=0, description="Of several results, counted from 0.")] = 0,
) -> StoredFile:
    """The file, under the name that the command line gives it."""
    check_sample(entry, sample)
    path = service.store.result_path(entry, sample)
    return StoredFile(path, media_type=MEDIA_TYPES[path.suffix.lower()], filename=entry.result_name(sample))


@router.head("/{request_id}/source", include_in_schema=False)
@router.get("/{request_id}/source", response_class=FileResponse, responses={200: _PICTURE, **described(404)})
async def get_source(service: Served, entry: Known) -> StoredFile:
    """The photo that was sent."""
    return StoredFile(
        service.store.source_path(entry),
        media_type=MEDIA_TYPES.get(entry.source["suffix"].lower(), "application/octet-stream"),
        filename=entry.source["name"],
    )


@router.get("/{request_id}/events", response_class=EventSourceResponse, responses=described(404))
async def watch_request(service: Served, entry: Known) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `status`, with what GET tells, at every change, until it has ended; `gone` when it
    was removed."""
    async for now in service.states(entry.id):
        if now is None:
            yield ServerSentEvent(event="gone", data={"id": entry.id})
        else:
            yield ServerSentEvent(event="status", data=service.status(now))


@router.head("/{request_id}/tiles/{level}/{x}/{y}", include_in_schema=False)
@router.get(
    "/{request_id}/tiles/{level}/{x}/{y}",
    response_class=FileResponse,
    responses={200: _PICTURE, **described(404, 409, 503, 507)},
)
async def get_tile(
    service: Served,
    entry: Known,
    level: int,
    x: int,
    y: int,
    of: Literal["result", "source", "detail"] = "result",
    sample: Annotated[int, Query(ge=0)] = 0,
) -> StoredFile:
    """256 x 256 pixels, or fewer at the right and at the bottom. At level 0 the whole picture is one tile;
    each level doubles, up to the size of the result. x: column, y: row. Of the source and of the map of
    invented detail: enlarged to the size of the result."""
    path, media_type = await service.instant.tile(entry, of, sample, Place(level, x, y))
    return StoredFile(path, media_type=media_type, headers=_CACHED)


@router.post(
    "/{request_id}/region",
    responses={200: {"content": {"image/webp": {}}}, **described(404, 413, 422, 503)},
    response_class=Response,
)
async def make_region(request: Request, service: Served, entry: Known, part: Part) -> Response:
    """A part of the result with other settings, at once, ahead of the queue; in WebP, with the pixels that
    the whole would have."""
    found = await service.instant.part(entry, part, partial(gone, request))
    return Response(found, media_type="image/webp")
