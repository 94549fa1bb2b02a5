"""The derivative of a function along a direction: what MeanFlow's identity asks of a network."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..errors import ConfigError

Derivative = Literal["forward", "central"]


def directional_derivative(
    function: Callable[..., Tensor],
    points: tuple[Tensor, ...],
    tangents: tuple[Tensor, ...],
    mode: Derivative = "forward",
    step: float = 1e-3,
) -> tuple[Tensor, Tensor]:
    """(value, derivative) of function(*points) along `tangents`; neither carries a graph.

    points, tangents: tensors of the same shapes and dtypes. What has no tangent goes in by closure.
    mode: "forward" is exact (one forward-mode pass, at about the cost of two evaluations) and works in
    half precision. "central" is the difference of two evaluations `step` before and behind, for functions
    without a forward-mode formula; its value is their mean, and both are off by the order of step squared.
    A compiled function runs uncompiled here and stays compiled elsewhere: the compiler does not support
    forward mode and would give up on the function for good.
    Raises ConfigError for a central difference in half precision, which rounding would swamp.
    """
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        if mode == "central":
            return _central(function, points, tangents, step)
        # The fused kernels of attention have no forward-mode formula; its mathematical form has.
        with sdpa_kernel(SDPBackend.MATH):
            _warm_up()
            value, derivative, *_ = torch.func.jvp(function, points, tangents)
            return value, derivative


@cache
def _warm_up() -> None:
    """PyTorch's first forward-mode derivative compiles parts of itself; its warning is hidden."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
        torch.func.jvp(torch.exp, (torch.ones(1),), (torch.ones(1),))


def _central(
    function: Callable[..., Tensor], points: tuple[Tensor, ...], tangents: tuple[Tensor, ...], step: float
) -> tuple[Tensor, Tensor]:
    if any(_in_half_precision(point) for point in points):
        raise ConfigError(
            "A central difference drowns in the rounding of half precision: "
            "train in fp32 or use the forward-mode derivative."
        )
    pairs = list(zip(points, tangents, strict=True))
    with _full_precision():
        ahead, behind = (function(*(p + h * d for p, d in pairs)) for h in (step, -step))
    return (ahead + behind) / 2, (ahead - behind) / (2 * step)


@contextmanager
def _full_precision() -> Iterator[None]:
    """Without TF32, whose 10 bits of mantissa make noise of a small step's difference."""
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)  # type: ignore[attr-defined]
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = "ieee"
        yield
    finally:
        for backend, precision in zip(backends, before, strict=True):
            backend.fp32_precision = precision


def _in_half_precision(point: Tensor) -> bool:
    device = point.device.type
    enabled = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
    return point.dtype.itemsize < 4 or (enabled and torch.get_autocast_dtype(device).itemsize < 4)
