"""Two processes train adapters of a published recipe as one process with both batches does."""

import os
import subprocess
import sys

import pytest
import torch
from PIL import Image

from leapsr.restorer import located, space
from leapsr.train import batches, launch
from leapsr.train.loop import fit
from tests.conftest import picture_array
from tests.hub.test_recipes import tiny_run
from tests.train.process import weights
from tests.train.test_processes import Both, Combined, one_thread  # noqa: F401


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        Image.fromarray(picture_array(72, 80, seed)).save(folder / f"{seed}.png")
    return folder


@pytest.fixture
def config(models, tiny):
    """Two steps that move the weights far; all parameters of adapters must be heard of by every process.

    Its negative text is the model's own, so that the run's space is the one that `space` makes of the folder.
    """
    run = tiny_run("mfsr_sd35", models, tiny)
    optimizer = run.optimizer.model_copy(update={"learning_rate": 0.01, "warmup": 0})
    changed = {"optimizer": optimizer, "steps": 2, "validate_every": 100, "negative": "negative"}
    return run.model_copy(update=changed)


def combine(run, inner):
    """Give a single process the batches that two would see, each with its own draws."""
    read, method, prepare = (
        run.read,
        run.method,
        batches.batch_maker(run.config, run.accelerator.device, inner),
    )

    def both(pair, step):
        draws = [prepare.generator(run.config.seed, step, rank) for rank in (0, 1)]
        return Both([prepare(sample, draw) for sample, draw in zip(pair, draws, strict=True)])

    run.read = lambda step: [read(2 * step), read(2 * step + 1)]
    run.make_batch, run.method = both, Combined(method)


@pytest.mark.usefixtures("one_thread")
def test_two_processes_equal_one_with_both_batches(config, photos, models, tmp_path, monkeypatch):
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
        combine(run, space(located(teacher)))
        fit(run)
        single.update(weights(run))

    monkeypatch.setattr(launch, "fit", recorded)
    launch.run(config, photos, tmp_path / "single", teacher=teacher, cpu=True)

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
