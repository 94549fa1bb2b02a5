"""SMFSR, first stage: the average velocity by splitting intervals, without derivatives (arXiv:2605.09328).

An interval's average velocity is the mean of those of its two parts, weighted by their lengths. This holds
for any flow; on the diagonal the student learns the teacher's. In this package's time, which is the paper's,
with s = (1 - lambda) t + lambda r:

    (10)  x_s = x_t - (t - s) u(x_t, t, s)
    (11)  u(x_t, t, r) = (1 - lambda) u(x_s, s, r) + lambda u(x_t, t, s),  the right side without a gradient
    (12)  u(x_t, t, t) = v(x_t, t)
    (13)  v = w v(x_t, t, cond) + (1 - w) v(x_t, t, none)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from .. import flow
from ..errors import ConfigError
from ..networks.condition import Condition, Quality
from .base import Batch, Losses, MethodConfigBase, Networks, Norm, distance, guided_velocity, interval_times
from .restore import Region

MARGIN = 1e-4
"""The distance of logit-normal times from 0 and 1 in the published code."""


class SmfsrConfig(MethodConfigBase):
    """Hyper-parameters of the distillation; the defaults are the paper's where it states them.

    boundary_share: share of the batch that learns eq. 12; the rest learns eq. 11. The paper draws one of the
    two for a whole batch, with the same expected loss and more variance. Its p = 0.6 is the probability of
    the boundary in the text, as here, and of splitting in Algorithm 1.
    times: the law of t and r, two draws sorted. The paper does not say; its code has a logit-normal law of
    mean 0 and std 1. mean, std: of "logit_normal".
    split: the law of lambda: "uniform" (the paper), or "half", always the middle, as shortcut models do
    (Frans et al., arXiv:2410.12557).
    guidance: w of eq. 13; 1 is none, which the paper found best. away_from: "null" (the paper), or
    "negative", damaged images.
    """

    region = Region.TRIANGLE

    kind: Literal["smfsr"] = "smfsr"
    boundary_share: float = Field(0.6, ge=0, le=1)
    times: flow.PairLaw = "logit_normal"
    mean: float = 0.0
    std: float = Field(1.0, gt=0)
    split: Literal["uniform", "half"] = "uniform"
    guidance: float = Field(1.0, ge=0)
    away_from: Literal["null", "negative"] = "null"
    norm: Norm = "l2"

    @property
    def needs_teacher(self) -> bool:
        return True

    @property
    def guided(self) -> bool:
        """Whether v compares labels, so that the teacher must know them."""
        return self.guidance != 1


DEFAULTS = SmfsrConfig()


@dataclass(frozen=True)
class Smfsr:
    """Raises ConfigError without a teacher."""

    networks: Networks
    config: SmfsrConfig = DEFAULTS

    def __post_init__(self) -> None:
        if self.networks.teacher is None:
            raise ConfigError("smfsr distils a teacher: give it one.")

    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        n = len(batch.image)
        boundary = flow.stochastic_count(n, self.config.boundary_share, batch.generator)
        t, r = self.times(boundary, batch)
        x = flow.interpolate(batch.image, batch.source, t).x
        with torch.no_grad():
            target = self.target(x, t, r, self.middle(t, r, batch), batch.cond, boundary)
        error = distance(self.networks.student(x, t, r, batch.cond), target, self.config.norm)
        # Divided by the whole batch: the losses add up to the mean over samples, and an empty group gives 0.
        yield "student", {"splitting": error[boundary:].sum() / n, "boundary": error[:boundary].sum() / n}

    def times(self, boundary: int, batch: Batch) -> tuple[Tensor, Tensor]:
        """(t, r), both (B,), equal in the first `boundary` rows."""
        config = self.config
        return interval_times(batch, config.times, config.mean, config.std, MARGIN, boundary)

    def middle(self, t: Tensor, r: Tensor, batch: Batch) -> Tensor:
        """lambda in [0, 1), (B,)."""
        if self.config.split == "half":
            return torch.full_like(t, 0.5)
        return flow.uniform(len(t), batch.generator).to(t)

    def target(
        self, x: Tensor, t: Tensor, r: Tensor, share: Tensor, cond: Condition, boundary: int
    ) -> Tensor:
        """The target of u(x, t, r): eq. 12 in the first `boundary` rows, eq. 11 in the others."""
        first, others = slice(boundary), slice(boundary, None)
        parts = []
        if boundary > 0:
            parts.append(self.velocity(x[first], t[first], cond.take(first)))
        if boundary < len(x):
            parts.append(self.split(x[others], t[others], r[others], share[others], cond.take(others)))
        return torch.cat(parts)

    def split(self, x: Tensor, t: Tensor, r: Tensor, share: Tensor, cond: Condition) -> Tensor:
        """Eq. 10 and 11. share: lambda."""
        s = torch.lerp(t, r, share)
        u2 = self.networks.unwrapped(x, t, s, cond)
        u1 = self.networks.unwrapped(flow.jump(x, u2, t, s), s, r, cond)
        return torch.lerp(
            u1.to(x), u2.to(x), flow.expand_as_batch(share, x)
        )  # under autocast they may be halves

    def velocity(self, x: Tensor, t: Tensor, cond: Condition) -> Tensor:
        """Eq. 13."""
        assert self.networks.teacher is not None
        other = Quality.NONE if self.config.away_from == "null" else Quality.BAD
        return guided_velocity(self.networks.teacher, x, t, cond, self.config.guidance, other)
