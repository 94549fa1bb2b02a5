"""leapsr prepare, with tiny weights in the published layouts."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from tests.conftest import picture_array
from tests.hub.conftest import models, tiny  # noqa: F401

pytestmark = pytest.mark.usefixtures("one_thread")

OPTIONS = ("--crop", 32, "--crops", 2, "--degradation", "bicubic", "--megabytes", 0.0035, "--device", "cpu")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(5):
        Image.fromarray(picture_array(40 + 8 * seed, 48, seed)).save(folder / f"{seed}.png")
    return folder


@pytest.fixture(scope="module")
def model(models):  # noqa: F811
    return models("dit4sr_q")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def whole(leapsr, photos, model, tmp_path):
    code, _, err = leapsr("prepare", photos, "-o", tmp_path / "whole", "--model", model, *OPTIONS)
    assert code == 0, err
    assert "4 shards made; 4 of 4 are here, 10 samples" in err
    return tmp_path / "whole"


def test_workers_make_together_what_one_makes(whole, leapsr, photos, model, tmp_path):
    """The seed and the names decide, so that folders of several machines are simply put together."""
    out = tmp_path / "parts"
    _, _, err = leapsr("prepare", photos, "-o", out, "--model", model, *OPTIONS, "--shard", "2/2")
    assert "2 shards made; 2 of 4 are here" in err
    assert {"00001-of-00004.safetensors", "00003-of-00004.json"} <= contents(out).keys()
    other = tmp_path / "other"
    leapsr("prepare", photos, "-o", other, "--model", model, *OPTIONS, "--shard", "1/2", "--workers", 1)
    assert contents(out) | contents(other) == contents(whole)


def test_several_processes_make_the_same_bytes(whole, leapsr, photos, model, tmp_path):
    out = tmp_path / "processes"
    _, _, err = leapsr("prepare", photos, "-o", out, "--model", model, *OPTIONS, "--processes", 2)
    assert "4 shards made; 4 of 4 are here" in err
    assert contents(out) == contents(whole)


@pytest.mark.parametrize("kind", ["beside", "csv"])
def test_captions_of_files(kind, leapsr, photos, model, tmp_path):
    """A text beside each photo, or one file; with another's words behind, or with none."""
    said = {f"{number}.png": f"picture {number}" for number in range(5)}
    source, place = tmp_path / "captions.csv", tmp_path / "photos"
    shutil.copytree(photos, place)
    if kind == "csv":
        source.write_text("file_name,text\n" + "".join(f"{name},{text}\n" for name, text in said.items()))
    else:
        for name, text in said.items():
            (place / name).with_suffix(".txt").write_text(text)
    given = ("--captioner", source) if kind == "csv" else ()
    out = tmp_path / "out"
    words = ("prepare", place, "-o", out, "--model", model, *OPTIONS, "--captions", "text", *given)
    code, _, err = leapsr(*words, "--suffix", "none")
    assert code == 0, err
    records = [json.loads(path.read_text())["samples"] for path in out.glob("0*.json")]
    assert {at["photo"]: at["caption"] for record in records for at in record} == said
    assert "shards of other captions" in refused(leapsr, *words[1:])


def test_torn_shards_are_made_again_and_others_are_not(whole, leapsr, photos, model):
    before = contents(whole)
    kept = (whole / "00000-of-00004.safetensors").stat().st_mtime_ns
    (whole / "00001-of-00004.json").unlink()
    (whole / "00002-of-00004.safetensors").write_bytes(b"torn")
    (whole / "00003-of-00004.safetensors.part").write_bytes(b"torn")
    _, _, err = leapsr("prepare", photos, "-o", whole, "--model", model, *OPTIONS)
    assert "2 shards made" in err
    assert {name: content for name, content in contents(whole).items() if name in before} == before
    assert (whole / "00000-of-00004.safetensors").stat().st_mtime_ns == kept


def test_verify_finds_a_changed_byte(whole, leapsr, photos, model):
    before, place = contents(whole), whole / "00002-of-00004.safetensors"
    place.write_bytes(before[place.name][:-1] + bytes([before[place.name][-1] ^ 1]))
    assert "0 shards made" in leapsr("prepare", photos, "-o", whole, "--model", model, *OPTIONS)[2]
    again = leapsr("prepare", photos, "-o", whole, "--model", model, *OPTIONS, "--verify")
    assert "1 shards made" in again[2]
    assert contents(whole) == before


def test_killed_and_begun_again_it_leaves_the_same_bytes(whole, leapsr, photos, model, tmp_path):
    out = tmp_path / "killed"
    words = ["prepare", photos, "-o", out, "--model", model, *OPTIONS]
    command = [sys.executable, "-m", "leapsr", *map(str, words)]
    worker = subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})
    until = time.monotonic() + 120
    while not (out / "00000-of-00004.json").exists() and time.monotonic() < until:
        time.sleep(0.01)
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    assert (out / "00000-of-00004.json").exists()
    leapsr(*words)
    assert {name: content for name, content in contents(out).items() if not name.endswith(".part")} == (
        contents(whole)
    )


def refused(leapsr, *arguments):
    code, _, err = leapsr("prepare", *arguments)
    assert code in (1, 2)
    assert "Traceback" not in err
    return err


def test_what_cannot_be_is_said(whole, leapsr, photos, model, tmp_path):
    words = (photos, "-o", tmp_path / "out", "--model", model, *OPTIONS)
    assert "multiple of the model's scale, 4" in refused(leapsr, *words, "--crop", 30)
    assert "need --captioner" in refused(leapsr, *words, "--captions", "llava")
    for size in ("inf", "nan"):
        assert "--megabytes" in refused(leapsr, *words, "--megabytes", size)
    assert "Did you mean 'bicubic'" in refused(leapsr, *words, "--degradation", "bicubik")
    assert "--shard takes i/n" in refused(leapsr, *words, "--shard", "3/2")
    there = (photos, "-o", whole, "--model", model, *OPTIONS)
    assert "shards of other seed (0 instead of 1)" in refused(leapsr, *there, "--seed", 1)
    texts = ("--captions", "text", "--captioner", tmp_path / "captions.json")
    assert "cannot be read as captions" in refused(leapsr, *words, *texts)
    (tmp_path / "captions.json").write_text(json.dumps({"0.png": "a roof"}))
    assert "no caption for 1.png" in refused(leapsr, *words, *texts)
    assert "make them alike" in refused(leapsr, *words, *texts, "--no-t5")


def test_a_model_of_pixels_needs_no_shards(leapsr, photos, tmp_path, tiny_model):
    err = refused(leapsr, photos, "-o", tmp_path / "out", "--model", tiny_model, *OPTIONS)
    assert "works on pixels" in err
