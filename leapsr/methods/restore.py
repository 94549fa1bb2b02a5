"""From a source to an image, with any student, wherever the region it was trained on allows.

A student knows u(x, t, r) on a part of the triangle 0 <= r <= t <= 1 only. Its region says how many
steps it can take and whether it has a dial.
"""

from enum import Enum

import torch
from torch import Tensor

from .. import flow
from ..errors import UsageError
from ..flow import AverageVelocity


class Region(Enum):
    """The part of the triangle where a student was trained."""

    DIAGONAL = "r = t"  # a teacher: instantaneous velocities only
    SOURCE_EDGE = "t = 1"  # OFTSR: one jump from the source, of any length
    TRIANGLE = "r <= t"  # MFSR, SMFSR: any jump


def restore(
    u: AverageVelocity, source: Tensor, region: Region, steps: int = 1, fidelity: float = 0.0
) -> Tensor:
    """source: (B, C, H, W) -> image of that shape, in `steps` evaluations of u.

    fidelity: the time r in [0, 1] where the trajectory is left; from there the mean velocity so far leads
    on to the image, source - u(source, 1, r) (OFTSR eq. 13). 1 is the posterior mean (the median, for a
    teacher trained with l1), 0 a full sample.
    Raises UsageError where the student's region does not hold what is asked.
    """
    check(region, steps, fidelity)
    one = torch.ones(len(source)).to(source)
    if fidelity == 1:
        return source - u(source, one, one)
    if region is Region.SOURCE_EDGE:
        return source - u(source, one, fidelity * one)
    grid = flow.uniform_grid(steps, end=fidelity)
    velocity = (lambda x, t, r: u(x, t, t)) if region is Region.DIAGONAL else u
    left = flow.follow(velocity, source, grid)
    return source - (source - left) / (1 - fidelity)


def check(region: Region, steps: int, fidelity: float) -> None:
    """Raises UsageError, saying what this student can do instead."""
    if not 0 <= fidelity <= 1:
        raise UsageError(f"fidelity lies between 0 (realism) and 1 (fidelity), not {fidelity}.")
    if steps < 1:
        raise UsageError(f"steps must be at least 1, not {steps}.")
    if region is Region.SOURCE_EDGE and steps > 1:
        raise UsageError(
            f"This model restores in one step and cannot take {steps}; turn its dial with --fidelity instead."
        )
