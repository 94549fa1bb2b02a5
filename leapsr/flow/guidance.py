"""Classifier-free guidance: a velocity pushed away from another one."""

import torch
from torch import Tensor


def guide(cond: Tensor, other: Tensor, scale: float) -> Tensor:
    """other + scale (cond - other): scale 1 is `cond` alone, more leads further away from `other`.

    MFSR eq. 10 where `other` has no label, eq. 11 where it is for damaged images (arXiv:2603.20690); SMFSR
    eq. 13 (arXiv:2605.09328). cond, other: of one shape.
    """
    return torch.lerp(other, cond, scale)


def meanflow_guide(path: Tensor, cond: Tensor, none: Tensor, omega: float, kappa: float) -> Tensor:
    """omega path + kappa cond + (1 - omega - kappa) none: MeanFlow's guidance by the student itself.

    MFSR eq. 9. path: source - image. cond, none: the student's velocities with and without a label. Once they
    have converged, this is guidance of scale omega / (1 - kappa).
    """
    return omega * path + kappa * cond + (1 - omega - kappa) * none
