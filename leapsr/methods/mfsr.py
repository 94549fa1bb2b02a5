"""MFSR: the average velocity of a guided teacher, by MeanFlow's identity (arXiv:2603.20690).

Differentiating (t - r) u = x_t - x_r along the trajectory, at fixed r, gives the average velocity from the
instantaneous one and the derivative of u. MFSR's instantaneous velocity v~ is the frozen teacher's, guided,
instead of the data's. In this package's time, which is the paper's:

    (9)   v~ = omega (source - image) + kappa u(x, t, t, cond) + (1 - omega - kappa) u(x, t, t, none)
    (10)  v~ = v(x, t, none) + w (v(x, t, cond) - v(x, t, none))
    (11)  v~ = v(x, t, bad) + w (v(x, t, cond) - v(x, t, bad))
    (12)  u(x, t, r) = v~ - (t - r) (v~ du/dx + du/dt),  the right side without a gradient
    (13)  (t - r) u(x, t, r) = dt v~ + (t - dt - r) u(x - dt v~, t - dt, r),  which is (12) as dt -> 0
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from .. import flow
from ..errors import ConfigError
from ..networks.condition import Condition, Quality
from ..ops.derivative import directional_derivative
from .base import (
    Batch,
    Losses,
    MethodConfigBase,
    Networks,
    Norm,
    RunSettings,
    distance,
    guided_velocity,
    interval_times,
)
from .restore import Region


class Adaptive(BaseModel):
    """MeanFlow's weight of a sample, 1 / (error + constant)^power, the error summed over its pixels.

    Power 1 makes every sample weigh about the same, power 0 is the plain sum.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    power: float = Field(1.0, ge=0)
    constant: float = Field(0.01, gt=0)

    def __call__(self, error: Tensor) -> Tensor:
        """(B,) summed errors -> (B,) weighted ones."""
        return error / (error.detach() + self.constant) ** self.power


class MfsrConfig(MethodConfigBase):
    """Hyper-parameters of the distillation; the defaults are the paper's where it states them.

    velocity: v~. "negative" is eq. 11, "null" eq. 10, "meanflow_cfg" eq. 9, "data" source - image. The last
    two need no teacher.
    guidance: w of eq. 10 and 11; 1 is the teacher's own velocity. Higher is more realistic and less faithful.
    omega, kappa: of eq. 9, a guidance of omega / (1 - kappa). The defaults are MeanFlow's; the paper compares
    at an effective 6.
    times: the law of t and r, two draws sorted. The paper follows MeanFlow, whose law is logit-normal with
    mean -0.4 and std 1. mean, std: of "logit_normal".
    diagonal: share of the batch with r = t, which learns v~ itself.
    derivative: of u along the trajectory: "forward" (exact), "central" (a difference of two evaluations,
    float32 only, up to 0.001 outside the triangle), or "step": the target of eq. 13 instead of eq. 12's, with
    one evaluation and no derivative.
    dt: of eq. 13, at most down to r. Much less than 0.03 is lost in half precision.
    adaptive: None (the paper) weighs all samples alike.
    """

    region = Region.TRIANGLE

    kind: Literal["mfsr"] = "mfsr"
    velocity: Literal["data", "meanflow_cfg", "null", "negative"] = "negative"
    guidance: float = Field(6.0, ge=0)
    omega: float = Field(1.0, ge=0)
    kappa: float = Field(0.5, ge=0, lt=1)
    times: flow.PairLaw = "logit_normal"
    mean: float = -0.4
    std: float = Field(1.0, gt=0)
    diagonal: float = Field(0.5, ge=0, le=1)
    derivative: Literal["forward", "central", "step"] = "forward"
    dt: float = Field(0.03, gt=0, le=1)
    norm: Norm = "l2"
    adaptive: Adaptive | None = None

    @property
    def needs_teacher(self) -> bool:
        """Whether v~ is a teacher's."""
        return self.velocity in ("null", "negative")

    @property
    def guided(self) -> bool:
        """Whether v~ compares labels."""
        return self.velocity == "meanflow_cfg" or (self.needs_teacher and self.guidance != 1)

    def check(self, run: RunSettings) -> None:
        super().check(run)
        if self.velocity == "meanflow_cfg" and not run.data.unlabelled:
            raise ConfigError("meanflow_cfg needs samples without a label: set data.unlabelled=0.1 or so.")
        if self.derivative == "central" and run.precision != "fp32":
            raise ConfigError(
                "A central difference drowns in the rounding of half precision: set precision=fp32 or "
                "method.derivative=forward."
            )


DEFAULTS = MfsrConfig()


@dataclass(frozen=True)
class Mfsr:
    """Raises ConfigError without the teacher that the config's velocity asks for."""

    networks: Networks
    config: MfsrConfig = DEFAULTS

    def __post_init__(self) -> None:
        if self.config.needs_teacher and self.networks.teacher is None:
            raise ConfigError(
                f"mfsr with velocity '{self.config.velocity}' distils a teacher: give it one, "
                "or learn from velocity 'data' or 'meanflow_cfg'."
            )

    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        diagonal = flow.stochastic_count(len(batch.image), self.config.diagonal, batch.generator)
        t, r = self.times(diagonal, batch)
        x, path = flow.interpolate(batch.image, batch.source, t)
        with torch.no_grad():
            v = self.velocity(x, path, t, batch.cond)
            target = self.target(x, v, t, r, batch.cond, diagonal)
        u = self.networks.student(x, t, r, batch.cond)
        yield "student", {"meanflow": self.loss(u, target)}

    def times(self, diagonal: int, batch: Batch) -> tuple[Tensor, Tensor]:
        """(t, r), both (B,), equal in the first `diagonal` rows."""
        config = self.config
        return interval_times(batch, config.times, config.mean, config.std, 0.0, diagonal)

    def velocity(self, x: Tensor, path: Tensor, t: Tensor, cond: Condition) -> Tensor:
        """v~ at (x, t), of x's shape and dtype. path: source - image."""
        match self.config.velocity:
            case "data":
                return path
            case "meanflow_cfg":
                return self.own_guidance(x, path, t, cond).to(x)
            case "null":
                return self.teacher_guidance(x, t, cond, Quality.NONE).to(x)
            case "negative":
                return self.teacher_guidance(x, t, cond, Quality.BAD).to(x)

    def teacher_guidance(self, x: Tensor, t: Tensor, cond: Condition, other: Quality) -> Tensor:
        """Eq. 10 and 11: away from the teacher's velocity for `other`."""
        assert self.networks.teacher is not None
        return guided_velocity(self.networks.teacher, x, t, cond, self.config.guidance, other)

    def own_guidance(self, x: Tensor, path: Tensor, t: Tensor, cond: Condition) -> Tensor:
        """Eq. 9 by the student itself, in one call. Samples without a label keep the data's velocity."""
        x, t = torch.cat([x, x]), torch.cat([t, t])
        asked, none = self.networks.unwrapped(x, t, t, cond + cond.labelled(Quality.NONE)).chunk(2)
        guided = flow.meanflow_guide(path, asked, none, self.config.omega, self.config.kappa)
        return torch.where(flow.expand_as_batch(cond.labels == Quality.NONE, path), path, guided)

    def target(self, x: Tensor, v: Tensor, t: Tensor, r: Tensor, cond: Condition, diagonal: int) -> Tensor:
        """The target of u(x, t, r): v itself in the first `diagonal` rows, where r = t."""
        if diagonal == len(x):
            return v
        rows = slice(diagonal, None)
        below = self.finite_step if self.config.derivative == "step" else self.identity
        return torch.cat([v[:diagonal], below(x[rows], v[rows], t[rows], r[rows], cond.take(rows))])

    def identity(self, x: Tensor, v: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        """Eq. 12: v - (t - r) du/dt, the derivative along the trajectory at fixed r."""

        def u(x: Tensor, t: Tensor) -> Tensor:
            return self.networks.unwrapped(x, t, r, cond)

        mode: Literal["forward", "central"] = "central" if self.config.derivative == "central" else "forward"
        _, du_dt = directional_derivative(u, (x, t), (v, torch.ones_like(t)), mode)
        return v - flow.expand_as_batch(t - r, v) * du_dt

    def finite_step(self, x: Tensor, v: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        """Eq. 13: along v for dt, then along the student's average velocity."""
        dt = (t - r).clamp_max(self.config.dt)
        share = (self.config.dt / (t - r)).clamp_max(1)
        rest = self.networks.unwrapped(flow.jump(x, v, t, t - dt), t - dt, r, cond)
        return torch.lerp(rest.to(v), v, flow.expand_as_batch(share, v))

    def loss(self, u: Tensor, target: Tensor) -> Tensor:
        error = distance(u, target, self.config.norm)
        if self.config.adaptive is None:
            return error.mean()
        return self.config.adaptive(error * target[0].numel()).mean()
