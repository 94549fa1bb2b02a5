"""Listening: uvicorn, told to end idle connections and streams of events in time."""

import asyncio
import socket
from collections.abc import Callable
from math import ceil, inf
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from .service import Service


class Protocol(H11Protocol):
    """A connection that sends no complete head in the time of an idle one is closed, whatever it sends; and
    so is one that takes nothing of an answer for so long."""

    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_at(self._until, self._close)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:  # else the next request was here already
            self._wait()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None and not self.transport.is_closing():  # else its end has to be taken too
            self._stalled.cancel()

    def _watch_reader(self, before: float = inf) -> None:
        """before: bytes that were still to be sent at the last look."""
        if self._stalled is not None:
            self._stalled.cancel()
        left = self.transport.get_write_buffer_size()
        if left < before:
            self._stalled = self.loop.call_later(self.timeout_keep_alive, self._watch_reader, left)
        else:
            self.transport.abort()

    def _close(self) -> None:
        """As soon as the rest of an answer is taken."""
        self.transport.close()
        if self.transport.get_write_buffer_size() > 0:
            self._watch_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._stalled is not None:
            self._stalled.cancel()

    def _wait(self) -> None:
        """For a request, as long as may be."""
        self._unset_keepalive_if_required()
        self._until = self.loop.time() + self.timeout_keep_alive
        self.timeout_keep_alive_task = self.loop.call_at(self._until, self._close)


class Server(uvicorn.Server):
    """started_at: called with the address once it listens."""

    def __init__(self, app: FastAPI, host: str, port: int, started_at: Callable[[str], None]) -> None:
        service: Service = app.state.service
        limits = service.limits
        super().__init__(
            uvicorn.Config(
                app,
                host,
                port,
                http=Protocol,
                ws="none",
                loop="asyncio",
                server_header=False,
                proxy_headers=False,  # a client could say that it is another one
                access_log=False,
                log_level="warning",
                limit_concurrency=limits.connections,
                timeout_keep_alive=ceil(limits.idle_seconds),
                timeout_graceful_shutdown=ceil(service.config.grace),
            )
        )
        self._service, self._started_at = service, started_at

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port, *_ = self.servers[0].sockets[0].getsockname()
            self._started_at(f"http://{f'[{host}]' if ':' in host else host}:{port}/")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.closing.set()
        super().handle_exit(sig, frame)
