"""The queue worked on by replicas of Ray Serve on this machine."""

import asyncio
import time
from types import SimpleNamespace
from unittest.mock import MagicMock

import psutil
import pytest

from tests.serve.conftest import encoded

pytest.importorskip("ray", reason="needs Ray Serve: pip install 'leapsr[ray]'")
pytest.importorskip("ray.serve", reason="needs Ray Serve: pip install 'leapsr[ray]'")

from leapsr.batch.options import Options
from leapsr.serve import work
from leapsr.serve.on_ray import NAME, Cluster, RayPool
from leapsr.serve.processes import Returned

pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray's own threads and files


def replicas():
    """The processes, which have the deployment in their title."""
    every = psutil.process_iter(["cmdline"])
    return [process for process in every if f"Replica:{NAME}:" in " ".join(process.info["cmdline"] or [])]


@pytest.mark.parametrize(("gpus", "device"), [(0, "cpu"), (0.5, "cuda")])
def test_a_replica_works_where_it_was_given_room(tmp_path, monkeypatch, gpus, device):
    """Ray does not hide GPUs from replicas that asked for none."""
    asked = []

    def upscale(data, suffix, name, result, model, options):
        asked.append(model.device)

        async def answers():
            yield Returned((None, {}))

        return answers()

    handle = SimpleNamespace(options=lambda stream: SimpleNamespace(upscale=SimpleNamespace(remote=upscale)))
    library = MagicMock(**{"run.return_value": handle})
    monkeypatch.setattr("leapsr.serve.on_ray.optional", lambda module, extra: library)
    monkeypatch.setattr("leapsr.serve.on_ray.connect", lambda address: MagicMock())
    (tmp_path / "a.png").write_bytes(b"x")
    files, model = (tmp_path / "a.png", "a.png", tmp_path / "b.png"), work.Model("some", "auto", "auto")

    async def call():
        pool, cancel = RayPool(Cluster("local", gpus=gpus)), asyncio.Event()
        await pool.call(work.upscale, *files, model, Options(), report=print, cancel=cancel)

    asyncio.run(call())
    assert asked == [device]


def test_a_replica_that_dies_costs_nothing(start, served):
    wanted = {}
    for seed in range(4):
        status = served.done(encoded(60 + seed, 60, seed=seed), samples=2, fidelity=0)
        wanted[seed] = served.http.get(f"/v1/requests/{status['id']}/result?sample=1").content
    pool = RayPool(Cluster("local", replicas=2))
    with start(cluster=pool) as clustered:
        ids = {}
        for count in range(12):
            seed = count % 4
            answer = clustered.post(encoded(60 + seed, 60, seed=seed), samples=2, fidelity=0)
            ids[answer.json()["id"]] = seed
        killed = False
        until = time.monotonic() + 120
        while not killed and time.monotonic() < until:
            states = [each["status"] for each in clustered.http.get("/v1/requests").json()["requests"]]
            if "done" in states and "running" in states and (there := replicas()):
                there[0].kill()
                killed = True
        assert killed
        for request_id, seed in ids.items():
            assert clustered.wait(request_id)["status"] == "done"
            result = clustered.http.get(f"/v1/requests/{request_id}/result?sample=1").content
            assert result == wanted[seed]
        broken = clustered.done(encoded(200, 200)[:-3000], "cut.png")
        assert broken["error"]["detail"].startswith("cut.png is damaged")
