"""What a network is told beside the state and the times."""

from dataclasses import dataclass, replace
from enum import IntEnum

import torch
from torch import Tensor


class Quality(IntEnum):
    """A label of the image that is asked for: what a prompt is to the networks that read text.

    A network learns it on clean images called GOOD, a few damaged ones called BAD, and both called NONE.
    Guidance then leads away from BAD (a negative prompt) or from NONE (a null prompt).
    """

    NONE = 0
    GOOD = 1
    BAD = 2


@dataclass(frozen=True)
class Condition:
    """lr: (B, 3, H, W) low-resolution image in [-1, 1], not upsampled.

    quality: (B,) int64 of Quality; None is GOOD for all of them.
    """

    lr: Tensor
    quality: Tensor | None = None

    def take(self, rows: slice) -> "Condition":
        """The condition of some samples of the batch."""
        return Condition(self.lr[rows], None if self.quality is None else self.quality[rows])

    def labelled(self, quality: Quality) -> "Condition":
        """The same images with one label for all of them."""
        return replace(self, quality=torch.full((len(self.lr),), int(quality), device=self.lr.device))

    @property
    def labels(self) -> Tensor:
        """(B,) int64, also where `quality` is None."""
        labelled = self if self.quality is not None else self.labelled(Quality.GOOD)
        assert labelled.quality is not None
        return labelled.quality

    def __add__(self, other: "Condition") -> "Condition":
        """The samples of both, one batch after the other."""
        lr = torch.cat([self.lr, other.lr])
        if self.quality is None and other.quality is None:
            return Condition(lr)
        return Condition(lr, torch.cat([self.labels, other.labels]))
