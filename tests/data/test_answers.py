"""What another upscaler makes of a pool: computed once, resumed, and drawn with its crops."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image

from leapsr.data import answers, pool, processes
from leapsr.data.photos import open_photos
from leapsr.ops.color import to_uint8
from leapsr.restorer import Restorer
from tests import zoo as tiny
from tests.conftest import picture_array

CPU = torch.device("cpu")
CROPS = 20


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return tiny.save(tmp_path_factory.mktemp("teacher"), "compact")


def build_pool(folder):
    (folder / "photos").mkdir()
    Image.fromarray(picture_array(90, 100)).save(folder / "photos" / "a.png")
    photos = open_photos(folder / "photos", 64)
    spec = pool.PoolSpec("photos", photos.names, photos.sizes, "bicubic", 1, False, 4, 64, CROPS, 0)
    pool.build(folder / "pool", spec, photos, [0])
    return folder / "pool"


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "cores", lambda: 1)
    return build_pool(tmp_path)


def test_each_answer_is_what_the_upscaler_says(made, teacher):
    told = []
    answers.build(made, teacher, CPU, lambda done, total: told.append((done, total)))
    assert told[-1] == (CROPS, CROPS)
    lr = torch.from_numpy(np.load(made / "lr.npy")).float() / 255
    expected = to_uint8(Restorer.from_pretrained(teacher).restore(lr, torch.zeros(CROPS, 3, 64, 64)))
    found = torch.from_numpy(np.load(made / "answer.npy"))
    assert (found.int() - expected.int()).abs().max() <= 1
    assert (found != expected).double().mean() < 1e-3
    assert json.loads((made / "answers.json").read_text())["name"] == teacher.name


def test_answers_are_given_once_and_again_by_another_or_to_another_pool(made, teacher, tmp_path):
    answers.build(made, teacher, CPU)
    before = np.load(made / "answer.npy").copy()
    answers.build(made, teacher, CPU, lambda *done: pytest.fail("they were there"))
    other = tiny.save(tmp_path, "compact", ".pth")
    told = []
    answers.build(made, other, CPU, lambda done, total: told.append(done))
    assert told[-1] == CROPS
    assert np.array_equal(np.load(made / "answer.npy"), before)  # the same weights in another file
    (made / "answer.npy").write_bytes(b"")
    answers.build(made, other, CPU, lambda done, total: told.append(done))
    assert told[-1] == CROPS
    assert np.array_equal(np.load(made / "answer.npy"), before)


def test_an_interrupted_build_goes_on(made, teacher):
    with pytest.raises(KeyboardInterrupt):
        answers.build(made, teacher, CPU, stop=lambda: True)
    some = int(np.load(made / "answered.npy").sum())
    assert 0 < some < CROPS
    told = []
    answers.build(made, teacher, CPU, lambda done, total: told.append(done))
    assert told[0] > some
    assert told[-1] == CROPS


def test_a_model_of_ours_answers_the_same_in_several_processes(made, tiny_model, monkeypatch):
    answers.build(made, tiny_model, CPU)
    first = np.load(made / "answer.npy").copy()
    (made / "answers.json").unlink()
    monkeypatch.setattr(processes, "cores", lambda: 2)
    answers.build(made, tiny_model, CPU)
    assert np.load(made / "answered.npy").all()
    assert np.array_equal(np.load(made / "answer.npy"), first)


def test_crops_of_answers_lie_on_those_of_their_photos(made, teacher):
    """The answers made the pool's own images, so that each crop must be the crop of the same place."""
    np.save(made / "answer.npy", np.load(made / "image.npy"))
    sample = pool.Pool(made, 32, seed=1, answers=made / "answer.npy")(0, 12)
    assert torch.equal(sample.answer, sample.image)
    assert pool.Pool(made, 32, seed=1)(0, 12).answer is None
    assert torch.equal(pool.Pool(made, 32, seed=1)(0, 12).image, sample.image)
    assert torch.equal(sample.to(CPU).answer, sample.answer)


CODE = """
import sys, torch
from pathlib import Path
from leapsr.data import answers
if __name__ == "__main__":
    folder, teacher, device = Path(sys.argv[1]), Path(sys.argv[2]), torch.device("cpu")
    answers.build(folder, teacher, device, lambda done, total: print(done, flush=True))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_build_goes_on(made, teacher, tmp_path):
    """All of its processes at once, as when memory or the night ends."""
    script = tmp_path / "build.py"
    script.write_text(CODE)
    running = subprocess.Popen(
        [sys.executable, script, made, teacher], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert running.stdout is not None
    first = int(running.stdout.readline())
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    running.stdout.close()
    time.sleep(0.1)
    kept = int(np.load(made / "answered.npy").sum())
    assert kept >= first > 0
    before = np.load(made / "answer.npy").copy()
    done = np.flatnonzero(np.load(made / "answered.npy"))
    answers.build(made, teacher, CPU)
    assert np.load(made / "answered.npy").all()
    assert np.array_equal(np.load(made / "answer.npy")[done], before[done])


class Halves:
    """An upscaler whose numbers are too large for float16."""

    device, dtype = CPU, torch.float16

    def to(self, device, dtype):
        self.dtype = dtype
        return self

    def restore(self, lr, noise):
        return lr if self.dtype == torch.float32 else lr / 0


def test_numbers_too_large_for_half_precision_are_answered_in_float32():
    lr = torch.rand(1, 3, 4, 4)
    assert torch.equal(answers.answers(Halves(), lr, lr), lr)
