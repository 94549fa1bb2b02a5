"""What the routes share: the service, who asks, and the request that an address names."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request

from . import problems
from .problems import ProblemDocument
from .service import Service
from .store import Entry
from .uploads import Client

Answers = dict[int | str, dict[str, Any]]


def described(*statuses: int) -> Answers:
    """For the OpenAPI file: problem documents with these statuses."""
    schema = {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {problems.MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def client_of(request: Request) -> Client:
    client: Client = request.state.client
    return client


Served = Annotated[Service, Depends(service_of)]
Asking = Annotated[Client, Depends(client_of)]


async def entry_of(service: Served, client: Asking, request_id: str) -> Entry:
    """Raises Problem."""
    return await service.find(request_id, client)


async def gone(request: Request) -> None:
    """Return once the client has gone. Its body has to be read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


Known = Annotated[Entry, Depends(entry_of)]
