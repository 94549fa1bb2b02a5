"""The straight path between a clean image and its source. The one place with a time convention.

Time t is the distance from the clean image: t = 0 is the image, t = 1 is the source (Gaussian noise,
the upsampled low-resolution image, or a mixture of both). OFTSR's paper has reversed time, which is
converted in methods/oftsr.py only.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Velocity = Callable[[Tensor, Tensor], Tensor]
"""v(x, t), the slope of the ODE. x: (B, ...), t: (B,) in [0, 1] -> (B, ...)."""

AverageVelocity = Callable[[Tensor, Tensor, Tensor], Tensor]
"""u(x, t, r): the mean of v along the trajectory between t and r <= t. u(x, t, t) = v(x, t)."""


class PathPoint(NamedTuple):
    x: Tensor  # (B, ...) the point at time t
    v: Tensor  # (B, ...) the conditional velocity, source - image


def expand_as_batch(t: Tensor, like: Tensor) -> Tensor:
    """Reshape per-sample times (B,) so that they broadcast over `like` (B, ...)."""
    return t.reshape(-1, *[1] * (like.ndim - 1))


def interpolate(image: Tensor, source: Tensor, t: Tensor) -> PathPoint:
    """The point at time t in [0, 1], shape (B,), between image and source, both (B, ...)."""
    return PathPoint(x=torch.lerp(image, source, expand_as_batch(t, image)), v=source - image)


def jump(x: Tensor, u: Tensor, t: Tensor, r: Tensor) -> Tensor:
    """Follow an average velocity from time t to time r, both (B,): x_r = x_t - (t - r) u."""
    return x - expand_as_batch(t - r, x) * u
