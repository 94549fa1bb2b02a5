"""Files of requests as answers: in parts, only if they are new, and while requests are removed."""

import asyncio
import os

from fastapi.responses import FileResponse
from starlette.datastructures import Headers
from starlette.responses import MalformedRangeHeader, RangeNotSatisfiable
from starlette.types import Receive, Scope, Send

from .problems import Problem, not_found


class StoredFile(FileResponse):
    """Also answers If-None-Match (RFC 9110, 13.1.2). Raises Problem where the request was removed meanwhile,
    and for a Range beyond the end; one that is none counts for nothing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            scope = await self._asked(scope)
        except Problem:
            if self.background is not None:
                await self.background()
            raise
        await super().__call__(scope, receive, send)

    async def _asked(self, scope: Scope) -> Scope:
        """What is to be answered: without the file where the client has it, without a Range that is none."""
        try:
            self.stat_result = await asyncio.to_thread(os.stat, self.path)
        except FileNotFoundError:
            raise not_found() from None
        self.set_stat_headers(self.stat_result)
        headers, size = Headers(scope=scope), self.stat_result.st_size
        known = headers.get("if-none-match", "").split(",")
        if self.headers["etag"] in (each.strip().removeprefix("W/") for each in known):
            self.status_code = 304
            return {**scope, "method": "HEAD"}
        counts = scope["method"] in ("GET", "HEAD") and (
            (tag := headers.get("if-range")) is None or self._should_use_range(tag)
        )
        if counts and (wanted := headers.get("range")) is not None and self.status_code == 200:
            try:
                self._parse_range_header(wanted, size)
            except MalformedRangeHeader:
                return {**scope, "headers": [each for each in scope["headers"] if each[0] != b"range"]}
            except RangeNotSatisfiable:
                raise Problem(
                    416,
                    f"The file has {size} bytes; ask for others, or for all of it.",
                    "RangeNotSatisfiable",
                    {"Content-Range": f"bytes */{size}"},
                ) from None
        return scope
