"""Processes and servers that are killed: every request ends, once."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest

from leapsr.serve.store import Store
from tests.serve.conftest import SECONDS, encoded

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")


def test_a_worker_that_is_killed_costs_a_try(start):
    with start() as served:
        wanted = served.http.get(f"/v1/requests/{served.done(encoded(500, 500))['id']}/result").content
        request_id = served.post(encoded(500, 500)).json()["id"]
        served.wait(request_id, "running")
        (pid,) = served.service.workers[0].pids
        os.kill(pid, signal.SIGKILL)
        assert served.wait(request_id)["status"] == "done"
        assert served.http.get(f"/v1/requests/{request_id}/result").content == wanted
        assert served.service.workers[0].pids != [pid]
        assert 'leapsr_process_deaths_total{kind="leapsr cpu 0"} 1.0' in served.http.get("/metrics").text
        for pool in (served.service.instant.pictures, served.service.instant.dial):
            os.kill(pool.pids[0], signal.SIGKILL)
        assert served.post(encoded(), path="/v1/preview").status_code == 200


def test_a_request_that_kills_every_worker_fails(start):
    with start(attempts=2) as served:
        request_id = served.post(encoded(700, 700)).json()["id"]
        for _ in range(2):
            served.wait(request_id, "running")
            (pid,) = served.service.workers[0].pids
            os.kill(pid, signal.SIGKILL)
            while served.service.workers[0].pids == [pid]:
                time.sleep(0.01)
        status = served.wait(request_id)
        assert (status["status"], status["error"]["code"]) == ("failed", "WorkerDied")


def test_work_that_takes_too_long_is_ended(start):
    with start(request_seconds=0.2) as served:
        status = served.done(encoded(700, 700))
        assert (status["status"], status["error"]["code"]) == ("failed", "TooLong")


@contextmanager
def begun(folder, model_dir):
    """A server as a process of its own, and a client of it. It is gone afterwards."""
    options = [
        "--port",
        "0",
        "--data",
        str(folder),
        "-m",
        str(model_dir),
        "--device",
        "cpu",
        "--threads",
        "1",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "leapsr", "serve", *options], stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stderr.readline()
        assert line.startswith("http://127.0.0.1:"), line
        with httpx.Client(base_url=line.split()[0], timeout=SECONDS) as http:
            yield process, http
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def reached(http, request_id, *statuses):
    until = time.monotonic() + SECONDS
    while (status := http.get(f"/v1/requests/{request_id}").json())["status"] not in statuses:
        assert time.monotonic() < until, status
        time.sleep(0.03)


def test_a_server_that_is_killed_goes_on_when_it_is_started_again(tmp_path, tiny_model):
    headers = {"Idempotency-Key": "once"}
    files = {"image": ("a.png", encoded(300, 300))}
    with begun(tmp_path / "data", tiny_model.parent) as (process, http):
        ids = [http.post("/v1/requests", files=files, headers=headers).json()["id"]]
        ids += [http.post("/v1/requests", files=files).json()["id"] for _ in range(2)]
        reached(http, ids[0], "running", "done")
        process.kill()
    with begun(tmp_path / "data", tiny_model.parent) as (process, http):
        for request_id in ids:
            reached(http, request_id, "done")
        results = {http.get(f"/v1/requests/{request_id}/result").content for request_id in ids}
        assert len(results) == 1
        assert http.post("/v1/requests", files=files, headers=headers).json()["id"] == ids[0]
        assert len(list((tmp_path / "data" / "files").iterdir())) == 3
        late = http.post("/v1/requests", files={"image": ("b.png", encoded(900, 900))}).json()["id"]
        reached(http, late, "running", "done")
        process.terminate()  # which lets the work end
        assert process.wait(SECONDS) == 0
    store = Store(tmp_path / "data")
    entry = asyncio.run(store.run(store.find, late))
    store.close()
    assert entry.status in ("done", "queued")  # had it no time to end, the next server does it again
    assert (entry.status == "done") == (store.place(late) / "result.png").exists()


def test_what_a_stricter_server_cannot_do_any_more_ends_and_holds_nobody_up(start):
    with start() as served:
        waiting = [served.post(encoded(400, 400, seed=i), samples=4).json()["id"] for i in range(3)]
    with start(samples=2) as served:
        ended = served.wait(waiting[-1])  # the first may have been done meanwhile
        assert ended["status"] == "failed"
        assert "samples" in ended["error"]["detail"]
        assert served.done(encoded())["status"] == "done"
