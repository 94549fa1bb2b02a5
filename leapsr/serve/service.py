"""The work behind the API: takes requests in, gives them to worker processes, tells how far they are."""

import asyncio
import logging
import shutil
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO

from ..errors import DiskFull, LeapsrError
from ..hub import catalog
from ..upscaling.detail_map import SEEDS
from . import pyramid, webhook, work
from .config import Config
from .instant import Instant
from .on_ray import RayPool
from .options import MEDIA_TYPES, QueuedWanted
from .problems import Problem, later, not_found, of_error
from .processes import Cancelled, Pool, TookTooLong, WorkerDied
from .queue import FairQueue
from .store import Entry, KeyUsed, Store, new_id
from .uploads import Client, Upload, clean_name, copied, fingerprint, may_see, new_entry

logger = logging.getLogger(__name__)

SWEEP = 30.0
"""Seconds between looks for what has expired."""
DIED = "The process that worked on it died {} times, so it is not tried again; another size may work."


@dataclass
class Running:
    """A request in work. progress: from 0 to 1."""

    progress: float = 0.0
    started: float = field(default_factory=time.monotonic)
    cancel: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Service:
    """cluster: replicas that work on the queue in place of processes here."""

    def __init__(self, config: Config, cluster: RayPool | None = None) -> None:
        self.config, self.limits = config, config.limits
        self.store, self.queue = Store(config.folder), FairQueue()
        threads = config.threads or max(1, work.cores() // len(config.devices))
        here = [Pool(f"leapsr {device} {index}", 1, threads) for index, device in enumerate(config.devices)]
        self.workers: list[Pool | RayPool] = [*here] if cluster is None else [cluster] * cluster.size
        self.instant = Instant(config, self.store, threads)
        self.running: dict[str, Running] = {}
        self.closing = asyncio.Event()
        self._pace: dict[str, float] = {}
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._telling: set[asyncio.Task[None]] = set()
        self._tellers = ThreadPoolExecutor(4, "leapsr-webhook")  # of their own: a webhook may be slow
        self._admitting = asyncio.Lock()
        self._taken = Counter[str]()

    @property
    def pools(self) -> list[Pool | RayPool]:
        return list(dict.fromkeys([*self.workers, *self.instant.pools]))

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
        self._tellers.shutdown(wait=False, cancel_futures=True)
        for pool in self.pools:
            pool.close()
        self.store.close()

    async def _warm(self) -> None:
        """Load the default model before somebody waits for it."""
        folder, devices = catalog.find_or_default(None, self.config.model_dir), self.config.devices
        for pool, device in ((self.instant.dial, devices[0]), *zip(self.workers, devices, strict=False)):
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
            size = await asyncio.to_thread(copied, file, path)
            found = await self.instant.examine(path, name)
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
        entry = new_entry(self.config, client, upload, wanted, held, webhook)
        print_ = "" if key is None else await asyncio.to_thread(fingerprint, upload, wanted)
        try:
            async with self._admitting:  # so that those who come at once do not all see the last place
                await self.check_room(client)
                await self.store.run(self.store.add, entry, key, print_)
        except KeyUsed as before:
            await asyncio.to_thread(shutil.rmtree, upload.path.parent, ignore_errors=True)
            if before.fingerprint != print_:
                raise Problem(
                    422,
                    "This Idempotency-Key came with another photo or other settings before; take a new key.",
                    "KeyReused",
                ) from None
            return await self.find(before.request_id, client), False
        self.queue.put(entry.owner, entry.id)
        return entry, True

    async def check_room(self, client: Client) -> None:
        """Raises Problem where the queue is full, of all or of this client."""
        if self.closing.is_set():
            raise Problem(503, "The server is stopping; try again in a minute.", "Stopping", later(60))
        every, own = await self.store.run(self.store.active, client.owner, client.address)
        if own >= self.limits.waiting_of_client:
            raise Problem(
                429,
                f"{own} of your requests wait already, as many as may; try again when some are done.",
                "TooManyRequests",
                later(30),
            )
        if every >= self.limits.waiting:
            raise Problem(503, "The queue is full; try again later.", "QueueFull", later(60))

    # Working

    async def _work(self, index: int) -> None:
        while True:
            owner, request_id = await self.queue.get()
            if self.closing.is_set():
                return
            try:
                await self._do(request_id, index)
            except asyncio.CancelledError:
                raise
            except Exception:
                logger.exception("Request %s could not be worked on", request_id)
                await self._put_back(owner, request_id)

    async def _put_back(self, owner: str, request_id: str) -> None:
        """Once the store answers again, as after a full disk."""
        while not self.closing.is_set():
            await asyncio.sleep(1)
            with suppress(Exception):
                entry = await self.store.run(self.store.find, request_id)
                if entry is not None and entry.status == "running":
                    entry = await self.store.run(self.store.update, request_id, ["running"], status="queued")
                if entry is not None and entry.status == "queued":
                    self.queue.put(owner, request_id, first=True)
                return

    async def _do(self, request_id: str, index: int) -> None:
        entry = None
        running = self.running[request_id] = Running()  # before it runs, so that who cancels it finds it
        try:
            entry = await self.store.run(self.store.begin, request_id)
            if entry is None:
                return
            self.changed(request_id)
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
                await self.store.measure(request_id)
                self._tell(now)
        except asyncio.CancelledError:  # the server is stopped; the next one does it again
            if entry is not None:
                back = {"status": "queued", "attempts": entry.attempts - 1}
                await asyncio.shield(self.store.run(self.store.update, request_id, ["running"], **back))
            raise
        finally:
            if self.running.get(request_id) is running:  # not that of a retry
                del self.running[request_id]
            running.ended.set()
            self.changed(request_id)

    async def _outcome(self, entry: Entry, running: Running, index: int) -> dict[str, Any]:
        """Work on a request; what is to be changed of it afterwards."""

        def report(done: float, total: int) -> None:
            running.progress = min(1.0, done / total) if total else 0.0
            self.changed(entry.id)

        try:
            wanted = QueuedWanted.model_validate(entry.settings)
            device = "auto" if isinstance(self.workers[index], RayPool) else self.config.devices[index]
            model = work.Model(wanted.folder(self.config), device, self.config.dtype)
            options, output = wanted.options(self.limits), self.store.result_path(entry)
            result: work.Result = await self.workers[index].call(
                work.upscale,
                self.store.source_path(entry),
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
            if running.cancel.is_set():
                return {"status": "cancelled"}
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

    def _tell(self, entry: Entry) -> None:
        if entry.webhook is not None:
            task = asyncio.create_task(self._told(entry, entry.webhook))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _told(self, entry: Entry, address: str) -> None:
        """Tell a webhook that a request has ended, several times if need be, with one id: another one only
        where it was tried again and ended once more."""
        assert entry.ended is not None
        message_id, status = f"{entry.id}-{round(1000 * entry.ended)}", self.status(entry)
        send, loop = partial(webhook.send, address, self.config.webhook_secret), asyncio.get_running_loop()
        for pause in webhook.PAUSES:
            await asyncio.sleep(pause)
            if await loop.run_in_executor(self._tellers, send, message_id, status):
                break
        await self.store.run(self.store.tell, entry)

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
        seconds, taken = self.limits.keep_seconds, frozenset(self._taken)
        for request_id in await self.store.run(self.store.expire, seconds, most, taken):
            self.changed(request_id)

    @contextmanager
    def kept(self, ids: Iterable[str]) -> Iterator[None]:
        """Let requests not expire meanwhile, as while their results are being downloaded."""
        taken = Counter(ids)
        self._taken += taken
        try:
            yield
        finally:
            self._taken -= taken

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
        """Raises Problem for one that has not failed and was not cancelled, and where the queue is full."""
        async with self._admitting:
            await self.check_room(Client(entry.owner, entry.address))
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


_ENDS = {"done": "been done", "failed": "failed", "cancelled": "been cancelled"}


def _failed(problem: Problem) -> dict[str, Any]:
    return {"status": "failed", "error": problem.document}


def _as_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
