"""What a method is: data in, losses out. The trainer knows players and losses, and no method by name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch
from torch import Tensor

from ..networks.condition import Condition

Losses = dict[str, Tensor]

Network = Callable[[Tensor, Tensor, Tensor, Condition], Tensor]
"""u(x, t, r, cond). x: (B, C, H, W); t, r: (B,); a teacher is its diagonal u(x, t, t, cond)."""

Perceptual = Callable[[Tensor, Tensor], Tensor]
"""A differentiable distance of two images in [-1, 1], both (B, 3, H, W) -> (B,), such as LPIPS."""

Norm = Literal["l1", "l2"]


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
    perceptual: for the losses that need one. features: (x_t, t, cond) -> maps of the frozen teacher, for
    critics that look through them.
    """

    student: Network
    bare: Network
    teacher: Network | None = None
    average: Network | None = None
    players: Mapping[str, Callable[..., Tensor]] = field(default_factory=dict)
    bare_players: Mapping[str, Callable[..., Tensor]] = field(default_factory=dict)
    perceptual: Perceptual | None = None
    features: Callable[[Tensor, Tensor, Condition], Sequence[Tensor]] | None = None


class Method(Protocol):
    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        """Yields (player, {loss: value}) once for each update of that player."""
        ...


def distance(a: Tensor, b: Tensor, norm: Norm) -> Tensor:
    """Per-sample mean of |a - b| or (a - b)^2: (B, ...) -> (B,)."""
    error = a - b
    return (error.abs() if norm == "l1" else error.square()).flatten(1).mean(1)
