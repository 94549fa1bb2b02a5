"""Published networks, as their own code computed them, by name, by number and by whole sampling runs."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from leapsr import flow
from leapsr.errors import WeightsError
from leapsr.networks import Condition, Prompt

pytest.importorskip("diffusers", reason="needs leapsr[sd]")

from diffusers import FlowMatchEulerDiscreteScheduler

from leapsr.networks.mmdit.config import PRESETS
from leapsr.networks.mmdit.network import MMDiT
from leapsr.networks.mmdit.published_weights import (
    CONFIG,
    WEIGHTS,
    dead_keys,
    load_mmdit,
    mmdit_config,
    mmdit_state,
)
from tests.networks.mmdits import inputs, randomised, tiny

GOLDEN = {"dit4sr": "dit4sr_tiny", "dit4sr_r1": "dit4sr_r1_tiny", "smfsr": "smfsr_tiny"}
KINDS = pytest.mark.parametrize("kind", GOLDEN)


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    if not (shared / "golden").is_dir():
        pytest.skip(f"needs the golden vectors {shared / 'golden'}")
    return shared / "golden"


def tensors(folder: Path, name: str) -> dict[str, Tensor]:
    """Cloned, as the reference's arithmetic depends on how its inputs are aligned in memory."""
    return {key: value.float().clone() for key, value in load_file(folder / f"{name}.safetensors").items()}


def under(all_tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {key.removeprefix(start): value for key, value in all_tensors.items() if key.startswith(start)}


def about(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / f"{name}.json").read_text())


def published(folder: Path, kind: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The description and the weights of a tiny network."""
    meta = about(folder, GOLDEN[kind])
    return meta, under(tensors(folder, meta["weights_file"].removesuffix(".safetensors")), "w")


def network(folder: Path, kind: str) -> MMDiT:
    meta, weights = published(folder, kind)
    config = mmdit_config(meta["config"], kind)
    built = MMDiT(config).eval()
    built.load_state_dict(mmdit_state(weights, config))
    return built


def ask(built: MMDiT, given: dict[str, Tensor]) -> Tensor:
    prompt = Prompt(given["encoder_hidden_states"], given["pooled_projections"])
    t = given["timestep"] / built.config.time_scale
    with torch.no_grad():
        return built(
            given["hidden_states"],
            t,
            given.get("r_timestep", t),
            Condition(given["controlnet_image"], prompt=prompt),
        )


def error(found: Tensor, expected: Tensor) -> float:
    """Relative to the largest number expected."""
    assert found.shape == expected.shape
    return ((found - expected).abs().max() / expected.abs().max()).item()


@KINDS
@pytest.mark.parametrize("case", ["", "2"])
def test_outputs_are_the_references(folder, kind, case):
    golden = tensors(folder, GOLDEN[kind])
    found = ask(network(folder, kind), under(golden, f"in{case}"))
    assert error(found, golden[f"out{case}.sample"]) < 1e-5


@KINDS
def test_every_block_is_the_references(folder, kind):
    golden = tensors(folder, GOLDEN[kind])
    built, expected, seen = network(folder, kind), under(golden, "mid"), {}

    def keep(module: nn.Module, names: list[str]) -> None:
        def hook(_: nn.Module, given: object, result: Tensor | tuple[Tensor, ...]) -> None:
            for name, value in zip(names, [result] if isinstance(result, Tensor) else result, strict=True):
                seen.setdefault(name, value)

        module.register_forward_hook(hook)

    for index, block in enumerate(built.transformer_blocks):
        keep(block, [f"block{index}.hidden_states", f"block{index}.encoder_hidden_states"])
    keep(built.pos_embed, ["pos_embed_noise"])  # the first of its two calls
    keep(built.time_text_embed, ["temb"])
    keep(built.context_embedder, ["context_embedder"])
    keep(built.norm_out, ["norm_out"])
    ask(built, under(golden, "in"))
    for name, value in expected.items():
        assert error(seen[name], value) < 1e-5, name


@KINDS
def test_dead_keys_are_those_without_an_effect_in_the_reference(folder, kind):
    meta, weights = published(folder, kind)
    assert sorted(dead_keys(weights, mmdit_config(meta["config"], kind))) == sorted(
        meta["keys_without_effect_on_output"]
    )


DEAD = {"dit4sr": 130 + 3 + 74, "dit4sr_r1": 130 + 3, "smfsr": 130 + 3 + 74 + 4}
"""Text projections without a text, the last text's queries, keys that are never used, an unused embedder."""


@KINDS
def test_every_key_of_the_full_size_has_its_place(folder, kind):
    everything = about(folder, "full_size_keys")
    keys = everything["dit4sr" if kind == "dit4sr_r1" else kind]["keys"]  # r1's are said to be the same
    config = mmdit_config(everything[kind]["config"], kind)
    with torch.device("meta"):
        own = {name: tuple(value.shape) for name, value in MMDiT(config).state_dict().items()}
        state = mmdit_state({name: torch.empty(shape) for name, shape in keys.items()}, config)
    assert {name: tuple(value.shape) for name, value in state.items()} == own
    assert len(own) + DEAD[kind] == len(keys) == everything[kind]["n_keys"]


def test_the_stream_has_as_many_parameters_as_published():
    with torch.device("meta"):
        built = MMDiT(PRESETS["sd35_medium"])
    control = [parameter.numel() for name, parameter in built.named_parameters() if "control" in name]
    assert (len(control), sum(control)) == (344, 350_877_696)


@pytest.mark.parametrize("shards", [1, 2])
@KINDS
def test_a_published_folder_is_loaded(folder, kind, shards, tmp_path):
    meta, weights = published(folder, kind)
    (tmp_path / CONFIG).write_text(json.dumps(meta["config"] | {"_class_name": "SD3Transformer2DModel"}))
    names = sorted(weights)
    if shards == 1:
        save_file(weights, tmp_path / WEIGHTS)
    else:
        parts = {name: f"part-{index % shards}.safetensors" for index, name in enumerate(names)}
        for part in set(parts.values()):
            save_file({n: weights[n] for n in names if parts[n] == part}, tmp_path / part)
        (tmp_path / f"{WEIGHTS}.index.json").write_text(json.dumps({"weight_map": parts}))
    loaded = load_mmdit(tmp_path, kind).eval()
    assert not any(tensor.is_meta for tensor in (*loaded.parameters(), *loaded.buffers()))
    golden = tensors(folder, GOLDEN[kind])
    assert error(ask(loaded, under(golden, "in")), golden["out.sample"]) < 1e-5


def test_weights_that_do_not_fit_are_refused(folder, tmp_path):
    meta, weights = published(folder, "dit4sr")
    with pytest.raises(WeightsError, match=r"no config\.json"):
        load_mmdit(tmp_path, "dit4sr")
    (tmp_path / CONFIG).write_text(json.dumps(meta["config"]))
    with pytest.raises(WeightsError, match="download"):
        load_mmdit(tmp_path, "dit4sr")
    save_file(weights, tmp_path / WEIGHTS)
    with pytest.raises(WeightsError, match=r"smfsr weights: 'time_text_embed\.interval_embedder\.0\.bias'"):
        load_mmdit(tmp_path, "smfsr")
    (tmp_path / CONFIG).write_text(json.dumps(meta["config"] | {"qk_norm": None}))
    with pytest.raises(WeightsError, match="qk_norm"):
        load_mmdit(tmp_path, "dit4sr")
    for text, said in (("{", "damaged"), ("[]", "no named values")):
        (tmp_path / CONFIG).write_text(text)
        with pytest.raises(WeightsError, match=said):
            load_mmdit(tmp_path, "dit4sr")


@pytest.mark.parametrize("index", [[], {}, {"weight_map": ["part.safetensors"]}, {"weight_map": {"x": 1}}])
def test_an_index_that_names_no_files_is_refused(folder, index, tmp_path):
    (tmp_path / CONFIG).write_text(json.dumps(published(folder, "dit4sr")[0]["config"]))
    (tmp_path / f"{WEIGHTS}.index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsError, match=r"index\.json .*no (files|named values)"):
        load_mmdit(tmp_path, "dit4sr")


@pytest.fixture
def sd35(tmp_path: Path) -> Path:
    """As diffusers writes it, tiny and in halves: no stream, but the last block's queries of the text."""
    state = randomised(tiny()).state_dict()
    plain = {name: value.half() for name, value in state.items() if "control" not in name}
    last = "transformer_blocks.3.attn"
    plain[f"{last}.add_q_proj.weight"] = torch.ones(32, 32)
    plain |= {f"{last}.{name}": torch.ones(32) for name in ("add_q_proj.bias", "norm_added_q.weight")}
    save_file(plain, tmp_path / WEIGHTS)
    published = PRESETS["tiny"].model_dump() | {"caption_projection_dim": 32, "qk_norm": "rms_norm"}
    switches = ("kind", "lr_keys", "lr_mlp_scale", "time_conditioning", "time_scale", "attention")
    sizes = {k: v for k, v in published.items() if k not in (*switches, "gradient_checkpointing")}
    (tmp_path / CONFIG).write_text(json.dumps(sizes))
    return tmp_path


def test_sd35_gets_a_stream_that_has_learnt_nothing(sd35):
    built = load_mmdit(sd35, "sd35")
    assert built.config == tiny()
    assert {p.dtype for p in built.parameters()} == {torch.float16}
    with pytest.raises(WeightsError, match=r"dit4sr_r1 weights: .* is missing"):
        load_mmdit(sd35, "dit4sr_r1")
    for block in built.transformer_blocks:
        assert torch.equal(block.attn.to_out_control.weight, block.attn.to_out[0].weight)
        assert block.attn.to_v_control.weight.abs().max() == block.ff.control_conv.weight.abs().max() == 0
    assert built.float()(*inputs()).isfinite().all()


def shifted_grid(steps: int) -> Tensor:
    """DiT4SR's times: SD3's scheduler."""
    scheduler = FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0)
    scheduler.set_timesteps(steps)
    return scheduler.sigmas


@pytest.mark.parametrize(
    ("case", "steps", "guidance"), [("a", 4, 8.0), ("b", 4, 2.5), ("d", 3, 1.0)], ids=["a", "b", "d"]
)
def test_whole_runs_of_dit4sr(folder, case, steps, guidance):
    """The start is noise in all of them: "lr" mixes it with weight sigma_0 = 1."""
    golden, built = tensors(folder, "sampler_tiny"), network(folder, "dit4sr")
    given = under(golden, "in")
    lr, noise = (golden[f"in_{case}.{name}"] for name in ("lr_latent_scaled", "noise"))
    asked = Condition(lr, prompt=Prompt(given["prompt_embeds"], given["pooled"]))
    avoided = Condition(lr, prompt=Prompt(given["negative_prompt_embeds"], given["negative_pooled"]))

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        v = built(x, t, t, asked)
        return v if guidance == 1 else flow.guide(v, built(x, t, t, avoided), guidance)

    with torch.no_grad():
        found = flow.solve(velocity, noise, shifted_grid(steps))
    torch.testing.assert_close(found, golden[f"out_{case}.latents"], rtol=0, atol=2e-4)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_whole_runs_of_smfsr(folder, steps):
    golden, built = tensors(folder, "sampler_tiny"), network(folder, "smfsr")
    given = under(golden, "in")
    prompt = Prompt(given["prompt_embeds"], given["pooled"])
    cond = Condition(golden["in_smfsr.lr_latent_scaled"], prompt=prompt)
    with torch.no_grad():
        found = flow.follow(
            lambda x, t, r: built(x, t, r, cond), golden["in_smfsr.noise"], flow.cosine_grid(steps)
        )
    torch.testing.assert_close(found, golden[f"out_smfsr.N{steps}"], rtol=0, atol=2e-4)
