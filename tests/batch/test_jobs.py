import os
import sys
from pathlib import Path

import numpy as np
import pytest

from leapsr.batch.existing import FileState, Manifest
from leapsr.batch.jobs import Job, plan, shard
from leapsr.errors import ImageError, UsageError
from leapsr.pictures import unsupported
from leapsr.pictures.picture import READABLE_SUFFIXES, load, measure
from leapsr.pictures.result_metadata import update_metadata
from leapsr.pictures.save_file import save


@pytest.fixture
def tree(tmp_path):
    """Touches the named files below a folder `in` and returns it."""

    def make(*names):
        for name in names:
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "in"

    return make


def outputs(jobs, root):
    return {str(job.source.relative_to(root)): os.path.relpath(job.output, root) for job in jobs}


def test_results_lie_beside_their_sources(tree):
    folder = tree("a.jpg", "b.PNG", "c.tiff", "d.jpeg", "e.bmp", "f.heic")
    assert outputs(plan([folder], None, "x4").jobs, folder) == {
        "a.jpg": "a_x4.jpg",
        "b.PNG": "b_x4.PNG",
        "c.tiff": "c_x4.tiff",
        "e.bmp": "e_x4.png",
        "f.heic": "f_x4.jpg",
        "d.jpeg": "d_x4.jpeg",
    }


def test_a_folder_is_mirrored(tree, tmp_path):
    folder = tree("a.jpg", "deep/b.jpg", "deep/er/c d é.jpg")
    out = tmp_path / "out"
    jobs = plan([folder], out, "x4", recursive=True).jobs
    assert {job.output for job in jobs} == {
        out / "a_x4.jpg",
        out / "deep/b_x4.jpg",
        out / "deep/er/c d é_x4.jpg",
    }
    assert [job.source.name for job in plan([folder], out, "x4").jobs] == ["a.jpg"]


def test_what_is_not_a_picture_is_ignored(tree):
    folder = tree("a.jpg", "Thumbs.db", ".DS_Store", ".hidden.jpg", "notes.txt", ".git/b.jpg", "no_suffix")
    assert [job.source.name for job in plan([folder], None, "x4", recursive=True).jobs] == ["a.jpg"]


def made(path):
    """A picture that says it is ours."""
    save(update_metadata(load(np.zeros((4, 4, 3), np.uint8))), path)


def test_results_in_a_folder_are_not_upscaled_again(tree):
    folder = tree("a.jpg", "d_x.png", "box4.png")
    for name in ("a_x4.jpg", "b_x2.5.png", "c_1920w.tif", "d_12mp.webp", "e_x4.avif"):
        made(folder / name)
    found = plan([folder], None, "x4")
    assert [job.source.name for job in found.jobs] == ["a.jpg", "box4.png", "d_x.png"]
    assert [path.name for path in found.own_results] == [
        "a_x4.jpg",
        "b_x2.5.png",
        "c_1920w.tif",
        "d_12mp.webp",
        "e_x4.avif",
    ]


def test_a_name_alone_does_not_make_a_photo_ours(tree, photo):
    folder = tree("a.jpg", "photo_x2.jpg", "b_x4.png")
    photo.save(folder / "IMG_0001_x1.png")
    photo.save(folder / "a_1920w.tif", software="Another program, not leapsr")
    found = plan([folder], None, "x4")
    assert [job.source.name for job in found.jobs] == [
        "IMG_0001_x1.png",
        "a.jpg",
        "a_1920w.tif",
        "b_x4.png",
        "photo_x2.jpg",
    ]
    assert not found.own_results
    both = plan([folder / "b_x4.png", folder / "a.jpg", folder / "a_1920w.tif"], None, "x4")
    assert len(both.jobs) == 3


@pytest.mark.parametrize("out", [None, "in/deep"])
def test_the_manifest_knows_what_says_nothing_of_itself(tree, tmp_path, out):
    """Results without metadata, in place and in a folder of their own, which is named afterwards."""
    source = tree("deep/a.jpg") / "deep" / "a.jpg"
    home = tmp_path / "in" if out is None else tmp_path / out
    for name in ("a_x4.jpg", "a_x4_detail.png", "b_x4.jpg"):
        source.with_name(name).touch()
    output, beside = source.with_name("a_x4.jpg"), [source.with_name("a_x4_detail.png")]
    Manifest(home).add(source, FileState.of(source, with_content=True), output, {}, beside)
    found = plan([tmp_path / "in"], None, "x4", recursive=True)
    assert [path.name for path in found.own_results] == ["a_x4.jpg", "a_x4_detail.png"]
    assert [job.source.name for job in found.jobs] == ["a.jpg", "b_x4.jpg"]


def test_named_results_are_upscaled_again_only_without_their_source(tree):
    folder = tree("a.jpg")
    made(folder / "a_x4.jpg")
    assert [job.source.name for job in plan([folder / "a_x4.jpg"], None, "x2").jobs] == ["a_x4.jpg"]
    both = plan([folder / "a.jpg", folder / "a_x4.jpg"], None, "x2")
    assert [job.source.name for job in both.jobs] == ["a.jpg"]


def test_kinds_that_are_not_read_are_told_of(tree, monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    folder = tree("a.jpg", "b.CR2", "c.nef", "d.jxr", "e.psd", "f.jpm", "notes.txt", ".g.nef", "h.tga")
    found = plan([folder], None, "x4")
    assert [job.source.name for job in found.jobs] == ["a.jpg"]
    sentences = list(unsupported.advice(found.unreadable))
    assert sentences[0] == "2 RAW files left out (b.CR2, c.nef): develop them first."
    assert "1 JPEG XR file left out (d.jxr): convert it to PNG or TIFF first." in sentences
    assert len(sentences) == 5
    assert len(plan([folder / "b.CR2"], None, "x4").jobs) == 1  # which will fail and say why


def test_a_folder_of_kinds_that_are_not_read(tree):
    folder = tree("only/a.jxr", "b.jpg")
    with pytest.raises(UsageError, match="1 JPEG XR file left out"):
        plan([folder / "only"], None, "x4")
    assert len(plan([folder, folder / "only"], None, "x4").unreadable) == 1


@pytest.mark.parametrize("name", ["a.NEF", "a.cr2"])
def test_the_preview_in_a_raw_file_is_not_taken_for_the_photo(tree, photo, name):
    path = tree("b.jpg") / name
    photo.save(path, "TIFF")
    with pytest.raises(ImageError, match=r"is a RAW photo.* develop it"):
        load(path)


def test_kinds_are_read_or_not():
    assert not any(unsupported.kind_of(Path(f"a{suffix}")) for suffix in READABLE_SUFFIXES)


@pytest.mark.parametrize("suffix", [".jpe", ".jfif", ".jif", ".dib", ".mpo", ".apng"])
def test_other_suffixes_of_what_is_read(tree, photo, suffix):
    path = tree("b.jpg") / f"a{suffix}"
    kind = {".dib": "DIB", ".mpo": "MPO", ".apng": "PNG"}.get(suffix, "JPEG")
    photo.save(path, kind)
    assert plan([path.parent], None, "x4").jobs[0].source == path
    assert load(path).size == (24, 37)


def test_the_folder_of_results_inside_the_input_is_not_read(tree):
    folder = tree("a.jpg", "out/b.jpg")
    assert [job.source.name for job in plan([folder], folder / "out", "x4", recursive=True).jobs] == ["a.jpg"]


def test_one_stem_twice(tree):
    folder = tree("a.jpg", "a.png", "A.webp", "b.jpg")
    assert outputs(plan([folder], None, "x4").jobs, folder) == {
        "a.jpg": "a_x4.jpg",
        "a.png": "a_x4.png",
        "A.webp": "A_x4.webp",
        "b.jpg": "b_x4.jpg",
    }
    assert outputs(plan([folder], None, "x4", ".png").jobs, folder) == {
        "a.jpg": "a.jpg_x4.png",
        "a.png": "a.png_x4.png",
        "A.webp": "A.webp_x4.png",
        "b.jpg": "b_x4.png",
    }


def test_one_name_in_several_folders(tree, tmp_path):
    folder = tree("a/x.jpg", "b/x.jpg", "b/c/x.jpg", "y.jpg")
    inputs = [folder / name for name in ("a/x.jpg", "b/x.jpg", "b/c/x.jpg", "y.jpg")]
    assert outputs(plan(inputs, tmp_path / "out", "x4").jobs, folder) == {
        "a/x.jpg": "../out/a_x.jpg_x4.jpg",
        "b/x.jpg": "../out/b_x.jpg_x4.jpg",
        "b/c/x.jpg": "../out/c_x.jpg_x4.jpg",
        "y.jpg": "../out/y_x4.jpg",
    }


def test_a_name_that_another_one_becomes(tree):
    folder = tree("a.jpg", "a.png", "a.jpg.png")
    made = [job.output for job in plan([folder], None, "x4", ".png").jobs]
    assert len(set(made)) == 3


def test_folders_of_one_name_stay_apart(tree, tmp_path):
    folder = tree("1/day/a.jpg", "2/day/a.jpg")
    jobs = plan([folder / "1" / "day", folder / "2" / "day"], tmp_path / "out", "x4").jobs
    assert len({job.output for job in jobs}) == 2


def test_a_folder_that_cannot_be_read_is_a_job_that_will_fail(tree, monkeypatch):
    folder, scandir = tree("a.jpg", "closed/b.jpg"), os.scandir

    def refusing(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    jobs = plan([folder], None, "x4", recursive=True).jobs
    assert [job.source for job in jobs] == [folder / "a.jpg", folder / "closed"]


def test_several_folders_stay_apart(tree, tmp_path):
    folder = tree("x/a.jpg", "y/a.jpg")
    jobs = plan([folder / "x", folder / "y"], tmp_path / "out", "x4").jobs
    assert [job.output for job in jobs] == [tmp_path / "out/x/a_x4.jpg", tmp_path / "out/y/a_x4.jpg"]


def test_a_picture_named_twice_is_done_once(tree):
    folder = tree("a.jpg")
    assert len(plan([folder, folder / "a.jpg", folder / ".." / "in" / "a.jpg"], None, "x4").jobs) == 1


def test_a_missing_file_is_a_job_that_will_fail(tmp_path):
    assert len(plan([tmp_path / "none.jpg"], None, "x4").jobs) == 1


def test_one_file_to_one_file(tree, tmp_path):
    folder = tree("a.jpg")
    out = tmp_path / "result.webp"
    assert plan([folder / "a.jpg"], out, "x4").jobs == [Job(folder / "a.jpg", out)]
    (tmp_path / "dir.d").mkdir()
    assert (
        plan([folder / "a.jpg"], tmp_path / "dir.d", "x4").jobs[0].output == tmp_path / "dir.d" / "a_x4.jpg"
    )


def test_uses_that_cannot_work(tree, tmp_path):
    folder = tree("a.jpg", "b.jpg", "sub/c.txt")
    a, b = folder / "a.jpg", folder / "b.jpg"
    with pytest.raises(UsageError, match="never written over"):
        plan([a], a, "x4")
    with pytest.raises(UsageError, match="is a file"):
        plan([a, b], a, "x4")
    with pytest.raises(UsageError, match="can be written"):
        plan([a], tmp_path / "a.bmp", "x4")
    with pytest.raises(UsageError, match="two formats"):
        plan([a], tmp_path / "a.jpg", "x4", ".png")
    with pytest.raises(UsageError, match="holds no pictures"):
        plan([folder / "sub"], None, "x4")


def test_a_name_too_long_is_a_job_that_will_fail():
    assert len(plan([Path("a" * 300 + ".png")], None, "x4").jobs) == 1


def test_leftovers_of_other_systems_are_ignored(tree):
    folder = tree("a.jpg", "._a.jpg", "desktop.ini", "@eaDir/a.jpg", "__MACOSX/a.jpg", "$RECYCLE.BIN/b.jpg")
    assert [job.source.name for job in plan([folder], None, "x4", recursive=True).jobs] == ["a.jpg"]


def test_loops_of_links_have_an_end(tree):
    folder = tree("a.jpg", "deep/b.jpg")
    (folder / "deep" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "itself.jpg").symlink_to("itself.jpg")
    jobs = plan([folder], None, "x4", recursive=True).jobs
    assert [job.source.name for job in jobs] == ["a.jpg", "itself.jpg", "b.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_what_has_no_end_is_not_read(tree, tmp_path):
    """A pipe would wait for ever, a device give zeros for ever."""
    folder = tree("a.png")
    os.mkfifo(folder / "b.png")
    (folder / "c.png").symlink_to("/dev/zero")
    assert [job.source.name for job in plan([folder], None, "x4").jobs] == ["a.png"]
    with pytest.raises(UsageError, match="is a pipe or a device"):
        plan([folder / "a.png", folder / "c.png"], None, "x4")
    for name in ("b.png", "c.png"):
        for take in (load, measure):
            with pytest.raises(ImageError, match="is a pipe or a device"):
                take(folder / name)


def test_a_file_larger_than_the_memory_is_not_read(tmp_path):
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        try:
            file.truncate(1 << 42)
        except OSError:
            pytest.skip("this file system has no files of holes")
    with pytest.raises(ImageError, match=r"the file has 4096\.0 GiB"):
        load(path)


def test_shards_are_disjoint_and_complete(tree):
    folder = tree(*(f"{i}.jpg" for i in range(10)))
    jobs = plan([folder], None, "x4").jobs
    parts = [shard(jobs, f"{i}/3") for i in (1, 2, 3)]
    assert [len(part) for part in parts] == [4, 3, 3]
    assert set().union(*parts) == set(jobs)
    assert [job.source.name for job in parts[1]] == ["1.jpg", "4.jpg", "7.jpg"]
    assert shard(jobs, "1/1") == jobs
    assert shard(jobs, "11/12") == []


@pytest.mark.parametrize("part", ["0/3", "4/3", "1", "1/0", "a/b", "-1/3", "1/3/5", ""])
def test_shards_that_are_none(part):
    with pytest.raises(UsageError, match="i/n"):
        shard([], part)


def test_where_results_are_remembered(tree, tmp_path):
    folder, out = tree("a.jpg", "deep/b.jpg"), tmp_path / "out"

    def homes(*arguments, **options):
        return {job.home for job in plan(*arguments, "x4", recursive=True, **options).jobs}

    assert homes([folder], None) == {folder}
    assert homes([folder], out) == {out}
    assert homes([folder / "a.jpg"], None) == {None}
    assert homes([folder / "a.jpg"], out) == {None}
    assert homes([folder / "a.jpg"], None, remember_all=True) == {folder}
    assert homes([folder / "a.jpg"], out, remember_all=True) == {out}
    assert homes([folder / "a.jpg"], out / "b.jpg", remember_all=True) == {out}


def test_sub_folders_with_pictures_are_told_of(tree):
    folder = tree("a.jpg", "beach/b.jpg", "empty/notes.txt", ".hidden/c.jpg", "out/d.jpg", "deep/er/e.jpg")
    assert plan([folder], folder / "out", "x4").folders == (folder / "beach",)
    assert plan([folder], folder / "out", "x4", recursive=True).folders == ()


def test_a_name_of_a_file_for_several_pictures(tmp_path, photo):
    for name in "ab":
        photo.save(tmp_path / f"{name}.png")
    for inputs in ([tmp_path / "a.png", tmp_path / "b.png"], [tmp_path]):
        with pytest.raises(UsageError, match="is the name of a file; several pictures need a folder"):
            plan(inputs, tmp_path / "out.JPG", "x4")
        assert len(plan(inputs, tmp_path / "holiday.2026", "x4").jobs) == 2
    (tmp_path / "out.jpg").mkdir()
    assert len(plan([tmp_path], tmp_path / "out.jpg", "x4").jobs) == 2
