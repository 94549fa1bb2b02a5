"""Many clients at a server for some minutes, while its processes are killed: is anything lost or wrong?

    python benchmarks/serve_load.py --clients 200 --minutes 5           # load alone
    python benchmarks/serve_load.py --clients 50 --minutes 5 --kill     # its processes are killed, too
    python benchmarks/serve_load.py --tiny                              # with the smallest network

It starts a server of its own on a free port of this machine, with its data in a temporary folder. Each
client sends a photo, waits, takes the result, compares it with the bytes that the command line makes, and
deletes it. With --kill a worker is killed every 20 seconds, and the server twice. The end says how long
requests took, how many were done, how the memory of the server's processes moved, and how long the command
line needs for the same photos. benchmarks/serve_abuse.py is for clients that mean harm.
"""

import argparse
import asyncio
import io
import random
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import psutil
from PIL import Image

from leapsr.batch import pipeline
from leapsr.batch.existing import ExistingPolicy
from leapsr.batch.jobs import Job
from leapsr.batch.options import Options
from leapsr.upscaling.settings import Settings
from leapsr.upscaling.sizes import Target
from leapsr.upscaling.upscaler import Upscaler

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.conftest import make_tiny_model

PATIENCE = 600.0
"""Seconds after the end for requests that were accepted."""


@dataclass(frozen=True)
class Photo:
    """A photo, what is asked for it, and the bytes that the command line makes of it."""

    name: str
    data: bytes
    fields: dict[str, str]
    wanted: bytes = b""


@dataclass
class Found:
    seconds: list[float] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    retried: int = 0
    refused: int = 0


def photos(count: int, side: int, seed: int) -> list[Photo]:
    """Of mixed sizes, kinds and settings."""
    draw, made = np.random.default_rng(seed), []
    for index in range(count):
        height, width = (int(length) for length in draw.integers(24, side, 2))
        y, x = np.mgrid[0:height, 0:width]
        waves = np.stack([np.sin(x / 9 + index), np.cos(y / 7), np.sin((x + y) / 11)], -1) * 60 + 127
        pixels = (waves + draw.normal(0, 6, waves.shape)).clip(0, 255).astype(np.uint8)
        kind, suffix = [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")][index % 3]
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, kind)
        fields = [{}, {"scale": "2.5"}, {"fidelity": "0.3", "seed": "4"}, {"long_side": "333"}][index % 4]
        made.append(Photo(f"photo{index}.{suffix}", file.getvalue(), fields))
    return made


def by_the_command_line(given: list[Photo], model: str, folder: Path) -> tuple[list[Photo], float]:
    """With what `leapsr upscale` makes of each, and the seconds that it took for all."""
    upscaler, begun, made = Upscaler.from_pretrained(model, "cpu"), 0.0, []
    for photo in given:
        source, output = folder / photo.name, folder / f"result_{photo.name}"
        source.write_bytes(photo.data)
        numbers = {name: float(value) for name, value in photo.fields.items()}
        target = Target(
            numbers.get("scale"), long_side=int(numbers["long_side"]) if "long_side" in numbers else None
        )
        settings = Settings(fidelity=numbers.get("fidelity"), seed=int(numbers.get("seed", 0)))
        started = time.perf_counter()
        (outcome,) = pipeline.run(
            [Job(source, output)], upscaler, Options(target, settings), ExistingPolicy("overwrite")
        )
        begun += time.perf_counter() - started
        assert outcome.status == "done", outcome
        made.append(Photo(photo.name, photo.data, photo.fields, output.read_bytes()))
    return made, begun


class Server:
    """A server as a process of its own, which can be killed and started again at its address."""

    def __init__(self, folder: Path, *options: str) -> None:
        """options: further ones of `leapsr serve`."""
        self.folder, self.port, self._log = folder, 0, folder.with_name("server.log")
        self._options = ["--data", str(folder), "--device", "cpu", "--threads", "1", *options]
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "leapsr", "serve", "--port", str(self.port), *self._options]
        before = len(self._log.read_text()) if self._log.exists() else 0
        with self._log.open("a") as log:
            self._process = subprocess.Popen(command, stderr=log)
        while not (lines := self._log.read_text()[before:].splitlines()) or not lines[0].endswith("it)"):
            assert self._process.poll() is None, self._log.read_text()
            time.sleep(0.05)
        self.address = lines[0].split()[0].rstrip("/")
        self.port = int(self.address.rpartition(":")[2])

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    @property
    def workers(self) -> list[psutil.Process]:
        """Those that the server's fork server has started."""
        try:
            children = psutil.Process(self._process.pid).children()
            return [worker for child in children for worker in child.children()]
        except psutil.NoSuchProcess:
            return []

    def memory(self) -> dict[str, float]:
        """Megabytes that the server and its processes hold (RSS), and what all have for themselves."""
        server, workers = psutil.Process(self._process.pid), self.workers
        held = {"server": server.memory_info().rss, "own": server.memory_full_info().uss}
        held["processes"] = sum(each.memory_info().rss for each in workers)
        held["own"] += sum(each.memory_full_info().uss for each in workers)
        return {name: size / 1e6 for name, size in held.items()}

    @property
    def left(self) -> list[str]:
        """Files of requests that lie in its folder."""
        return [str(path) for part in ("files", "uploads") for path in (self.folder / part).rglob("*")]


async def send(http: httpx.AsyncClient, photo: Photo, model: str, found: Found, until: float) -> str | None:
    """The id of an accepted request; None where the time is over. Sent again, its key is the same."""
    key = uuid.uuid4().hex
    while True:
        try:
            answer = await http.post(
                "/v1/requests",
                files={"image": (photo.name, photo.data)},
                data=photo.fields | {"model": model},
                headers={"Idempotency-Key": key, "Prefer": "wait=60"},
            )
        except httpx.TransportError:
            found.retried += 1
            await asyncio.sleep(0.5)
            continue
        if answer.status_code == 201:
            return str(answer.json()["id"])
        if answer.status_code not in (429, 503):
            found.faults.append(f"POST: {answer.status_code} {answer.text}")
            return None
        found.refused += 1
        if time.monotonic() > until:
            return None
        await asyncio.sleep(1)


async def patiently(http: httpx.AsyncClient, method: str, path: str, found: Found) -> httpx.Response:
    while True:
        try:
            return await http.request(method, path)
        except httpx.TransportError:
            found.retried += 1
            await asyncio.sleep(0.5)


async def client(
    number: int, http: httpx.AsyncClient, given: list[Photo], model: str, found: Found, until: float
) -> None:
    draw = random.Random(number)
    while time.monotonic() < until:
        photo, begun = draw.choice(given), time.monotonic()
        if (request_id := await send(http, photo, model, found, until)) is None:
            continue
        found.accepted.add(request_id)
        path, pause = f"/v1/requests/{request_id}", 0.05
        while True:
            status = (await patiently(http, "GET", path, found)).json()
            if status["status"] in ("done", "failed", "cancelled", 404):
                break
            await asyncio.sleep(pause)
            pause = min(2.0, 1.3 * pause)
        if status["status"] != "done":
            found.faults.append(f"{request_id}: {status}")
            continue
        found.seconds.append(time.monotonic() - begun)
        found.done[request_id] += 1
        result = await patiently(http, "GET", f"{path}/result", found)
        if result.content != photo.wanted:
            found.faults.append(f"{request_id}: other bytes than the command line's ({photo.name})")
        await patiently(http, "DELETE", path, found)


async def killer(server: Server, minutes: float, found: Found) -> None:
    """kill -9 of a worker every 20 seconds, and of the server twice."""
    end, draw, server_kills = time.monotonic() + 60 * minutes, random.Random(0), 0
    while time.monotonic() + 20 < end:
        await asyncio.sleep(20)
        if end - time.monotonic() < 60 * minutes * (2 - server_kills) / 3 and server_kills < 2:
            server_kills += 1
            server.kill()
            print("killed the server", flush=True)
            await asyncio.to_thread(server.start)
        elif workers := server.workers:
            draw.choice(workers).kill()
            print("killed a worker", flush=True)


async def load(server: Server, given: list[Photo], arguments: argparse.Namespace) -> Found:
    found, memory = Found(), list[dict[str, float]]()
    until = time.monotonic() + 60 * arguments.minutes
    limits = httpx.Limits(max_connections=arguments.clients)
    async with httpx.AsyncClient(base_url=server.address, timeout=120, limits=limits) as http:
        jobs = [client(n, http, given, arguments.model, found, until) for n in range(arguments.clients)]
        tasks = [asyncio.create_task(job) for job in jobs]
        if arguments.kill:
            tasks.append(asyncio.create_task(killer(server, arguments.minutes, found)))
        while not all(task.done() for task in tasks):
            await asyncio.wait(tasks, timeout=5)
            with suppress(psutil.Error):
                memory.append(server.memory())
            if time.monotonic() > until + PATIENCE:
                found.faults.append("requests that were accepted did not end")
                break
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        counts = (await http.get("/metrics")).text
    left = [
        line
        for line in counts.splitlines()
        if line.startswith("leapsr_requests{") and not line.endswith(" 0.0")
    ]
    if left:
        found.faults.append(f"left in the store: {left}")
    if found.accepted != set(found.done) or max(found.done.values(), default=1) > 1:
        found.faults.append(f"not done once each: {found.accepted.symmetric_difference(found.done)}")
    for name in memory[0]:
        every = [each[name] for each in memory]
        third = max(1, len(every) // 3)
        parts = every[:third], every[third:-third] or every, every[-third:]
        start, middle, end = (statistics.mean(part) for part in parts)
        words = f"{start:.0f} at first, then {middle:.0f}, {end:.0f} at last, at most {max(every):.0f}"
        print(f"memory, MB, {name}: {words}")
    return found


def tiny(folder: Path) -> str:
    """Make a folder of models with the smallest network, of random weights; its name."""
    return make_tiny_model(folder / "tiny").name


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--photos", type=int, default=24)
    parser.add_argument("--side", type=int, default=160, help="pixels of the longest side of a photo")
    parser.add_argument("--model", default="leap-small")
    parser.add_argument("--tiny", action="store_true", help="the smallest network, with random weights")
    parser.add_argument("--kill", action="store_true", help="processes, while they work")
    arguments = parser.parse_args()
    with TemporaryDirectory() as place:
        folder, most = Path(place), 10 * arguments.clients + 100
        options = [f"--set=waiting={most}", f"--set=waiting_of_client={most}", "--set=attempts=50"]
        model = arguments.model
        if arguments.tiny:
            arguments.model = tiny(folder / "models")
            model, options = str(folder / "models" / "tiny"), [*options, "-m", str(folder / "models")]
        given, alone = by_the_command_line(photos(arguments.photos, arguments.side, 0), model, folder)
        server = Server(folder / "data", *options)
        begun = time.monotonic()
        try:
            found = asyncio.run(load(server, given, arguments))
        finally:
            code = server.stop()
        took, left = time.monotonic() - begun, server.left
    quantiles = statistics.quantiles(found.seconds, n=100) if len(found.seconds) > 1 else [0.0] * 99
    print(f"{len(found.seconds)} results in {took:.0f} s: {len(found.seconds) / took:.2f} a second")
    print(
        "seconds of a request: p50 {:.2f}, p95 {:.2f}, p99 {:.2f}".format(
            *(quantiles[n - 1] for n in (50, 95, 99))
        )
    )
    print(f"the command line, one photo after another: {len(given) / alone:.2f} a second")
    print(
        f"accepted {len(found.accepted)}, done {len(found.done)}, sent again {found.retried}, "
        f"told to wait {found.refused}"
    )
    print(f"ended with {code}; files left: {len(left)}; faults: {len(found.faults)}")
    for fault in found.faults[:10]:
        print(" ", fault)
    sys.exit(bool(found.faults or left))


if __name__ == "__main__":
    main()
