import pytest
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from leapsr.ops.attention import attention
from leapsr.ops.derivative import directional_derivative

KERNELS = pytest.mark.parametrize("kernel", ["fused", "math", "chunked"])


def tokens(dtype=torch.float64, n=11, m=13):
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(2, 3, n, 8, generator=generator).to(dtype)
    k, v = torch.randn(2, 2, 3, m, 8, generator=generator).to(dtype)
    return q, k, v


class Largest(TorchDispatchMode):
    """Which operators ran, and how many numbers their largest result had."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.names.add(func.__name__)
        if isinstance(result, torch.Tensor):
            self.numbers = max(self.numbers, result.numel())
        return result


def watched(function, *arguments) -> Largest:
    with torch.no_grad(), Largest() as seen:
        function(*arguments)
    return seen


@KERNELS
@pytest.mark.parametrize("queries", [1, 4, 11, 64])
def test_every_kernel_is_the_formula(kernel, queries):
    q, k, v = tokens()
    expected = torch.einsum("...nd,...md->...nm", q, k).div(8**0.5).softmax(-1) @ v
    torch.testing.assert_close(attention(q, k, v, kernel, queries), expected)


@KERNELS
def test_gradients_agree(kernel):
    points = [part.requires_grad_(True) for part in tokens()]
    expected = torch.autograd.grad(F.scaled_dot_product_attention(*points).square().sum(), points)
    found = torch.autograd.grad(attention(*points, kernel, queries=4).square().sum(), points)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kernel", ["math", "chunked"])
def test_the_formula_has_a_second_derivative(kernel):
    points = tuple(part.requires_grad_(True) for part in tokens(n=3, m=4))
    assert torch.autograd.gradgradcheck(lambda *p: attention(*p, kernel, queries=2), points)


@KERNELS
def test_every_kernel_has_the_derivative_that_meanflow_asks_for(kernel):
    points, generator = tokens(), torch.Generator().manual_seed(3)
    directions = tuple(torch.randn(p.shape, generator=generator, dtype=p.dtype) for p in points)
    _, found = directional_derivative(lambda *p: attention(*p, kernel, queries=4), points, directions)
    ahead, behind = (
        F.scaled_dot_product_attention(*(p + h * d for p, d in zip(points, directions, strict=True)))
        for h in (1e-5, -1e-5)
    )
    torch.testing.assert_close(found, (ahead - behind) / 2e-5, rtol=0, atol=1e-8)


def test_fused_runs_fused_outside_the_derivative_and_the_formula_in_chunks_inside():
    q, k, v = tokens(torch.float32, n=64, m=64)
    outside = watched(attention, q, k, v, "fused", 8)
    with sdpa_kernel(SDPBackend.MATH):
        inside = watched(attention, q, k, v, "fused", 8)
    assert any("scaled_dot_product" in name for name in outside.names)
    assert any("softmax" in name for name in inside.names)
    assert inside.numbers == max(2 * 3 * 8 * 64, v.numel())


def test_memory_is_bounded_by_the_queries_taken_at_a_time():
    q, k, v = tokens(torch.float32, n=64, m=64)
    whole, chunked = (watched(attention, q, k, v, kernel, 8).numbers for kernel in ("math", "chunked"))
    assert whole == 2 * 3 * 64 * 64
    assert chunked == max(2 * 3 * 8 * 64, v.numel())


@KERNELS
def test_half_precision_is_close(kernel):
    exact = attention(*tokens())
    found = attention(*tokens(torch.bfloat16), kernel, queries=4)
    assert found.dtype == torch.bfloat16
    assert (found - exact).norm() / exact.norm() < 0.01
