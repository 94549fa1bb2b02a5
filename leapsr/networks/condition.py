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

    def repeat(self, rows: int = 0) -> "Condition":
        """The batch twice, and its first `rows` samples a third time."""
        return Condition(lr=torch.cat([self.lr, self.lr, self.lr[:rows]]))
