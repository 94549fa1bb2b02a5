import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.torch import save_file

from leapsr.errors import UsageError, WeightsError
from leapsr.methods.base import Batch, Networks
from leapsr.methods.flowsr import Flowsr, FlowsrConfig
from leapsr.networks import Condition, Prompt, registry
from leapsr.networks.adm.published_weights import flowsr_adapters, load_published
from leapsr.networks.discriminator import FeatureHeads, FeatureHeadsConfig
from leapsr.networks.lora import add_lora, load_lora, lora_parameters, lora_state, merge_lora
from leapsr.networks.sd21.unet import PRESETS, RANK, SD21, TARGETS, SD21Config
from tests.networks.velocities import (
    Question,
    channels_last_error,
    derivative_error,
    forgets_its_interval,
    gradients,
    half_precision_error,
    randomised,
    relative,
    updates,
)

diffusers = pytest.importorskip("diffusers")
pytest.importorskip("peft")

TINY = PRESETS["tiny"]
BOTH = TINY.model_copy(update={"reads": "both"})


def question(height: int = 8, width: int = 8, batch: int = 2) -> Question:
    generator = torch.Generator().manual_seed(0)
    x, lr = torch.randn(2, batch, 4, height, width, generator=generator)
    t, r = torch.rand(2, batch, generator=generator).sort(0, descending=True).values
    tokens = torch.randn(batch, 7, TINY.text, generator=generator)
    return Question(x, t, r, Condition(lr, prompt=Prompt(tokens)))


def pretrained(config: SD21Config = TINY) -> torch.nn.Module:
    """Diffusers' own network of the same sizes."""
    return randomised(diffusers.UNet2DConditionModel(**config.diffusers()))


# Stable Diffusion's network


def test_it_is_diffusers_network_at_a_thousand_times_the_time():
    unet, network, asked = pretrained(), SD21(TINY).eval(), question()
    load_published(network.unet, unet.state_dict(), "diffusers")
    expected = unet(asked.x, 1000 * asked.t, asked.cond.prompt.tokens).sample
    torch.testing.assert_close(asked.ask(network), expected, rtol=1e-5, atol=1e-5)


def test_the_sizes_are_those_of_stable_diffusion_21():
    with torch.device("meta"):
        network = SD21(PRESETS["sd21"])
    assert sum(parameter.numel() for parameter in network.parameters()) == 865_910_724
    assert network.feature_channels == (320, 640, 1280, 1280, 1280, 1280, 1280, 640, 320)


@pytest.mark.parametrize("reads", ["t", "both"])
def test_a_folder_of_diffusers_loads(tmp_path, reads):
    unet, asked = pretrained(), question()
    unet.save_pretrained(tmp_path / "unet")
    network = SD21.from_diffusers(tmp_path, reads)
    assert network.config == TINY.model_copy(update={"reads": reads})
    expected = unet(asked.x, 1000 * asked.t, asked.cond.prompt.tokens).sample
    torch.testing.assert_close(asked.ask(network), expected, rtol=1e-5, atol=1e-5)
    assert not any(parameter.is_meta for parameter in network.parameters())


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="hf download"):
        SD21.from_diffusers(tmp_path)
    sizes = TINY.diffusers() | {"use_linear_projection": False}
    diffusers.UNet2DConditionModel(**sizes).save_pretrained(tmp_path / "unet")
    with pytest.raises(WeightsError, match="use_linear_projection False, not True"):
        SD21.from_diffusers(tmp_path)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 7), (2, 9)])
def test_any_size(height, width):
    asked = question(height, width)
    assert asked.ask(randomised(SD21(TINY))).shape == asked.x.shape


def test_it_needs_a_prompt():
    asked = question()
    with pytest.raises(UsageError, match="prompt"):
        replace(asked, cond=Condition(asked.cond.lr)).ask(SD21(TINY))


def test_the_text_counts():
    network, asked = randomised(SD21(TINY)), question()
    other = Condition(asked.cond.lr, prompt=Prompt(-asked.cond.prompt.tokens))
    assert not torch.allclose(replace(asked, cond=other).ask(network), asked.ask(network))


# Two times


def test_which_times_are_read():
    asked = question()
    elsewhere = {"t": asked.t / 2, "r": asked.r / 2}
    for reads, sees in {"t": "t", "r": "r", "both": "tr"}.items():
        network = randomised(SD21(TINY.model_copy(update={"reads": reads})))
        for name in ("t", "r"):
            changed = replace(asked, **{name: elsewhere[name]})
            assert torch.equal(changed.ask(network), asked.ask(network)) == (name not in sees)


def test_a_student_with_both_times_begins_as_the_velocity():
    teacher, pupil = randomised(SD21(TINY)), SD21(BOTH).eval()
    load_published(pupil, teacher.state_dict(), "the teacher")
    assert torch.equal(question().ask(pupil), question().ask(teacher))
    pupil.reset_interval_embedding()
    assert torch.equal(question().ask(pupil), question().ask(teacher))


def test_the_interval_is_forgotten_and_the_diagonal_stays():
    forgets_its_interval(randomised(SD21(BOTH)), question())


def test_the_derivative():
    assert derivative_error(randomised(SD21(BOTH)), question()) < 1e-6


def test_checkpointing_changes_no_gradient():
    kept, again = (SD21(BOTH.model_copy(update={"gradient_checkpointing": flag})) for flag in (False, True))
    again.load_state_dict(randomised(kept).state_dict())
    kept.train(), again.train()
    runs = []
    again.unet.down_blocks[0].resnets[0].register_forward_pre_hook(lambda *_: runs.append(1))
    torch.testing.assert_close(gradients(again, question()), gradients(kept, question()))
    assert len(runs) == 2


@torch.no_grad()
def test_half_precision_and_channels_last():
    network = randomised(SD21(BOTH))
    assert channels_last_error(network, question()) < 1e-5
    assert 0 < half_precision_error(network, question()) < 0.05


# Training


@pytest.mark.parametrize("config", [TINY, BOTH], ids=["t", "both"])
def test_the_methods_train_it(config):
    network = randomised(SD21(config)).train()
    frozen = randomised(SD21(TINY), seed=1).requires_grad_(False)
    for method, losses in updates(network, frozen, question()):
        assert all(loss.isfinite() and loss > 0 for loss in losses.values()), method
        for name, parameter in network.named_parameters():
            assert parameter.grad.isfinite().all(), (method, name)
        assert network.unet.conv_in.weight.grad.abs().sum() > 0


def test_flowsrs_critic_looks_through_it():
    """The maps have the channels that they promise, and the student learns what the critic says."""
    network, frozen = randomised(SD21(TINY)), randomised(SD21(TINY), seed=1).requires_grad_(False)
    asked = question(16, 16)
    maps = frozen.features(asked.x, asked.t, asked.t, asked.cond)
    assert tuple(part.shape[1] for part in maps) == frozen.feature_channels
    assert not frozen.unet.mid_block._forward_hooks

    critic = FeatureHeads(FeatureHeadsConfig(channels=frozen.feature_channels, norm="spectral"))
    auxiliary = {"critic": critic}
    networks = Networks(
        network,
        network,
        frozen,
        frozen,
        auxiliary,
        auxiliary,
        features=lambda x, t, cond: frozen.features(x, t, t, cond),
    )
    config = FlowsrConfig(flow_share=1, perceptual=0, adversarial=1, alignment=0)
    method = Flowsr(networks, config)
    batch = Batch(asked.x, asked.cond.lr, asked.cond, torch.Generator().manual_seed(0))
    (name, losses), (second, other) = method(batch)
    assert (name, second) == ("student", "critic")
    losses["adversarial"].backward()
    assert network.unet.conv_in.weight.grad.abs().sum() > 0
    other["hinge"].backward()
    assert all(parameter.grad.isfinite().all() for parameter in critic.parameters())


@pytest.mark.parametrize("share", [True, False])
def test_low_resolution_latents_begin_without_effect_and_are_seen(share):
    """FlowSR's table 2: paths from noise, told of LR by more channels."""
    network, asked = randomised(SD21(TINY)), question(16, 16)
    wider = registry.init_from(TINY.model_copy(update={"sees_lr": True}), network, share)
    assert wider.unet.conv_in.in_channels == 2 * TINY.channels
    torch.testing.assert_close(asked.ask(wider), asked.ask(network), rtol=0, atol=1e-5)
    add_lora(wider, 4, TARGETS)
    with torch.no_grad():
        for parameter in lora_parameters(wider):
            parameter.add_(0.1)
    told = wider(asked.x, asked.t, asked.t, asked.cond)
    other = wider(asked.x, asked.t, asked.t, replace(asked.cond, lr=asked.cond.lr + 1))
    assert (told - other).abs().max() > 1e-4


# Adapters


def test_every_target_is_a_layer_and_the_adapters_train_alone():
    network, asked = randomised(SD21(TINY)), question()
    before = asked.ask(network)
    add_lora(network, RANK, TARGETS)
    assert torch.equal(asked.ask(network), before)
    asked.ask(network).sum().backward()
    trained = [parameter for parameter in network.parameters() if parameter.grad is not None]
    assert {id(p) for p in trained} == {id(p) for p in lora_parameters(network)}
    assert len(trained) == 2 * sum(hasattr(module, "lora_A") for module in network.modules())
    frozen = [
        name for name, module in network.named_modules() if type(module) in (torch.nn.Linear, torch.nn.Conv2d)
    ]
    kept = ("time_embedding", "time_emb_proj", "base_layer", "lora_")
    assert all(any(part in name for part in kept) for name in frozen)


def community_file(path, network: SD21, **fields) -> None:
    """A file as FlowSR's community writes it: tensors numbered, peft's names for them in the metadata."""
    state = {name.removeprefix("unet."): value for name, value in lora_state(network).items()}
    names = {f"unet_state_dict.{index}": name for index, name in enumerate(state)}
    original = {key: name.replace(".weight", ".default.weight") for key, name in names.items()}
    payload = {
        "fields": {"unet_rank": RANK, "unet_lora_target_modules": list(TARGETS), **fields},
        "tensor_names": {"unet_state_dict": original},
    }
    tensors = {key: state[name].contiguous() for key, name in names.items()}
    save_file(tensors, path, metadata={"flowsr_checkpoint_metadata": json.dumps(payload)})


def test_the_communitys_adapters_load(tmp_path):
    """As peft loads them where no alpha is given: its default of 8."""
    peft = pytest.importorskip("peft")
    assert peft.LoraConfig(r=RANK).lora_alpha == 8
    trained, asked = randomised(SD21(TINY)), question()
    add_lora(trained, RANK, TARGETS, alpha=8)
    randomised(trained, seed=3)
    community_file(tmp_path / "flowsr.safetensors", trained)
    with safe_open(tmp_path / "flowsr.safetensors", "pt") as file:
        adapters = flowsr_adapters({key: file.get_tensor(key) for key in file.keys()}, file.metadata())  # noqa: SIM118
    network = SD21(TINY).eval()
    base = {name.replace(".base_layer", ""): value for name, value in trained.state_dict().items()}
    network.load_state_dict({name: value for name, value in base.items() if ".lora_" not in name})
    without = asked.ask(network)
    add_lora(network, adapters.rank, adapters.targets, adapters.alpha)
    load_lora(network, adapters.weights)
    torch.testing.assert_close(asked.ask(network), asked.ask(trained))
    assert relative(without, asked.ask(trained)) > 0.01
    merge_lora(network)
    torch.testing.assert_close(asked.ask(network), asked.ask(trained), rtol=1e-4, atol=1e-4)


def test_other_files_are_no_adapters(tmp_path):
    with pytest.raises(WeightsError, match="no FlowSR file"):
        flowsr_adapters({}, {})
    names = {"a": "conv_in.weight"}
    payload = {
        "fields": {"unet_rank": 4, "unet_lora_target_modules": ["to_q"]},
        "tensor_names": {"unet_state_dict": names},
    }
    with pytest.raises(WeightsError, match=r"more than adapters: 'conv_in\.weight'"):
        flowsr_adapters({"a": torch.zeros(1)}, {"flowsr_checkpoint_metadata": json.dumps(payload)})


# Around it


def test_the_package_does_not_import_diffusers():
    """Nor does the module itself, until a network is made."""
    code = "import sys, leapsr.networks.sd21.unet; print({'diffusers', 'peft'} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


@pytest.mark.parametrize(
    "values",
    [{"widths": (16, 32), "heads": (2,)}, {"widths": (20, 32), "heads": (2, 4)}, {"rank": 4}],
)
def test_impossible_sizes_are_refused(values):
    with pytest.raises(ValidationError):
        SD21Config(**values)
