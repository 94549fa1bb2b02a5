"""Problem documents (RFC 9457), with the sentences that the command line says."""

import errno
import logging
import sqlite3
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from ..errors import DiskFull, LeapsrError, WeightsError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_FULL = "The disk of the server is full; delete results that are no longer needed, or try again later."


class ProblemDocument(BaseModel):
    """What went wrong. detail: one sentence that says what to do next. code: the kind, for programs."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str


class Problem(Exception):
    """An answer that is a problem document."""

    def __init__(self, status: int, detail: str, code: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.headers = status, code, headers or {}

    @property
    def document(self) -> dict[str, Any]:
        title = HTTPStatus(self.status).phrase
        found = ProblemDocument(title=title, status=self.status, detail=str(self), code=self.code)
        return found.model_dump()

    def response(self) -> JSONResponse:
        return JSONResponse(self.document, self.status, self.headers, media_type=MEDIA_TYPE)


def of_error(error: Exception) -> Problem:
    """The problem that an error of leapsr or of the disk is."""
    code = type(error).__name__
    match error:
        case Problem():
            return error
        case DiskFull():
            return Problem(HTTPStatus.INSUFFICIENT_STORAGE, _FULL, code)
        case WeightsError():
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "This model cannot be loaded here.", code)
        case LeapsrError():
            return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), code)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT) | sqlite3.Error(sqlite_errorcode=sqlite3.SQLITE_FULL):
            return Problem(HTTPStatus.INSUFFICIENT_STORAGE, _FULL, "DiskFull")
        case _:
            logger.error("A request failed: %r", error, exc_info=error)
            return Problem(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "The server failed at this request; its log says why.",
                "InternalError",
            )


def later(seconds: int) -> dict[str, str]:
    """The header that says when to ask again."""
    return {"Retry-After": str(seconds)}


def given_up() -> Problem:
    """Which nobody reads."""
    return Problem(408, "Nobody waits for this any more.", "GivenUp")


def not_found(request_id: str = "") -> Problem:
    which = f" {request_id}" if request_id else ""
    return Problem(404, f"There is no request{which}, or it has expired; send the photo again.", "NotFound")


def _of_http(error: HTTPException) -> Problem:
    code = HTTPStatus(error.status_code).phrase.replace(" ", "")
    detail = {
        404: "There is nothing at this address; /openapi.json lists what there is.",
        405: "This address does not take that method; /openapi.json lists what it takes.",
    }.get(error.status_code, str(error.detail))
    return Problem(error.status_code, detail, code, dict(error.headers or {}))


def _of_validation(error: RequestValidationError) -> Problem:
    """One sentence on the first field that is wrong."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    message = str(first["msg"]).removeprefix("Value error, ")
    return Problem(422, f"{place}: {message[0].lower()}{message[1:].rstrip('.')}.", "InvalidField")


def install(app: FastAPI) -> None:
    """Answer every error with a problem document."""

    def answer(_: Request, error: Exception) -> JSONResponse:
        match error:
            case HTTPException(__cause__=Problem() as problem):  # of a body that is read within its limits
                return problem.response()
            case HTTPException(__cause__=OSError() as cause):  # a form that could not be put on the disk
                return of_error(cause).response()
            case HTTPException():
                return _of_http(error).response()
            case RequestValidationError():
                return _of_validation(error).response()
            case _:
                return of_error(error).response()

    kinds = (Problem, LeapsrError, HTTPException, RequestValidationError, OSError, sqlite3.Error, Exception)
    for kind in kinds:
        app.add_exception_handler(kind, answer)
