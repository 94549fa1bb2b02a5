"""Refinement of a one-step student of any method: the second stage of SMFSR (arXiv:2605.09328, eq. 14-20).

    (14)  z = source - u(source, 1, 0), the student's one step; image(z) its decoded picture
    (15)  dL/dz = omega(t) (v_teacher(z_t, t) - v_score(z_t, t)) dz_t/dz,  z_t = (1 - t) z + t another source
    (16)  the score network learns the velocity of the student's own outputs, ||v_score(z_t, t) - v||^2
    (17)  the student raises the critic's score of its picture
    (18)  the critic learns max(0, 1 - D(photo)) + max(0, 1 + D(picture))
    (19)  mean squared and perceptual distance of picture and photo
    (20)  what the student minimises: its own method's losses and those of (15), (17) and (19)

Eq. 15 descends the divergence of the student's distribution from the teacher's: a velocity v at z_t says
that the clean image is z_t - t v, so v_teacher - v_score points from the teacher's image to the student's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from .. import flow
from ..errors import ConfigError
from ..networks.condition import Condition
from .base import (
    Batch,
    Decode,
    Losses,
    Method,
    MethodConfigBase,
    Networks,
    VelocityFunction,
    distance,
    hinge,
    identity,
)

Omega = Literal["uniform", "inverse", "sigma2", "normalised"]


class RefineConfig(MethodConfigBase):
    """Weights of eq. 20, the paper's; 0 leaves out a loss and the network that only it needs.

    distillation: of the student's own method. reconstruction: of eq. 19. perceptual: of the perceptual
    distance inside it. score: of eq. 15. adversarial: of eq. 17.
    omega: the weight of a time in eq. 15, which the paper does not print. "uniform" is 1; "inverse" is
    1 / (1 - t), with which a velocity's difference moves z by as much at every time; "sigma2" is that times
    t^2 (TSD-SR); "normalised" compares the clean images and divides by mean |z - x_teacher| (OSEDiff).
    earliest, latest: the times of eq. 15 and 16 are uniform over [earliest, latest] (OSEDiff's).
    """

    refines = True
    auxiliary_names = ("score", "critic")

    kind: Literal["refine"] = "refine"
    distillation: float = Field(1.0, ge=0)
    reconstruction: float = Field(1.0, ge=0)
    perceptual: float = Field(1.0, ge=0)
    score: float = Field(1.0, ge=0)
    adversarial: float = Field(0.5, ge=0)
    omega: Omega = "uniform"
    earliest: float = Field(0.02, ge=0, lt=1)
    latest: float = Field(0.98, gt=0, le=1)

    @model_validator(mode="after")
    def _something_to_refine(self) -> Self:
        if not (self.reconstruction or self.score or self.adversarial):
            raise ValueError("one of reconstruction, score and adversarial must be above 0")
        if self.earliest >= self.latest:
            raise ValueError(f"earliest {self.earliest} must lie before latest {self.latest}")
        return self

    @property
    def needs_teacher(self) -> bool:
        """Whether the score loss does; the student's method may too."""
        return self.score > 0


DEFAULTS = RefineConfig()


class BatchedStudent:
    """Adds the samples of eq. 14 to the first call of another method, so that both take one pass.

    With several processes a network must not be called twice before its gradients are averaged.
    """

    def __init__(self, student: VelocityFunction, source: Tensor, cond: Condition) -> None:
        self.student = student
        self.source, self.cond = source, cond
        self.one, self.zero = source.new_ones(len(source)), source.new_zeros(len(source))
        self.answer: Tensor | None = None

    def __call__(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        if self.answer is not None or not torch.is_grad_enabled():
            return self.student(x, t, r, cond)
        t, r = torch.cat([t, self.one]), torch.cat([r, self.zero])
        both = self.student(torch.cat([x, self.source]), t, r, cond + self.cond)
        answer, self.answer = both.split([len(x), len(self.source)])
        return answer

    def arrive(self) -> Tensor:
        """u(source, 1, 0), by a call of its own if there was no other."""
        if self.answer is None:
            self.answer = self.student(self.source, self.one, self.zero, self.cond)
        return self.answer


@dataclass(frozen=True)
class Refine:
    """Trains "student"; "score", a velocity network that begins as the teacher; "critic", (what it is
    shown, lr) -> scores of any shape (B, ...), higher for a photo.

    The student is called as often as its own method calls it, usually once. The score and the critic learn
    from the outputs before the student's update.

    method: builds the student's own from the networks it may use; its losses for "student" are kept, as
    "distillation_NAME", and its auxiliary networks rest.
    decode: the network's space -> pictures in [-1, 1], (B, 3, H, W), differentiable. The photo is
    `Batch.photo`; where there is none, the batch's image is decoded too.
    features: the critic's input, maps of a frozen network (frozen.Dino's for FeatureCritic); None is the
    picture. Raises ConfigError where a weight needs a network that is not there, and what `method` raises.
    """

    method: Callable[[Networks], Method]
    networks: Networks
    config: RefineConfig = DEFAULTS
    decode: Decode = identity
    features: Callable[[Tensor], list[Tensor]] | None = None

    def __post_init__(self) -> None:
        if self.config.distillation:
            self.method(self.networks)  # raises now if it lacks something
        if self.config.score and self.networks.teacher is None:
            raise ConfigError("refine needs a teacher, or score=0.")
        for weight, name in ((self.config.score, "score"), (self.config.adversarial, "critic")):
            if weight and not (name in self.networks.auxiliary and name in self.networks.unwrapped_auxiliary):
                raise ConfigError(f"refine needs a network '{name}'.")

    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        with torch.no_grad():
            photo = self.decode(batch.image) if batch.photo is None else batch.photo
        z, losses = self.one_step(batch)
        picture = self.decode(z)
        yield "student", losses | self.student(z, picture, photo, batch)
        z, picture = z.detach(), picture.detach()
        if self.config.score:
            yield "score", {"flow": self.score(z, batch)}
        if self.config.adversarial:
            yield "critic", self.critic(picture, photo, batch.cond)

    def one_step(self, batch: Batch) -> tuple[Tensor, Losses]:
        """Eq. 14, and the losses of the student's own method, weighted."""
        student = BatchedStudent(self.networks.student, batch.source, batch.cond)
        losses: Losses = {}
        if weight := self.config.distillation:
            for name, own in self.method(replace(self.networks, student=student))(batch):
                if name == "student":
                    losses = {f"distillation_{name}": weight * loss for name, loss in own.items()}
                    break
        return batch.source - student.arrive(), losses

    def student(self, z: Tensor, picture: Tensor, photo: Tensor, batch: Batch) -> Losses:
        """The rest of eq. 20."""
        config, losses = self.config, dict[str, Tensor]()
        if weight := config.reconstruction:
            losses["reconstruction"] = weight * distance(picture, photo, "l2").mean()
        if self.networks.perceptual and (weight := config.reconstruction * config.perceptual):
            losses["perceptual"] = weight * self.networks.perceptual(picture, photo).mean()
        if weight := config.score:
            losses["score"] = weight * descend(z, self.divergence(z.detach(), batch))
        if weight := config.adversarial:
            critic = self.networks.unwrapped_auxiliary["critic"]
            losses["adversarial"] = -weight * critic(self.show(picture), batch.cond.lr).mean()  # eq. 17
        return losses

    @torch.no_grad()
    def divergence(self, z: Tensor, batch: Batch) -> Tensor:
        """Eq. 15, (B, C, H, W): the direction in which z leaves the teacher's distribution."""
        assert self.networks.teacher is not None
        t = self.times(z, batch)
        z_t = flow.interpolate(z, redrawn(batch), t).x
        teacher = self.networks.teacher(z_t, t, t, batch.cond)
        score = self.networks.unwrapped_auxiliary["score"](z_t, t, t, batch.cond)
        return self.omega(z, flow.jump(z_t, teacher, t, torch.zeros_like(t)), t) * (teacher - score)

    def omega(self, z: Tensor, clean: Tensor, t: Tensor) -> Tensor:
        """omega(t) dz_t/dz, the weight of each sample, positive, (B, 1, 1, 1). clean: the teacher's image."""
        t = flow.expand_as_batch(t, z)
        match self.config.omega:
            case "uniform":
                return 1 - t
            case "inverse":
                return torch.ones_like(t)
            case "sigma2":
                return t.square()
            case "normalised":
                far = flow.expand_as_batch(distance(z, clean, "l1"), z)
                return t / far.clamp_min(torch.finfo(z.dtype).tiny)

    def score(self, z: Tensor, batch: Batch) -> Tensor:
        """Eq. 16: flow matching on the student's outputs."""
        t = self.times(z, batch)
        z_t, v = flow.interpolate(z, redrawn(batch), t)
        return distance(self.networks.auxiliary["score"](z_t, t, t, batch.cond), v, "l2").mean()

    def times(self, z: Tensor, batch: Batch) -> Tensor:
        return flow.uniform(len(z), batch.generator, self.config.earliest, self.config.latest).to(z)

    def critic(self, picture: Tensor, photo: Tensor, cond: Condition) -> Losses:
        """Eq. 18 for each position that the critic scores, photos and pictures in one pass."""
        with torch.no_grad():
            shown = self.show(torch.cat([photo, picture]))
        real, fake = self.networks.auxiliary["critic"](shown, torch.cat([cond.lr, cond.lr])).chunk(2)
        return {"real": hinge(real), "fake": hinge(-fake)}

    def show(self, picture: Tensor) -> Tensor | list[Tensor]:
        return picture if self.features is None else self.features(picture)


def descend(z: Tensor, gradient: Tensor) -> Tensor:
    """A loss whose gradient on z is `gradient` / number of elements, as a mean squared error's would be.

    Half of mean (z - sg(z - gradient))^2, in a form that does not round small gradients beside a large z.
    """
    return (z - z.detach() + gradient).square().mean() / 2


def redrawn(batch: Batch) -> Tensor:
    """Another source for the same images."""
    if batch.redraw is None:
        raise ValueError("refine asks for another source of the same images: Batch.redraw is None")
    return batch.redraw()
