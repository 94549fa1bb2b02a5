"""The dial learnt from photos, without a flow: one step, from pixels at one end to likeness at the other.

The student is OFTSR's edge of the triangle, image(r) = source - u(source, 1, r) (arXiv:2412.09465, eq. 13).
It minimises FlowSR's distance to the photo (arXiv:2605.12377, eq. 7), whose perceptual weight falls along it,
and a third term, of structure:

    d(image(r), photo) = norm(image(r) - photo) + structure (1 - SSIM(image(r), photo))
                         + perceptual (1 - r)^fall LPIPS(image(r), photo)

where the norm is taken where the network works, LPIPS and the grey images' SSIM look at decoded images.

At r = 1 that is OFTSR's boundary (eq. 11) with the data as target, at r = 0 FlowSR's second stage. A teacher
knows what photos look like in general. Without one the student learns from single photos: it invents less,
and repeats no error of a teacher.

**A crisp end.** The best answer to pixels that cannot be known is a blur. So towards r = 0 the pixels' weight
can fall to `fine`, their blocks' means keep theirs, and a critic asks for detail that looks like a photo's.
It sees r = 0 only. The target belongs to the same small picture, so both are compared patch by patch, and the
critic learns which of the two is the target: a relativistic pair (Jolicoeur-Martineau, arXiv:1807.00734;
Huang et al., arXiv:2501.05441), where FlowSR (eq. 8) and SMFSR (arXiv:2605.09328, eq. 17 and 18) compare each
with a constant. The scene, which both have in common, cancels out. It has as much say as it is right.

**Another upscaler's answers.** Where the batch carries what an upscaler makes of the small picture, the
target goes over from the photo at r = 1 to that answer at r = 0: a fast dial of anybody's model. With
`target="nearer"` the photo stays the target of the samples in which it is nearer (in LPIPS) to the student's
own picture than the answer is, so that failures of the teacher are not learnt.

**An even dial.** With `middle="path"` the middle learns the straight path between both ends,
(1 - r) image(0) + r image(1), so that equal turns look about equally different.

**The mesh.** LPIPS alone allows a mesh of dots: its backbones take every second pixel, and a network learns
to please just those; strided critics do the same. Four things prevent it: the views of LPIPS and the critic
are shifted, LPIPS's is sometimes halved, SSIM counts every ripple on flat surfaces, and `mesh` weighs the
difference to the photo that repeats from block to block.
"""

import math
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from .. import flow
from ..errors import ConfigError
from ..networks.base import Network
from ..networks.condition import Condition
from ..networks.pixel.critic import PRESETS as CRITICS
from ..networks.pixel.critic import Critic, CriticConfig
from ..ops.color import luma
from ..ops.ssim import WINDOW, multiplied, similarity
from ..ops.upsample import bicubic_upsample
from .base import Batch, Duplicate, Losses, MethodConfigBase, Networks, Norm, RunSettings, distance
from .restore import Region


class DialConfig(MethodConfigBase):
    """norm, perceptual, fall, structure: of the distance above; perceptual is LPIPS's weight at r = 0.

    fine: share of the pixels' weight and of structure's that is left at r = 0; the rest of the pixels' goes
    to the means of blocks of scale x scale pixels.
    adversarial: weight of the critic at r = 0; 0 is no critic. critic: its sizes.
    mesh: weight of the difference to the photo that windows of 8 x 8 blocks have in common.
    target: of the end at r = 0, where an upscaler teaches: its answer; the photo in samples where that is
    nearer; or always the photo, which leaves the upscaler out.
    truth: share of LPIPS that compares with the photo where an upscaler teaches.
    anchored: whether, where an upscaler teaches, the blocks' means are still the photo's: its light and
    colour, with the upscaler's detail.
    middle: what is learnt between the ends: the same distance, weighted by r, or the straight path.
    coarse: share of the updates in which LPIPS compares the images at half their size.
    faithful, real: shares of the batch at r = 1 and at r = 0; the rest is uniform between them.
    """

    region = Region.SOURCE_EDGE
    auxiliary_names = ("critic",)

    kind: Literal["dial"] = "dial"
    norm: Norm = "l1"
    perceptual: float = Field(0.3, ge=0)
    fall: float = Field(2.0, gt=0)
    structure: float = Field(0.1, ge=0)
    fine: float = Field(1.0, ge=0, le=1)
    adversarial: float = Field(0.0, ge=0)
    critic: CriticConfig = CRITICS["small"]
    mesh: float = Field(0.0, ge=0)
    target: Literal["answer", "nearer", "photo"] = "answer"
    truth: float = Field(0.0, ge=0, le=1)
    anchored: bool = False
    middle: Literal["distance", "path"] = "distance"
    coarse: float = Field(0.5, ge=0, le=1)
    faithful: float = Field(0.4, ge=0, le=1)
    real: float = Field(0.2, ge=0, le=1)

    @model_validator(mode="after")
    def _shares_of_one_batch(self) -> Self:
        if self.faithful + self.real > 1:
            raise ValueError(f"faithful {self.faithful} and real {self.real} are shares of one batch")
        if self.anchored and self.fine == 1:
            raise ValueError("anchored is about the blocks' means, which count where fine is below 1")
        if self.adversarial and not self.real:
            raise ValueError("a critic sees the images at r = 0 only, so real must be above 0")
        return self

    @property
    def takes_answers(self) -> bool:
        return self.target != "photo"

    def auxiliary_networks(
        self, teacher: Network | None, duplicate: Duplicate = deepcopy, maps: Sequence[int] = ()
    ) -> dict[str, nn.Module]:
        return {"critic": Critic(self.critic)} if self.adversarial else {}

    def for_refinement(self) -> Self:
        return self.model_copy(update={"adversarial": 0.0})

    def readers(self, run: RunSettings) -> Iterator[tuple[int, str]]:
        for smallest, reader in super().readers(run):  # LPIPS, whose view is moved and sometimes halved
            yield smallest * (2 if self.coarse else 1) + SHIFTS - 1, reader
        if self.structure:
            yield WINDOW, "SSIM"
        if self.adversarial:
            yield self.critic.smallest + SHIFTS - 1, "the critic"

    def check(self, run: RunSettings) -> None:
        super().check(run)
        if self.adversarial and run.network.condition_input != "picture":
            raise ConfigError("The dial's critic compares pixels, not latents: use method.adversarial=0.")


DEFAULTS = DialConfig()

SHIFTS = 8
"""Pixels by which the views of LPIPS and the critic move: more than the strides of their first layers."""

SHARPNESS = 4.0
"""Of the critic's comparison: of two scores that lie 1 apart, the higher counts as surely the better."""

MESH_WINDOW = 8
"""Blocks of scale x scale pixels, in both directions, over which a mesh is looked for."""


@dataclass(frozen=True)
class Dial:
    """Raises ConfigError for a weight without the network that it needs."""

    networks: Networks
    config: DialConfig = DEFAULTS

    def __post_init__(self) -> None:
        needs_lpips = self.config.perceptual or self.config.target == "nearer"
        if needs_lpips and self.networks.perceptual is None:
            raise ConfigError("dial needs LPIPS: use --set perceptual=squeeze, or method.perceptual=0.")
        if self.config.adversarial and "critic" not in self.networks.auxiliary:
            raise ConfigError("dial needs a network 'critic', or adversarial=0.")

    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        config = self.config
        r, faithful, real = self.positions(batch)
        state = batch.source - self.networks.student(batch.source, torch.ones_like(r), r, batch.cond)
        learnt = faithful + real if config.middle == "path" else len(r)  # from the photo
        near = 1 - (1 - config.fine) * (1 - r[:learnt]) ** config.fall  # how much exact pixels count
        wanted = self.target(state[:learnt], batch, r[:learnt])
        blocks = batch.image[:learnt] if config.anchored else wanted
        losses = {"pixels": self.pixels(state[:learnt], wanted, blocks, batch.cond, near) / len(r)}
        if learnt < len(r):
            target = self.path(batch.source[learnt:], r[learnt:], batch.cond.take(slice(learnt, None)))
            losses["path"] = distance(state[learnt:], target, config.norm).sum() / len(r)
        if config.structure or config.perceptual or config.adversarial:
            image, photo = self.networks.decode(state[:learnt]), self.networks.decode(wanted)
        if config.structure:
            alike = similarity(grey(image), grey(photo), multiplied).flatten(1).mean(1)
            losses["structure"] = config.structure * (near * (1 - alike)).sum() / len(r)
        if config.perceptual and faithful < learnt:
            rest = slice(faithful, learnt)
            likeness = self.likeness(image[rest], photo[rest], batch.generator)
            if config.truth and batch.answer is not None:
                true = self.likeness(image[rest], self.networks.decode(batch.image[rest]), batch.generator)
                likeness = likeness.lerp(true, config.truth)
            weight = config.perceptual * (1 - r[rest]) ** config.fall
            losses["perceptual"] = (weight * likeness).sum() / len(r)
        if not config.adversarial:
            yield "student", losses
            return
        shown = slice(faithful, faithful + real)
        cond, (rows, columns) = batch.cond.take(shown), _view(image, batch.generator)
        upsampled = bicubic_upsample(cond.lr, image.shape[-1] // cond.lr.shape[-1])[..., rows, columns]
        made, genuine = image[shown, :, rows, columns], photo[shown, :, rows, columns]
        critic = self.networks.unwrapped_auxiliary["critic"]
        twice = torch.cat([upsampled, upsampled])
        of_image, of_photo = critic(torch.cat([made, genuine]), twice).chunk(2)
        more = of_image - of_photo
        counted = _without_noise(cond, more)
        judged = counted * certainty(more) * pair_loss(more)
        losses["adversarial"] = config.adversarial * judged.sum() / len(r)
        yield "student", losses
        both = torch.cat([made.detach(), genuine])
        of_image, of_photo = self.networks.auxiliary["critic"](both, twice).chunk(2)
        share = counted / counted.sum().clamp_min(1)
        yield "critic", {"pair": (share * pair_loss(of_photo - of_image)).sum()}

    @torch.no_grad()
    def target(self, state: Tensor, batch: Batch, r: Tensor) -> Tensor:
        """What the first samples shall become at r: (len(r), C, H, W). state: what they are."""
        photo = batch.image[: len(r)]
        if batch.answer is None or self.config.target == "photo":
            return photo
        answer = batch.answer[: len(r)]
        if self.config.target == "nearer":
            assert self.networks.perceptual is not None
            image, *others = (self.networks.decode(each) for each in (state, photo, answer))
            to_photo, to_answer = (self.networks.perceptual(image, other) for other in others)
            answer = torch.where(flow.expand_as_batch(to_photo < to_answer, photo), photo, answer)
        return answer.lerp(photo, flow.expand_as_batch(r, photo))

    def pixels(self, state: Tensor, wanted: Tensor, coarse: Tensor, cond: Condition, near: Tensor) -> Tensor:
        """The sum over the samples of the pixels' distance, of their blocks' and of the mesh.

        wanted: what the pixels shall be; coarse: what the blocks' means shall be those of.
        """
        config = self.config
        total = (near * distance(state, wanted, config.norm)).sum()
        if config.fine == 1 and not config.mesh:
            return total
        side = state.shape[-1] // cond.lr.shape[-1]
        blocks = F.pixel_unshuffle(state - coarse, side).unflatten(1, (-1, side**2))  # (B, C, s^2, H/s, W/s)
        means = blocks.mean(2, keepdim=True)
        zero = torch.zeros_like(means)
        total = total + ((1 - near) * distance(means, zero, config.norm)).sum()
        if config.mesh:
            repeated = F.avg_pool2d((blocks - means).flatten(1, 2), MESH_WINDOW, ceil_mode=True)
            total = total + config.mesh * repeated.abs().flatten(1).mean(1).sum()
        return total

    @torch.no_grad()
    def path(self, source: Tensor, r: Tensor, cond: Condition) -> Tensor:
        """(1 - r) image(0) + r image(1), for each sample."""
        one = torch.ones_like(r)
        u = [self.networks.unwrapped(source, one, end * one, cond) for end in (0, 1)]
        return source - u[0].lerp(u[1], flow.expand_as_batch(r, source))

    def likeness(self, image: Tensor, photo: Tensor, generator: torch.Generator) -> Tensor:
        """LPIPS of a random view, (B,)."""
        assert self.networks.perceptual is not None
        rows, columns = _view(image, generator)
        image, photo = image[..., rows, columns], photo[..., rows, columns]
        if flow.host_uniform(generator) < self.config.coarse:
            image, photo = F.avg_pool2d(image, 2), F.avg_pool2d(photo, 2)
        return self.networks.perceptual(image, photo)

    def positions(self, batch: Batch) -> tuple[Tensor, int, int]:
        """r of each sample; how many of the first are at r = 1, where LPIPS has no weight; and how many of
        those that follow at r = 0, which may be none."""
        n = len(batch.image)
        r = flow.uniform(n, batch.generator)
        at_1, at_an_end = self.config.faithful * n, (self.config.faithful + self.config.real) * n
        u = flow.host_uniform(batch.generator)  # one for both, so that small batches keep both shares
        faithful = math.floor(at_1 + u)
        real = min(math.floor(at_an_end + u), n) - faithful
        r[:faithful] = 1
        r[faithful : faithful + real] = 0
        return r.to(batch.image), faithful, real


def pair_loss(more: Tensor) -> Tensor:
    """(B,): how far the first of two patches is from scoring higher. more: (B, ...), by how much it does.

    -log sigmoid(SHARPNESS more) / SHARPNESS, mean over patches: log(2) / SHARPNESS for equal scores, 0 for
    much higher ones, and -more for much lower ones.
    """
    return F.softplus(-SHARPNESS * more.float()).flatten(1).mean(1) / SHARPNESS


def certainty(more: Tensor) -> Tensor:
    """(B,): the critic's say in each sample, without a gradient. more: (B, ...), as of `pair_loss`.

    1 where it tells all patches of the student from the target's, 0 where it errs in half of them or more. So
    a critic that has learnt nothing yet, or was fooled, cannot lead its student away.
    """
    return (2 * (more.detach() < 0).float().flatten(1).mean(1) - 1).clamp_min(0)


def grey(image: Tensor) -> Tensor:
    """Luma (BT.601) in [0, 1]. image: (B, 3, H, W) in [-1, 1] -> (B, 1, H, W) float32."""
    return (luma(image.float()) + 1) / 2


def _without_noise(cond: Condition, like: Tensor) -> Tensor:
    """(B,): 1 where all noise is to be removed, 0 where the target keeps some, which no photo has."""
    if cond.damage is None:
        return like.new_ones(len(like))
    return (cond.damage[:, -1] == 1).to(like)


def _view(image: Tensor, generator: torch.Generator) -> tuple[slice, slice]:
    """All but SHIFTS - 1 rows and columns, taken away at random sides.

    Kettunen et al. (arXiv:1906.03973) transform LPIPS's input, so that networks do not fit its weaknesses.
    """
    rows, columns = (_window(side, flow.host_uniform(generator)) for side in image.shape[-2:])
    return rows, columns


def _window(side: int, place: float) -> slice:
    """A window that is up to SHIFTS - 1 positions shorter than `side`. place: where it lies, in [0, 1)."""
    places = min(SHIFTS, side)
    start = int(places * place)
    return slice(start, start + side - places + 1)
