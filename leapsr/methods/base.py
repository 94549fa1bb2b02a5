"""What a method is: data in, losses out. The trainer knows players and losses, and no method by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from ..networks.condition import Condition

Losses = dict[str, Tensor]

Network = Callable[[Tensor, Tensor, Tensor, Condition], Tensor]
"""u(x, t, r, cond). x: (B, C, H, W); t, r: (B,); a teacher is its diagonal u(x, t, t, cond)."""

Norm = Literal["l1", "l2"]


@dataclass(frozen=True)
class Batch:
    """One batch in the network's space.

    image, source: (B, C, H, W), the two ends of the flow. generator: for the times and whatever else the
    method draws.
    """

    image: Tensor
    source: Tensor
    cond: Condition
    generator: torch.Generator


class Method(Protocol):
    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        """Yields (player, {loss: value}) once for each update of that player."""
        ...


def distance(a: Tensor, b: Tensor, norm: Norm) -> Tensor:
    """Per-sample mean of |a - b| or (a - b)^2: (B, ...) -> (B,)."""
    error = a - b
    return (error.abs() if norm == "l1" else error.square()).flatten(1).mean(1)
