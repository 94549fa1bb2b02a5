import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from pydantic import ValidationError

from leapsr.errors import UsageError
from leapsr.networks import Condition
from leapsr.ops.derivative import directional_derivative

pytest.importorskip("diffusers", reason="needs leapsr[sd]")

from leapsr.networks.mmdit.config import PRESETS, MMDiTConfig
from leapsr.networks.mmdit.network import MMDiT
from tests.networks.mmdits import inputs, randomised, tiny

TIMES = pytest.mark.parametrize("time", ["single", "add_r", "concat_mlp"])
KEYS = pytest.mark.parametrize("lr_keys", ["own", "noise_double_norm"])
KERNELS = pytest.mark.parametrize("kernel", ["fused", "math", "chunked"])


@TIMES
@pytest.mark.parametrize(("height", "width"), [(2, 2), (8, 8), (6, 14), (64, 2)])
def test_any_even_height_and_width(time, height, width):
    x, t, r, cond = inputs(height, width)
    found = randomised(tiny(time_conditioning=time))(x, t, r, cond)
    assert found.shape == x.shape
    assert found.isfinite().all()


def test_low_resolution_tokens_reach_their_neighbours_on_any_grid():
    """Without what the attention says, a patch moves just the 3 x 3 patches about it."""
    network = randomised(tiny(num_layers=1, dual_attention_layers=()))
    [block] = network.transformer_blocks
    with torch.no_grad():
        for layer in (block.attn.to_out[0], block.attn.to_out_control):
            layer.weight.zero_()
    x, t, r, cond = inputs(8, 14, batch=1)
    lr = cond.lr.clone()
    lr[..., 4:6, 8:10] += 1
    moved = (network(x, t, r, cond) - network(x, t, r, Condition(lr, prompt=cond.prompt))).abs().sum(1)[0]
    rows, columns = (moved > 1e-6).nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 7, 6, 11)
    assert len(rows) == 36


@TIMES
def test_which_times_count(time):
    network, (x, t, r, cond) = randomised(tiny(time_conditioning=time)), inputs()
    at_r, at_t, earlier = network(x, t, r, cond), network(x, t, t, cond), network(x, t - 0.1, r, cond)
    assert torch.equal(at_r, at_t) == (time == "single")
    assert (at_r - earlier).abs().max() > 1e-3


def test_everything_in_the_condition_counts():
    network, (x, t, r, cond) = randomised(tiny()), inputs()
    leaves = [cond.lr, cond.prompt.tokens, cond.prompt.pooled, x]
    for leaf in leaves:
        leaf.requires_grad_(True)
    for gradient in torch.autograd.grad(network(x, t, r, cond).square().sum(), leaves):
        assert gradient.abs().max() > 1e-4


@TIMES
@KEYS
def test_no_parameter_is_without_an_effect(time, lr_keys):
    """Several processes that average gradients would wait for one that never comes."""
    network = randomised(tiny(time_conditioning=time, lr_keys=lr_keys))
    network(*inputs()).square().sum().backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or p.grad.abs().max() == 0]
    assert not idle


@KERNELS
def test_kernels_agree(kernel):
    expected = randomised(tiny(attention="math")).double()(*inputs(dtype=torch.float64))
    found = randomised(tiny(attention=kernel)).double()(*inputs(dtype=torch.float64))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.fixture
def compiler() -> Iterator[None]:
    """Nothing compiled is left to other tests."""
    yield
    torch._dynamo.reset()


@pytest.mark.usefixtures("compiler")
def test_it_compiles_as_one_graph():
    network = randomised(tiny(num_layers=2, dual_attention_layers=(0,)))
    compiled = torch.compile(network, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(*inputs()), network(*inputs()))


def test_samples_of_a_batch_do_not_know_each_other():
    network, (x, t, r, cond) = randomised(tiny()), inputs()
    alone = network(x[1:], t[1:], r[1:], cond.take(slice(1, 2)))
    torch.testing.assert_close(network(x, t, r, cond)[1:], alone, rtol=0, atol=1e-5)


@TIMES
@KERNELS
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_the_derivative_is_the_limit_of_differences(time, kernel, scale):
    config = tiny(time_conditioning=time, attention=kernel, time_scale=scale)
    network = randomised(config).double()
    x, t, r, cond = inputs(dtype=torch.float64)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(2), dtype=x.dtype)

    def u(x, t):
        return network(x, t, r, cond)

    value, found = directional_derivative(u, (x, t), (direction, torch.ones_like(t)))
    step = 1e-3 / scale
    with torch.no_grad():
        near, far = (
            (u(x + h * direction, t + h) - u(x - h * direction, t - h)) / (2 * h) for h in (step / 2, step)
        )
        torch.testing.assert_close(value, u(x, t), rtol=0, atol=1e-12)
    expected = (4 * near - far) / 3  # without the error's term in the step squared
    assert (found - expected).norm() / expected.norm() < 1e-8


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_half_precision(scale):
    """Under autocast and with half weights: close, in x's precision, and close times stay apart."""
    config = tiny(time_scale=scale)
    x, t, r, cond = inputs()
    exact, half = randomised(config)(x, t, r, cond), randomised(config).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        cast = randomised(config)(x, t, r, cond)
    for found in (cast, half(x, t, r, cond)):
        assert found.dtype == torch.float32
        assert 0 < (found - exact).norm() / exact.norm() < 0.05
    embedder = half.time_text_embed.timestep_embedder
    times = scale * torch.tensor([0.5, 0.5 + 1e-5])
    first, second = embedder(times)
    assert embedder(times).dtype == torch.float32
    assert (first - second).abs().max() > 0


def test_what_it_cannot_work_with_is_said():
    network, (x, t, r, cond) = randomised(tiny()), inputs()
    with pytest.raises(UsageError, match="7 x 12 cannot be cut into patches of 2 x 2"):
        network(x[..., :7, :], t, r, cond)
    wide = torch.zeros(2, 16, 2, 66)
    with pytest.raises(UsageError, match="tiles of at most 64 x 64"):
        network(wide, t, r, Condition(wide, prompt=cond.prompt))
    with pytest.raises(UsageError, match="upsample"):
        network(x, t, r, Condition(cond.lr[..., :4], prompt=cond.prompt))
    with pytest.raises(UsageError, match="prompt"):
        network(x, t, r, Condition(cond.lr))


@pytest.mark.parametrize(
    "values",
    [
        {"heads": 3},
        {"dual_attention_layers": (24,)},
        {"attention_head_dim": 3, "num_attention_heads": 1},
        {"sample_size": 31},
        {"lr_keys": "fixed"},
        {"time_scale": 0},
    ],
)
def test_impossible_configs_are_refused(values):
    with pytest.raises(ValidationError):
        MMDiTConfig(**values)


def test_the_full_size_is_sd35_medium_with_dit4srs_stream():
    """2,716,814,144 parameters are published, of which 122,764,928 project texts that are not there."""
    with torch.device("meta"):
        built = MMDiT(PRESETS["sd35_medium"])
    dead_queries = 1536 * 1536 + 1536 + 64  # of the last block's text
    count = sum(parameter.numel() for parameter in built.parameters())
    assert count == 2_716_814_144 - 122_764_928 - dead_queries


def test_diffusers_is_imported_only_where_it_is_asked_for_and_named_where_it_is_missing():
    code = """
import sys, leapsr.networks, leapsr.networks.mmdit.config
print("diffusers" in sys.modules)
sys.modules["diffusers"] = None
try:
    import leapsr.networks.mmdit.network
except leapsr.errors.MissingExtra as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["False", "This needs diffusers: pip install 'leapsr[sd]'."], (
        done.stderr
    )
