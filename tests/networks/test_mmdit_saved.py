"""A student at SD3.5's width, saved and loaded in every precision: its times survive."""

from pathlib import Path

import pytest
import torch

pytest.importorskip("diffusers", reason="needs leapsr[sd]")

from leapsr.flow import Source
from leapsr.networks import Condition, Prompt, registry
from leapsr.networks.mmdit.network import MMDiT
from leapsr.networks.mmdit.time import TimeText
from leapsr.restorer import ModelConfig, Restorer
from tests.networks.mmdits import tiny

WIDE = {"num_layers": 1, "attention_head_dim": 64, "num_attention_heads": 24, "dual_attention_layers": ()}
HALVES = [torch.float32, torch.bfloat16, torch.float16]


@pytest.fixture(scope="module")
def teacher() -> MMDiT:
    torch.manual_seed(0)
    network = MMDiT(tiny(**WIDE))
    with torch.no_grad():
        for p in network.parameters():
            torch.nn.init.normal_(p, std=0.7 / max(1, p[0].numel()) ** 0.5)
    return network


@torch.no_grad()
def one_step(network: torch.nn.Module, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """u(x, 1, 0), as restoring asks for it."""
    generator = torch.Generator().manual_seed(1)
    x, lr = torch.randn(2, 1, 16, 8, 8, generator=generator)
    text = Prompt(torch.randn(1, 4, 64, generator=generator), torch.randn(1, 48, generator=generator))
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        found: torch.Tensor = network(x, torch.ones(1), torch.zeros(1), Condition(lr, prompt=text))
    return found.float()


def off(found: torch.Tensor, truth: torch.Tensor) -> float:
    return ((found - truth).norm() / truth.norm()).item()


@pytest.mark.parametrize("start", ["published", "refit"])
def test_a_student_is_what_was_trained_in_every_precision(start: str, teacher: MMDiT, tmp_path: Path) -> None:
    """Half precision would merge the units of a fitted embedder: 13 times the norm of u."""
    switches = {"time_conditioning": "add_r", "time_scale": 1.0, "time_start": start}
    student = registry.init_from(teacher.config.model_copy(update=switches), teacher, True)
    truth = one_step(student)
    model = ModelConfig(method="mfsr", network=student.config, source=Source(kind="noise"), fidelity=0)
    Restorer(model, student).save_pretrained(tmp_path)
    half = off(one_step(teacher.bfloat16(), torch.bfloat16), one_step(teacher.float()))
    for dtype in HALVES:
        loaded = Restorer.from_pretrained(tmp_path, dtype=dtype)
        limit = 0.002 if dtype == torch.float32 else 2 * half
        assert off(one_step(loaded.network, dtype), truth) < limit, dtype
        there = {name for name, p in loaded.network.named_parameters() if p.dtype == torch.float32}
        assert any("timestep_embedder" in name for name in there)
        assert dtype == torch.float32 or all(name.startswith("time_text_embed.") for name in there)


def test_c_noise_is_t_itself(teacher: MMDiT) -> None:
    """Section 4.4: the derivative of the embedding is of the order of 1, not of hundreds."""
    switches = {"time_conditioning": "add_r", "time_scale": 1.0}
    told: list[str] = []
    config = teacher.config.model_copy(update=switches)
    student = registry.init_from(config, teacher, True, told.append)
    own, old = student.time_text_embed.timestep_embedder, teacher.time_text_embed.timestep_embedder
    assert all(torch.equal(a, b) for a, b in zip(own.parameters(), old.parameters(), strict=True))
    t = torch.linspace(0, 1, 101)
    with torch.no_grad():
        assert (own(t).diff(dim=0).norm(dim=1) * 100).max() < 20
        assert (old(1000 * t).diff(dim=0).norm(dim=1) * 100).max() > 200
    assert "network.time_start=refit" in told[0]


@pytest.mark.parametrize("conditioning", ["single", "add_r", "concat_mlp"])
def test_the_embedding_of_time_is_never_rounded(conditioning: str) -> None:
    time = TimeText(tiny(time_conditioning=conditioning)).to(torch.bfloat16)
    t, r, pooled = torch.tensor([0.7]), torch.tensor([0.2]), torch.randn(1, 48)
    plain = time(t, r, pooled)
    assert {p.dtype for p in time.half().parameters()} == {torch.float32}
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(time(t, r, pooled), plain)
    assert time(t, r, pooled.bfloat16()).dtype == torch.bfloat16
    assert {p.dtype for p in time.double().parameters()} == {torch.float64}
