import json
import logging
import os
import shutil
import threading

import pytest
import torch

from leapsr.batch.existing import NAME, FileState, Manifest
from leapsr.batch.options import Options, recipe

RECIPE = {"seed": 0, "fidelity": None, "scale": 2.5, "model": "tiny"}


@pytest.fixture
def files(tmp_path):
    source, output = tmp_path / "in" / "a.jpg", tmp_path / "out" / "deep" / "a_x4.jpg"
    for path in (source, output):
        path.parent.mkdir(parents=True)
        path.write_text(path.name)
    return source, output


@pytest.fixture
def added(files, tmp_path):
    source, output = files
    manifest = Manifest(tmp_path / "out")
    manifest.add(source, FileState.of(source, with_content=True), output, RECIPE)
    return manifest


def test_drives_that_have_no_way_between_them(files, tmp_path, monkeypatch):
    def on_windows(path, start):
        raise ValueError("path is on mount 'C:', start on mount 'D:'")

    monkeypatch.setattr(os.path, "relpath", on_windows)
    source, output = files
    Manifest(tmp_path / "out").add(source, FileState.of(source, with_content=True), output, RECIPE)
    assert Manifest(tmp_path / "out").find(output).source == source.as_posix()


def test_a_caption_with_separators_of_its_own(files, tmp_path):
    source, output = files
    recipe = {"caption": "one\u2028two\x85three"}
    Manifest(tmp_path / "out").add(source, FileState.of(source, with_content=True), output, recipe)
    assert Manifest(tmp_path / "out").find(output).recipe == recipe


def test_what_is_added_is_found_again(added, files, tmp_path):
    for manifest in (added, Manifest(tmp_path / "out")):
        record = manifest.find(files[1])
        assert record is not None
        assert (record.output, record.source) == ("deep/a_x4.jpg", "../in/a.jpg")
        assert record.recipe == RECIPE
        assert record.original.matches(files[0])
        assert record.result.matches(files[1])
    assert added.find(files[0]) is None


def test_the_folder_can_be_moved(added, tmp_path):
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    output = tmp_path / "elsewhere" / "deep" / "a_x4.jpg"
    record = Manifest(tmp_path / "elsewhere").find(output)
    assert record is not None
    assert record.result.matches(output)


def test_the_same_by_another_way(added, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "in")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    for manifest in (Manifest(tmp_path / "link"), Manifest(tmp_path / "in" / ".." / "out")):
        assert manifest.find(tmp_path / "link" / "deep" / "a_x4.jpg") is not None
        assert manifest.find(files[1]) is not None


def test_a_torn_last_line_is_ignored_and_not_continued(added, files, tmp_path):
    path = tmp_path / "out" / NAME
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    again = Manifest(tmp_path / "out")
    assert again.find(files[1]) is not None
    (tmp_path / "out" / "b.jpg").touch()
    again.add(files[0], FileState.of(files[0], with_content=True), tmp_path / "out" / "b.jpg", RECIPE)
    last = Manifest(tmp_path / "out")
    assert last.find(files[1]) is not None
    assert last.find(tmp_path / "out" / "b.jpg") is not None


def test_lines_that_are_not_ours_are_ignored(added, files, tmp_path):
    with (tmp_path / "out" / NAME).open("ab") as handle:
        handle.write(b'\n[]\n{"output": 3}\n\xff\xfe\nnull\n')
    assert Manifest(tmp_path / "out").find(files[1]) is not None


def test_several_may_write_at_once(files, tmp_path):
    source, _ = files
    manifests = [Manifest(tmp_path / "out") for _ in range(4)]

    def write(manifest, number):
        for i in range(25):
            path = tmp_path / "out" / f"{number}-{i}.png"
            path.touch()
            manifest.add(source, original, path, RECIPE)

    original = FileState.of(source, with_content=True)
    threads = [threading.Thread(target=write, args=each) for each in zip(manifests, range(4), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (tmp_path / "out" / NAME).read_text().splitlines()
    assert len({json.loads(line)["output"] for line in lines}) == 100


def test_a_file_is_known_by_its_content(files):
    source = files[0]
    before = FileState.of(source, with_content=True)
    os.utime(source, (1, 1))
    assert before.matches(source)
    source.write_text("A.jpg")
    assert not before.matches(source)
    source.write_text("longer than it was")
    assert not before.matches(source)
    source.unlink()
    assert not before.matches(source)


def test_names_that_are_no_utf8(files, tmp_path):
    output = tmp_path / "out" / os.fsdecode(b"caf\xe9.png")
    output.touch()
    Manifest(tmp_path / "out").add(files[0], FileState.of(files[0], with_content=True), output, RECIPE)
    assert Manifest(tmp_path / "out").find(output) is not None


def test_a_model_whose_name_is_no_utf8(files, tmp_path, tiny_model):
    model = tmp_path / os.fsdecode(b"mod\xe9le")
    shutil.copytree(tiny_model, model)
    made_with = recipe(Options(), model, torch.float32)
    Manifest(tmp_path / "out").add(files[0], FileState.of(files[0], with_content=True), files[1], made_with)
    assert Manifest(tmp_path / "out").find(files[1]).recipe == made_with


def test_where_it_cannot_be_written_there_is_one_warning(files, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        manifest = Manifest(tmp_path / "none")
        for _ in range(2):
            manifest.add(files[0], FileState.of(files[0], with_content=True), files[1], RECIPE)
    assert len(caplog.records) == 1
    assert "--skip-existing" in caplog.text
