"""Batches whose rows can be told apart wherever a method takes them.

Each sample carries its number in one pixel and its time in another. Image and source have the same number
there, and the times 0 and 1: on every path between them and after every step along a velocity that is 0 in
the one pixel and 1 in the other, x says whose it is and when. The low-resolution image holds the number too.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from leapsr.methods import Batch
from leapsr.networks import Condition, Quality

ROWS = 6
LABELS = [Quality.GOOD, Quality.BAD, Quality.NONE, Quality.GOOD, Quality.NONE, Quality.BAD]
NUMBER, TIME = (..., 0, 0, 0), (..., 0, 0, 1)  # of the pixels


def stamped(time: float, seed: int) -> Tensor:
    """(ROWS, 3, 4, 4) of anything, with a passport."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(ROWS, 3, 4, 4, generator=generator, dtype=torch.float64)
    x[NUMBER], x[TIME] = torch.arange(ROWS), time
    return x


def batch() -> Batch:
    lr = torch.arange(ROWS).double()[:, None, None, None].expand(-1, 3, 1, 1)
    generator, redrawn = torch.Generator().manual_seed(0), iter(range(2, 9))
    return Batch(
        stamped(0, 0),
        stamped(1, 1),
        Condition(lr, torch.tensor(LABELS)),
        generator,
        lambda: stamped(1, next(redrawn)),
        quality=torch.ones(ROWS, 2, 1).double(),
    )


def check(x: Tensor, cond: Condition) -> None:
    """Picture and condition are the same samples', row by row."""
    torch.testing.assert_close(x[NUMBER], cond.lr[:, 0, 0, 0], rtol=0, atol=1e-9)


@dataclass
class Officer:
    """A velocity network that looks at the passports of all it is asked about, and notes the labels."""

    gain: Tensor = field(default_factory=lambda: torch.full((), 0.5).double().requires_grad_())
    asked: list[tuple[list[int], list[int]]] = field(default_factory=list)

    def __call__(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        assert len(x) == len(t) == len(r) == len(cond.lr)
        check(x.detach(), cond)
        torch.testing.assert_close(x[TIME].detach(), t.detach(), rtol=0, atol=1e-9)
        self.asked.append((cond.lr[:, 0, 0, 0].long().tolist(), cond.labels.tolist()))
        u = self.gain * x
        fixed = torch.zeros_like(x, dtype=torch.bool)
        fixed[NUMBER] = fixed[TIME] = True
        marks = torch.zeros_like(x)
        marks[TIME] = 1
        return torch.where(fixed, marks, u)

    def labels(self) -> list[list[int]]:
        """Asked for in each call."""
        return [labels for _, labels in self.asked]

    def own(self) -> bool:
        """Whether each sample was always asked about with the label it came with."""
        return all(label == LABELS[row] for call in self.asked for row, label in zip(*call, strict=True))
