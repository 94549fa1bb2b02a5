"""leapsr distill with any upscaler for a teacher: a fast dial of it."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from leapsr.data import answers, processes
from leapsr.data.crops import Sample
from leapsr.errors import ConfigError
from leapsr.frozen.space import Space
from leapsr.hub import catalog
from leapsr.hub.releases import UNSTATED
from leapsr.networks import Quality
from leapsr.restorer import Restorer, read_config
from leapsr.train import batches, config, launch, recipes
from leapsr.train.api import train_model
from tests import zoo as tiny
from tests.train.conftest import QUICK

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return tiny.save(tmp_path_factory.mktemp("teacher"), "compact")


@pytest.fixture(autouse=True)
def _one_core(monkeypatch):
    monkeypatch.setattr(processes, "cores", lambda: 1)


def distill(photos, out, teacher, *settings, **options):
    return train_model(
        "dial_tiny", photos, out, teacher=teacher, options=[*QUICK, *settings], cpu=True, **options
    )


@pytest.mark.parametrize("settings", [[], ["data.pool=12", "data.pool_crop=48"]])
def test_a_student_learns_what_its_teacher_does(photos, tmp_path, settings):
    """At fidelity 0, from a pool or asked for as batches come: this one makes pictures brighter."""
    weights = tiny.compact().state_dict()
    last = max(name for name in weights if name.endswith("weight"))
    weights[last].zero_()
    weights[last.replace("weight", "bias")].fill_(0.3)
    save_file(weights, tmp_path / "brighter.safetensors")
    settings = [*settings, "steps=120", "method.real=0.5", "method.faithful=0.5", "validate_every=200"]
    model = Restorer.from_pretrained(
        distill(photos, tmp_path / "run", tmp_path / "brighter.safetensors", *settings)
    )
    lr, noise = 0.2 + 0.4 * torch.rand(4, 3, 16, 16), torch.randn(4, 3, 64, 64)
    light = [model.restore(lr, noise, fidelity=end).mean().item() for end in (0.0, 1.0)]
    assert light[0] - light[1] > 0.15
    assert abs(light[1] - 0.4) < 0.1


def test_the_card_carries_the_teacher_and_its_licence(photos, teacher, tmp_path):
    model = distill(photos, tmp_path, teacher, "steps=1", "data.pool=4", "data.pool_crop=32")
    card = (model / catalog.CARD).read_text()
    assert f"Teacher: {teacher.name}, Compact x4, SHA-256 " in card
    assert UNSTATED in card
    assert (
        read_config(model).licence == f"Apache-2.0; learnt from {teacher.name}, whose licence is {UNSTATED}"
    )
    said = json.loads((tmp_path / "pool" / answers.MARKER).read_text())
    assert (said["name"], said["licence"]) == (teacher.name, UNSTATED)
    ours = distill(photos, tmp_path / "ours", model, "steps=1")
    assert f"learnt from {tmp_path.name}, whose licence is Apache-2.0; learnt" in read_config(ours).licence
    further = ["steps=1", "method.target=photo"]
    train_model("dial_tiny", photos, tmp_path / "on", start_from=model, options=[*QUICK, *further], cpu=True)
    assert read_config(tmp_path / "on" / "model").licence == read_config(model).licence


def test_a_run_that_is_resumed_needs_its_teacher(photos, teacher, tmp_path):
    distill(photos, tmp_path, teacher, "steps=1")
    with pytest.raises(ConfigError, match=r"learns what .*compact.safetensors answers"):
        train_model("dial_tiny", photos, tmp_path, options=["steps=2"], resume="auto", cpu=True)
    other = tmp_path / "other.safetensors"
    save_file({name: value + 1e-3 for name, value in load_file(teacher).items()}, other)
    with pytest.raises(ConfigError, match="is another model"):
        distill(photos, tmp_path, other, "steps=2", resume="auto")
    train_model("dial_tiny", photos, tmp_path, teacher=teacher, options=["steps=2"], resume="auto", cpu=True)


def test_teachers_that_do_not_fit_are_refused(photos, teacher, tmp_path):
    smaller = tiny.save(tmp_path, "span")
    with pytest.raises(ConfigError, match=r"span.safetensors is for scale 2 .* network.scale=2"):
        distill(photos, tmp_path / "run", smaller)
    flow = tmp_path / "flow"
    train_model("teacher_tiny", photos, flow, options=[*QUICK, "steps=1"], cpu=True)
    with pytest.raises(ConfigError, match="distil it by oftsr_small"):
        distill(photos, tmp_path / "run", flow / "model")
    with pytest.raises(ConfigError, match="learns from photos alone"):
        distill(photos, tmp_path / "run", teacher, "method.target=photo")
    with pytest.raises(ConfigError, match="use `leapsr distill dial_small`"):
        train_model("oftsr_tiny", photos, tmp_path / "run", teacher=teacher, options=QUICK, cpu=True)


def test_an_answer_keeps_the_noise_that_its_photo_keeps():
    """And of a sample that is labelled bad, nothing is left of it."""
    settings = [*QUICK, "network.damage=true", "data.kept_noise=1", "network.quality=true", "data.bad=0.4"]
    resolved = config.override(recipes.get("dial_tiny"), settings)
    make = batches.batch_maker(resolved, CPU, Space(4))
    pixels = [torch.randint(0, 256, (16, 3, side, side), dtype=torch.uint8) for side in (32, 8)]
    given = Sample(*pixels, answer=pixels[0])
    batch = make(given, make.generator(0, 0))
    assert torch.equal(batch.answer, batch.image)
    assert (batch.cond.labels == Quality.BAD).any()
    plain = make(Sample(*pixels), make.generator(0, 0))
    assert plain.answer is None
    assert torch.equal(plain.image, batch.image)
    assert torch.equal(plain.source, batch.source)


def test_a_card_tells_of_no_teacher_where_there_is_none(photos, tmp_path):
    resolved = config.override(recipes.get("dial_tiny"), [*QUICK, "steps=1"])
    launch.run(resolved, photos, tmp_path, cpu=True)
    assert "Teacher" not in (tmp_path / "model" / catalog.CARD).read_text()
    assert read_config(tmp_path / "model").licence == catalog.LICENCE
