"""Clients that mean harm, all at once, at a server that has one honest client: does it get its results?

    python benchmarks/serve_abuse.py --mutated 20000 --seconds 300

A server of its own, which asks for tokens, with a tiny network and small limits. At the same time, again and
again: damaged pictures by the means of tests/fuzz; uploads that drip; connections that are half closed,
dropped, or take nothing of what they asked for; decompression bombs and giant sizes; names that lead out of
the folder; wrong tokens; a client that floods the queue; heads that smuggle a second request. Meanwhile the
honest client sends a photo, and /health is asked every second. Nothing but refusals, or results of pictures
that can still be read, may come back; in the end nothing lies in the server's folder.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

sys.path.insert(0, str(Path(__file__).parent.parent))
from benchmarks.serve_load import Server, photos, tiny
from leapsr.serve.guard import Tokens
from tests.fuzz import mutations, seeds
from tests.serve.test_limits import bomb

LIMITS = {
    "idle_seconds": 10,
    "upload_seconds": 15,
    "source_pixels": 100_000,
    "result_pixels": 2_000_000,
    "request_seconds": 300,
    "waiting_of_client": 20,
    "upload_bytes": 300_000,
}
"""Small, so that much happens in little time."""
REFUSED = (400, 401, 408, 413, 421, 422, 429)
HEAD = "POST /v1/requests HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
PART = '--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
NAMES = (
    "../../../../tmp/leapsr-evil.png",
    "..\\..\\evil.png",
    "/etc/cron.d/evil.png",
    "a\0b.png",
    "..",
    "%2e%2e",
)
SMUGGLED = (
    "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
    "Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd",
    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "Content-Length: -1\r\n\r\n",
)


@dataclass
class Told:
    """answers: how often each kind of abuse got which status. seconds: of /health, and of honest requests."""

    answers: dict[str, Counter[int]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    honest: list[float] = field(default_factory=list)

    def note(self, kind: str, answer: httpx.Response | int, allowed: tuple[int, ...] = REFUSED) -> None:
        status = answer if isinstance(answer, int) else answer.status_code
        self.answers.setdefault(kind, Counter())[status] += 1
        if status not in allowed:
            words = "" if isinstance(answer, int) else answer.text[:200]
            self.faults.append(f"{kind}: {status} {words}")


class Abuse:
    def __init__(self, server: Server, tokens: dict[str, str], told: Told) -> None:
        self.server, self.told, self.draw = server, told, random.Random(0)
        self.tokens = {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}
        alone = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self.http = httpx.AsyncClient(base_url=server.address, timeout=300, limits=alone)
        self.whole = {kind: seeds.make(kind) for kind in seeds.MAKERS}
        self.photo = photos(1, 40, 0)[0]

    async def post(self, data: bytes, name: str, path: str, who: str = "evil") -> httpx.Response:
        files = {"image": (name, data)}
        return await self.http.post(path, files=files, data={"model": "tiny"}, headers=self.tokens[who])

    async def damaged(self) -> None:
        kind = self.draw.choice(list(self.whole))
        data, how = mutations.mutated(kind, self.whole[kind], self.draw)
        answer = await self.post(data, f"a{seeds.suffix(kind)}", "/v1/images/upscale")
        self.told.note("damaged", answer, (200, *REFUSED))
        if answer.status_code >= 500:
            self.told.faults.append(f"{how}: {data!r:.300}")

    async def giants(self) -> None:
        sides = [(2**31 - 1, 2**31 - 1), (40_000, 10), (20_000, 20_000), (0, 5), (600, 600)]
        answer = await self.post(bomb(*self.draw.choice(sides)), "bomb.png", "/v1/images/upscale")
        self.told.note("giants and bombs", answer)

    async def names(self) -> None:
        answer = await self.post(self.photo.data, self.draw.choice(NAMES), "/v1/images/upscale")
        self.told.note("names", answer, (200, 400, 422, 429))
        said = answer.headers.get("content-disposition", "")
        if "/" in said.removeprefix("attachment; filename*=utf-8''") or "\\" in said:
            self.told.faults.append(f"names: {said}")

    async def guesses(self) -> None:
        headers = {"Authorization": f"Bearer {self.draw.random()}"}
        self.told.note("guesses", await self.http.get("/v1/requests", headers=headers), (401, 429))

    async def floods(self) -> None:
        answer = await self.post(self.photo.data, self.photo.name, "/v1/requests", "flood")
        self.told.note("floods", answer, (201, 429))

    async def _raw(self, *parts: str, pause: float = 0.0, half_closed: bool = False) -> bytes:
        host, port = self.server.address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            with suppress(ConnectionError):
                for part in parts:
                    writer.write(part.encode())
                    await writer.drain()
                    await asyncio.sleep(pause)
                if half_closed:
                    writer.write_eof()
                async with asyncio.timeout(60):
                    return await reader.read()
            return b""
        finally:
            writer.close()

    def _note_raw(self, kind: str, answer: bytes) -> None:
        status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
        self.told.note(kind, status, (0, 400, 401, 408, 413, 421, 431))
        if answer.count(b"HTTP/1.1 ") > 1:
            self.told.faults.append(f"{kind}: two answers {answer[:400]!r}")

    @property
    def _head(self) -> str:
        return f"{HEAD}Authorization: {self.tokens['evil']['Authorization']}\r\n"

    async def drips(self) -> None:
        drops = [f"{self._head}Content-Length: 100000\r\n\r\n{PART}", *"dripping" * 3]
        self._note_raw("drips", await self._raw(*drops, pause=1))

    async def half_closed(self) -> None:
        part = f"{self._head}Content-Length: 100000\r\n\r\n{PART}half"
        self._note_raw("half closed", await self._raw(part, half_closed=True))

    async def smuggles(self) -> None:
        self._note_raw("smuggles", await self._raw(HEAD + self.draw.choice(SMUGGLED)))

    async def drops(self) -> None:
        """Send a photo to wait for, and go at once."""
        with suppress(httpx.TimeoutException):
            await self.http.post(
                "/v1/images/upscale",
                files={"image": (self.photo.name, self.photo.data)},
                data={"model": "tiny"},
                headers=self.tokens["evil"],
                timeout=httpx.Timeout(60, read=0.3),
            )
        self.told.note("drops", 0, (0,))

    async def health(self) -> None:
        begun = time.monotonic()
        answer = await self.http.get("/health")
        self.told.health.append(time.monotonic() - begun)
        if answer.status_code != 200:
            self.told.faults.append(f"health: {answer.status_code}")
        await asyncio.sleep(1)

    async def honest(self) -> None:
        begun = time.monotonic()
        answer = await self.post(self.photo.data, self.photo.name, "/v1/images/upscale", "honest")
        self.told.honest.append(time.monotonic() - begun)
        self.told.note("honest", answer, (200,))

    async def run(self, count: int, seconds: float) -> None:
        """count: damaged files. seconds: of the other abuse, which begins with them; what asks for health and
        the honest client go on until both have ended."""
        sent, over, ended = iter(range(count)), asyncio.Event(), asyncio.Event()

        async def again(abuse: Callable[[], Awaitable[None]], until: asyncio.Event) -> None:
            while not until.is_set():
                try:
                    await abuse()
                except httpx.TransportError:
                    kind = f"{abuse.__name__}, cut off"
                    self.told.note(kind, 0, () if abuse in (self.honest, self.health) else (0,))

        async def damaged() -> None:
            for _ in sent:
                with suppress(httpx.TransportError):  # /health tells whether the server is there
                    await self.damaged()

        kinds = [self.giants, self.names, self.guesses, self.half_closed, self.smuggles]
        kinds += [self.drops, *([self.drips] * 20), *([self.floods] * 24)]
        files = [asyncio.create_task(damaged()) for _ in range(4)]
        harm = [asyncio.create_task(again(each, over)) for each in kinds]
        others = [asyncio.create_task(again(each, ended)) for each in (self.health, self.honest)]
        await asyncio.sleep(seconds)
        over.set()
        await asyncio.gather(*files, *harm)
        ended.set()
        await asyncio.gather(*others)
        flood = self.tokens["flood"]
        while listed := (await self.http.get("/v1/requests", headers=flood)).json()["requests"]:
            for each in listed:
                await self.http.delete(f"/v1/requests/{each['id']}", headers=flood)
        assert (await self.http.get("/health")).status_code == 200
        await self.http.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mutated", type=int, default=20_000, metavar="N", help="damaged files")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the other abuse")
    arguments = parser.parse_args()
    told = Told()
    with TemporaryDirectory() as place:
        folder = Path(place)
        tokens = {name: Tokens.add(folder / "tokens", name) for name in ("evil", "flood", "honest")}
        tiny(folder / "models")
        limits = [f"--set={name}={value}" for name, value in LIMITS.items()]
        options = ["-m", str(folder / "models"), "--tokens", str(folder / "tokens"), *limits]
        server = Server(folder / "data", *options)
        begun, before = time.monotonic(), server.memory()
        try:
            asyncio.run(Abuse(server, tokens, told).run(arguments.mutated, arguments.seconds))
            after, took = server.memory(), time.monotonic() - begun
            until = time.monotonic() + 60
            while server.left and time.monotonic() < until:  # of those who dropped
                time.sleep(0.5)
        finally:
            code = server.stop()
        left = server.left
    print(f"{took:.0f} s; memory, MB, of all: {before['own']:.0f} at first, {after['own']:.0f} at last")
    for kind, counts in told.answers.items():
        print(f"{kind}: {dict(sorted(counts.items()))}")
    for name, times in (("/health", told.health), ("honest requests", told.honest)):
        print(f"{name}: {len(times)}, {max(times, default=0):.1f} s at most")
    print(f"ended with {code}; files left: {len(left)}; faults: {len(told.faults)}")
    for fault in told.faults[:10]:
        print(" ", fault)
    sys.exit(bool(told.faults or left or code))


if __name__ == "__main__":
    main()
