"""Numerical solvers of the flow's ODE, dx/dt = v(x, t), walked from t = 1 down to t = 0.

A slope rule looks ahead from time t to r and returns one velocity for the whole interval, so that
`x_r = x_t - (t - r) slope`. The same rules serve sampling and the target of OFTSR's distillation.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import UsageError, optional
from .path import AverageVelocity, Velocity, jump

Slope = Callable[[Velocity, Tensor, Tensor, Tensor], Tensor]
SolverName = Literal["euler", "heun", "midpoint", "ralston"]


def euler(v: Velocity, x: Tensor, t: Tensor, r: Tensor) -> Tensor:
    """First order, one evaluation."""
    return v(x, t)


def _two_stage(v: Velocity, x: Tensor, t: Tensor, r: Tensor, share: float) -> Tensor:
    """The second-order family with its second stage at t - share (t - r)."""
    first = v(x, t)
    inner = torch.lerp(t, r, share)
    second = v(jump(x, first, t, inner), inner)
    return torch.lerp(first, second, 1 / (2 * share))


def heun(v: Velocity, x: Tensor, t: Tensor, r: Tensor) -> Tensor:
    """Second order: the mean of the slopes at both ends."""
    return _two_stage(v, x, t, r, share=1.0)


def midpoint(v: Velocity, x: Tensor, t: Tensor, r: Tensor) -> Tensor:
    """Second order: the slope in the middle."""
    return _two_stage(v, x, t, r, share=0.5)


def ralston(v: Velocity, x: Tensor, t: Tensor, r: Tensor) -> Tensor:
    """Second order with the smallest error bound: a second stage at two thirds."""
    return _two_stage(v, x, t, r, share=2 / 3)


SLOPES: dict[SolverName, Slope] = {"euler": euler, "heun": heun, "midpoint": midpoint, "ralston": ralston}
EVALUATIONS: dict[SolverName, int] = {"euler": 1, "heun": 2, "midpoint": 2, "ralston": 2}


def solve(v: Velocity, x: Tensor, times: Tensor, slope: Slope = euler) -> Tensor:
    """Walk the ODE along decreasing `times`, shape (steps + 1,), from x (B, ...) at times[0]."""
    return follow(lambda x, t, r: slope(v, x, t, r), x, times)


def follow(u: AverageVelocity, x: Tensor, times: Tensor) -> Tensor:
    """Jump along decreasing `times`, shape (steps + 1,), with an average velocity."""
    for t, r in steps(times, x):
        x = jump(x, u(x, t, r), t, r)
    return x


def steps(times: Tensor, x: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Neighbours of `times`, each (B,) like x. Filled rather than copied, as a copy to a GPU would wait."""
    for t, r in pairwise(times.tolist()):
        yield x.new_full((len(x),), t), x.new_full((len(x),), r)


def rk45(
    v: Velocity, x: Tensor, start: float = 1.0, end: float = 0.0, tolerance: float = 1e-3
) -> tuple[Tensor, int]:
    """Adaptive Dormand-Prince 5(4) by SciPy; one step size for the whole batch.

    Returns the point at `end` and the number of evaluations of v. `tolerance` is both the relative and
    the absolute one; 1e-3 is OFTSR's. Raises MissingExtra without SciPy, UsageError when it does not arrive.
    """
    integrate = optional("scipy.integrate", "train")

    def derivative(t: float, flat: np.ndarray) -> np.ndarray:
        point = torch.from_numpy(flat).to(x).view_as(x)
        time = x.new_full((len(x),), t)
        slope = v(point, time).detach().cpu().double().flatten().numpy()
        if not np.isfinite(slope).all():  # SciPy would shrink its step forever
            raise UsageError(
                f"rk45 met a velocity that is not finite at t = {t:g};"
                " fp32 helps where half precision overflowed."
            )
        return slope

    flat = x.detach().cpu().double().flatten().numpy()
    result = integrate.solve_ivp(derivative, (start, end), flat, "RK45", rtol=tolerance, atol=tolerance)
    if not result.success:
        raise UsageError(
            f"rk45 stopped at t = {result.t[-1]:g} on the way to {end:g}, because its steps became too small;"
            " use a solver of fixed steps, such as heun."
        )
    return torch.from_numpy(result.y[:, -1].copy()).to(x).view_as(x), int(result.nfev)
