"""From a source to an image, with a teacher or any student.

A student knows u(x, t, r) on a part of the triangle 0 <= r <= t <= 1 only. This region decides how many steps
it can take and whether it has a dial.
"""

from enum import Enum
from typing import Literal

import torch
from torch import Tensor

from .. import flow
from ..errors import UsageError
from ..flow import AverageVelocity, SolverName

Solver = SolverName | Literal["rk45"]


class Region(Enum):
    """The part of the triangle where a student was trained."""

    DIAGONAL = "r = t"  # a teacher: instantaneous velocities only
    SOURCE_EDGE = "t = 1"  # OFTSR: one jump from the source, of any length
    TRIANGLE = "r <= t"  # MFSR, SMFSR: any jump
    IMAGE_EDGE = "r = 0"  # FlowSR: from any point to the image
    CORNER = "t = 1, r = 0"  # an upscaler of another project: one jump from the source to the image


def restore(
    u: AverageVelocity,
    source: Tensor,
    region: Region,
    steps: int = 1,
    fidelity: float = 0.0,
    solver: Solver | None = None,
    grid: flow.GridName = "uniform",
) -> Tensor:
    """source: (B, C, H, W) -> image of that shape, in `steps` steps.

    fidelity: the time r in [0, 1] where the trajectory is left. From there a student's mean velocity so far
    leads on to the image, source - u(source, 1, r) (OFTSR eq. 13), and a teacher's velocity at that point,
    x_r - r v(x_r, r) (OFTSR figures 6 and 7), which is one more evaluation. 1 is the posterior mean (the
    median, for a teacher trained with l1), 0 a full sample; 1 takes one evaluation, whatever the steps.
    solver: how a teacher's ODE is followed. None is Euler; a step takes as many evaluations of u as
    `flow.solvers.EVALUATIONS` says. "rk45" chooses its own steps, and needs SciPy.
    grid: how the times of several steps lie between 1 and `fidelity`.
    Raises UsageError where the student's region does not hold what is asked.
    """
    check(region, steps, fidelity, solver)
    times = flow.GRIDS[grid](steps, 1.0, fidelity)
    if region is Region.IMAGE_EDGE:
        # Each step aims at the image and goes a part of the way: the path of the flow is straight.
        return flow.follow(lambda x, t, r: u(x, t, torch.zeros_like(r)), source, times)
    one = source.new_ones(len(source))
    if region is Region.CORNER:
        return source - u(source, one, 0 * one)
    if fidelity == 1:
        return source - u(source, one, one)
    if region is Region.SOURCE_EDGE:
        return source - u(source, one, fidelity * one)
    if region is Region.TRIANGLE:
        return source - (source - flow.follow(u, source, times)) / (1 - fidelity)
    left = _solve(u, source, times, solver or "euler")
    return left if fidelity == 0 else left - fidelity * u(left, fidelity * one, fidelity * one)


def _solve(u: AverageVelocity, source: Tensor, times: Tensor, solver: Solver) -> Tensor:
    """The point of a teacher's trajectory at the last time."""

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        return u(x, t, t)

    if solver == "rk45":
        return flow.rk45(velocity, source, end=times[-1].item())[0]
    return flow.solve(velocity, source, times, flow.SLOPES[solver])


def check(region: Region, steps: int, fidelity: float, solver: Solver | None = None) -> None:
    """Raises UsageError with what this student can do instead."""
    if not 0 <= fidelity <= 1:
        raise UsageError(f"fidelity lies between 0 (realism) and 1 (fidelity), not {fidelity}.")
    if steps < 1:
        raise UsageError(f"steps must be at least 1, not {steps}.")
    if solver is not None:
        check_teacher(region, f"the solver {solver}")
    if solver == "rk45" and steps > 1:
        raise UsageError(f"rk45 chooses its own steps and cannot take {steps}; leave --steps out.")
    if region is Region.CORNER and (steps > 1 or fidelity > 0):
        raise UsageError(
            "This is another project's upscaler, which has one step and no dial: leave out --steps and "
            "--fidelity."
        )
    if region is Region.IMAGE_EDGE and fidelity > 0:
        raise UsageError("This model knows the way to the image only and has no dial; use --fidelity 0.")
    if region is Region.SOURCE_EDGE and steps > 1:
        raise UsageError(
            f"This model restores in one step and cannot take {steps}; turn its dial with --fidelity instead."
        )


def check_teacher(region: Region, wanted: str) -> None:
    """Raises UsageError when something that needs velocities is wanted of a model that is no teacher."""
    if region is Region.CORNER:
        raise UsageError(f"This is another project's upscaler, and {wanted} is for teachers: leave it out.")
    if region is not Region.DIAGONAL:
        raise UsageError(
            f"This model jumps along its flow, and {wanted} is for teachers, which know velocities only."
        )
