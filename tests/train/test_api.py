"""Training from Python, and what it leaves of its process."""

import random

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch.backends import cudnn

from leapsr.errors import ConfigError, UsageError
from leapsr.restorer import Restorer
from leapsr.train import config, recipes
from leapsr.train.api import train_model
from leapsr.train.callbacks import Callbacks
from tests.train.conftest import QUICK


def test_options_by_mapping_are_those_by_text():
    tiny = recipes.get("teacher_tiny")
    by_text = config.override(tiny, ["steps=7", "network.widths=[8,8]", "method.norm=l1"])
    assert config.override(tiny, {"steps": 7, "network.widths": (8, 8), "method.norm": "l1"}) == by_text
    with pytest.raises(ConfigError, match="no field 'stpes'"):
        config.override(tiny, {"stpes": 7})


def test_a_model_is_trained_and_gone_on_with(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    steps: list[tuple[int, int]] = []
    callbacks = Callbacks(on_step=lambda done, total: steps.append((done, total)))
    model = train_model("teacher_tiny", photos, options=[*QUICK, "steps=2"], cpu=True, callbacks=callbacks)
    assert model == (tmp_path / "runs" / "teacher_tiny" / "model").relative_to(tmp_path)
    assert steps == [(1, 2), (2, 2)]
    assert Restorer.from_pretrained(model).config.method == "teacher"
    train_model("teacher_tiny", photos, options={"steps": 3}, resume="auto", cpu=True, callbacks=callbacks)
    assert steps[2:] == [(3, 3)]
    asked = config.override(recipes.get("oftsr_tiny"), [*QUICK, "steps=1"])
    student = train_model(asked, str(photos), "student", teacher=model, start_from=str(model), cpu=True)
    assert Restorer.from_pretrained(student).config.method == "oftsr"
    with pytest.raises(UsageError, match="of the recipe oftsr_tiny"):
        train_model("teacher_tiny", photos, config_file=student.parent / "config.json", cpu=True)


def test_the_process_is_as_before(photos, tmp_path):
    """Random states, threads, and an accelerator that somebody else in the process made."""
    other = Accelerator(cpu=True, mixed_precision="no")
    try:
        threads, benchmark = torch.get_num_threads(), cudnn.benchmark
        before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
        train_model("teacher_tiny", photos, tmp_path, options=[*QUICK, "steps=1"], cpu=True)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert random.getstate() == before[1]
        assert (np.random.get_state()[1] == before[2]).all()
        assert (torch.get_num_threads(), cudnn.benchmark) == (threads, benchmark)
        assert AcceleratorState().mixed_precision == other.mixed_precision == "no"
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
