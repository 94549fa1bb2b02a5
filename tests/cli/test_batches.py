"""Folders through the command line: resuming, shards, several processes, dry runs, reports."""

import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from leapsr.batch.existing import NAME
from leapsr.batch.jobs import Job
from leapsr.batch.stages import Outcome
from leapsr.cli.upscale_bar import Bar
from leapsr.upscaling.upscaler import Upscaler
from tests.cli.conftest import names


@pytest.fixture
def folder(photo):
    Path("in/deep").mkdir(parents=True)
    for name in ("a.jpg", "b.png", "deep/c.png"):
        photo.save(Path("in") / name)
    return Path("in")


def report(leapsr, *arguments):
    code, out, err = leapsr("upscale", "in", "-o", "out", "--recursive", "--json", *arguments)
    return code, json.loads(out), err


def statuses(found):
    return {Path(item["source"]).name: item["status"] for item in found["results"]}


def everything():
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path().rglob("*") if path.is_file()
    }


def test_a_second_run_with_the_same_settings_does_nothing(leapsr, folder, monkeypatch):
    assert report(leapsr)[0] == 0
    before = everything()
    monkeypatch.setattr(Upscaler, "upscale", None)
    code, found, _ = report(leapsr, "--skip-existing")
    assert (code, found["counts"]) == (0, {"skipped": 3})
    assert everything() == before


@pytest.mark.parametrize(
    "options",
    [["--seed", "1"], ["-q", "60"], ["--fidelity", "1"], ["--bit-depth", "16"], ["--strip-metadata"]],
)
def test_other_settings_are_not_existing(leapsr, folder, options):
    report(leapsr)
    code, found, _ = report(leapsr, "--skip-existing", *options)
    assert (code, found["counts"]) == (0, {"done": 3})
    assert "made again" in found["results"][0]["message"]
    assert report(leapsr, "--skip-existing", *options)[1]["counts"] == {"skipped": 3}


def test_another_model_under_the_same_name_is_not_existing(leapsr, folder, tiny_model):
    report(leapsr)
    config = tiny_model / "config.json"
    kept = config.read_text()
    config.write_text(kept.replace('"fidelity": 0.5', '"fidelity": 0.25'))
    try:
        assert config.read_text() != kept
        assert report(leapsr, "--skip-existing")[1]["counts"] == {"done": 3}
    finally:
        config.write_text(kept)


def test_only_the_source_that_changed_is_made_again(leapsr, folder, photo):
    report(leapsr)
    photo.rotate(180).save(folder / "b.png")
    found = report(leapsr, "--skip-existing")[1]
    assert statuses(found) == {"a.jpg": "skipped", "b.png": "done", "c.png": "skipped"}


def test_results_of_unknown_origin_are_kept_with_one_notice(leapsr, folder):
    report(leapsr)
    Path("out", NAME).unlink()
    code, out, err = leapsr("upscale", "in", "-o", "out", "--recursive", "--skip-existing")
    assert (code, out) == (0, "")
    assert err.count("nobody knows how it was made") == 1
    assert "And 2 more like it" in err
    assert "3 skipped" in err
    _, _, err = leapsr("upscale", "in", "-o", "out", "--recursive", "--skip-existing", "-v")
    assert err.count("nobody knows how it was made") == 3


def test_where_the_manifest_lies(leapsr, folder, photo):
    leapsr("upscale", "in", "-o", "out", "--recursive")
    assert Path("out", NAME).is_file()
    leapsr("upscale", "in")
    assert Path("in", NAME).is_file()
    photo.save("single.png")
    leapsr("upscale", "single.png")
    assert not Path(NAME).exists()
    leapsr("upscale", "single.png", "--skip-existing", "--seed", "3", "-o", "single.jpg")
    assert Path(NAME).is_file()
    assert leapsr("upscale", "single.png", "--skip-existing", "--seed", "4", "-o", "single.jpg", "-v")[
        2
    ].count("made again: seed was 3 and is 4")


def test_kinds_that_are_not_read_are_counted_and_named(leapsr, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    for name in ("c.cr2", "d.nef"):
        Path("in", name).write_bytes(b"II*\0" + bytes(100))
    Path("in", "f.jxr").write_bytes(b"II\xbc\1" + bytes(100))
    code, found, err = report(leapsr)
    assert (code, found["counts"]) == (0, {"done": 3})
    assert "2 RAW files left out (c.cr2, d.nef): develop them first, or pip install 'leapsr[raw]'." in err
    assert {"source": "in/f.jxr", "reason": "not read (JPEG XR)"} in found["left_out"]
    code, _, err = leapsr("upscale", "in/f.jxr")
    assert code == 1
    assert "not read (JPEG XR): convert it" in err


def test_what_leapsr_made_is_told_in_one_line(leapsr, folder):
    leapsr("upscale", "in", "--recursive")
    err = leapsr("upscale", "in", "--recursive", "--skip-existing")[2]
    assert "3 files left out, because leapsr made them (a_x4.jpg, b_x4.png, c_x4.png)" in err
    assert leapsr("upscale", "in", "--recursive", "--skip-existing", "-v")[2].count("left out") == 3


def test_a_name_as_long_as_names_can_be(leapsr, photo):
    Path("in").mkdir()
    photo.save(Path("in") / ("é" * 125 + ".png"))
    assert report(leapsr)[1]["counts"] == {"done": 1}
    (result,) = names("out")
    assert result.startswith("é" * 100)
    assert result.endswith("_x4.png")
    assert report(leapsr, "--skip-existing")[1]["counts"] == {"skipped": 1}


def test_shards_share_a_folder(leapsr, folder):
    for i in (1, 2):
        code, found, _ = report(leapsr, "--shard", f"{i}/2")
        assert (code, found["jobs"]) == (0, 3 - i)
    assert names("out") == ["a_x4.jpg", "b_x4.png", "deep/c_x4.png"]
    assert report(leapsr, "--skip-existing")[1]["counts"] == {"skipped": 3}
    assert leapsr("upscale", "in", "--shard", "3/2")[0] == 2
    assert (
        leapsr("upscale", "in", "-o", "none", "--shard", "9/9")[2].splitlines()[-1].startswith("nothing done")
    )


def test_what_the_report_tells(leapsr, folder):
    (folder / "b.png").write_text("not a picture")
    code, found, _ = report(leapsr, "--seed", "7")
    assert code == 1
    assert found["counts"] == {"done": 2, "failed": 1}
    assert (found["settings"]["model"], found["settings"]["seed"], found["devices"]) == ("tiny", 7, ["cpu"])
    assert (found["interrupted"], found["jobs"], found["left_out"]) == (False, 3, [])
    first = found["results"][0]
    assert (first["source_size"], first["output_size"]) == ([37, 24], [148, 96])
    assert 0 < first["seconds_restoring"] < first["seconds"] <= found["seconds"]
    assert [item["source"] for item in found["results"]] == ["in/a.jpg", "in/b.png", "in/deep/c.png"]


def test_a_dry_run_tells_everything_and_does_nothing(leapsr, folder, monkeypatch):
    report(leapsr)
    Path("out/b_x4.png").unlink()
    (folder / "text.jpg").write_text("not a picture")
    before = everything()
    monkeypatch.setattr(Upscaler, "from_pretrained", None)
    code, out, err = leapsr("upscale", "in", "-o", "out", "--recursive", "--skip-existing", "--dry-run")
    assert code == 1
    lines = out.splitlines()
    assert lines[0].startswith("skip  in/a.jpg -> out/a_x4.jpg  (out/a_x4.jpg is already there")
    assert lines[1] == "make  in/b.png -> out/b_x4.png  37 x 24 -> 148 x 96"
    assert lines[2].startswith("fail  in/text.jpg -> out/text_x4.jpg  (in/text.jpg is not a picture")
    assert "dry run: 2 to skip, 1 to make, 1 to fail; model tiny" in err
    assert everything() == before
    code, found, _ = report(leapsr, "--skip-existing", "--dry-run", "--seed", "1", "--width", "37")
    assert found["counts"] == {"copy": 3, "fail": 1}
    assert everything() == before


def test_two_processes(leapsr, folder):
    code, found, err = report(leapsr, "--device", "cpu", "--workers", "2")
    assert (code, found["counts"], found["devices"]) == (0, {"done": 3}, ["cpu", "cpu"]), err
    assert [item["source"] for item in found["results"]] == ["in/a.jpg", "in/b.png", "in/deep/c.png"]
    assert report(leapsr, "--skip-existing")[1]["counts"] == {"skipped": 3}


def test_the_bar_counts_pixels(tmp_path, photo):
    sizes = {"a": (10, 10), "b": (20, 20), "c": None}
    jobs = [Job(tmp_path / f"{name}.png", tmp_path / f"{name}_x4.png") for name in sizes]
    for job, size in zip(jobs, sizes.values(), strict=True):
        if size is not None:
            photo.resize(size).save(job.source)
    with Bar(Console(force_terminal=True, quiet=True), jobs) as bar:
        (task,) = bar._progress.tasks
        assert (task.completed, task.total) == (0, 100 + 400 + 250)
        bar.watch(jobs[1], 1, 4)
        assert task.completed == 100
        bar.finish(Outcome(jobs[0], "done"))
        assert task.completed == 200
        bar.finish(Outcome(jobs[2], "skipped"))
        assert (task.completed, task.total) == (200, 500)
        bar.finish(Outcome(jobs[1], "done"))
        assert (task.completed, task.total) == (500, 500)
        assert task.description == "3/3 b.png"


def test_a_dry_run_knows_what_a_format_cannot_hold(leapsr, photo):
    photo.resize((5_000, 8)).save("long.webp")
    code, _, err = leapsr("upscale", "long.webp", "--dry-run")
    assert code == 1
    assert "1 to fail" in err
