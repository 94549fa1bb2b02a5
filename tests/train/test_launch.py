import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from leapsr.errors import ConfigError, DataError, TrainingError, UsageError, WeightsError
from leapsr.restorer import Restorer
from leapsr.train import checkpoints, config, launch, recipes
from tests.train.conftest import QUICK


def train(recipe, photos, out, *settings, **options):
    resolved = config.override(recipes.get(recipe), [*QUICK, *settings])
    launch.run(resolved, photos, out, cpu=True, **options)


def log(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def teacher(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "teacher"
    train("teacher_tiny", photos, out, "steps=20")
    return out


def test_a_run_leaves_all_that_is_promised(teacher):
    assert Restorer.from_pretrained(teacher / "model").config.method == "teacher"
    assert config.read(teacher / "config.json").steps == 20
    assert (teacher / "samples" / "step-00000020.png").stat().st_size > 1000
    assert list((teacher / "tensorboard").glob("events*"))
    values = {name for line in log(teacher) for name in line}
    assert {"student/flow", "samples_per_s", "waiting", "psnr_fidelity_1"} <= values


def test_training_learns(photos, tmp_path):
    """The untrained network predicts 0; two hundred steps on four pictures must do much better."""
    train("teacher_tiny", photos, tmp_path, "steps=200", "log_every=20", "validate_every=200", "batch=4")
    losses = [line["student/flow"] for line in log(tmp_path) if "student/flow" in line]
    assert losses[-1] < 0.7 * losses[0]


def test_distillation_begins_at_the_teacher_and_leaves_a_one_step_model(photos, teacher, tmp_path):
    train(
        "oftsr_tiny", photos, tmp_path, "steps=5", "optimizer.learning_rate=1e-12", teacher=teacher / "model"
    )
    student, origin = (
        Restorer.from_pretrained(tmp_path / "model"),
        Restorer.from_pretrained(teacher / "model"),
    )
    assert student.config.method == "oftsr"
    for name, value in student.network.state_dict().items():
        torch.testing.assert_close(value, origin.network.state_dict()[name], atol=1e-3, rtol=1e-2)


def test_a_pool_is_used_when_asked_for(photos, tmp_path):
    train(
        "teacher_tiny", photos, tmp_path, "steps=3", "data.pool=6", "data.pool_crop=48", "validate_every=100"
    )
    assert json.loads((tmp_path / "pool" / "pool.json").read_text())["crops"] == 6


COMMANDS = {
    "teacher": ["train", "teacher_tiny"],
    "oftsr": ["distill", "oftsr_tiny"],
    "pool": ["train", "teacher_tiny", "--set", "data.pool=8", "--set", "data.pool_crop=48"],
}


def command(kind, photos, out, teacher, *more):
    settings = [*QUICK, "steps=40", "checkpoint_minutes=0.0005", "validate_every=15"]
    verb = [*COMMANDS[kind][:2], str(photos), *COMMANDS[kind][2:]]
    verb += ["--teacher", str(teacher / "model")] if kind == "oftsr" else []
    sets = [part for setting in settings for part in ("--set", setting)]
    return [sys.executable, "-m", "leapsr", *verb, *sets, "--cpu", "-o", str(out), *more]


@pytest.mark.parametrize("kind", COMMANDS)
def test_killed_and_resumed_equals_uninterrupted_bit_for_bit(kind, photos, teacher, tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    options = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    subprocess.run(command(kind, photos, tmp_path / "whole", teacher), check=True, **options)
    with subprocess.Popen(command(kind, photos, tmp_path / "killed", teacher), **options) as process:
        wait_for_checkpoint(tmp_path / "killed" / "checkpoints", process)
        process.send_signal(signal.SIGKILL)
    left = checkpoints.complete(tmp_path / "killed" / "checkpoints")
    assert 0 < json.loads((left[-1] / "progress.json").read_text())["step"] < 40
    subprocess.run(
        command(kind, photos, tmp_path / "killed", teacher, "--resume", "auto"), check=True, **options
    )
    for name in ("model/model.safetensors", "checkpoints/step-00000040/model.safetensors"):
        whole, resumed = (load_file(tmp_path / run / name) for run in ("whole", "killed"))
        assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def wait_for_checkpoint(folder: Path, process: subprocess.Popen, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not checkpoints.complete(folder):
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < until
        time.sleep(0.005)


def test_an_old_run_is_not_overwritten(photos, teacher):
    with pytest.raises(UsageError, match="--resume auto"):
        train("teacher_tiny", photos, teacher, "steps=20")


def test_max_minutes_saves_and_stops(photos, tmp_path):
    train("teacher_tiny", photos, tmp_path, "steps=1000000", minutes=0.02)
    [*_, last] = checkpoints.complete(tmp_path / "checkpoints")
    assert (tmp_path / "model" / "model.safetensors").exists()
    assert 0 < json.loads((last / "progress.json").read_text())["step"] < 1000000


def test_a_loss_that_is_not_finite_stops_the_run_at_the_last_good_state(photos, tmp_path):
    train("teacher_tiny", photos, tmp_path, "steps=5")
    good = load_file(checkpoints.complete(tmp_path / "checkpoints")[-1] / "model.safetensors")
    with pytest.raises(TrainingError, match="step-00000005"):
        train("teacher_tiny", photos, tmp_path, "steps=60", "optimizer.learning_rate=1e30", resume="auto")
    [state] = checkpoints.complete(tmp_path / "checkpoints")
    assert all(
        torch.equal(value, good[name]) for name, value in load_file(state / "model.safetensors").items()
    )
    assert all(
        value.isfinite().all() for value in load_file(tmp_path / "model" / "model.safetensors").values()
    )


def test_a_state_of_another_network_is_refused(photos, teacher, tmp_path):
    state = checkpoints.complete(teacher / "checkpoints")[-1]
    with pytest.raises(TrainingError, match="cannot be resumed"):
        train("teacher_tiny", photos, tmp_path, "network.widths=[8,8]", resume=str(state))


def test_what_cannot_be_resumed(photos, tmp_path):
    with pytest.raises(UsageError, match="not a checkpoint"):
        train("teacher_tiny", photos, tmp_path, resume=str(tmp_path))


def test_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match="no images"):
        train("teacher_tiny", tmp_path, tmp_path / "run")


def test_too_few_photos_for_validation(photos, tmp_path):
    with pytest.raises(DataError, match="held_out"):
        train("teacher_tiny", photos, tmp_path, "data.held_out=4")


def test_teachers_that_do_not_fit(photos, teacher, tmp_path):
    with pytest.raises(ConfigError, match="--teacher"):
        train("oftsr_tiny", photos, tmp_path)
    with pytest.raises(WeightsError, match="not a model folder"):
        train("oftsr_tiny", photos, tmp_path, teacher=tmp_path)
    with pytest.raises(ConfigError, match=r"sigma=0\.5"):
        train("oftsr_tiny", photos, tmp_path, "source.sigma=0.5", teacher=teacher / "model")


def test_a_full_disk_keeps_the_last_state(photos, teacher, monkeypatch, tmp_path):
    from leapsr.errors import OutputError

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    train("teacher_tiny", photos, tmp_path, "steps=5")
    monkeypatch.setattr("accelerate.Accelerator.save_state", full)
    with pytest.raises(OutputError, match="No space left"):
        train("teacher_tiny", photos, tmp_path, "steps=8", resume="auto")
    assert [path.name for path in checkpoints.complete(tmp_path / "checkpoints")] == ["step-00000005"]
