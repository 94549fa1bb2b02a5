"""Two processes train adapters of a published recipe as one process does that takes both shares in turn."""

import os
import subprocess
import sys

import pytest
import torch
from PIL import Image

from leapsr.train import launch
from leapsr.train.loop import fit
from tests.conftest import picture_array
from tests.hub.test_recipes import tiny_run
from tests.train.process import weights
from tests.train.test_processes import one_thread  # noqa: F401


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        Image.fromarray(picture_array(72, 80, seed)).save(folder / f"{seed}.png")
    return folder


@pytest.fixture
def config(models, tiny):
    """Two steps that move the weights far; all parameters of adapters must be heard of by every process."""
    run = tiny_run("mfsr_sd35", models, tiny)
    optimizer = run.optimizer.model_copy(update={"learning_rate": 0.01, "warmup": 0})
    changed = {"optimizer": optimizer, "batch": 4, "at_once": None, "steps": 2, "validate_every": 100}
    return run.model_copy(update=changed)


@pytest.mark.usefixtures("one_thread")
def test_two_processes_equal_one_that_takes_both_shares(config, photos, models, tmp_path, monkeypatch):
    teacher = models("dit4sr_q")
    (tmp_path / "config.json").write_text(config.model_dump_json())
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=29517"]
    words += ["-m", "tests.hub.process", tmp_path / "config.json", photos, tmp_path, teacher, ""]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(
        list(map(str, words)), env=environment, capture_output=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr.decode()

    begun, single = {}, {}

    def recorded(run):
        begun.update({name: value.clone() for name, value in weights(run).items()})
        fit(run)
        single.update(weights(run))

    monkeypatch.setattr(launch, "fit", recorded)
    parts = config.model_copy(update={"at_once": 2})
    launch.run(parts, photos, tmp_path / "single", teacher=teacher, cpu=True)

    first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1))
    assert first.keys() == second.keys() == single.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    moved = [name for name in single if not torch.equal(single[name], begun[name])]
    assert any("lora_A" in name for name in moved)
    assert any("control" in name for name in moved)
    for name in moved:
        step, error = (single[name] - begun[name]).norm(), (first[name] - single[name]).norm()
        assert error < 0.02 * step, f"{name}: {error / step:.2e} of the way"
    assert all(torch.equal(first[name], single[name]) for name in single if name not in moved)
