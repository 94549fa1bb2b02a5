"""What a method is: data in, losses out. The trainer knows networks and losses, and no method by name.

A new method is one file: a `MethodConfigBase` with its hyper-parameters and a `Method` that yields losses.
One row of `methods.METHODS` makes it known, see docs/extending.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, Self

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from .. import flow
from ..errors import ConfigError
from ..networks.base import Network, NetworkConfigBase
from ..networks.condition import Condition, Quality
from .restore import Region

Losses = dict[str, Tensor]

VelocityFunction = Callable[[Tensor, Tensor, Tensor, Condition], Tensor]
"""u(x, t, r, cond). x: (B, C, H, W); t, r: (B,); a teacher is its diagonal u(x, t, t, cond)."""

Perceptual = Callable[[Tensor, Tensor], Tensor]
"""A differentiable distance of two images in [-1, 1], (B, 3, H, W) each -> (B,), such as LPIPS."""

Decode = Callable[[Tensor], Tensor]
"""From the network's space to images in [-1, 1], (B, 3, H, W), differentiable."""

Features = Callable[[Tensor, Tensor, Condition], Sequence[Tensor]]
"""(x_t, t, cond) -> maps of the frozen teacher, (B, C_i, H_i, W_i), differentiable."""

CriticFeatures = Callable[[Tensor], list[Tensor]]
"""Images in [-1, 1], (B, 3, H, W) -> maps of a frozen network, (B, C_i, H_i, W_i), differentiable."""

Alignment = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Images in [-1, 1], (B, 3, H, W), and `Batch.quality` -> their cosines with the caption of good and with
that of bad quality, (B,) each, differentiable."""

Duplicate = Callable[[nn.Module], nn.Module]

Norm = Literal["l1", "l2"]


LPIPS_SIDES = {"squeeze": 32, "alex": 64, "vgg": 32}
"""Sides at which the last features of LPIPS's backbones still have a position, in pixels."""

TIMES: dict[Region, tuple[str, ...]] = {
    Region.SOURCE_EDGE: ("r", "both"),
    Region.TRIANGLE: ("both",),
    Region.IMAGE_EDGE: ("t", "both"),
}
"""Which of t and r a network must read to be a student there; on the diagonal they are the same."""


class DataSettings(Protocol):
    @property
    def crop(self) -> int: ...
    @property
    def unlabelled(self) -> float: ...


class RunSettings(Protocol):
    """The fields of a training configuration that a method's config checks."""

    @property
    def network(self) -> NetworkConfigBase: ...
    @property
    def data(self) -> DataSettings: ...
    @property
    def precision(self) -> str: ...
    @property
    def perceptual(self) -> str: ...
    @property
    def dino(self) -> object | None: ...
    @property
    def diffusion(self) -> object | None: ...
    @property
    def clip(self) -> object | None: ...
    @property
    def labelled(self) -> bool: ...


class MethodConfigBase(BaseModel):
    """Hyper-parameters of a method, and what it needs. The defaults are those of a method without a teacher.

    A subclass fixes `kind` as a Literal with a default, says its `region`, adds its fields and overrides what
    differs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: ClassVar[Region]
    """Where in the triangle r <= t its students are trained, and so what they can be asked for."""
    refines: ClassVar[bool] = False
    """Whether it goes on with a student that another method trained."""
    auxiliary_names: ClassVar[tuple[str, ...]] = ()
    """The networks that `auxiliary_networks` may return."""

    kind: str

    @property
    def needs_teacher(self) -> bool:
        return False

    @property
    def takes_answers(self) -> bool:
        """Whether its teacher may be any upscaler, of which it is told `Batch.answer` only."""
        return False

    @property
    def guided(self) -> bool:
        """Whether it compares labels, so that the networks it compares must know them."""
        return False

    @property
    def compares_photos(self) -> bool:
        """Whether a loss of it compares decoded pictures with the photos themselves, `Batch.photo`."""
        return False

    @property
    def uses_clip(self) -> bool:
        """Whether a loss of it compares images with texts in CLIP's space."""
        return False

    @property
    def compares_quality(self) -> bool:
        """Whether that loss wants captions of the quality of each picture, which shards hold."""
        return False

    @property
    def student_method(self) -> "MethodConfigBase":
        """The method that a student restores with: this one, or the one that a refinement refines."""
        return self

    def teacher_kinds(self, network: NetworkConfigBase) -> tuple[str, ...]:
        """The methods whose models can be its teacher."""
        return ("teacher",)

    def auxiliary_networks(
        self, teacher: Network | None, duplicate: Duplicate = deepcopy, maps: Sequence[int] = ()
    ) -> dict[str, nn.Module]:
        """The networks that train beside the student, by name.

        duplicate: makes another network of the teacher. maps: channels of `Networks.critic_features`.
        """
        return {}

    def for_refinement(self) -> Self:
        """The same without its auxiliary networks, which rest in a refinement."""
        return self

    def readers(self, run: RunSettings) -> Iterator[tuple[int, str]]:
        """What looks at training patches, and the smallest side in pixels that each can see."""
        if run.perceptual != "none":
            yield LPIPS_SIDES[run.perceptual], f"LPIPS with {run.perceptual}"

    def check(self, run: RunSettings) -> None:
        """Raises ConfigError where the rest of a configuration does not fit this method."""
        if run.clip is not None and not self.uses_clip:
            raise ConfigError("CLIP is for FlowSR's alignment loss, which is not here: use --set clip=null.")
        if self.guided and not run.labelled:
            raise ConfigError(
                "This guidance compares quality labels: use a teacher that was trained with "
                "network.quality=true, and set it here too."
            )
        student, network = self.student_method, run.network
        wanted = TIMES.get(student.region, (network.times_read,))
        if network.times_read not in wanted:  # it would learn an average over the other time
            raise ConfigError(
                f"A student of {student.kind} must be told {' or '.join(wanted)} of t and r, and this "
                f"network is told {network.times_read}: use --set {network.times_remedy}."
            )
        for smallest, reader in self.readers(run):
            if run.data.crop < smallest:
                raise ConfigError(
                    f"data.crop = {run.data.crop} is too small: {reader} needs {smallest} pixels."
                )


def identity(image: Tensor) -> Tensor:
    """The decoder of a network that works on images."""
    return image


@dataclass(frozen=True)
class Batch:
    """One batch in the network's space.

    image, source: (B, C, H, W), the two ends of the flow. generator: for all that the method draws.
    redraw: draws another source for the same images, (B, C, H, W).
    photo: (B, 3, S, S) in [-1, 1], the clean pictures themselves, for losses of images. None: `image`,
    decoded, which on pixels is the same.
    answer: what another upscaler makes of the low-resolution images, (B, C, H, W), with the noise that
    `image` keeps; None where no upscaler teaches.
    quality: (B, 2, D), the captions of good and of bad quality of each picture in CLIP's space, of length 1;
    None where no loss looks through CLIP.
    """

    image: Tensor
    source: Tensor
    cond: Condition
    generator: torch.Generator
    redraw: Callable[[], Tensor] | None = None
    photo: Tensor | None = None
    answer: Tensor | None = None
    quality: Tensor | None = None


@dataclass(frozen=True)
class Networks:
    """What a method may use. In several processes the networks that train are wrapped, which averages their
    gradients; whatever needs no gradient of the weights is asked of the `unwrapped` ones.

    student: the network that trains, as its own update calls it.
    unwrapped: the same weights; forward-mode derivatives go through it.
    teacher: frozen, asked on its diagonal. average: the averaged student, without gradients.
    auxiliary: the other networks that train, by name, as their own updates call them.
    unwrapped_auxiliary: the same weights, for the updates of other networks.
    perceptual: for the losses that need one.
    features: maps of the frozen teacher, for critics that look through them.
    alignment: the cosines that FlowSR's alignment loss compares, in CLIP's space; None leaves that loss out.
    decode: from the space of the networks to images, for the losses of images.
    critic_features: what a critic of images is shown of them; None is the image itself.
    """

    student: VelocityFunction
    unwrapped: VelocityFunction
    teacher: VelocityFunction | None = None
    average: VelocityFunction | None = None
    auxiliary: Mapping[str, Callable[..., Tensor]] = field(default_factory=dict)
    unwrapped_auxiliary: Mapping[str, Callable[..., Tensor]] = field(default_factory=dict)
    perceptual: Perceptual | None = None
    features: Features | None = None
    alignment: Alignment | None = None
    decode: Decode = identity
    critic_features: CriticFeatures | None = None


class Method(Protocol):
    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        """Yields (network, {loss: value}) once for each update of "student" or an auxiliary one."""
        ...


def distance(a: Tensor, b: Tensor, norm: Norm) -> Tensor:
    """Per-sample mean of |a - b| or (a - b)^2: (B, ...) -> (B,)."""
    error = a - b
    return (error.abs() if norm == "l1" else error.square()).flatten(1).mean(1)


def hinge(*scores: Tensor) -> Tensor:
    """The mean of max(0, 1 - score) of each tensor, then over the tensors: 0 where all say "real"."""
    return torch.stack([F.relu(1 - score).mean() for score in scores]).mean()


def interval_times(
    batch: Batch, law: flow.PairLaw, mean: float, std: float, margin: float, equal: int
) -> tuple[Tensor, Tensor]:
    """(t, r) for the samples of a batch, r <= t, by a law of flow.pairs; equal in the first `equal` rows."""
    t, r = flow.pairs(law, len(batch.image), batch.generator, mean, std, margin)
    r[:equal] = t[:equal]
    return t.to(batch.image), r.to(batch.image)


def guided_velocity(
    teacher: VelocityFunction, x: Tensor, t: Tensor, cond: Condition, scale: float, away_from: Quality
) -> Tensor:
    """The teacher's velocity, guided away from the one for `away_from`, in one call.

    MFSR eq. 10 and 11, SMFSR eq. 13. Scale 1 is no guidance and asks for one velocity only. The teacher is
    asked for what the student is asked for: a sample without its text has none on either side.
    """
    if scale == 1:
        return teacher(x, t, t, cond)
    x, t = torch.cat([x, x]), torch.cat([t, t])
    asked, avoided = teacher(x, t, t, cond + cond.labelled(away_from)).chunk(2)
    return flow.guide(asked, avoided, scale)
