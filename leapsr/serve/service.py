"""The work behind the API: takes requests in, gives them to worker processes, tells how far they are."""

import asyncio
import hashlib
import json
import logging
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from ..batch import naming
from ..errors import DiskFull, LeapsrError
from ..files import atomic_write
from ..hub import catalog
from ..pictures import save_file
from ..restorer import read_config
from ..upscaling.detail_map import SEEDS
from ..upscaling.tiles import Box
from . import pyramid, webhook, work
from .config import Config
from .on_ray import RayPool
from .options import (
    MEDIA_TYPES,
    Part,
    PreviewForm,
    QueuedWanted,
    Wanted,
    check_model,
    result_name,
    result_suffix,
)
from .problems import Problem, not_found, of_error
from .processes import Cancelled, Pool, TookTooLong, WorkerDied
from .queue import FairQueue
from .store import ENDED, Entry, KeyUsed, Store, new_id

logger = logging.getLogger(__name__)

MOST_WAITING = 300
"""Calls for one kind of process that are to be answered at once."""
SWEEP = 30.0
"""Seconds between looks for what has expired."""
DIED = "The process that worked on it died {} times, so it is not tried again; another size may work."


@dataclass(frozen=True)
class Client:
    """Who asks. owner: whose requests they are; address: where they come from."""

    owner: str
    address: str


@dataclass
class Running:
    """A request in work. progress: from 0 to 1."""

    progress: float = 0.0
    started: float = field(default_factory=time.monotonic)
    cancel: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Upload:
    """A photo that was sent and looked at. path: in a folder of its own, which is that of the request."""

    request_id: str
    path: Path
    name: str
    bytes: int
    size: tuple[int, int]
    """(height, width)"""


class Service:
    """cluster: replicas that work on the queue in place of processes here."""

    def __init__(self, config: Config, cluster: RayPool | None = None) -> None:
        self.config, self.limits = config, config.limits
        self.store, self.queue = Store(config.folder), FairQueue()
        threads = config.threads or max(1, work.cores() // len(config.devices))
        here = [Pool(f"leapsr {device} {index}", 1, threads) for index, device in enumerate(config.devices)]
        self.workers: list[Pool | RayPool] = [*here] if cluster is None else [cluster] * cluster.size
        self.dial, self.pictures = Pool("leapsr dial", 1, threads), Pool("leapsr pictures", 1, 1)
        self.tiles = Pool("leapsr tiles", 1, 1)
        self.running: dict[str, Running] = {}
        self.closing = asyncio.Event()
        self._pace: dict[str, float] = {}
        self._turn = asyncio.Lock()
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._building: dict[Path, asyncio.Lock] = {}
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def pools(self) -> list[Pool | RayPool]:
        return list(dict.fromkeys([*self.workers, self.dial, self.pictures, self.tiles]))

    async def start(self) -> None:
        for entry in await self.store.run(self.store.recover):
            self.queue.put(entry.owner, entry.id)
        for entry in await self.store.run(self.store.untold):
            self._tell(entry)
        for pool in self.pools:
            pool.start()
        loops = [self._work(index) for index in range(len(self.workers))]
        self._tasks = [asyncio.create_task(loop) for loop in (*loops, self._sweep(), self._warm())]

    async def stop(self) -> None:
        """Let what is in work end, for a while; the next server does the rest."""
        self.closing.set()
        waiting = [running.ended.wait() for running in self.running.values()]
        if waiting:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*waiting), self.config.grace)
        for pool in self.pools:
            pool.retire()
        tasks = [*self._tasks, *self._telling]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for pool in self.pools:
            pool.close()
        self.store.close()

    async def _warm(self) -> None:
        """Load the default model before somebody waits for it."""
        folder, devices = catalog.find_or_default(None, self.config.model_dir), self.config.devices
        for pool, device in ((self.dial, devices[0]), *zip(self.workers, devices, strict=False)):
            if isinstance(pool, Pool):
                with suppress(WorkerDied, LeapsrError, RuntimeError):
                    await pool.call(work.warm, (work.Model(folder, device, self.config.dtype),))

    @property
    def is_ready(self) -> bool:
        return not self.closing.is_set() and all(task.done() is False for task in self._tasks[:-1])

    # Taking in

    @asynccontextmanager
    async def uploaded(self, file: BinaryIO, filename: str | None) -> AsyncIterator[Upload]:
        """A photo in a folder of its own, examined; removed again when the block raises.

        Raises Problem, ImageError.
        """
        request_id = new_id()
        place, name = self.store.place(request_id), clean_name(filename)
        try:
            if await self.store.run(self.store.free_bytes) < self.limits.free_bytes:
                await self.expire(keep=0.9)
                if await self.store.run(self.store.free_bytes) < self.limits.free_bytes:
                    raise DiskFull
            path = place / "source"
            size = await asyncio.to_thread(_copy, file, path)
            found = await self._call(self.pictures, work.examine, path, name, self.limits.source_pixels)
            named = path.with_suffix(found.suffix)
            yield Upload(request_id, named, name, size, (found.height, found.width))
        except BaseException:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, place, ignore_errors=True))
            raise

    async def add(
        self,
        client: Client,
        upload: Upload,
        wanted: QueuedWanted,
        *,
        held: bool = False,
        key: str | None = None,
        webhook: str | None = None,
    ) -> tuple[Entry, bool]:
        """The request in the queue, and whether it is new: another one with this key may be there.

        Raises Problem, UsageError.
        """
        entry = self._entry(client, upload, wanted, held, webhook)
        fingerprint = "" if key is None else await asyncio.to_thread(_fingerprint, upload, wanted)
        await self.check_room(client)
        try:
            await self.store.run(self.store.add, entry, key, fingerprint)
        except KeyUsed as before:
            await asyncio.to_thread(shutil.rmtree, upload.path.parent, ignore_errors=True)
            if before.fingerprint != fingerprint:
                raise Problem(
                    422,
                    "This Idempotency-Key came with another photo or other settings before; take a new key.",
                    "KeyReused",
                ) from None
            return await self.find(before.request_id, client), False
        self.queue.put(entry.owner, entry.id)
        return entry, True

    def _entry(
        self, client: Client, upload: Upload, wanted: QueuedWanted, held: bool, webhook: str | None
    ) -> Entry:
        options = wanted.options(self.limits)
        folder = wanted.folder(self.config)
        config = read_config(folder)
        check_model(options.settings, config)
        copied = options.target.reached_by(*upload.size, config.factor)
        height, width = upload.size if copied else options.target.size(*upload.size, config.factor)
        self._check_result(height, width)
        suffix = result_suffix(wanted, upload.path.suffix)
        save_file.check_output(Path(f"{upload.name}{suffix}"), height, width, has_alpha=False)
        seed = options.settings.seed if options.samples > 1 else None
        name = result_name(upload.name, wanted, config.factor, suffix, seed)
        settings = wanted.model_dump(include=set(QueuedWanted.model_fields))
        settings["model"] = folder.parent.name if folder.name == catalog.SAVED else folder.name
        settings["fidelity"] = config.fidelity if wanted.fidelity is None else wanted.fidelity
        source = {
            "name": upload.name,
            "suffix": upload.path.suffix,
            "width": upload.size[1],
            "height": upload.size[0],
            "bytes": upload.bytes,
            "result": [height, width],
            "result_name": name,
        }
        return Entry(
            client.owner,
            client.address,
            settings,
            source,
            id=upload.request_id,
            held=held,
            webhook=webhook,
            bytes=upload.bytes,
        )

    def _check_result(self, height: int, width: int) -> None:
        """Raises Problem for a result that is too large here."""
        if max(height, width) > self.limits.result_side or height * width > self.limits.result_pixels:
            raise Problem(
                413,
                f"The result would have {width} x {height} pixels; at most {self.limits.result_side} a side "
                f"and {self.limits.result_pixels:,} in all are made here.",
                "TooLarge",
            )

    async def check_room(self, client: Client) -> None:
        """Raises Problem where the queue is full, of all or of this client."""
        if self.closing.is_set():
            raise Problem(503, "The server is stopping; try again in a minute.", "Stopping", _later(60))
        every, own = await self.store.run(self.store.active, client.owner, client.address)
        if own >= self.limits.waiting_of_client:
            raise Problem(
                429,
                f"{own} of your requests wait already, as many as may; try again when some are done.",
                "TooManyRequests",
                _later(30),
            )
        if every >= self.limits.waiting:
            raise Problem(503, "The queue is full; try again later.", "QueueFull", _later(60))

    # Working

    async def _work(self, index: int) -> None:
        while True:
            request_id = await self.queue.get()
            if self.closing.is_set():
                return
            try:
                await self._do(request_id, index)
            except asyncio.CancelledError:
                raise
            except Exception:
                logger.exception("Request %s could not be worked on", request_id)
                await asyncio.sleep(1)

    async def _do(self, request_id: str, index: int) -> None:
        entry = await self.store.run(self.store.begin, request_id)
        if entry is None:
            return
        running = self.running[request_id] = Running()
        self.changed(request_id)
        try:
            values = await self._outcome(entry, running, index)
            if values["status"] != "queued":
                values["ended"] = time.time()
            now = await self.store.run(self.store.update, request_id, ["running"], **values)
            if now is None:  # it was cancelled, or removed with its files
                if await self.store.run(self.store.find, request_id) is None:
                    await self.store.run(self.store.remove, request_id)
            elif now.status == "queued":
                self.queue.put(entry.owner, request_id, first=True)
            else:
                await self._measure(request_id)
                self._tell(now)
        except asyncio.CancelledError:  # the server is stopped; the next one does it again
            back = {"status": "queued", "attempts": entry.attempts - 1}
            await asyncio.shield(self.store.run(self.store.update, request_id, ["running"], **back))
            raise
        finally:
            self.running.pop(request_id, None)
            running.ended.set()
            self.changed(request_id)

    async def _outcome(self, entry: Entry, running: Running, index: int) -> dict[str, Any]:
        """Work on a request; what is to be changed of it afterwards."""
        wanted = QueuedWanted.model_validate(entry.settings)
        device = "auto" if isinstance(self.workers[index], RayPool) else self.config.devices[index]
        model = work.Model(wanted.folder(self.config), device, self.config.dtype)
        options, output = wanted.options(self.limits), self.result_path(entry)

        def report(done: float, total: int) -> None:
            running.progress = min(1.0, done / total) if total else 0.0
            self.changed(entry.id)

        try:
            result: work.Result = await self.workers[index].call(
                work.upscale,
                self.source_path(entry),
                entry.source["name"],
                output,
                model,
                options,
                report=report,
                seconds=self.limits.request_seconds,
                cancel=running.cancel,
            )
            self._learn(entry, time.monotonic() - running.started)
            found = asdict(result) | {
                "notes": list(result.notes),
                "format": MEDIA_TYPES[output.suffix.lower()].removeprefix("image/"),
                "bytes": (await asyncio.to_thread(output.stat)).st_size,
                "name": entry.source["result_name"],
            }
            return {"status": "done", "result": found}
        except WorkerDied:
            if entry.attempts < self.limits.attempts:
                logger.warning("A worker process died of request %s; it is tried again.", entry.id)
                return {"status": "queued"}
            return _failed(Problem(500, DIED.format(entry.attempts), "WorkerDied"))
        except TookTooLong:
            seconds = self.limits.request_seconds
            return _failed(Problem(504, f"It took longer than {seconds:.0f} s, as long as may.", "TooLong"))
        except Cancelled:
            return {"status": "cancelled"}
        except Exception as error:
            return _failed(of_error(error))

    def _learn(self, entry: Entry, seconds: float) -> None:
        """How long a megapixel takes here, for the next estimates."""
        height, width = entry.source["result"]
        found = seconds / max(0.01, self._evaluations(entry) * height * width / 1e6)
        name = entry.settings["model"]
        self._pace[name] = 0.7 * self._pace.get(name, found) + 0.3 * found

    def _evaluations(self, entry: Entry) -> int:
        settings = entry.settings
        results = max(settings["samples"], SEEDS if settings["detail_map"] else 1)
        return int(settings["steps"] * results)

    def _estimate(self, entry: Entry) -> float:
        """Seconds of work."""
        name, (height, width) = entry.settings["model"], entry.source["result"]
        usual = float(catalog.PURPOSES[name][0]) if name in catalog.PURPOSES else 0.5
        return self._pace.get(name, usual) * self._evaluations(entry) * height * width / 1e6

    async def _call(self, pool: Pool, function: Any, *arguments: Any, seconds: float = 0.0) -> Any:
        """A call, tried once more where its process dies. seconds: that it may take; 0 is as long as a client
        is held. Raises Problem for what killed two processes, or takes longer."""
        if pool.waiting >= MOST_WAITING:
            raise Problem(503, "The server has too much to do; try again in a moment.", "Busy", _later(5))
        for _ in range(2):
            try:
                return await pool.call(function, *arguments, seconds=seconds or self.limits.held_seconds)
            except WorkerDied:
                continue
            except TookTooLong:
                break
        raise Problem(
            422, "This picture cannot be worked on: the processes that tried it ended.", "WorkerDied"
        )

    async def _measure(self, request_id: str) -> None:
        """Note how many bytes the files of a request take; none, where it was removed meanwhile."""
        place = self.store.place(request_id)
        size = await asyncio.to_thread(_size, place)
        await self.store.run(self.store.update, request_id, ENDED, bytes=size)
        if await self.store.run(self.store.find, request_id) is None:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)

    def _tell(self, entry: Entry) -> None:
        if entry.webhook is not None:
            task = asyncio.create_task(self._told(entry, entry.webhook))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _told(self, entry: Entry, address: str) -> None:
        """Tell a webhook that a request has ended, several times if need be."""
        for pause in webhook.PAUSES:
            await asyncio.sleep(pause)
            secret, status = self.config.webhook_secret, self.status(entry)
            if await asyncio.to_thread(webhook.send, address, secret, entry.id, status):
                break
        await self.store.run(self.store.update, entry.id, ENDED, webhook=None)

    # Afterwards

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            try:
                await self.expire()
            except Exception:
                logger.exception("What has expired could not be removed")

    async def expire(self, keep: float = 1.0) -> None:
        """keep: the share of the size that is allowed."""
        most = int(self.limits.keep_bytes * keep)
        for request_id in await self.store.run(self.store.expire, self.limits.keep_seconds, most):
            self.changed(request_id)

    async def find(self, request_id: str, client: Client | None = None) -> Entry:
        """Raises Problem where there is none, or it is another one's (client: None is anybody)."""
        entry = await self.store.run(self.store.find, request_id)
        if entry is None or (client is not None and not may_see(client, entry)):
            raise not_found()
        return entry

    async def cancel(self, entry: Entry) -> Entry:
        """What becomes of it. Raises Problem for one that has ended otherwise."""
        if (running := self.running.get(entry.id)) is not None:
            running.cancel.set()
            await running.ended.wait()
        now = await self.store.run(
            self.store.update, entry.id, ["queued", "running"], status="cancelled", ended=time.time()
        )
        self.queue.remove(entry.owner, entry.id)
        self.changed(entry.id)
        if now is None:
            now = await self.find(entry.id)
        else:
            self._tell(now)
        if now.status != "cancelled":
            raise Problem(409, f"The request has {_ENDS[now.status]} already.", "HasEnded")
        return now

    async def retry(self, entry: Entry) -> Entry:
        """Raises Problem for one that has not failed and was not cancelled."""
        now = await self.store.run(
            self.store.update,
            entry.id,
            ["failed", "cancelled"],
            status="queued",
            attempts=0,
            ended=None,
            error=None,
            result=None,
        )
        if now is None:
            raise Problem(409, "Only a request that failed or was cancelled can be tried again.", "NotEnded")
        self.queue.put(now.owner, now.id)
        self.changed(now.id)
        return now

    async def remove(self, entry: Entry) -> None:
        if not entry.has_ended:
            with suppress(Problem):
                await self.cancel(entry)
        await self.store.run(self.store.remove, entry.id)
        self.changed(entry.id)

    # Telling

    def changed(self, request_id: str) -> None:
        for event in self._watchers.get(request_id, ()):
            event.set()

    async def states(self, request_id: str, interval: float = 0.25) -> AsyncGenerator[Entry | None]:
        """The request now, and whenever it changes, until it has ended; None once it is gone."""
        event = asyncio.Event()
        self._watchers.setdefault(request_id, set()).add(event)
        try:
            while not self.closing.is_set():
                event.clear()
                entry = await self.store.run(self.store.find, request_id)
                yield entry
                if entry is None or entry.has_ended:
                    return
                await self._either(event, 2.0 if entry.status == "queued" else 15.0)
                await asyncio.sleep(interval if entry.status == "running" else 0)
        finally:
            self._watchers[request_id].discard(event)
            if not self._watchers[request_id]:
                del self._watchers[request_id]

    async def _either(self, event: asyncio.Event, seconds: float) -> None:
        """Wait for the event or the end of the server."""
        tasks = [asyncio.ensure_future(each.wait()) for each in (event, self.closing)]
        try:
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def finished(self, entry: Entry) -> Entry:
        """A request that runs, when it does not any more."""
        if (running := self.running.get(entry.id)) is not None:
            await running.ended.wait()
        return await self.find(entry.id)

    async def ended(self, request_id: str, seconds: float) -> Entry:
        """The request when it has ended, or after this time. Raises Problem where it is gone."""
        latest: Entry | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), aclosing(self.states(request_id, 0)) as states:
                async for entry in states:
                    latest = entry
        return latest if latest is not None and latest.has_ended else await self.find(request_id)

    def status(self, entry: Entry) -> dict[str, Any]:
        """What clients are told."""
        running, source = self.running.get(entry.id), entry.source
        position = self.queue.position(entry.owner, entry.id) if entry.status == "queued" else None
        eta: float | None = None
        if entry.status in ("queued", "running"):
            eta = self._estimate(entry)
            if running is not None and running.progress > 0.02:
                eta = (time.monotonic() - running.started) * (1 / running.progress - 1)
            elif position is not None:
                eta *= 1 + (position + len(self.running)) / len(self.workers)
        result = entry.result
        if result is not None:
            result = {name: value for name, value in result.items() if name != "notes"}
            result["levels"] = pyramid.levels(result["height"], result["width"])
        expires = None if entry.ended is None else entry.ended + self.limits.keep_seconds
        return {
            "id": entry.id,
            "status": entry.status,
            "progress": 1.0 if entry.status == "done" else round(running.progress, 4) if running else 0.0,
            "eta_s": None if eta is None else round(eta, 1),
            "position": position,
            "settings": entry.settings,
            "source": {name: source[name] for name in ("name", "width", "height", "bytes")},
            "result": result,
            "notes": entry.result["notes"] if entry.result else [],
            "error": entry.error,
            "created": _as_time(entry.created),
            "expires": None if expires is None else _as_time(expires),
        }

    # Pictures

    def source_path(self, entry: Entry) -> Path:
        return self.store.place(entry.id) / f"source{entry.source['suffix']}"

    def result_path(self, entry: Entry, sample: int = 0) -> Path:
        """sample: counted from 0."""
        suffix = PurePosixPath(entry.source["result_name"]).suffix
        path, seed = self.store.place(entry.id) / f"result{suffix}", entry.settings["seed"]
        return naming.sample_path(path, seed, seed + sample) if sample else path

    def result_name(self, entry: Entry, sample: int = 0) -> str:
        """As the command line names it."""
        name, seed = entry.source["result_name"], entry.settings["seed"]
        return naming.sample_path(Path(name), seed, seed + sample).name if sample else str(name)

    def check_sample(self, entry: Entry, sample: int) -> None:
        """Raises Problem where there is no such result (yet)."""
        if entry.result is None:
            raise Problem(409, f"There is no result yet: the request is {entry.status}.", "NotDone")
        if not 0 <= sample < entry.result["samples"]:
            raise Problem(404, f"There are {entry.result['samples']} results, counted from 0.", "NoSample")

    async def part(self, entry: Entry, part: Part, is_given_up: Callable[[], Awaitable[bool]]) -> bytes:
        """is_given_up: whether nobody waits for it any more. Raises Problem, LeapsrError."""
        named = {name: getattr(part, name) for name in part.model_fields_set}
        own = {name: entry.settings[name] for name in ("model", "fidelity", "steps", "seed", "denoise")}
        wanted = Wanted.model_validate(own | {name: named[name] for name in own if name in named})
        folder = wanted.folder(self.config)
        model = work.Model(folder, self.config.devices[0], self.config.dtype)
        box = Box(part.top, part.left, part.top + part.height, part.left + part.width)
        settings, size = wanted.settings(self.limits), tuple(entry.source["result"])
        check_model(settings, read_config(folder))
        async with self._turn:  # so that those given up meanwhile, by one who turns the dial, are not done
            if await is_given_up():
                raise Problem(408, "Nobody waits for this part any more.", "GivenUp")
            found: bytes = await self._call(
                self.dial,
                work.part,
                self.source_path(entry),
                entry.source["name"],
                model,
                size,
                settings,
                box,
            )
        return found

    async def preview(self, upload: Upload, form: PreviewForm) -> bytes:
        """Raises Problem, LeapsrError."""
        folder = form.folder(self.config)
        model = work.Model(folder, self.config.devices[0], self.config.dtype)
        screen, settings = (form.screen_height, form.screen_width), form.settings(self.limits)
        check_model(settings, read_config(folder))
        found: bytes = await self._call(
            self.dial, work.preview, upload.path, upload.name, model, form.target, settings, screen
        )
        return found

    async def tile(self, entry: Entry, of: str, sample: int, place: pyramid.Place) -> tuple[Path, str]:
        """A file of a tile and its media type. Raises Problem."""
        self.check_sample(entry, sample)
        assert entry.result is not None
        height, width = entry.result["height"], entry.result["width"]
        if not place.is_in(height, width):
            raise Problem(404, "There is no such tile.", "NoTile")
        if of == "detail" and not entry.result["detail_map"]:
            raise Problem(404, "There is no map of invented detail; ask for one with detail_map.", "NoMap")
        folder = self.store.place(entry.id) / "tiles"
        if of == "result":
            pyramid_folder = folder / f"result{sample}"
            result = self.result_path(entry, sample)
            await self._built(entry, pyramid_folder, pyramid.build, result, pyramid_folder)
            path = place.path(pyramid_folder)
        else:
            source = self.source_path(entry)
            if of == "detail":
                source = naming.detail_map_path(self.result_path(entry))
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
                    most = self.limits.request_seconds
                    await self._call(self.tiles, function, *arguments, seconds=most)
                    await self._measure(entry.id)
        finally:
            if not lock.locked():
                self._building.pop(path, None)


_ENDS = {"done": "been done", "failed": "failed", "cancelled": "been cancelled"}


def may_see(client: Client, entry: Entry) -> bool:
    """An id cannot be guessed, so that whoever knows it may use it; but with tokens only their owner."""
    return client.owner == entry.owner or not entry.owner.startswith("token:")


def clean_name(name: str | None) -> str:
    """The last part of a client's file name, without what no file name should hold."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    kept = "".join(mark for mark in last if mark.isprintable() and mark not in '<>:"|?*')
    return kept.encode()[-200:].decode("utf-8", "ignore").strip(" .") or "photo"


def _copy(file: BinaryIO, path: Path) -> int:
    """All or nothing; how many bytes."""
    file.seek(0)
    with atomic_write(path) as part, part.open("r+b") as target:
        shutil.copyfileobj(file, target, 1 << 20)
        return target.tell()


def _size(folder: Path) -> int:
    """Bytes of all files in it."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _fingerprint(upload: Upload, wanted: QueuedWanted) -> str:
    with upload.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(
        json.dumps(wanted.model_dump(include=set(QueuedWanted.model_fields)), sort_keys=True).encode()
    )
    return digest.hexdigest()


def _failed(problem: Problem) -> dict[str, Any]:
    return {"status": "failed", "error": problem.document}


def _later(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


def _as_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
