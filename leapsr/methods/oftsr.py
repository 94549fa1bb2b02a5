"""OFTSR: one step whose pair-ahead is a dial between fidelity and realism (arXiv:2412.09465).

The student u(source, 1, r) learns the average velocity of the teacher's ODE from the source down to r,
for every r. The paper's time runs the other way: its t is 1 - s here, its s is 1 - r, and its velocity
is -u. Its equations, in this package's time, with x_s the student's own point at time s:

    (7)   x_s = source - (1 - s) u(source, 1, s)
    (9)   u(source, 1, r) = u_s + dt / (1 - r) (slope - u_s),  dt = s - r, slope = the teacher's over [r, s]
    (10)  s u(source, 1, s) = s v(x_s, s)
    (11)  u(source, 1, 1) = v(source, 1)
    (13)  image(r) = source - u(source, 1, r)
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from .. import flow
from ..networks.condition import Condition
from .base import Batch, Losses, MethodConfigBase, Networks, Norm, distance
from .restore import Region

Objective = Literal["oftsr", "boot", "pinn"]


class OftsrConfig(MethodConfigBase):
    """Hyper-parameters of the distillation; the defaults are the paper's.

    objective: "oftsr" is eq. 9; "pinn" (eq. 15) and "boot" (eq. 16) are the paper's baselines.
    dt: step from s to r along the teacher's trajectory, at most to its end.
    earliest, latest: s is uniform over [earliest, latest].
    align, boundary: weights of eq. 10 and eq. 11.
    boundary_share: share of the batch for eq. 11 (1 in the paper; less saves time).
    boundary_target: the target of eq. 11: the "teacher"'s velocity (the paper), or that of the "data", source
    - image. Both have the same optimum (the posterior mean for l2, the median for l1); with the data the
    student can become better than its teacher.
    """

    region = Region.SOURCE_EDGE

    kind: Literal["oftsr"] = "oftsr"
    objective: Objective = "oftsr"
    norm: Norm = "l2"
    solver: flow.SolverName = "midpoint"
    dt: float = Field(0.05, gt=0, le=1)
    earliest: float = Field(0.01, gt=0, lt=1)
    latest: float = Field(0.99, gt=0, lt=1)
    align: float = Field(0.01, ge=0)
    boundary: float = Field(0.1, ge=0)
    boundary_share: float = Field(1.0, ge=0, le=1)
    boundary_target: Literal["teacher", "data"] = "teacher"

    @model_validator(mode="after")
    def _times_have_a_range(self) -> Self:
        if self.earliest >= self.latest:
            raise ValueError(f"earliest {self.earliest} must lie before latest {self.latest}")
        return self

    @property
    def needs_teacher(self) -> bool:
        return True


DEFAULTS = OftsrConfig()


class TimePair(NamedTuple):
    """Outputs of student and teacher for times s > r, (B,) each; the rest is (B, ...)."""

    near: Tensor  # u(source, 1, s)
    far: Tensor  # u(source, 1, r)
    edge: Tensor  # u(source, 1, 1), for the first samples only
    x_s: Tensor  # the student's point at time s, without a gradient
    v_s: Tensor  # the teacher's velocity there
    s: Tensor
    r: Tensor


@dataclass(frozen=True)
class Oftsr:
    networks: Networks
    config: OftsrConfig = DEFAULTS

    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        config, source, cond = self.config, batch.source, batch.cond
        s, r = self.times(len(source), batch)
        pair = self.predict(source, cond, s, r)
        losses: Losses = {config.objective: OBJECTIVES[config.objective](self, pair, source, cond).mean()}
        if config.align:
            losses["align"] = config.align * self.align(pair).mean()
        if len(pair.edge):
            losses["boundary"] = config.boundary * self.boundary(pair.edge, batch).mean()
        yield "student", losses

    def times(self, n: int, batch: Batch) -> tuple[Tensor, Tensor]:
        """s, and r = s - dt, at least 0 (the paper's could be beyond the end)."""
        s = flow.uniform(n, batch.generator, self.config.earliest, self.config.latest).to(batch.source)
        return s, (s - self.config.dt).clamp_min(0)

    def predict(self, source: Tensor, cond: Condition, s: Tensor, r: Tensor) -> TimePair:
        """The student at both times and at the boundary, in one pass if all of it needs gradients."""
        n = len(source)
        rows = math.ceil(self.config.boundary_share * n) if self.config.boundary else 0
        one = torch.ones_like(s)
        begins, ends = torch.cat([one, one, one[:rows]]), torch.cat([s, r, one[:rows]])
        sources = torch.cat([source, source, source[:rows]])
        conds = cond + cond + cond.take(slice(rows))
        if self.config.align or self.config.objective == "pinn":
            near, far, edge = self.networks.student(sources, begins, ends, conds).split([n, n, rows])
        else:  # near is part of the target only
            with torch.no_grad():
                near = self.networks.unwrapped(source, one, s, cond)
            conds = conds.take(slice(n, None))
            far, edge = self.networks.student(sources[n:], begins[n:], ends[n:], conds).split([n, rows])
        x_s = flow.jump(source, near.detach(), one, s)
        return TimePair(near, far, edge, x_s, self.velocity(x_s, s, cond), s, r)

    @torch.no_grad()
    def velocity(self, x: Tensor, t: Tensor, cond: Condition) -> Tensor:
        assert self.networks.teacher is not None
        return self.networks.teacher(x, t, t, cond)

    def align(self, pair: TimePair) -> Tensor:
        """Eq. 10, (B,): from the student's point the teacher would arrive at the student's image."""
        s = flow.expand_as_batch(pair.s, pair.near)
        return distance(s * pair.near, s * pair.v_s, self.config.norm)

    def boundary(self, edge: Tensor, batch: Batch) -> Tensor:
        """Eq. 11 for the first len(edge) samples."""
        rows = slice(len(edge))
        source, image = batch.source[rows], batch.image[rows]
        if self.config.boundary_target == "data":
            return distance(edge, source - image, self.config.norm)
        one = source.new_ones(len(edge))
        return distance(edge, self.velocity(source, one, batch.cond.take(rows)), self.config.norm)


def trajectory(method: Oftsr, pair: TimePair, source: Tensor, cond: Condition) -> Tensor:
    """Eq. 9: the student's points at s and r lie on one trajectory of the teacher. (B,)"""
    del source

    def velocity(x: Tensor, t: Tensor) -> Tensor:  # every solver asks at (x_s, s) first
        return pair.v_s if x is pair.x_s and t is pair.s else method.velocity(x, t, cond)

    slope = flow.SLOPES[method.config.solver](velocity, pair.x_s, pair.s, pair.r)
    share = flow.expand_as_batch((pair.s - pair.r) / (1 - pair.r), slope)
    target = torch.lerp(pair.near.detach(), slope, share)
    return distance(pair.far, target, method.config.norm)


def pinn(method: Oftsr, pair: TimePair, source: Tensor, cond: Condition) -> Tensor:
    """Eq. 15 (after Tee et al.): the same constraint solved for the teacher; both ends carry gradients."""
    del cond
    ratio = flow.expand_as_batch((1 - pair.r) / (pair.s - pair.r), source)
    implied = pair.near + ratio * (pair.far - pair.near)
    return distance(implied, pair.v_s, method.config.norm)


def boot(method: Oftsr, pair: TimePair, source: Tensor, cond: Condition) -> Tensor:
    """Eq. 16 (after Gu et al.): the signal ODE on predicted images.

    The weight 1 / lambda^2 stands before the squared norm, as in BOOT; the paper prints it inside.
    """
    del cond
    kept = (1 - pair.s) * pair.r / ((1 - pair.r) * pair.s)  # 1 - lambda
    near, far = source - pair.near, source - pair.far
    finished = flow.jump(pair.x_s, pair.v_s, pair.s, torch.zeros_like(pair.s))
    target = torch.lerp(near.detach(), finished, flow.expand_as_batch(1 - kept, source))
    return distance(far, target, method.config.norm) / (1 - kept).square()


OBJECTIVES = {"oftsr": trajectory, "pinn": pinn, "boot": boot}
