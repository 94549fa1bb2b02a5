"""What stands before the API: who may ask, how much may be sent and how slowly, what a browser may do.

It refuses before a body is read.
"""

import asyncio
import hashlib
import hmac
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from ipaddress import ip_address
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import OutputError, UsageError
from ..files import atomic_write
from .config import Limits
from .problems import Problem
from .uploads import Client

logger = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=(self)",
}
COOKIE, TOKEN_COOKIE = "leapsr_client", "leapsr_token"
OPEN = ("/health", "/ready", "/v1/session")
"""Addresses below which no token is asked for; so is the page, which holds nothing of anybody."""
TAKING = ("/v1/requests", "/v1/images/upscale")
"""Where photos are put into the queue."""
FIELDS = 65_536
"""Bytes that everything but the photo may take."""
_CLIENT = re.compile(r"[\w-]{24}")


Answered = Callable[[str, str, int, float], None]


@dataclass
class Failures:
    """Wrong tokens of each address lately."""

    most: int = 20
    seconds: float = 60.0
    _times: dict[str, list[float]] = field(default_factory=dict)

    def add(self, address: str) -> None:
        now = time.monotonic()
        self._times = {who: late for who, times in self._times.items() if (late := self._recent(times, now))}
        self._times.setdefault(address, []).append(now)

    def are_many(self, address: str) -> bool:
        return len(self._recent(self._times.get(address, []), time.monotonic())) >= self.most

    def _recent(self, times: list[float], now: float) -> list[float]:
        return [each for each in times[-self.most :] if now - each < self.seconds]


class Tokens:
    """The names of clients by the hashes of their tokens, one `name:hash` a line of a file."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._hashes, self._failures = dict(hashes), Failures()

    def __bool__(self) -> bool:
        return bool(self._hashes)

    @classmethod
    def read(cls, path: Path) -> "Tokens":
        """Raises UsageError."""
        try:
            lines = path.read_text(encoding="utf-8").split()
        except OSError as error:
            raise UsageError(
                f"{path} cannot be read ({error.strerror}); 'leapsr serve --new-token NAME' makes one."
            ) from error
        pairs = [line.rpartition(":") for line in lines]
        if bad := [
            line
            for line, (name, _, value) in zip(lines, pairs, strict=True)
            if not name or not re.fullmatch("[0-9a-f]{64}", value)
        ]:
            raise UsageError(f"{path} has lines that are no name:hash, such as {bad[0][:20]!r}.")
        if not pairs:
            raise UsageError(
                f"{path} has no token, and without one everybody would be let in; 'leapsr serve --new-token "
                "NAME' adds one."
            )
        return cls({name: value for name, _, value in pairs})

    @staticmethod
    def add(path: Path, name: str) -> str:
        """A new token, which is stored nowhere; its hash is. Raises UsageError, OutputError."""
        if not re.fullmatch(r"[\w.@-]{1,64}", name):
            raise UsageError("A name is up to 64 letters, digits, and . @ - _.")
        known = Tokens.read(path)._hashes if path.exists() and path.read_bytes().strip() else {}
        token = token_urlsafe(32)
        lines = [f"{each}:{value}\n" for each, value in (known | {name: _hash(token)}).items()]
        try:
            with atomic_write(path) as part:
                part.chmod(0o600)
                part.write_text("".join(lines), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}.") from error
        return token

    def check(self, token: str, address: str) -> str:
        """Whose token it is. All are compared, each in constant time. address: where it comes from; whoever
        guesses there keeps nobody else out who shares it. Raises Problem; no token is no guess."""
        given, found = _hash(token), None
        for name, value in self._hashes.items():
            if hmac.compare_digest(given, value):
                found = name
        if found is not None:
            return found
        if token and self._failures.are_many(address):
            wait = {"Retry-After": "60"}
            raise Problem(429, "Too many wrong tokens; wait a minute.", "TooManyRequests", wait)
        if token:
            self._failures.add(address)
        raise Problem(
            401,
            "A token is needed here: send it as 'Authorization: Bearer TOKEN'.",
            "Unauthorized",
            {"WWW-Authenticate": "Bearer"},
        )


def _hash(token: str) -> str:
    """Of 256 random bits, which need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


class Guard:
    """Middleware."""

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        hosts: tuple[str, ...],
        tokens: Tokens,
        check_room: Callable[[Client], Awaitable[None]],
        answered: Answered,
    ) -> None:
        """check_room: raises Problem where no photo is taken from a client now. answered: told the method,
        route, status and seconds until the answer of each request."""
        self.app, self.limits, self.tokens = app, limits, tokens
        self.hosts = frozenset(_host_name(host) for host in hosts)
        self.check_room, self.answered = check_room, answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, cookie, begun = Headers(scope=scope), "", time.monotonic()

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                self.answered(scope["method"], route, message["status"], time.monotonic() - begun)
                given = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    given.setdefault(name, value)
                is_page = not scope["path"].startswith("/v1")  # which is asked for again when it has changed
                given.setdefault("Cache-Control", "no-cache" if is_page else "no-store")
                if cookie:
                    given.append("Set-Cookie", cookie)
            await send(message)

        body = _Body(receive, self.limits, self._most(scope, headers))
        try:
            self._check_length(scope, headers)  # first, as a body of two lengths may hold another request
            self._check_host(headers)
            self._check_origin(scope, headers)
            client = self._client(scope, headers)
            if isinstance(client, str):  # a browser that is new
                cookie = f"{COOKIE}={client}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000"
                client = Client(f"browser:{client}", _address(scope))
            scope.setdefault("state", {})["client"] = client
            if scope["method"] == "POST" and scope["path"] in TAKING:
                await self.check_room(client)
            await self.app(scope, body.receive, send_guarded)
        except Problem as problem:
            await problem.response()(scope, receive, send_guarded)
        except ClientDisconnect:
            pass

    def _check_host(self, headers: Headers) -> None:
        """Names that others have let point here are refused. Raises Problem."""
        if "*" not in self.hosts and _host_name(headers.get("host", "")) not in self.hosts:
            raise Problem(
                421,
                "This server does not answer under that name; its owner can allow it with --name.",
                "UnknownHost",
            )

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Pages of other sites may not ask. Raises Problem."""
        origin = headers.get("origin")
        own = origin is None or origin.partition("://")[2].lower() == headers.get("host", "").lower()
        if scope["method"] in ("GET", "HEAD", "OPTIONS") and not scope["path"].startswith("/v1"):
            return
        if not own or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Problem(403, "Pages of other sites may not use this server.", "OtherOrigin")

    def _client(self, scope: Scope, headers: Headers) -> Client | str:
        """Who asks, or a new cookie for a browser. Raises Problem."""
        address = _address(scope)
        cookies = _cookies(headers)
        if self.tokens:
            if not _needs_token(scope["path"]):
                return Client("nobody", address)
            kind, _, token = headers.get("authorization", "").partition(" ")
            token = token.strip() if kind.lower() == "bearer" else cookies.get(TOKEN_COOKIE, "")
            owner = f"token:{self.tokens.check(token, address)}"
            return Client(owner, owner)
        if _CLIENT.fullmatch(known := cookies.get(COOKIE, "")):
            return Client(f"browser:{known}", address)
        is_browser = "sec-fetch-site" in headers or "text/html" in headers.get("accept", "")
        return token_urlsafe(18) if is_browser else Client(f"address:{address}", address)

    def _check_length(self, scope: Scope, headers: Headers) -> None:
        """Raises Problem."""
        if (
            "content-length" in headers and "transfer-encoding" in headers
        ):  # of which proxies read another one
            raise Problem(400, "Give a length or chunks, not both.", "TwoLengths", {"Connection": "close"})
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 15 or int(length) > (most := self._most(scope, headers)):
            raise _too_long(most)

    def _most(self, scope: Scope, headers: Headers) -> int:
        """Bytes of a body. Only photos go to the disk as they come; the rest is read into memory."""
        is_form = scope["method"] == "POST" and scope["path"] in (*TAKING, "/v1/preview")
        is_form &= headers.get("content-type", "").lower().startswith("multipart/form-data")
        return self.limits.upload_bytes + FIELDS if is_form else FIELDS


class _Body:
    """The body of a request as it comes in, within its limits."""

    def __init__(self, receive: Receive, limits: Limits, most: int) -> None:
        self._receive, self._limits, self._most = receive, limits, most
        self._bytes, self._until = 0, time.monotonic() + limits.upload_seconds
        self._is_complete = False

    async def receive(self) -> Message:
        """Raises Problem for one that is too long or too slow."""
        if self._is_complete:  # now it waits for the end of the connection
            return await self._receive()
        left = min(self._limits.idle_seconds, self._until - time.monotonic())
        try:
            async with asyncio.timeout(max(0.0, left)):
                message = await self._receive()
        except TimeoutError:
            raise Problem(
                408, "The upload is too slow; send it again.", "TooSlow", {"Connection": "close"}
            ) from None
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._is_complete = not message.get("more_body", False)
            if self._bytes > self._most:
                raise _too_long(self._most)
        return message


def _too_long(most: int) -> Problem:
    said = f"{most / 1e6:.0f} MB" if most >= 1e6 else f"{most / 1e3:.0f} kB"
    return Problem(
        413, f"The upload is too large: {said} are accepted here.", "TooLarge", {"Connection": "close"}
    )


def _host_name(host: str) -> str:
    """Of a Host header or a name of the server: without port, brackets and the last dot, in small letters."""
    inside, bracket, _ = host.removeprefix("[").partition("]")
    if not bracket and host.count(":") == 1:  # more are an IPv6 address without a port
        inside = host.partition(":")[0]
    with suppress(ValueError):
        return ip_address(inside).compressed
    return inside.lower().removesuffix(".")


def _needs_token(path: str) -> bool:
    return (path.startswith("/v1/") or path in ("/metrics", "/openapi.json")) and path not in OPEN


def _address(scope: Scope) -> str:
    client: Any = scope.get("client")
    return str(client[0]) if client else "unknown"


def _cookies(headers: Headers) -> dict[str, str]:
    try:
        found = SimpleCookie(headers.get("cookie", ""))
    except Exception:  # of CookieError and others, for what no browser sends
        return {}
    return {name: morsel.value for name, morsel in found.items()}
