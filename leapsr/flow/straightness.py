"""How far the trajectories of a flow are from straight lines."""

from torch import Tensor

from . import solvers
from .path import Velocity, jump
from .times import uniform_grid


def straightness(v: Velocity, source: Tensor, steps: int = 32) -> Tensor:
    """Mean over t of |(x_1 - x_0) - v(x_t, t)|^2 along the ODE from `source` (B, ...), per sample (B,).

    Zero if and only if one Euler step equals many (Liu et al., arXiv:2209.03003, eq. 5). Mean over the
    dimensions of a sample; `steps` Euler steps approximate the integral.
    """
    velocities = []
    x = source
    for t, r in solvers.steps(uniform_grid(steps), source):
        velocities.append(v(x, t))
        x = jump(x, velocities[-1], t, r)
    chord = source - x
    return sum((chord - velocity).square().flatten(1).mean(1) for velocity in velocities) / steps  # type: ignore[return-value]
