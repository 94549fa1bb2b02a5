"""FlowSR: consistency along the flow from the low-resolution image to the clean one (arXiv:2605.12377).

The student knows the edge r = 0 of the triangle: from any time t its average velocity leads to the image,
f(x, t) = x - t u(x, t, 0). The paper's time is this package's:

    (1)   x_t = (1 - t) image + t source
    (3)   x_t = x_t' - (t' - t) v(x_t', t'),  v the teacher's velocity, t < t'
    (4)   f(x, t) = x - t u(x, t, 0); hence f(x, 0) = x
    (6)   d(f(x_t', t'), f_average(x_t, t)) + d(f(x_t, t), image)
    (7)   d = l2 + 2 LPIPS, of the decoded images and the photo itself

Section 4.1 prints the Euler step of sampling with a plus, X_t' = X_t + dt v with t falling from 1 to 0. Its
velocity is LR - HR, so a positive dt would lead away from the HR image; only dt < 0 works. Equation 3 has the
right sign.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self, cast

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from .. import flow
from ..errors import ConfigError
from ..flow.scheduler import SCHEDULERS, SchedulerName, grid_step
from ..networks.base import Network, NetworkConfigBase
from ..networks.condition import Condition
from ..networks.discriminator import FeatureHeads, FeatureHeadsConfig, HeadsNorm
from .base import (
    Batch,
    Duplicate,
    Losses,
    MethodConfigBase,
    Networks,
    Norm,
    RunSettings,
    VelocityFunction,
    distance,
    hinge,
)
from .restore import Region


class FlowsrConfig(MethodConfigBase):
    """Hyper-parameters; the defaults are the paper's second stage where the paper prints them.

    scheduler: the law of (t', t); "intervals" has n_fast of them, "slow" n_slow (flow.scheduler).
    flow_share: share of the batch for eq. 7; the rest is for eq. 6 (not printed). 1 is the first stage.
    norm, perceptual: d of eq. 7, also used for eq. 6: the norm of the error, plus `perceptual` times the
    perceptual distance if there is one.
    consistency, regularisation: weights of the two terms of eq. 6, the paper's one lambda_cd. 0 in one of
    them is an ablation of table 3.
    adversarial, alignment: weights of eq. 8 and eq. 9, used if their networks are given.
    critic: what it looks through. "diffusion" is the pretrained diffusion model, at latents with its own
    noise (eq. 8, section 4.3); "teacher" is the teacher, at points of its flow.
    captions: what eq. 9 compares with. "picture" is captions of the quality of each picture, of the clean one
    and of the low-resolution one, as the paper says; shards hold them. "fixed" is the examples of the paper's
    section 4.3, for all pictures.
    heads: normalisation of the critic's heads, see networks.discriminator.
    latest_noise: the critic sees images at times uniform over [0, latest_noise] (not printed).
    """

    region = Region.IMAGE_EDGE
    auxiliary_names = ("critic",)

    kind: Literal["flowsr"] = "flowsr"
    scheduler: SchedulerName = "fast_slow"
    n_fast: int = Field(4, ge=1)
    n_slow: int = Field(1000, ge=1)
    flow_share: float = Field(0.5, ge=0, le=1)
    norm: Norm = "l2"
    perceptual: float = Field(2.0, ge=0)
    consistency: float = Field(0.1, ge=0)
    regularisation: float = Field(0.1, ge=0)
    adversarial: float = Field(0.05, ge=0)
    alignment: float = Field(0.1, ge=0)
    critic: Literal["diffusion", "teacher"] = "diffusion"
    captions: Literal["picture", "fixed"] = "picture"
    heads: HeadsNorm = "group"
    latest_noise: float = Field(1.0, gt=0, le=1)

    @model_validator(mode="after")
    def _fast_has_fewer_steps(self) -> Self:
        if self.scheduler == "fast_slow" and self.n_fast >= self.n_slow:
            raise ValueError(f"n_fast ({self.n_fast}) must be less than n_slow ({self.n_slow})")
        return self

    @model_validator(mode="after")
    def _every_sample_learns_something(self) -> Self:
        if self.flow_share < 1 and not (self.consistency or self.regularisation or self.adversarial):
            raise ValueError("one of consistency, regularisation and adversarial must be above 0")
        return self

    @property
    def needs_teacher(self) -> bool:
        """Whether this is the second stage, which learns from the first."""
        return self.flow_share < 1

    @property
    def compares_photos(self) -> bool:
        return True

    @property
    def uses_clip(self) -> bool:
        return True

    @property
    def compares_quality(self) -> bool:
        return self.alignment > 0 and self.captions == "picture"

    def teacher_kinds(self, network: NetworkConfigBase) -> tuple[str, ...]:
        """A large network's first stage is a FlowSR model too, which reads no r."""
        return ("flowsr", "teacher") if network.is_large else ("teacher",)

    def auxiliary_networks(
        self, teacher: Network | None, duplicate: Duplicate = deepcopy, maps: Sequence[int] = ()
    ) -> dict[str, nn.Module]:
        """The critic, which looks through the teacher."""
        if not self.adversarial or teacher is None:
            return {}
        if not teacher.feature_channels:
            raise ConfigError(
                "FlowSR's critic looks through a U-Net; for others use --set method.adversarial=0."
            )
        return {
            "critic": FeatureHeads(FeatureHeadsConfig(channels=teacher.feature_channels, norm=self.heads))
        }

    def for_refinement(self) -> Self:
        return self.model_copy(update={"adversarial": 0.0})

    def check(self, run: RunSettings) -> None:
        super().check(run)
        if not self.needs_teacher:
            return
        if self.alignment and run.clip is None:
            raise ConfigError(
                "FlowSR's alignment (eq. 9) looks through CLIP ViT-L/14: use --set clip=FOLDER, or leave it "
                "out with --set method.alignment=0."
            )
        if self.adversarial and self.critic == "diffusion" and run.diffusion is None:
            raise ConfigError(
                "FlowSR's critic (eq. 8) looks through Stable Diffusion: use --set diffusion=FOLDER, what "
                "'leapsr models convert sd21' writes, or --set method.critic=teacher."
            )


DEFAULTS = FlowsrConfig()


class Points(NamedTuple):
    """Inputs of a network that is asked for the image."""

    x: Tensor  # (B, C, H, W)
    t: Tensor  # (B,)
    cond: Condition

    def take(self, rows: slice) -> "Points":
        return Points(self.x[rows], self.t[rows], self.cond.take(rows))

    def join(self, other: "Points") -> "Points":
        return Points(torch.cat([self.x, other.x]), torch.cat([self.t, other.t]), self.cond + other.cond)


@dataclass(frozen=True)
class Flowsr:
    """Trains "student", and "critic" where features, a critic and its weight are given.

    The critic maps the features to one tensor of scores each, as networks.discriminator.FeatureHeads does.
    Raises ConfigError when a second stage has no teacher or no average, or is left without a loss.
    """

    networks: Networks
    config: FlowsrConfig = DEFAULTS

    def __post_init__(self) -> None:
        if self.config.needs_teacher and None in (self.networks.teacher, self.networks.average):
            raise ConfigError("flowsr needs a teacher and an average; its first stage is flow_share=1.")
        consistent = self.config.consistency or self.config.regularisation
        if self.config.needs_teacher and not (consistent or self.has_critic):
            raise ConfigError("flowsr needs a critic, or consistency or regularisation above 0.")

    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        first = flow.stochastic_count(len(batch.image), self.config.flow_share, batch.generator)
        own, followers = self.points(batch, first)
        both = own.join(followers) if followers is not None and self.config.regularisation else own
        restored = arrive(self.networks.student, both)
        yield "student", self.losses(restored, followers, batch)
        if self.has_critic:
            yield "critic", {"hinge": self.critic_loss(restored[: len(batch.image)].detach(), batch)}

    def points(self, batch: Batch, first: int) -> tuple[Points, Points | None]:
        """The batch on its paths, and the followers of all samples after the `first`."""
        config, n = self.config, len(batch.image)
        steps = grid_step(first, batch.generator, config.n_slow).double() / config.n_slow
        pair = SCHEDULERS[config.scheduler](n - first, batch.generator, config.n_fast, config.n_slow)
        t = torch.cat([steps, pair.leader]).to(batch.image)
        own = Points(flow.interpolate(batch.image, batch.source, t).x, t, batch.cond)
        if first == n:
            return own, None
        return own, self.follow(own.take(slice(first, None)), pair.follower.to(batch.image))

    @torch.no_grad()
    def follow(self, leaders: Points, t: Tensor) -> Points:
        """Eq. 3: one Euler step of the teacher."""
        x, start, cond = leaders
        assert self.networks.teacher is not None
        return Points(flow.jump(x, self.networks.teacher(x, start, start, cond), start, t), t, cond)

    def losses(self, restored: Tensor, followers: Points | None, batch: Batch) -> Losses:
        """Eq. 10. restored: the student's images of the batch and, with regularisation, of the followers.

        Each mean is a sum over the samples that a batch has on average: of parts of a batch, which may hold
        no sample of a kind, or that kind alone, the mean is then the loss of the whole batch.
        """
        config, n = self.config, len(batch.image)
        moving, consistent = n * config.flow_share, n * (1 - config.flow_share)
        first = n - (0 if followers is None else len(followers.t))
        images = self.networks.decode(restored)
        clean = self.target(batch.image) if batch.photo is None else batch.photo
        losses: Losses = {}
        if first:
            losses["flow"] = self.discrepancy(images[:first], clean[:first]).sum() / moving
        if followers is not None and config.consistency:
            goal = self.consistency_target(followers)
            error = self.discrepancy(images[first:n], goal).sum() / consistent
            losses["consistency"] = config.consistency * error
        if len(images) > n:
            fit = self.discrepancy(images[n:], clean[first:]).sum() / consistent
            losses["regularisation"] = config.regularisation * fit
        if self.has_critic:
            losses["adversarial"] = config.adversarial * self.adversarial_loss(restored[:n], batch)
        if self.networks.alignment is not None and config.alignment:
            assert batch.quality is not None
            cosines = self.networks.alignment(images[:n], batch.quality)
            losses["alignment"] = config.alignment * quality_alignment(*cosines).mean()
        return losses

    @torch.no_grad()
    def target(self, restored: Tensor) -> Tensor:
        """The decoded image, without gradient."""
        return self.networks.decode(restored)

    @torch.no_grad()
    def consistency_target(self, followers: Points) -> Tensor:
        """The averaged student's image of the followers."""
        assert self.networks.average is not None
        return self.target(arrive(self.networks.average, followers))

    def discrepancy(self, images: Tensor, target: Tensor) -> Tensor:
        """Eq. 7, (B,)."""
        pixels = distance(images, target, self.config.norm)
        if self.networks.perceptual is None or not self.config.perceptual:
            return pixels
        return pixels + self.config.perceptual * self.networks.perceptual(images, target)

    @property
    def has_critic(self) -> bool:
        given = self.networks.features is not None and "critic" in self.networks.auxiliary
        return given and self.config.adversarial > 0

    def adversarial_loss(self, restored: Tensor, batch: Batch) -> Tensor:
        """The student's side of eq. 8, which the paper does not print: that of Phased Consistency Models."""
        noise = self.noise(batch)

        def missing(fake: Tensor) -> Tensor:
            scores = self.networks.unwrapped_auxiliary["critic"](self.seen(fake, *noise, batch.cond))
            return hinge(*cast("Sequence[Tensor]", scores))

        return through_input(missing, restored)

    def critic_loss(self, fake: Tensor, batch: Batch) -> Tensor:
        """Eq. 8; real and restored images share their noise."""
        t, noise = self.noise(batch)
        with torch.no_grad():
            images, noises = torch.cat([fake, batch.image]), torch.cat([noise, noise])
            maps = self.seen(images, torch.cat([t, t]), noises, batch.cond + batch.cond)
        scores = cast("Sequence[Tensor]", self.networks.auxiliary["critic"](maps))
        restored, real = zip(*(score.chunk(2) for score in scores), strict=True)
        return hinge(*real) + hinge(*(-score for score in restored))

    def noise(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The time, and the noise or source, that images are moved to before the critic sees them."""
        generator = batch.generator
        t = flow.uniform(len(batch.image), generator, high=self.config.latest_noise).to(batch.image)
        if self.config.critic == "diffusion":
            noise = torch.randn(batch.image.shape, generator=generator, device=generator.device)
            return t, noise.to(batch.image)
        return t, batch.source if batch.redraw is None else batch.redraw()

    def seen(self, image: Tensor, t: Tensor, noise: Tensor, cond: Condition) -> Sequence[Tensor]:
        assert self.networks.features is not None
        if self.config.critic == "diffusion":
            return self.networks.features(diffused(image, t, noise), t, cond)
        return self.networks.features(flow.interpolate(image, noise, t).x, t, cond)


def diffused(image: Tensor, t: Tensor, noise: Tensor) -> Tensor:
    """Latents after t of Stable Diffusion's thousand steps of noise, whose betas are squares of a line."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, device=image.device).square()
    kept = (1 - betas).cumprod(0)[(1000 * t).long().clamp_max(999)]
    kept = flow.expand_as_batch(kept, image).to(image)
    return kept.sqrt() * image + (1 - kept).sqrt() * noise


def arrive(network: VelocityFunction, points: Points) -> Tensor:
    """f of eq. 4: the image at the end of the points' trajectories; f(x, 0) = x."""
    x, t, cond = points
    end = torch.zeros_like(t)
    return flow.jump(x, network(x, t, end, cond), t, end)


def through_input(loss: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """loss(x) with a gradient on x only and none on the weights inside `loss`."""
    leaf = x.detach().requires_grad_()
    with torch.enable_grad():
        value = loss(leaf)
    [slope] = torch.autograd.grad(value, leaf)
    return value.detach() + ((x - leaf.detach()) * slope).sum()


def quality_alignment(positive: Tensor, negative: Tensor, scale: float = 1.0) -> Tensor:
    """Eq. 9 from the cosines of an image with a caption of good and one of bad quality, (B,) each -> (B,).

    scale: multiplies the cosines (CLIP's own is 100). The paper prints none; at 1 the gradient is weak.
    """
    return F.softplus(scale * (negative - positive))
