"""What is answered at once, beside the queue: uploads are looked at, the dial, previews, tiles."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ..batch import naming
from ..errors import DiskFull
from ..restorer import read_config
from ..upscaling.tiles import Box
from . import pyramid, work
from .config import Config
from .options import Part, PreviewForm, Wanted, check_model
from .problems import Problem, given_up, later
from .processes import Cancelled, Pool, TookTooLong, WorkerDied
from .store import Entry, Store
from .uploads import Upload

MOST_WAITING = 300
"""Calls for one kind of process that are to be answered at once."""


class Instant:
    """Processes of their own, so that nobody waits for the queue."""

    def __init__(self, config: Config, store: Store, threads: int) -> None:
        self.config, self.limits, self.store = config, config.limits, store
        self.dial, self.pictures = Pool("leapsr dial", 1, threads), Pool("leapsr pictures", 1, 1)
        self.tiles = Pool("leapsr tiles", 1, 1)
        self._building: dict[Path, asyncio.Lock] = {}

    @property
    def pools(self) -> list[Pool]:
        return [self.dial, self.pictures, self.tiles]

    async def examine(self, path: Path, name: str) -> work.Examined:
        """An upload. Raises Problem, ImageError."""
        found: work.Examined = await self._call(
            self.pictures, work.examine, path, name, self.limits.source_pixels
        )
        return found

    async def part(self, entry: Entry, part: Part, gone: Callable[[], Awaitable[None]]) -> bytes:
        """gone: returns once nobody waits for it any more. Raises Problem, LeapsrError."""
        named = {name: getattr(part, name) for name in part.model_fields_set}
        own = {name: entry.settings[name] for name in ("model", "fidelity", "steps", "seed", "denoise")}
        wanted = Wanted.model_validate(own | {name: named[name] for name in own if name in named})
        folder = wanted.folder(self.config)
        model = work.Model(folder, self.config.devices[0], self.config.dtype)
        box = Box(part.top, part.left, part.top + part.height, part.left + part.width)
        settings, size = wanted.settings(self.limits), tuple(entry.source["result"])
        check_model(settings, read_config(folder))
        source, name = self.store.source_path(entry), entry.source["name"]
        return await self._at_the_dial(gone, work.part, source, name, model, size, settings, box)

    async def preview(self, upload: Upload, form: PreviewForm, gone: Callable[[], Awaitable[None]]) -> bytes:
        """gone: returns once nobody waits for it any more. Raises Problem, LeapsrError."""
        folder = form.folder(self.config)
        model = work.Model(folder, self.config.devices[0], self.config.dtype)
        screen, settings = (form.screen_height, form.screen_width), form.settings(self.limits)
        check_model(settings, read_config(folder))
        return await self._at_the_dial(
            gone, work.preview, upload.path, upload.name, model, form.target, settings, screen
        )

    async def _at_the_dial(
        self, gone: Callable[[], Awaitable[None]], function: Any, *arguments: Any
    ) -> bytes:
        """A call that is not begun, or ends at its next report, once nobody waits for it any more: one who
        turns the dial gives up many. Raises Problem, LeapsrError."""
        cancel = asyncio.Event()
        watch = asyncio.ensure_future(gone())
        watch.add_done_callback(lambda _: cancel.set())
        try:
            found: bytes = await self._call(
                self.dial, function, *arguments, report=lambda done, total: None, cancel=cancel, spare=True
            )
        except Cancelled:
            raise given_up() from None
        finally:
            watch.cancel()
        return found

    async def tile(self, entry: Entry, of: str, sample: int, place: pyramid.Place) -> tuple[Path, str]:
        """A file of a tile and its media type. Raises Problem."""
        check_sample(entry, sample)
        assert entry.result is not None
        height, width = entry.result["height"], entry.result["width"]
        if not place.is_in(height, width):
            raise Problem(404, "There is no such tile.", "NoTile")
        if of == "detail" and not entry.result["detail_map"]:
            raise Problem(404, "There is no map of invented detail; ask for one with detail_map.", "NoMap")
        folder = self.store.place(entry.id) / "tiles"
        if of == "result":
            pyramid_folder = folder / f"result{sample}"
            result = self.store.result_path(entry, sample)
            await self._built(entry, pyramid_folder, pyramid.build, result, pyramid_folder)
            path = place.path(pyramid_folder)
        else:
            source = self.store.source_path(entry)
            if of == "detail":
                source = naming.detail_map_path(self.store.result_path(entry))
            path = place.path(folder / of)
            size = height, width
            await self._built(entry, path, pyramid.draw, source, of == "detail", size, place, path)
        return path, "image/jpeg"

    async def _built(self, entry: Entry, path: Path, function: Any, *arguments: Any) -> None:
        """Make a file or folder of a request, if it is not there, once for all who ask at the same time."""
        if await asyncio.to_thread(path.exists):
            return
        lock = self._building.setdefault(path, asyncio.Lock())
        try:
            async with lock:
                if not await asyncio.to_thread(path.exists):
                    if await self.store.run(self.store.free_bytes) < self.limits.free_bytes:
                        raise DiskFull
                    most = self.limits.request_seconds
                    try:
                        await self._call(self.tiles, function, *arguments, seconds=most)
                    finally:  # also where the request was removed meanwhile, so that nothing of it stays
                        await self.store.measure(entry.id)
        finally:
            if not lock.locked():
                self._building.pop(path, None)

    async def _call(
        self, pool: Pool, function: Any, *arguments: Any, seconds: float = 0.0, **how: Any
    ) -> Any:
        """A call, tried once more where its process dies. seconds: that it may take; 0 is as long as a client
        is held. how: as for `Pool.call`. Raises Problem for what killed two processes, or takes longer."""
        if pool.waiting >= MOST_WAITING:
            raise Problem(503, "The server has too much to do; try again in a moment.", "Busy", later(5))
        for _ in range(2):
            try:
                most = seconds or self.limits.held_seconds
                return await pool.call(function, *arguments, seconds=most, **how)
            except WorkerDied:
                continue
            except TookTooLong:
                break
        raise Problem(
            422, "This picture cannot be worked on: the processes that tried it ended.", "WorkerDied"
        )


def check_sample(entry: Entry, sample: int) -> None:
    """Raises Problem where there is no such result (yet)."""
    if entry.result is None:
        raise Problem(409, f"There is no result yet: the request is {entry.status}.", "NotDone")
    if not 0 <= sample < entry.result["samples"]:
        raise Problem(404, f"There are {entry.result['samples']} results, counted from 0.", "NoSample")
