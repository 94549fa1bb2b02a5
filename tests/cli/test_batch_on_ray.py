"""Photos through workers on a cluster of this machine: bytes, deaths, object stores, archives."""

import io
import json
import os
import tarfile
from types import SimpleNamespace

import pytest
from PIL import Image

pytest.importorskip("ray", reason="needs Ray Data: pip install 'leapsr[ray]'")
pytest.importorskip("pyarrow", reason="needs Ray Data: pip install 'leapsr[ray]'")

from leapsr.batch.options import Options
from leapsr.cluster import run
from leapsr.cluster.ledger import FOLDER
from leapsr.cluster.listing import Photo, find
from leapsr.cluster.plan import Task
from leapsr.cluster.worker import Worker, WorkerConfig
from leapsr.errors import UsageError
from leapsr.upscaling.settings import Settings
from tests.conftest import picture_array
from tests.object_store import bucket

pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray's own threads and files


class Mortal(Worker):
    """Dies of photos that are called poison."""

    def _run(self, jobs):
        for job in jobs:
            if job.source.stem == "poison":
                os._exit(3)
            yield from super()._run([job])


@pytest.fixture(scope="module")
def cluster():
    known = run.connect(None)
    yield known
    known.shutdown()


def save(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        Image.fromarray(picture_array(16 + index, 20, index)).save(folder / name)


def config(model, destination, **fields):
    if "://" not in str(destination):
        (destination / FOLDER).mkdir(parents=True)  # as the command does before it asks for workers
    common = {
        "model": str(model),
        "dtype": "fp32",
        "options": Options(),
        "destination": str(destination),
        "storage": {},
        "threads": 1,
        "retries": 1,
        "suffix": None,
    }
    return WorkerConfig(**(common | fields))


def work(cluster, tasks, settings, worker=Worker):
    resources = run.Resources(workers=1)
    return [row for rows in run.run(cluster, tasks, settings, resources, worker) for row in rows]


def test_bytes_are_those_of_upscale_and_a_poisoned_photo_is_a_row(cluster, tiny_model, leapsr, tmp_path):
    save(tmp_path / "in", "a.png", "b.jpg", "poison.png", "c.png")
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    found = find([str(tmp_path / "in")], False, None, {}).photos
    tasks = [Task(photo, f"{photo.name[:-4]}_x4{photo.name[-4:]}") for photo in found]
    rows = work(cluster, tasks, config(tiny_model, tmp_path / "out"), Mortal)
    status = {row.output: row.status for row in rows}
    assert status == {
        "a_x4.png": "done",
        "b_x4.jpg": "done",
        "c_x4.png": "done",
        "broken_x4.png": "failed",
        "poison_x4.png": "failed",
    }
    assert any("2 processes died of it" in row.message for row in rows)
    leapsr(
        "upscale", *(tmp_path / "in" / name for name in ("a.png", "b.jpg", "c.png")), "-o", tmp_path / "one"
    )
    for name in ("a_x4.png", "b_x4.jpg", "c_x4.png"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_an_archive_keeps_its_samples(cluster, tiny_model, tmp_path):
    save(tmp_path, "1.png", "2.png")
    with tarfile.open(tmp_path / "shard.tar", "w") as tar:
        for name in ("1.png", "2.png"):
            tar.add(tmp_path / name, name)
            tar.addfile(tarfile.TarInfo(f"{name[0]}.txt"), io.BytesIO())
        broken = tarfile.TarInfo("3.png")
        broken.size = 4
        tar.addfile(broken, io.BytesIO(b"none"))
    task = Task(Photo(str(tmp_path / "shard.tar"), "shard.tar"), "shard.tar")
    done, failed = work(cluster, [task], config(tiny_model, tmp_path / "out"))
    assert (done.status, done.message) == ("failed", "1 of 3 photos failed.")
    assert failed.output == "shard.tar/3.png"
    with tarfile.open(tmp_path / "out" / "shard.tar") as tar:
        assert tar.getnames() == ["1.png", "1.txt", "2.png", "2.txt"]
        with Image.open(tar.extractfile("1.png")) as result:
            assert result.size == (80, 64)


def test_a_worker_that_cannot_begin_says_why(cluster, tiny_model, tmp_path):
    save(tmp_path / "in", "a.png")
    task = Task(Photo(str(tmp_path / "in" / "a.png"), "a.png"), "a.png")
    settings = config(tiny_model, tmp_path / "out")
    (tmp_path / "out" / FOLDER).rmdir()  # as on a machine that does not see the folder
    with pytest.raises(UsageError, match="not every machine of the cluster sees"):
        work(cluster, [task], settings)


def test_a_setting_that_the_model_does_not_have_is_told_once(cluster, tiny_model, tmp_path):
    save(tmp_path / "in", "a.png")
    task = Task(Photo(str(tmp_path / "in" / "a.png"), "a.png"), "a.png")
    settings = config(tiny_model, tmp_path / "out", options=Options(settings=Settings(solver="heun")))
    with pytest.raises(UsageError, match=r"^This model jumps along its flow, and the solver heun"):
        work(cluster, [task], settings)


def test_nothing_is_reported_to_the_makers_of_ray(cluster):
    from ray._common.usage.usage_lib import usage_stats_enabled

    assert not usage_stats_enabled()


def test_too_few_resources_are_told(cluster):
    with pytest.raises(UsageError, match="too few for one worker of 1000 and 0"):
        run.room(cluster, run.Resources(cpus=1000))


def test_from_an_object_store_to_it(cluster, tiny_model, leapsr, tmp_path):
    with bucket("photos") as (files, storage):
        save(tmp_path / "in", "a.png", "b.png")
        for name in ("a.png", "b.png"):
            files.put_file(str(tmp_path / "in" / name), f"photos/in/{name}")
        tasks = [Task(photo, photo.name) for photo in find(["s3://photos/in"], False, None, storage).photos]
        tasks.append(Task(Photo("s3://photos/in/gone.png", "gone.png"), "gone.png"))
        rows = work(cluster, tasks, config(tiny_model, "s3://photos/out", storage=storage))
        status = {row.output: row.status for row in rows}
        assert status == {"a.png": "done", "b.png": "done", "gone.png": "failed"}
        assert "gone.png could not be read" in next(row.message for row in rows if row.status == "failed")
        leapsr("upscale", tmp_path / "in" / "a.png", "-o", tmp_path / "a.png")
        assert files.cat_file("photos/out/a.png") == (tmp_path / "a.png").read_bytes()


def test_what_is_left_out_and_what_is_kept_is_told_before_anything_is_done(leapsr, tmp_path):
    save(tmp_path / "in", "a.png", "b.png")
    save(tmp_path / "out", "a_x4.png")
    (tmp_path / "in" / "c.svg").write_text("<svg/>")
    code, _, err = leapsr("batch", "in", "-o", "out", "--dry-run")
    assert code == 0
    assert "1 vector file left out (c.svg)" in err
    assert "1 photo to do, 0 done before, 1 refused" in err
    assert "a_x4.png is there, nobody knows how it was made; --overwrite replaces it." in err.replace(
        "\n", " "
    )


def test_only_what_is_kept_ends_with_1_and_is_in_the_report(leapsr, tmp_path):
    save(tmp_path / "in", "a.png")
    save(tmp_path / "out", "a_x4.png")
    (tmp_path / "in" / "c.svg").write_text("<svg/>")
    code, _, _ = leapsr("batch", "in", "-o", "out", "--report", "report.json")
    assert code == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["counts"], report["left_out"]) == ({"failed": 1}, ["c.svg"])


@pytest.mark.parametrize(("gpus", "device"), [((), "cpu"), (("--gpus", 0.25), "cuda")])
def test_the_device_is_what_ray_is_asked_for(leapsr, tmp_path, monkeypatch, gpus, device):
    save(tmp_path / "in", "a.png")
    asked = []
    monkeypatch.setattr(
        "leapsr.cli.batch._work", lambda console, tasks, config, *others: asked.append(config)
    )
    assert leapsr("batch", "in", "-o", "out", *gpus)[0] == 0
    assert [config.device for config in asked] == [device]


def test_too_few_resources_end_the_command_before_a_run_begins(leapsr, tmp_path, monkeypatch):
    save(tmp_path / "in", "a.png")
    ray = SimpleNamespace(nodes=lambda: [{"Alive": True, "Resources": {"CPU": 4.0}}])
    monkeypatch.setattr(run, "connect", lambda address: ray)
    code, _, err = leapsr("batch", "in", "-o", "out", "--workers", 1, "--gpus", 1)
    assert (code, "too few for one worker of 1 and 1" in err.replace("\n", " ")) == (2, True)
    assert not (tmp_path / "out").exists()
