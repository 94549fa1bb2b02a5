"""What a worker does with files, in folders and object stores. Without Ray, which hands out the tasks."""

import io
import json
import os
import sys
import tarfile
from pathlib import PureWindowsPath
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("fsspec", reason="needs Ray Data: pip install 'leapsr[ray]'")
pytest.importorskip("pyarrow", reason="needs Ray Data: pip install 'leapsr[ray]'")

from leapsr.batch import pipeline
from leapsr.batch.options import Options
from leapsr.cli.main import app
from leapsr.cluster import run, worker
from leapsr.cluster.ledger import FOLDER, Ledger, described
from leapsr.cluster.listing import Photo, find
from leapsr.cluster.plan import Task, plan
from leapsr.cluster.store import Store
from leapsr.cluster.worker import Worker, WorkerConfig
from leapsr.errors import OutputError, UsageError
from leapsr.upscaling import oom
from leapsr.upscaling.settings import Settings
from tests.conftest import picture_array
from tests.object_store import bucket


def save(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        Image.fromarray(picture_array(16 + index, 20, index)).save(folder / name)


def work(tasks, model, destination, storage=None, options=None, **fields):
    """The results, by output."""
    config = WorkerConfig(
        str(model),
        "fp32",
        options or Options(),
        destination,
        storage or {},
        threads=1,
        retries=1,
        suffix=None,
        **fields,
    )
    return {task.output: result for task, (result,) in Worker(config, tracker=None)._together(tasks)}


def test_what_a_killed_run_may_have_made_is_kept_unless_it_is_the_same(tiny_model, tmp_path):
    save(tmp_path / "in", "a.png", "b.png")
    found = find([str(tmp_path / "in")], False, None, {}).photos
    out = tmp_path / "out"
    (out / FOLDER).mkdir(parents=True)
    first = work([Task(photo, photo.name) for photo in found], tiny_model, str(out))
    changed = (out / "a.png").stat().st_mtime_ns
    (out / "b.png").write_bytes(b"of the user")
    rows = work([Task(photo, photo.name, is_doubtful=True) for photo in found], tiny_model, str(out))
    assert {output: row.status for output, row in rows.items()} == {"a.png": "done", "b.png": "failed"}
    assert "is there, and not what is made now" in rows["b.png"].message
    assert (out / "b.png").read_bytes() == b"of the user"
    assert (out / "a.png").stat().st_mtime_ns == changed
    assert rows["a.png"].files == first["a.png"].files == described([Store.open(str(out), {}).find("a.png")])


def test_what_lies_beside_a_result_is_in_the_books(tiny_model, tmp_path):
    save(tmp_path / "in", "a.png")
    photos, out, two = (
        find([str(tmp_path / "in")], False, None, {}).photos,
        tmp_path / "out",
        Options(samples=2, detail_map=True),
    )
    (out / FOLDER).mkdir(parents=True)
    store = Store.open(str(out), {})
    todo = plan(photos, store, Ledger(store, {}), "x4", None, False, two)
    books = Ledger(store, {})
    books.add(work(todo.tasks, tiny_model, str(out), options=two).values())
    books.end()
    assert plan(photos, store, Ledger(store, {}), "x4", None, False, two).done == 1
    (out / "a_x4_s1.png").write_bytes(b"of the user")
    (refused,) = plan(photos, store, Ledger(store, {}), "x4", None, False, two).refused
    assert "was changed by someone" in refused.message


def test_files_beside_a_result_that_failed_do_not_bar_the_next_run(tiny_model, tmp_path, monkeypatch):
    save(tmp_path / "in", "a.png")
    photos, out, two = (
        find([str(tmp_path / "in")], False, None, {}).photos,
        tmp_path / "out",
        Options(samples=2),
    )
    (out / FOLDER).mkdir(parents=True)
    store, put = Store.open(str(out), {}), Store.put

    def failing(self, file, name):
        if name.endswith("_s1.png"):
            raise OutputError("The disk is full.")
        put(self, file, name)

    def refuse(*arguments):
        raise OutputError("The disk is full.")

    def run():
        books = Ledger(store, {})
        todo = plan(photos, store, books, "x4", None, False, two)
        assert not todo.refused
        books.begin()
        rows = work(todo.tasks, tiny_model, str(out), options=two)
        books.add(rows.values())
        books.end()
        return [row.status for row in rows.values()]

    with monkeypatch.context() as patch:
        patch.setattr("leapsr.batch.stages.write", refuse)  # of the result, after those beside it
        assert run() == ["failed"]
    assert [path.name for path in out.iterdir()] == [FOLDER]
    with monkeypatch.context() as patch:
        patch.setattr(Store, "put", failing)
        assert run() == ["failed"]
    assert run() == ["done"]
    assert run() == []


def test_files_beside_a_result_keep_the_date_of_the_photo(tiny_model, tmp_path):
    save(tmp_path / "in", "a.png")
    os.utime(tmp_path / "in" / "a.png", (1e9, 1e9))
    (tmp_path / "out" / FOLDER).mkdir(parents=True)
    (photo,) = find([str(tmp_path / "in")], False, None, {}).photos
    dated = Options(samples=2, keep_dates=True)
    work([Task(photo, "a.png")], tiny_model, str(tmp_path / "out"), options=dated)
    assert {path.stat().st_mtime for path in (tmp_path / "out").glob("*.png")} == {1e9}


def test_what_would_be_done_is_in_the_report(tiny_model, tmp_path):
    save(tmp_path / "in", "a.png", "b.png")
    save(tmp_path / "out", "a_x4.png")
    names = ["in", "-o", "out", "--dry-run", "--report", "report.json", "--model", str(tiny_model)]
    arguments = [str(tmp_path / name) if name in ("in", "out", "report.json") else name for name in names]
    assert CliRunner().invoke(app, ["batch", *arguments]).exit_code == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert [row["output"] for row in report["failed"]] == ["a_x4.png"]


@pytest.mark.filterwarnings("ignore")  # of the object store's libraries
def test_results_in_an_object_store_are_known_again(tiny_model, tmp_path):
    with bucket("photos") as (files, storage):
        save(tmp_path / "in", "a.png", "b.png")
        for name in ("a.png", "b.png"):
            files.put_file(str(tmp_path / "in" / name), f"photos/in/{name}")
        photos = find(["s3://photos/in"], False, None, storage).photos
        store = Store.open("s3://photos/out", storage)
        todo = plan(photos, store, Ledger(store, {}), "x4", None, False)
        books = Ledger(store, {})
        books.begin()
        books.add(work(todo.tasks, tiny_model, "s3://photos/out", storage).values())
        books.end()
        assert not books.is_torn
        assert not Ledger(store, {}).is_torn
        assert plan(photos, store, Ledger(store, {}), "x4", None, False).done == 2
        files.pipe_file("photos/out/a_x4.png", b"of the user")
        files.pipe_file("photos/in/b.png", (tmp_path / "in" / "a.png").read_bytes())
        photos = find(["s3://photos/in"], False, None, storage).photos
        todo = plan(photos, store, Ledger(store, {}), "x4", None, False)
        assert [task.output for task in todo.tasks] == ["b_x4.png"]
        assert [row.output for row in todo.refused] == ["a_x4.png"]


def test_a_worker_without_a_gpu_takes_none(tiny_model, tmp_path, monkeypatch):
    save(tmp_path / "in", "a.png")
    (tmp_path / "out" / FOLDER).mkdir(parents=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # Ray does not hide it
    (photo,) = find([str(tmp_path / "in")], False, None, {}).photos
    assert work([Task(photo, "a.png")], tiny_model, str(tmp_path / "out"))["a.png"].status == "done"


def test_workers_share_the_memory_of_a_machine(tiny_model, tmp_path, monkeypatch):
    save(tmp_path / "in", "a.png")
    (tmp_path / "out" / FOLDER).mkdir(parents=True)
    (photo,) = find([str(tmp_path / "in")], False, None, {}).photos
    limit, auto_tile, free = pipeline.MemoryLimit, oom.auto_tile, 1 << 30
    ahead, tiles = [], []
    monkeypatch.setattr("leapsr.memory.available", lambda device: free)
    monkeypatch.setattr(pipeline, "MemoryLimit", lambda count, size: ahead.append(size) or limit(count, size))
    monkeypatch.setattr(oom, "auto_tile", lambda size, *rest: tiles.append(size) or auto_tile(size, *rest))
    for count in (1, 4):
        shares = {"processes": count, "on_device": count}
        work([Task(photo, "a.png")], tiny_model, str(tmp_path / "out"), **shares)
    assert ahead == [free // 4, free // 16]
    assert tiles[1] < free / 4 < tiles[0]


def machines(*resources, is_alive=True):
    """A cluster without Ray."""
    return SimpleNamespace(nodes=lambda: [{"Alive": is_alive, "Resources": each} for each in resources])


@pytest.mark.parametrize(
    ("asked", "workers"),
    [
        (run.Resources(), 12),
        (run.Resources(5), 5),
        (run.Resources(50, cpus=3), 3),  # two on the larger machine, one on the other
        (run.Resources(50, cpus=0), 50),
        (run.Resources(gpus=1), 1),
        (run.Resources(gpus=0.4), 2),
    ],
)
def test_workers_have_room_on_single_machines(asked, workers):
    assert run.room(machines({"CPU": 8, "GPU": 1}, {"CPU": 4}), asked) == workers


@pytest.mark.parametrize("asked", [run.Resources(1, gpus=1), run.Resources(1, cpus=6)])
def test_a_worker_that_would_wait_for_ever_is_refused(asked):
    with pytest.raises(UsageError, match="machines of 4 CPUs and 0 GPUs, too few for one worker of"):
        run.room(machines({"CPU": 4}, {"CPU": 4}), asked)


class Handle:
    """A tracker that is called as Ray's."""

    def __getattr__(self, name):
        return SimpleNamespace(remote=lambda *given: [(None, None)])


@pytest.mark.parametrize("name", ["a.png", "t.tar"])
def test_a_setting_that_the_model_does_not_have_ends_the_job(tiny_model, tmp_path, monkeypatch, name):
    save(tmp_path / "in", "a.png")
    with tarfile.open(tmp_path / "in" / "t.tar", "w") as tar:
        tar.add(tmp_path / "in" / "a.png", "a.png")
    (tmp_path / "out" / FOLDER).mkdir(parents=True)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get=lambda answer: answer))
    options = Options(settings=Settings(solver="heun"))
    config = WorkerConfig(str(tiny_model), "fp32", options, str(tmp_path / "out"), {}, 1, 1, None)
    photo = Photo(str(tmp_path / "in" / name), name)
    with pytest.raises(UsageError, match="the solver heun is for teachers"):
        list(Worker(config, Handle()).work([Task(photo, name)]))


def test_members_of_archives_have_slashes_on_windows(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"x")
    monkeypatch.setattr(worker, "Path", PureWindowsPath)
    assert worker._pack(tmp_path / "t.tar", [("x/y/a.png", tmp_path / "a.png")], {}) == {}
    with tarfile.open(tmp_path / "t.tar") as tar:
        assert tar.getnames() == ["x/y/a.png"]


def test_a_member_whose_name_is_not_utf_8_is_a_row_that_arrow_holds(tiny_model, tmp_path, monkeypatch):
    pyarrow = pytest.importorskip("pyarrow")
    with tarfile.open(tmp_path / "t.tar", "w") as tar:
        broken = tarfile.TarInfo(os.fsdecode(b"\xff.png"))
        broken.size = 4
        tar.addfile(broken, io.BytesIO(b"none"))
    (tmp_path / "out" / FOLDER).mkdir(parents=True)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get=lambda answer: answer))
    config = WorkerConfig(str(tiny_model), "fp32", Options(), str(tmp_path / "out"), {}, 1, 1, None)
    row = {"url": str(tmp_path / "t.tar"), "name": "t.tar", "version": "", "output": "t.tar"}
    batch = {name: [value] for name, value in row.items()} | {"is_doubtful": [False]}
    table = pyarrow.table(Worker(config, Handle())(batch)).to_pylist()
    assert [line["output"] for line in table] == ["t.tar", r"t.tar/\udcff.png"]
