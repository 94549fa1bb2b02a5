import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from leapsr.errors import UsageError, WeightsError
from leapsr.networks import PRESETS, Quality
from leapsr.restorer import ModelConfig, Restorer
from tests.networks.test_unet import inputs, randomised


def restorer(method: str = "oftsr") -> Restorer:
    network = randomised(PRESETS["tiny"])
    return Restorer(ModelConfig(method=method, network=network.config), network)


def picture(height: int = 9, width: int = 7):
    generator = torch.Generator().manual_seed(0)
    lr = torch.rand(2, 3, height, width, generator=generator)
    return lr, torch.randn(2, 3, 4 * height, 4 * width, generator=generator)


@pytest.mark.parametrize("method", ["teacher", "oftsr"])
def test_a_folder_gives_back_the_same_model(method, tmp_path):
    before = restorer(method)
    before.save_pretrained(tmp_path, torch.float32)
    after = Restorer.from_pretrained(tmp_path)
    assert after.config == before.config
    assert torch.equal(after.restore(*picture()), before.restore(*picture()))


def test_half_precision_weights_are_close(tmp_path):
    before = restorer()
    before.save_pretrained(tmp_path)
    assert {value.dtype for value in load_file(tmp_path / "model.safetensors").values()} == {torch.float16}
    after = Restorer.from_pretrained(tmp_path)
    torch.testing.assert_close(after.restore(*picture()), before.restore(*picture()), atol=0.05, rtol=0.05)


def test_an_untrained_network_is_the_source_itself():
    """u = 0: what comes out is the noisy upsampled image that went in."""
    from leapsr.networks import UNet

    model = Restorer(ModelConfig(method="oftsr", network=PRESETS["tiny"]), UNet(PRESETS["tiny"]))
    lr = torch.full((1, 3, 8, 8), 0.5)
    out = model.restore(lr, torch.zeros(1, 3, 32, 32), fidelity=0)
    torch.testing.assert_close(out, torch.full_like(out, 0.5))


def test_the_dial_and_the_noise_matter():
    model = restorer()
    lr, noise = picture()
    assert not torch.allclose(model.restore(lr, noise, fidelity=0), model.restore(lr, noise, fidelity=1))
    assert not torch.allclose(model.restore(lr, noise), model.restore(lr, -noise))
    assert torch.equal(model.restore(lr, noise), model.restore(lr, noise, fidelity=model.default_fidelity))


def test_bf16_is_close_to_fp32():
    model = restorer()
    lr, noise = picture(16, 16)
    full = model.restore(lr, noise)
    half = model.to("cpu", torch.bfloat16).restore(lr, noise)
    assert half.dtype == torch.float32
    assert 0 < (half - full).abs().max() < 0.2
    (kernel, *_) = (each for each in model.network.parameters() if each.ndim == 4 and each.shape[-1] == 3)
    assert kernel.is_contiguous(memory_format=torch.channels_last)  # as bfloat16 is fastest on a CPU
    torch.testing.assert_close(model.to("cpu", torch.float32).restore(lr, noise), full, rtol=0, atol=0)


def test_a_one_step_student_refuses_more_steps():
    with pytest.raises(UsageError, match="one step"):
        restorer("oftsr").restore(*picture(), steps=4)


def test_the_halo_grows_with_the_steps():
    model = restorer("teacher")
    assert model.halo(3) == 3 * model.halo(1)


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


BROKEN = {
    "is not a model folder": lambda folder: (folder / "config.json").unlink(),
    "has no model.safetensors": lambda folder: (folder / "model.safetensors").unlink(),
    "metod: there is no such field": lambda folder: edit_config(folder, metod="oftsr"),
    "no method 'oftrs'. Did you mean 'oftsr'": lambda folder: edit_config(folder, method="oftrs"),
    "'tail.bias' is missing": lambda folder: edit_weights(folder, lambda w: w.pop("tail.bias")),
    "'tial' is not of this network": lambda folder: edit_weights(
        folder, lambda w: w.update(tial=torch.ones(1))
    ),
    "has shape (7,)": lambda folder: edit_weights(folder, lambda w: w.update({"tail.bias": torch.ones(7)})),
    "is damaged": lambda folder: (folder / "model.safetensors").write_bytes(b"not weights"),
    "cannot be used": lambda folder: (folder / "config.json").write_text("{"),
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_broken_folder_says_what_is_wrong_in_one_sentence(message, tmp_path):
    restorer().save_pretrained(tmp_path)
    BROKEN[message](tmp_path)
    with pytest.raises(WeightsError) as caught:
        Restorer.from_pretrained(tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 3


def labelled_teacher(method: str = "teacher") -> Restorer:
    network = randomised(PRESETS["tiny"].model_copy(update={"quality": True}))
    return Restorer(ModelConfig(method=method, network=network.config), network)


def test_guidance_leads_away_from_the_bad_label_in_proportion():
    """In one Euler step the image is linear in the velocity, and that in the guidance."""
    model = labelled_teacher()
    lr, noise = picture()
    one, two, four = (model.restore(lr, noise, fidelity=0, guidance=w) for w in (1, 2, 4))
    assert (two - one).abs().max() > 1e-3
    torch.testing.assert_close(four - one, 3 * (two - one), atol=1e-4, rtol=1e-3)


def test_an_unlabelled_condition_is_good():
    model = labelled_teacher()
    x, t, r, cond = inputs(model.config.network, 5, 6)
    good, bad = (model.network(x, t, r, cond.labelled(q)) for q in (Quality.GOOD, Quality.BAD))
    assert torch.equal(model.network(x, t, r, cond), good)
    assert not torch.allclose(good, bad)


@pytest.mark.parametrize(
    ("model", "says"),
    [(restorer("teacher"), "no quality labels"), (labelled_teacher("oftsr"), "for teachers")],
)
def test_guidance_that_a_model_does_not_have_is_refused(model, says):
    with pytest.raises(UsageError, match=says):
        model.restore(*picture(), guidance=2)
