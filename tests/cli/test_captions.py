"""leapsr caption, and captions of each picture in upscale and evaluate, with tiny weights."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from PIL import Image

from leapsr.data.captions import read_captions
from leapsr.frozen import VisionLanguage
from tests.conftest import picture_array
from tests.hub.conftest import models, tiny  # noqa: F401

pytestmark = pytest.mark.usefixtures("one_thread")

PHOTOS = 10


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    (folder / "sub").mkdir()
    for seed in range(PHOTOS):
        place = folder / ("sub" if seed % 2 else ".") / f"{seed}.png"
        Image.fromarray(picture_array(24, 32 + 8 * seed, seed)).save(place)
    return folder


def words(photos, out, captioner, *more):
    given = ("--captioner", captioner, "--batch", 2, "--device", "cpu", *more)
    return ["caption", photos, "-o", out, *given]


@pytest.fixture(scope="module")
def captioner(tiny):  # noqa: F811
    return tiny("llava")


@pytest.fixture
def whole(leapsr, photos, captioner, tmp_path):
    out = tmp_path / "whole.jsonl"
    code, _, err = leapsr(*words(photos, out, captioner))
    assert code == 0, err
    assert f"{PHOTOS} captions" in err
    return out


def test_every_photo_has_its_caption(whole, photos, captioner):
    lines = [json.loads(line) for line in whole.read_text().splitlines()]
    names = [line["file_name"] for line in lines]
    assert names == [
        *(f"{n}.png" for n in range(0, PHOTOS, 2)),
        *(f"sub/{n}.png" for n in range(1, PHOTOS, 2)),
    ]
    shown = [torch.from_numpy(picture_array(24, 32 + 8 * n, n)).permute(2, 0, 1) / 127.5 - 1 for n in (0, 2)]
    assert [line["text"] for line in lines[:2]] == VisionLanguage(captioner).captions(shown)
    assert read_captions(whole)("sub/3.png") == lines[names.index("sub/3.png")]["text"]


def test_killed_and_begun_again_it_leaves_the_same_file(whole, leapsr, photos, captioner, tmp_path):
    out = tmp_path / "killed.jsonl"
    line = [sys.executable, "-m", "leapsr", *map(str, words(photos, out, captioner))]
    worker = subprocess.Popen(line, stderr=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})
    until = time.monotonic() + 120
    while not (out.exists() and out.stat().st_size) and time.monotonic() < until:
        time.sleep(0.005)
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    begun = out.read_bytes()
    assert begun
    out.write_bytes(begun + b'{"file_name": "9.p')  # as a kill in the middle of a line leaves it
    assert leapsr(*words(photos, out, captioner))[0] == 0
    assert out.read_bytes() == whole.read_bytes()


def test_finished_captions_are_not_made_again(whole, leapsr, photos, tmp_path):
    """A captioner of that name that cannot be read is not asked."""
    (tmp_path / "llava").mkdir()
    before = whole.read_bytes()
    assert leapsr(*words(photos, whole, tmp_path / "llava"))[0] == 0
    assert whole.read_bytes() == before
    whole.write_text("".join(whole.read_text().splitlines(keepends=True)[2:]))
    code, _, err = leapsr(*words(photos, whole, tmp_path / "llava"))
    assert (code, "hf download" in err) == (3, True)


def test_several_processes_and_computers_make_together_what_one_makes(
    whole, leapsr, photos, captioner, tmp_path
):
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    leapsr(*words(photos, first, captioner, "--shard", "1/2", "--processes", 2))
    leapsr(*words(photos, second, captioner, "--shard", "2/2"))
    together = first.read_text().splitlines() + second.read_text().splitlines()
    assert sorted(together) == sorted(whole.read_text().splitlines())


def test_a_photo_that_cannot_be_read_stops_nothing(leapsr, photos, captioner, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.png").write_bytes((photos / "2.png").read_bytes())
    with (folder / "b.png").open("r+b") as file:
        file.seek(60)
        file.write(bytes(40))
    code, _, err = leapsr(*words(folder, tmp_path / "a.jsonl", captioner))
    assert (code, "b.png cannot be read" in err, "2 captions" in err) == (1, True, True)


def test_what_cannot_be_is_said(whole, leapsr, photos, captioner, tiny, tmp_path):  # noqa: F811
    assert "must end in .jsonl" in leapsr(*words(photos, tmp_path / "a.txt", captioner))[2]
    other = leapsr(*words(photos, whole, tiny("qwen2_vl")))
    assert (other[0], "holds captions by llava and not by qwen2_vl" in other[2]) == (1, True)
    (tmp_path / "b.jsonl").write_text("{}\n")
    assert "was not written by" in leapsr(*words(photos, tmp_path / "b.jsonl", captioner))[2]


@pytest.fixture(scope="module")
def model(models):  # noqa: F811
    return models("smfsr_f")


@pytest.fixture
def small(tmp_path):
    """Two small pictures with a caption beside each, and none beside the third, in a folder of its own."""
    folder = tmp_path / "LR"
    folder.mkdir()
    for name in ("a", "b"):
        Image.fromarray(picture_array(8, 8, 3)).save(folder / f"{name}.png")
    (folder / "a.txt").write_text("a red fox")
    (folder / "b.txt").write_text("")
    return folder


def upscaled(leapsr, model, small, *more):
    out = small.parent / "out"
    given = ("-n", model, "-o", out, "--device", "cpu", "--color-fix", "none", "--dtype", "fp32")
    code, _, err = leapsr("upscale", small, *given, *more)
    assert code == 0, err
    return {path.name: path.read_bytes() for path in out.glob("*.png")}, err


def test_upscale_asks_for_each_picture_with_its_own_caption(leapsr, model, small):
    own, _ = upscaled(leapsr, model, small, "--captions", small)
    assert own["a_x4.png"] != own["b_x4.png"]  # the pictures are the same
    fox, _ = upscaled(leapsr, model, small, "--caption", "a red fox", "--overwrite")
    assert fox["a_x4.png"] == fox["b_x4.png"]
    assert pixels(fox["a_x4.png"]) == pixels(own["a_x4.png"])
    none, _ = upscaled(leapsr, model, small, "--caption", "", "--overwrite")
    assert pixels(none["b_x4.png"]) == pixels(own["b_x4.png"])


def pixels(content):
    import io

    return Image.open(io.BytesIO(content)).tobytes()


def test_a_changed_caption_makes_that_picture_again(leapsr, model, small):
    upscaled(leapsr, model, small, "--captions", small)
    (small / "a.txt").write_text("a grey cat")
    _, err = upscaled(leapsr, model, small, "--captions", small, "--skip-existing", "--verbose")
    assert "caption was a red fox and is a grey cat" in err
    assert "b_x4.png is already there" in err


def test_what_follows_the_captions(leapsr, model, small):
    words, _ = upscaled(leapsr, model, small, "--captions", small)
    bare, _ = upscaled(leapsr, model, small, "--captions", small, "--suffix", "none", "--overwrite")
    assert pixels(words["a_x4.png"]) != pixels(bare["a_x4.png"])


def test_a_picture_without_a_caption_is_told_before_any_work(leapsr, model, small):
    (small / "b.txt").unlink()
    code, _, err = leapsr("upscale", small, "-n", model, "--captions", small)
    assert (code, "b.png has no caption" in err) == (1, True)
    assert not (small / "a_x4.png").exists()
    cluster = leapsr("batch", small, "-o", small.parent / "out", "--captions", small)
    assert (cluster[0], "leave --captions out" in cluster[2]) == (2, True)
    both = leapsr("upscale", small, "-n", model, "--captions", small, "--caption", "a fox")
    assert (both[0], "give one of them" in both[2]) == (2, True)


def test_evaluate_asks_for_each_pair_with_its_caption(leapsr, model, small, tmp_path):
    (tmp_path / "HR").mkdir()
    for name in ("a", "b"):
        Image.fromarray(picture_array(32, 32, 3)).save(tmp_path / "HR" / f"{name}.png")
    given = ("evaluate", model, "--pairs", tmp_path, "--metrics", "psnr_y", "--border", 0, "--device", "cpu")
    out = tmp_path / "report"

    def scores(*more):
        code, _, err = leapsr(*given, "--no-baseline", "-o", out, *more)
        assert code == 0, err
        rows = json.loads((out / "results.json").read_text())["images"]
        return {row["image"]: row["psnr_y"] for row in rows}

    said = scores("--captions", small)
    assert said["a"] != said["b"]
    listed = tmp_path / "captions.csv"
    listed.write_text("file_name,text\na.png,a red fox\nb.png,a red fox\n")
    same = scores("--captions", listed)
    assert same["a"] == same["b"] == said["a"]
    assert scores("--captions", listed, "--suffix", "none")["a"] != same["a"]
    alone = leapsr(*given, "--suffix", "none")
    assert (alone[0], "A suffix follows a caption" in alone[2]) == (2, True)
    kept = ("--captions", small, "--save", tmp_path / "kept")
    scores(*kept)
    texts = {name: (small / f"{name}.txt").read_text() for name in ("a", "b")}
    for name, text in zip("ba", texts.values(), strict=True):  # each gets the other's: the same texts, in all
        (small / f"{name}.txt").write_text(text)
    again = leapsr(*given, "--no-baseline", *kept)
    assert (again[0], "captions changed" in again[2]) == (2, True)
    pixels = leapsr("evaluate", "bicubic", "--pairs", tmp_path, "--captions", small)
    assert (pixels[0], "No model here reads text" in pixels[2]) == (2, True)
