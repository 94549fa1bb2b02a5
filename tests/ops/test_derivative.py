from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leapsr.errors import ConfigError
from leapsr.networks import PRESETS, Condition, UNet
from leapsr.ops.derivative import directional_derivative


class Attention(nn.Module):
    """Four heads over the pixels, with the fused attention that diffusion transformers call."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        q, k, v = self.qkv(x * (1 + t[:, None, None])).unflatten(-1, (3, 4, 2)).permute(2, 0, 3, 1, 4)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def randomise(network: nn.Module) -> nn.Module:
    """Nothing left at zero, so that every path through the network counts."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * 0.5 / max(1, p[0].numel()) ** 0.5)
    return network


def unet(dtype: torch.dtype):
    """The tiny U-Net as a function of (x, t), a point and a direction."""
    generator = torch.Generator().manual_seed(1)
    network = randomise(UNet(PRESETS["tiny"])).to(dtype)
    x, direction = torch.randn(2, 2, 3, 20, 24, generator=generator).to(dtype)
    cond = Condition(torch.randn(2, 3, 5, 6, generator=generator).to(dtype))
    t, r = torch.tensor([0.9, 0.4]).to(dtype), torch.tensor([0.2, 0.0]).to(dtype)
    return network, lambda x, t: network(x, t, r, cond), (x, t), (direction, torch.ones_like(t))


def attention(dtype: torch.dtype):
    generator = torch.Generator().manual_seed(1)
    network = randomise(Attention()).to(dtype)
    x, direction = torch.randn(2, 2, 9, 8, generator=generator).to(dtype)
    t = torch.tensor([0.9, 0.4]).to(dtype)
    return network, network, (x, t), (direction, torch.ones_like(t))


CASES = pytest.mark.parametrize("case", [unet, attention])


@CASES
def test_both_modes_agree_with_differences_written_here(case):
    _, function, points, tangents = case(torch.float64)
    ahead, behind = (
        function(*(p + h * d for p, d in zip(points, tangents, strict=True))) for h in (1e-5, -1e-5)
    )
    expected = (ahead - behind) / 2e-5
    assert expected.abs().max() > 0.1
    for mode in ("forward", "central"):
        value, derivative = directional_derivative(function, points, tangents, mode, step=1e-5)
        torch.testing.assert_close(value, function(*points), rtol=0, atol=1e-7)
        torch.testing.assert_close(derivative, expected, rtol=0, atol=1e-6)


def test_orders():
    """Forward is exact, central of second order, in its value as in its derivative."""
    x = torch.tensor([0.3, 0.7]).double()
    value, derivative = directional_derivative(torch.exp, (x,), (x,))
    torch.testing.assert_close(value, x.exp(), rtol=0, atol=0)
    torch.testing.assert_close(derivative, x * x.exp(), rtol=0, atol=1e-15)
    coarse, fine = (directional_derivative(torch.exp, (x,), (x,), "central", step=h) for h in (0.02, 0.01))
    for got, better, truth in zip(coarse, fine, (value, derivative), strict=True):
        torch.testing.assert_close((got - truth) / (better - truth), torch.full_like(x, 4), rtol=1e-3, atol=0)


@CASES
@pytest.mark.parametrize("mode", ["forward", "central"])
def test_no_graph_is_kept_and_a_second_call_gives_the_same(case, mode):
    network, function, points, tangents = case(torch.float32)
    points = tuple(point.requires_grad_(True) for point in points)
    first, second = (directional_derivative(function, points, tangents, mode) for _ in range(2))
    assert not any(tensor.requires_grad for tensor in (*first, *second))
    assert torch.equal(first[1], second[1])
    function(*points).sum().backward()  # and gradients work as before
    assert all(p.grad is not None for p in network.parameters())


def test_gradients_were_off_only_inside():
    _, function, points, tangents = attention(torch.float32)
    directional_derivative(function, points, tangents)
    assert torch.is_grad_enabled()
    assert torch.backends.cuda.flash_sdp_enabled()


@CASES
def test_half_precision_forward_is_close_and_leaves_the_weights_differentiable(case):
    """Autocast caches the casts of weights, and one made without gradients would cut the graph."""
    network, function, points, tangents = case(torch.float32)
    _, exact = directional_derivative(function, points, tangents)
    with torch.autocast("cpu", torch.bfloat16):
        _, derivative = directional_derivative(function, points, tangents)
        function(*points).float().sum().backward()
    error = (derivative.float() - exact).norm() / exact.norm()
    assert 0 < error < 0.03
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_central_differences_are_refused_in_half_precision():
    _, function, points, tangents = attention(torch.float32)
    for dtype in (torch.bfloat16, torch.float16):
        with torch.autocast("cpu", dtype), pytest.raises(ConfigError, match="forward-mode"):
            directional_derivative(function, points, tangents, "central")
    _, function, points, tangents = attention(torch.bfloat16)
    with pytest.raises(ConfigError, match="forward-mode"):
        directional_derivative(function, points, tangents, "central")
    assert directional_derivative(function, points, tangents)[1].dtype == torch.bfloat16


def precisions() -> list[str]:
    """Of matrix products and convolutions on a GPU."""
    return [backend.fp32_precision for backend in (torch.backends.cuda.matmul, torch.backends.cudnn.conv)]


@pytest.fixture
def tf32() -> Iterator[None]:
    """Everywhere, as most trainings on a GPU have it."""
    before = torch.backends.cuda.matmul.fp32_precision
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    yield
    torch.backends.cuda.matmul.fp32_precision = before


@pytest.mark.usefixtures("tf32")
def test_central_differences_are_taken_without_tf32():
    inside, x = [], torch.ones(2)

    def function(x: Tensor) -> Tensor:
        inside.append(precisions())
        if len(inside) > 3:
            raise RuntimeError("a broken network")
        return x.square()

    before = precisions()
    assert before == ["tf32", "tf32"]
    directional_derivative(function, (x,), (x,))
    directional_derivative(function, (x,), (x,), "central")
    with pytest.raises(RuntimeError, match="broken"):
        directional_derivative(function, (x,), (x,), "central")
    assert inside == [before, *[["ieee", "ieee"]] * 3]
    assert precisions() == before


@pytest.fixture
def compiler() -> Iterator[None]:
    """Nothing compiled is left to other tests."""
    yield
    torch._dynamo.reset()


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("mode", ["forward", "central"])
@pytest.mark.parametrize("first", ["call", "derivative"])
def test_a_compiled_network_has_its_derivative_and_stays_compiled(mode, first):
    """The backend counts how often its graphs run; a graph is given up for good where the compiler fails."""
    runs = []

    def backend(graph, _):
        return lambda *arguments: runs.append(1) or graph.forward(*arguments)

    network, function, points, tangents = unet(torch.float64)
    with torch.no_grad():
        expected = directional_derivative(function, points, tangents, mode), function(*points)
        network.compile(backend=backend)
        if first == "call":
            function(*points)
        before = len(runs)
        found = directional_derivative(function, points, tangents, mode)
        assert len(runs) == before == (first == "call")
        torch.testing.assert_close((found, function(*points)), expected)
    assert len(runs) == before + 1
