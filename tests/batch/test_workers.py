import multiprocessing
import os
import signal
import sys
import time
from dataclasses import replace

import pytest
from PIL import Image

from leapsr.batch import pipeline, workers
from leapsr.batch.existing import ExistingPolicy, Manifest
from leapsr.batch.jobs import plan
from leapsr.batch.options import Options
from leapsr.batch.stages import Outcome
from leapsr.batch.workers import ReadyForJob, WorkerConfig
from leapsr.errors import UsageError, WeightsError
from leapsr.upscaling.upscaler import Settings, Upscaler
from tests.conftest import picture_array

RECIPE = {"seed": 0}


@pytest.fixture
def jobs(tmp_path):
    (tmp_path / "in").mkdir()
    for i in range(6):
        Image.fromarray(picture_array(40, 40, seed=i)).save(tmp_path / "in" / f"{i}.png")
    return plan([tmp_path / "in"], tmp_path / "out", "x4").jobs


@pytest.fixture
def config(tiny_model):
    """Tiles so small that there are several of each picture, between which a process can be met."""
    options, existing = Options(settings=Settings(tile=16)), ExistingPolicy("overwrite", RECIPE)
    return WorkerConfig(tiny_model, "fp32", options, existing, processes=2)


@pytest.fixture
def quick_start(monkeypatch):
    """Processes are copies of one in which everything is imported; `leapsr` starts each anew."""
    if sys.platform != "win32":
        multiprocessing.set_forkserver_preload(["leapsr.batch.workers"])
        monkeypatch.setattr(workers, "CONTEXT", multiprocessing.get_context("forkserver"))


@pytest.fixture
def started():
    """The processes that a test has started: a server of other tests may have some, too."""
    before = set(multiprocessing.active_children())
    return lambda: set(multiprocessing.active_children()) - before


def results(jobs):
    return [job.output.read_bytes() for job in jobs if job.output.exists()]


@pytest.mark.usefixtures("quick_start")
def test_two_processes_give_what_one_gives(jobs, config, tiny_model, tmp_path):
    jobs[2].source.write_text("not a picture")
    seen = set()
    outcomes = list(workers.run(jobs, config, ["cpu", "cpu"], lambda job, *_: seen.add(job)))
    assert sorted(outcome.job.source.name for outcome in outcomes) == [job.source.name for job in jobs]
    assert [outcome.job for outcome in outcomes if outcome.status == "failed"] == [jobs[2]]
    assert seen == {*jobs} - {jobs[2]}
    assert Manifest(tmp_path / "out").find(jobs[0].output).recipe == RECIPE
    together = results(jobs)
    list(
        pipeline.run(jobs, Upscaler.from_pretrained(tiny_model), config.options, ExistingPolicy("overwrite"))
    )
    assert len(together) == 5
    assert together == results(jobs)


@pytest.mark.usefixtures("quick_start")
def test_a_process_that_dies_takes_nothing_with_it(jobs, config, caplog, started):
    """Whoever works on the second picture is killed, twice; the others had nothing to do with it."""
    deaths = []

    def killing(job, done, total):
        if job == jobs[1] and done == 1:
            (process,) = started()
            os.kill(process.pid, signal.SIGKILL)
            deaths.append(process.pid)

    outcomes = {outcome.job: outcome for outcome in workers.run(jobs, config, ["cpu"], killing)}
    assert len(set(deaths)) == 2
    assert [outcomes[job].status for job in jobs] == ["done", "failed", "done", "done", "done", "done"]
    assert "signal 9" in outcomes[jobs[1]].message
    assert len(results(jobs)) == 5
    assert "another one takes its work" in caplog.text


@pytest.mark.usefixtures("quick_start")
def test_what_was_written_before_a_process_died_is_done(jobs, config, started):
    """The first photo is in its place while the second, which has many tiles, is worked on."""
    Image.fromarray(picture_array(80, 80)).save(jobs[1].source)
    config, deaths = replace(config, existing=ExistingPolicy("refuse", RECIPE)), []

    def killing(job, done, total):
        if job == jobs[1] and not deaths:
            until = time.monotonic() + 20
            while not jobs[0].output.exists() and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(0.1)
            (process,) = started()
            os.kill(process.pid, signal.SIGKILL)
            deaths.append(process.pid)

    outcomes = list(workers.run(jobs, config, ["cpu"], killing))
    assert len(deaths) == 1
    assert [(outcome.status, outcome.message) for outcome in outcomes] == [("done", "")] * 6
    assert {outcome.job for outcome in outcomes} == {*jobs}


@pytest.mark.usefixtures("quick_start")
@pytest.mark.parametrize("error", [KeyboardInterrupt, None])
def test_stopping(jobs, config, tmp_path, error, started):
    """Ctrl-C, or a caller that has had enough: nothing is left but complete results."""
    outcomes = []

    def interrupting(job, done, total):
        if job == jobs[2] and error is not None:
            raise error

    running = workers.run(jobs, config, ["cpu"], interrupting)
    if error is None:
        outcomes.append(next(running))
        running.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            for outcome in running:
                outcomes.append(outcome)
    assert started() == set()
    assert [path for path in (tmp_path / "out").iterdir() if path.suffix == ".part"] == []
    finished = {path.name for path in (tmp_path / "out").glob("*.png")}
    told = {outcome.job.output.name for outcome in outcomes}
    assert told == finished if error is not None else told <= finished
    assert 1 <= len(finished) < 6


def full_disk(connection, config, device):
    """A process whose disk is full."""
    connection.send(ReadyForJob())
    connection.send(Outcome(connection.recv(), "failed", "The disk is full.", last=True))


@pytest.mark.usefixtures("quick_start")
def test_a_full_disk_ends_every_process(jobs, config, monkeypatch, caplog, started):
    monkeypatch.setattr(workers, "serve", full_disk)
    outcomes = list(workers.run(jobs, config, ["cpu", "cpu"]))
    assert {outcome.message for outcome in outcomes} == {"The disk is full."}
    assert len(outcomes) <= 2
    assert started() == set()
    assert not caplog.text


@pytest.mark.usefixtures("quick_start")
@pytest.mark.skipif(sys.platform == "win32", reason="these signals are not there")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP"])
def test_signals_to_all_processes_are_for_the_first_one(jobs, config, number, started):
    def signalling(job, done, total):
        if job == jobs[1] and done == 1:
            for process in started():
                os.kill(process.pid, getattr(signal, number))

    outcomes = list(workers.run(jobs, config, ["cpu"], signalling))
    assert [outcome.status for outcome in outcomes] == ["done"] * 6


@pytest.mark.usefixtures("quick_start")
def test_a_model_that_cannot_be_loaded(jobs, config, tiny_model):
    weights = tiny_model / "model.safetensors"
    kept = weights.read_bytes()
    weights.write_bytes(b"")
    try:
        with pytest.raises(WeightsError, match="damaged"):
            list(workers.run(jobs, config, ["cpu"]))
    finally:
        weights.write_bytes(kept)


def test_devices():
    assert workers.devices("cpu", 1) == ["cpu"]
    assert workers.devices("cpu, cpu", 2) == ["cpu"] * 4
    with pytest.raises(UsageError, match="no device 'abacus'"):
        workers.devices("cpu,abacus", 1)


@pytest.mark.parametrize("count", [0, 3])
def test_every_gpu(monkeypatch, count):
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    if count:
        assert workers.devices("cuda:all", 1) == ["cuda:0", "cuda:1", "cuda:2"]
    else:
        with pytest.raises(UsageError, match="no usable CUDA"):
            workers.devices("cuda:all", 1)


def test_what_a_process_has_told_is_not_told_again(jobs):
    ours, theirs = multiprocessing.Pipe()
    pool = workers._PoolConnection(theirs)
    outcomes = [Outcome(job, "done") for job in jobs[:2]]
    for outcome in (outcomes[1], *outcomes):
        pool.tell(outcome)
    theirs.close()
    assert [ours.recv(), ours.recv()] == outcomes[::-1]
    with pytest.raises(EOFError):
        ours.recv()
