"""The blind study under load: simulated raters, a server that is killed, and a browser that votes.

    python benchmarks/study.py load [--raters 20] [--votes 100] [--kills 2]
    python benchmarks/study.py browser [--chromium /usr/bin/chromium]

`load` makes a study of five methods with known strengths, starts the server on the loopback, and lets every
rater vote over HTTP from a thread of its own; the server is killed (SIGKILL) and started again on the way.
Every vote that was acknowledged must be in the database once, and the strengths must come back. `browser`
opens the page in a headless Chromium, votes with keys and then with touches, and reads the votes from the
database.
"""

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from leapsr.study import analysis, questions
from leapsr.study.questions import Question, Study
from leapsr.study.server import cookie_of
from leapsr.study.store import Store

STRENGTHS = {"alpha": 0.40, "beta": 0.25, "gamma": 0.18, "delta": 0.10, "epsilon": 0.07}
SIDE = 64


def make_study(folder: Path, count: int, methods: list[str]) -> Study:
    """Pictures of noise: what is chosen follows from the strengths alone."""
    generator = np.random.default_rng(0)
    asked = []
    for number in range(1, count + 1):
        place = folder / questions.PICTURES / str(number)
        place.mkdir(parents=True)
        for name in (questions.SOURCE, *(f"{i}.png" for i in range(len(methods)))):
            pixels = generator.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / name)
        asked.append(Question(number, f"noise {number}", tuple(methods)))
    known = {"title": "A simulated study", "secret": "simulated", "methods": methods}
    text = json.dumps({**known, "questions": [each._asdict() for each in asked]})
    (folder / questions.STUDY).write_text(text)
    return questions.read(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """The command, as a process of its own that can be killed and started again."""

    def __init__(self, study: Path) -> None:
        self.study, self.port = study, free_port()
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "leapsr", "study", "serve", str(self.study), "--port", str(self.port)]
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill_and_restart(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = self._start()

    def wait(self, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.2)
        raise SystemExit("the server did not start")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@contextmanager
def serving(study: Path) -> Iterator[Server]:
    server = Server(study)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


class Rater:
    """Votes over HTTP as the page does: again and again until the server has acknowledged it."""

    def __init__(self, study: Study, port: int, number: int) -> None:
        self.study, self.port = study, port
        self.chance = random.Random(number)
        self.cookie = ""
        self.acknowledged: list[tuple[int, str]] = []
        self.refused = 0

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        for attempt in range(1000):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                headers = {"Cookie": self.cookie, "Content-Type": "application/json"}
                text = None if body is None else json.dumps(body)
                connection.request(method, path, text, headers)
                answer = connection.getresponse()
                content = answer.read()
                if answer.status < 500:
                    assert answer.status == 200, (answer.status, content)
                    if set_cookie := answer.getheader("Set-Cookie"):
                        self.cookie = set_cookie.partition(";")[0]
                    return dict(json.loads(content)) if path.startswith("/api") else {}
            except (OSError, http.client.HTTPException):
                self.refused += 1
            finally:
                connection.close()
            time.sleep(min(1.0, 0.05 * (attempt + 1)))
        raise SystemExit("the server stayed away")

    def vote(self, times: int, identity: int, done: "threading.Semaphore") -> None:
        self.request("GET", "/")
        for _ in range(times):
            asked = self.request("GET", "/api/question")["question"]
            if asked is None:
                return
            question = self.study.find(asked["number"])
            assert question is not None
            slots = self.study.slots(identity, question)
            weights = [STRENGTHS[name] for name in slots]
            slot = self.chance.choices(range(len(slots)), weights)[0]
            body = {"question": question.number, "slot": slot, "seconds": 1.0}
            assert self.request("POST", "/api/vote", body)["recorded"]
            self.acknowledged.append((question.number, slots[slot]))
            if self.chance.random() < 0.1:  # a double click, with another choice
                assert not self.request("POST", "/api/vote", {**body, "slot": (slot + 1) % len(slots)})[
                    "first"
                ]
            done.release()


def load(raters: int, votes: int, kills: int, root: Path) -> dict[str, Any]:
    """Raises SystemExit where a vote is lost or counted twice."""
    study = make_study(root / "study", votes, list(STRENGTHS))
    store = Store(study.folder)
    with serving(study.folder) as server:
        done = threading.Semaphore(0)
        people = [Rater(study, server.port, number) for number in range(raters)]
        for rater in people:  # a link each, so that the simulation knows which rater it is
            rater.cookie = f"{cookie_of(study)}={store.add_rater()}"
        identities = [store.rater(rater.cookie.partition("=")[2]) for rater in people]
        threads = [
            threading.Thread(target=rater.vote, args=(votes, identity, done))
            for rater, identity in zip(people, identities, strict=True)
        ]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for _ in range(kills):
            for _ in range(raters * votes // (kills + 1)):
                done.acquire()
            server.kill_and_restart()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - begin
    stored = {(vote.rater, vote.question): vote.method for vote in store.votes()}
    lost = [
        (identity, question)
        for rater, identity in zip(people, identities, strict=True)
        for question, method in rater.acknowledged
        if stored.get((identity or 0, question)) != method
    ]
    acknowledged = sum(len(rater.acknowledged) for rater in people)
    found = analysis.outcome(study, store.votes())
    report = {
        "votes": len(stored),
        "acknowledged": acknowledged,
        "lost or changed": len(lost),
        "kills": kills,
        "requests that failed and were repeated": sum(rater.refused for rater in people),
        "seconds": round(seconds, 1),
        "strengths": {rate.method: round(rate.strength, 3) for rate in found.rates},
        "agreement": round(found.agreement, 3),
    }
    if lost or acknowledged != len(stored):
        raise SystemExit(f"failed: {report}")
    return report


class Chromium:
    """The DevTools protocol over pipes: commands and answers are JSON that ends with a zero byte."""

    def __init__(self, program: str, profile: Path, address: str) -> None:
        read_here, write_there = os.pipe()
        read_there, write_here = os.pipe()

        def in_child() -> None:  # Chromium reads commands from 3 and answers on 4
            copies = (os.dup(read_there), os.dup(write_there))
            os.dup2(copies[0], 3)
            os.dup2(copies[1], 4)

        words = [program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        words += [f"--user-data-dir={profile}", "--window-size=1200,900", "about:blank"]
        self.process = subprocess.Popen(
            words, preexec_fn=in_child, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(read_there)
        os.close(write_there)
        self.out, self.answers = os.fdopen(write_here, "wb", 0), os.fdopen(read_here, "rb", 0)
        self.count, self.rest, self.session = 0, b"", None
        target = self.send("Target.createTarget", url=address)["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.count += 1
        message: dict[str, Any] = {"id": self.count, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        self.out.write(json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.rest:
                self.rest += self.answers.read(65536)
            one, _, self.rest = self.rest.partition(b"\0")
            answer = json.loads(one)
            if answer.get("id") == self.count:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def run(self, script: str) -> Any:
        return self.send("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def wait(self, script: str, seconds: float = 60) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.run(script):
                return value
            time.sleep(0.2)
        raise SystemExit(f"never true in the browser: {script}")

    def key(self, key: str) -> None:
        code = {"Enter": 13}.get(key, ord(key[0]))
        text = {} if key == "Enter" else {"text": key}
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    def tap(self, selector: str) -> None:
        box = f"(() => {{ const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
        x, y = self.run(box + " return [b.left + b.width / 2, b.top + b.height / 2]; })()")
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        time.sleep(0.05)
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def picture(self, file: Path) -> None:
        import base64

        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def browser(program: str, root: Path, picture: Path | None = None) -> dict[str, Any]:
    """Two votes with keys and two with touches. Raises SystemExit, AssertionError."""
    study = make_study(root / "study", 4, ["alpha", "beta", "gamma"])
    store = Store(study.folder)
    with serving(study.folder) as server:
        chromium = Chromium(program, root / "profile", f"http://127.0.0.1:{server.port}/")
        try:
            expected: dict[int, int | None] = {}

            def asked(before: int) -> int:
                chromium.wait(
                    f"document.body.dataset.state?.startsWith('question') && "
                    f"document.body.dataset.state !== 'question {before}'"
                )
                return int(chromium.run("document.body.dataset.state").split()[1])

            first = asked(0)
            if picture is not None:
                chromium.picture(picture)
            chromium.key("2")
            chromium.key("+")
            chromium.key("Enter")
            expected[first] = 1
            second = asked(first)
            chromium.key("0")
            chromium.key("Enter")
            expected[second] = None
            third = asked(second)
            chromium.send("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
            chromium.tap("[role=radio]:nth-of-type(4)")  # the small photo is the first
            chromium.wait("document.querySelectorAll('[aria-checked=true]').length === 1")
            chromium.tap("#vote")
            expected[third] = 2
            fourth = asked(third)
            chromium.tap("[role=radio]:nth-of-type(2)")
            chromium.wait("document.querySelectorAll('[aria-checked=true]').length === 1")
            chromium.tap("#vote")
            expected[fourth] = 0
            chromium.wait("document.body.dataset.state === 'done'")
        finally:
            chromium.stop()
    votes = {vote.question: vote.slot for vote in store.votes()}
    assert votes == expected, (votes, expected)
    return {"with keys": [votes[first], votes[second]], "with touches": [votes[third], votes[fourth]]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("load", "browser"))
    parser.add_argument("--raters", type=int, default=20)
    parser.add_argument("--votes", type=int, default=100, help="of each rater")
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--screenshot", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if arguments.what == "load":
            report = load(arguments.raters, arguments.votes, arguments.kills, Path(place))
            if list(report["strengths"]) != list(STRENGTHS):
                raise SystemExit(f"the ranking is wrong: {report}")
        else:
            report = browser(arguments.chromium, Path(place), arguments.screenshot)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
