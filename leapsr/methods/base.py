"""What a method is: data in, losses out. The trainer knows players and losses, and no method by name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from .. import flow
from ..networks.condition import Condition, Quality

Losses = dict[str, Tensor]

Network = Callable[[Tensor, Tensor, Tensor, Condition], Tensor]
"""u(x, t, r, cond). x: (B, C, H, W); t, r: (B,); a teacher is its diagonal u(x, t, t, cond)."""

Perceptual = Callable[[Tensor, Tensor], Tensor]
"""A differentiable distance of two images in [-1, 1], both (B, 3, H, W) -> (B,), such as LPIPS."""

Decode = Callable[[Tensor], Tensor]
"""From the network's space to images in [-1, 1], (B, 3, H, W), with a gradient."""

Features = Callable[[Tensor, Tensor, Condition], Sequence[Tensor]]
"""(x_t, t, cond) -> the maps of a frozen network, (B, C_i, H_i, W_i), with a gradient on x_t."""

Eyes = Callable[[Tensor], list[Tensor]]
"""Images in [-1, 1], (B, 3, H, W) -> the maps of a frozen network, (B, C_i, H_i, W_i), with a gradient."""

Alignment = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Images in [-1, 1], (B, 3, H, W) -> their cosines with a caption of good and one of bad quality, (B,) each,
with a gradient on the images."""

Norm = Literal["l1", "l2"]


class MethodConfigBase(BaseModel):
    """What every method's config says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str

    @property
    def distils(self) -> bool:
        """Whether the method learns from a teacher."""
        return False

    @property
    def guided(self) -> bool:
        """Whether it compares labels, so that the networks it compares must know them."""
        return False


def identity(image: Tensor) -> Tensor:
    """The decoder of a network that works on images."""
    return image


@dataclass(frozen=True)
class Batch:
    """One batch in the network's space.

    image, source: (B, C, H, W), the two ends of the flow. generator: for the times and whatever else the
    method draws. redraw: another source for the same images, (B, C, H, W).
    """

    image: Tensor
    source: Tensor
    cond: Condition
    generator: torch.Generator
    redraw: Callable[[], Tensor] | None = None


@dataclass(frozen=True)
class Networks:
    """What a method may use. All that it has no gradient for, or only for its input, it asks `bare`.

    student: the network that trains, as its own update must call it (in several processes, a wrapper that
    averages the gradients). bare: the same weights without a wrapper; forward-mode derivatives go through it.
    teacher: frozen, asked on its diagonal. average: the averaged student, without gradients.
    players: other networks that train, by name, as their own updates call them; `bare_players`: the same
    without a wrapper.
    perceptual: for the losses that need one. features: maps of the frozen teacher, for critics that look
    through them. alignment: the cosines that FlowSR's alignment loss compares, in CLIP's space; None, which
    leaves that loss out, for small models.
    decode: from the space of the networks to images, for the losses of images. eyes: what a critic of images
    looks through; None shows it the image itself.
    """

    student: Network
    bare: Network
    teacher: Network | None = None
    average: Network | None = None
    players: Mapping[str, Callable[..., Tensor]] = field(default_factory=dict)
    bare_players: Mapping[str, Callable[..., Tensor]] = field(default_factory=dict)
    perceptual: Perceptual | None = None
    features: Features | None = None
    alignment: Alignment | None = None
    decode: Decode = identity
    eyes: Eyes | None = None


class Method(Protocol):
    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        """Yields (player, {loss: value}) once for each update of that player."""
        ...


def distance(a: Tensor, b: Tensor, norm: Norm) -> Tensor:
    """Per-sample mean of |a - b| or (a - b)^2: (B, ...) -> (B,)."""
    error = a - b
    return (error.abs() if norm == "l1" else error.square()).flatten(1).mean(1)


def hinge(*scores: Tensor) -> Tensor:
    """What a critic's scores lack to 1 ("real"), where they do: the mean of each tensor, then over them."""
    return torch.stack([F.relu(1 - score).mean() for score in scores]).mean()


def interval_times(
    batch: Batch, law: flow.PairLaw, mean: float, std: float, margin: float, equal: int
) -> tuple[Tensor, Tensor]:
    """(t, r) for the samples of a batch, r <= t, by a law of flow.pairs; equal in the first `equal` rows."""
    t, r = flow.pairs(law, len(batch.image), batch.generator, mean, std, margin)
    r[:equal] = t[:equal]
    return t.to(batch.image), r.to(batch.image)


def guided_velocity(
    teacher: Network, x: Tensor, t: Tensor, cond: Condition, scale: float, away_from: Quality
) -> Tensor:
    """The teacher's velocity for a good image, led away from the one for `away_from`, in one call.

    MFSR eq. 10 and 11, SMFSR eq. 13. At scale 1 there is nothing to lead away from, and half as much to ask.
    """
    good = cond.labelled(Quality.GOOD)
    if scale == 1:
        return teacher(x, t, t, good)
    x, t = torch.cat([x, x]), torch.cat([t, t])
    asked, avoided = teacher(x, t, t, good + cond.labelled(away_from)).chunk(2)
    return flow.guide(asked, avoided, scale)
