import errno
import os
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from leapsr.batch import pipeline, stages
from leapsr.batch.existing import ExistingPolicy, Manifest
from leapsr.batch.jobs import Job, plan
from leapsr.batch.options import Options
from leapsr.errors import ImageError
from leapsr.pictures import picture as pictures
from leapsr.pictures import result_metadata, save_file
from leapsr.upscaling.sizes import Target
from leapsr.upscaling.upscaler import Upscaler
from tests.conftest import picture_array
from tests.pictures.test_metadata import camera_jpeg

PATIENCE = 20.0
"""Seconds after which a test gives up what should happen at once."""


@pytest.fixture
def jobs(tmp_path):
    (tmp_path / "in").mkdir()
    for i in range(6):
        Image.fromarray(picture_array(8 + i, 12, seed=i)).save(tmp_path / "in" / f"{i}.png")
    return plan([tmp_path / "in"], tmp_path / "out", "x4").jobs


def leftovers(folder):
    return [path.name for path in folder.rglob("*.part")]


def threads():
    return {
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith(("leapsr-reader", "leapsr-writer"))
    }


def test_a_batch_gives_what_single_pictures_give(jobs, upscaler, tmp_path):
    seen = []
    outcomes = list(pipeline.run(jobs, upscaler, Options(), watch=lambda *tiles: seen.append(tiles)))
    assert [outcome.job for outcome in outcomes] == jobs
    assert {outcome.status for outcome in outcomes} == {"done"}
    assert [outcome.result for outcome in outcomes] == [(32 + 4 * i, 48) for i in range(6)]
    assert seen == [(job, 1, 1) for job in jobs]
    for job in jobs:
        with Image.open(job.output) as image:
            assert image.tobytes() == upscaler.upscale(pictures.load(job.source)).pil().tobytes()
    for outcome in outcomes:
        assert min(outcome.seconds.reading, outcome.seconds.restoring, outcome.seconds.writing) > 0
    assert leftovers(tmp_path) == []
    assert threads() == set()


def until(happened):
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_the_next_is_read_and_the_last_is_written_meanwhile(jobs, upscaler, monkeypatch):
    loaded, restored = [], []
    load, upscale = pictures.load, upscaler.upscale
    monkeypatch.setattr(pictures, "load", lambda source: loaded.append(source) or load(source))

    def waiting(*arguments):
        restored.append(None)
        i = len(restored) - 1
        until(lambda: len(loaded) >= min(i + 2, len(jobs)))
        until(lambda: i == 0 or jobs[i - 1].output.exists())
        return upscale(*arguments)

    monkeypatch.setattr(upscaler, "upscale", waiting)
    assert len(list(pipeline.run(jobs, upscaler, Options()))) == 6


@pytest.mark.parametrize(("free", "most"), [(0, 1), (1 << 40, 1 + pipeline.READ_AHEAD + pipeline.WRITERS)])
def test_what_is_in_flight_is_bounded(jobs, upscaler, monkeypatch, free, most):
    inside, peak = [], []
    load, write = stages.load, stages.write

    def loading(work, *others):
        inside.append(work)
        peak.append(len(inside))
        return load(work, *others)

    def writing(work, *others):
        time.sleep(0.02)
        write(work, *others)
        inside.remove(work)

    monkeypatch.setattr(pipeline, "_free_memory", lambda: free)
    monkeypatch.setattr(stages, "load", loading)
    monkeypatch.setattr(stages, "write", writing)
    assert len(list(pipeline.run(jobs, upscaler, Options()))) == 6
    assert max(peak) <= most
    assert (max(peak) == 1) == (most == 1)


def test_a_picture_that_fails_at_any_stage_stops_nothing(jobs, upscaler, monkeypatch, tmp_path):
    jobs[0].source.write_text("not a picture")
    (tmp_path / "out" / "2_x4.png").mkdir(parents=True)  # cannot be replaced by a file
    upscale = upscaler.upscale

    def failing(picture, *arguments):
        if picture.size == (12, 12):
            raise ImageError("The network stumbled.")
        return upscale(picture, *arguments)

    monkeypatch.setattr(upscaler, "upscale", failing)
    outcomes = list(pipeline.run(jobs, upscaler, Options(), ExistingPolicy("overwrite")))
    assert [outcome.status for outcome in outcomes] == ["failed", "done", "failed", "done", "failed", "done"]
    assert "is not a picture" in outcomes[0].message
    assert "2_x4.png cannot be written" in outcomes[2].message
    assert outcomes[4].message == "The network stumbled."
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("place", [(pictures, "load"), (Upscaler, "upscale"), (save_file, "encode")])
@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't allocate memory: you tried ...")])
def test_memory_that_runs_out_is_of_one_picture(jobs, upscaler, monkeypatch, tmp_path, place, error):
    """In whichever thread: the fourth picture has none, the others do."""
    work, calls = getattr(*place), []

    def scarce(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise error
        return work(*arguments)

    monkeypatch.setattr(*place, scarce)
    monkeypatch.setattr(pipeline, "WRITERS", 1)
    outcomes = list(pipeline.run(jobs, upscaler, Options()))
    assert [outcome.status for outcome in outcomes] == ["done"] * 3 + ["failed"] + ["done"] * 2
    assert "memory" in outcomes[3].message
    assert jobs[3].source.stem in outcomes[3].message
    assert leftovers(tmp_path) == []


def test_a_consumer_that_stops_early(jobs, upscaler, tmp_path):
    outcomes = pipeline.run(jobs, upscaler, Options())
    assert next(outcomes).status == "done"
    outcomes.close()
    assert threads() == set()
    assert leftovers(tmp_path) == []
    for path in (tmp_path / "out").glob("*.png"):
        with Image.open(path) as image:
            image.load()


def test_interrupted_with_results_still_being_written(jobs, upscaler, monkeypatch, tmp_path):
    """What was restored before Ctrl-C is written and told of, and nothing of the rest is there."""
    save, upscale, calls = stages.write, upscaler.upscale, iter(range(6))
    interrupted = threading.Event()

    def late(*arguments):
        assert interrupted.wait(PATIENCE)
        save(*arguments)

    def interrupting(*arguments):
        if next(calls) == 2:
            interrupted.set()
            raise KeyboardInterrupt
        return upscale(*arguments)

    monkeypatch.setattr(stages, "write", late)
    monkeypatch.setattr(upscaler, "upscale", interrupting)
    outcomes = []
    with pytest.raises(KeyboardInterrupt):
        tell(outcomes, pipeline.run(jobs, upscaler, Options()))
    assert [outcome.job.source.name for outcome in outcomes] == ["0.png", "1.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0_x4.png", "1_x4.png"]
    assert threads() == set()


def test_a_full_disk_ends_the_batch(jobs, upscaler, fake_restorer, monkeypatch, tmp_path):
    """The second picture finds it full, while the third is restored; of that and the rest nothing is made."""
    fill, full = save_file.encode, threading.Event()

    def scarce(picture, name, quality, file):
        if picture.size[0] == 4 * 9:
            full.set()
            raise OSError(errno.ENOSPC, "No space left on device")
        fill(picture, name, quality, file)

    def watching(job, done, total):
        if job == jobs[2] and done == 0:
            assert full.wait(PATIENCE)

    monkeypatch.setattr(save_file, "encode", scarce)
    outcomes = list(pipeline.run(jobs, upscaler, Options(), watch=watching))
    assert [outcome.status for outcome in outcomes[:2]] == ["done", "failed"]
    assert [outcome.last for outcome in outcomes[:2]] == [False, True]
    assert "disk is full" in outcomes[1].message
    assert len(outcomes) < 5
    assert len(fake_restorer.calls) < 5
    assert threads() == set()
    assert leftovers(tmp_path) == []


def tell(told, outcomes):
    for outcome in outcomes:
        told.append(outcome)


@pytest.mark.parametrize("stage", [(stages, "load"), (Upscaler, "upscale"), (stages, "write")])
def test_mistakes_of_the_program_are_not_hidden(jobs, upscaler, monkeypatch, stage):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(*stage, broken)
    with pytest.raises(ZeroDivisionError):
        list(pipeline.run(jobs, upscaler, Options()))
    assert threads() == set()


def test_jobs_are_taken_only_when_there_is_room(jobs, upscaler):
    taken, most = [], 1 + pipeline.READ_AHEAD + pipeline.WRITERS

    def endless():
        while True:
            taken.append(None)
            yield Job(jobs[0].source, jobs[0].output)

    outcomes = pipeline.run(endless(), upscaler, Options(), ExistingPolicy("overwrite"))
    for _ in range(3):
        next(outcomes)
    time.sleep(0.1)
    assert len(taken) <= 3 + 2 * most + 1
    outcomes.close()
    assert threads() == set()


def test_what_killed_processes_left_is_removed_once_nobody_can_be_writing_it(jobs, upscaler, tmp_path):
    (tmp_path / "out").mkdir()
    old, new = (tmp_path / "out" / f".leapsr-{age}.part" for age in ("old", "new"))
    for part in (old, new):
        part.touch()
    os.utime(old, (1, 1))
    list(pipeline.run(jobs, upscaler, Options()))
    assert (old.exists(), new.exists()) == (False, True)


def test_outcomes_do_not_wait_for_the_next_job(jobs, upscaler):
    """As where jobs come from another process, which gives one only for the outcome of the one before."""
    told = threading.Semaphore()

    def one_by_one():
        for job in jobs:
            assert told.acquire(timeout=PATIENCE)
            yield job

    for outcome in pipeline.run(one_by_one(), upscaler, Options()):
        assert outcome.status == "done"
        told.release()


def test_everything_finished_is_in_the_manifest(jobs, upscaler, tmp_path):
    policy = ExistingPolicy("refuse", {"seed": 0})
    jobs[3].source.write_text("not a picture")
    list(pipeline.run(jobs, upscaler, Options(Target(scale=1.0)), policy))
    manifest = Manifest(tmp_path / "out")
    assert [manifest.find(job.output) is not None for job in jobs] == [True, True, True, False, True, True]
    assert Path(jobs[0].output).read_bytes() == jobs[0].source.read_bytes()


def test_a_file_is_told_of_before_the_next_picture_is_done(jobs, upscaler):
    """So that a process that dies of the next one has told of it."""
    told, heard = [], threading.Condition()

    def tell(outcome):
        with heard:
            told.append(outcome)
            heard.notify()

    def watch(job, *_):
        if job == jobs[1]:
            with heard:
                assert heard.wait_for(lambda: told, PATIENCE)

    outcomes = list(pipeline.run(jobs, upscaler, Options(), watch=watch, tell=tell))
    assert told[0].job == jobs[0]
    assert sorted(map(id, told)) == sorted(map(id, outcomes))


def test_photos_that_were_named_are_cleaned_up_after_too(jobs, upscaler, tmp_path):
    part = tmp_path / "in" / ".leapsr-0123.part"
    part.write_bytes(b"half")
    os.utime(part, (0, 0))
    (job,) = plan([jobs[0].source], None, "x4").jobs
    assert [outcome.status for outcome in pipeline.run([job], upscaler, Options())] == ["done"]
    assert leftovers(tmp_path) == []


def test_copies_that_are_written_anew_say_what_they_are(upscaler, tmp_path):
    """A photo on its side, with a thumbnail, as JPEG and as PNG."""
    camera_jpeg(tmp_path / "a.jpeg")
    for name in ("b.png", "b.jpg"):
        job = Job(tmp_path / "a.jpeg", tmp_path / name)
        (outcome,) = pipeline.run([job], upscaler, Options(target=Target(width=24)))
        assert outcome.status == "copied"
    assert (tmp_path / "b.jpg").read_bytes() == (tmp_path / "a.jpeg").read_bytes()
    assert result_metadata.made_by_leapsr(tmp_path / "b.png")


def test_an_opaque_source_with_alpha_becomes_a_jpeg(upscaler, tmp_path):
    Image.fromarray(picture_array(8, 12)).convert("RGBA").save(tmp_path / "a.png")
    (outcome,) = pipeline.run([Job(tmp_path / "a.png", tmp_path / "a.jpg")], upscaler, Options())
    assert (outcome.status, outcome.message) == ("done", "")


def test_a_preview_has_limits_of_its_own(upscaler, tmp_path):
    """Of a result that WebP cannot hold, of a source with transparency as JPEG."""
    Image.fromarray(picture_array(8, 5000)).convert("RGBA").save(tmp_path / "a.png")
    for name in ("a.webp", "a.jpg"):
        job, options = Job(tmp_path / "a.png", tmp_path / name), Options(preview=True)
        (outcome,) = pipeline.run([job], upscaler, options)
        assert outcome.status == "done", outcome.message
        assert outcome.result == pictures.measure(tmp_path / name) != (32, 20_000)
