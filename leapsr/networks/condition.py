"""What a network is told beside the state and the times."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Condition:
    """lr: (B, 3, H, W) low-resolution image in [-1, 1], not upsampled."""

    lr: Tensor

    def take(self, rows: slice) -> "Condition":
        """The condition of some samples of the batch."""
        return Condition(lr=self.lr[rows])

    def __add__(self, other: "Condition") -> "Condition":
        """The samples of both, one batch after the other."""
        return Condition(lr=torch.cat([self.lr, other.lr]))
