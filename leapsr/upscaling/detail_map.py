"""Where a result holds detail that its input does not prove, and how much of it there is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ..ops.resize import resize
from ..pictures.picture import Picture
from .model_input import appearance, evidence, grey_levels, reduced

SEEDS = 4
"""Results that a map is made from, unless more are made anyway."""


@dataclass(frozen=True, eq=False)
class DetailMap:
    """Planes (1, H, W) of the size of the result, all in grey levels, 0 to 255, of luma (BT.601) with the
    tone curve of sRGB; under transparent pixels the last two are 0.

    luma: of the result.
    spread: standard deviation over seeds: what another seed would have made different.
    disagreement: what separates the result, reduced to the size of the input, from the input.
    invented: the share, 0 to 1, of the fine detail's energy that changes with the seed. Fine detail is what a
    result loses when it is reduced to the size of the input and enlarged again: what the pixels of the input
    have no room for. The share is its variance over seeds divided by its mean square: 0 where the detail is
    the same for every seed, 1 where no two results agree on any of it. What a model invents with certainty,
    the same for every seed, it does not see.
    """

    luma: Tensor
    spread: Tensor
    disagreement: Tensor
    invented: float

    @property
    def doubt(self) -> Tensor:
        """(1, H, W): both reasons to doubt a pixel in one: the root of the sum of their squares."""
        return (self.spread.square() + self.disagreement.square()).sqrt_()

    @classmethod
    def of(cls, results: Iterable[Picture], source: Picture) -> Self:
        """results: of one picture, of one size, from different seeds, taken one by one; the map is that of
        the first. With one only nothing is known about seeds, and spread and invented are 0. source: their
        input."""
        results = iter(results)
        first = next(results)
        luma, small = grey_levels(appearance(first)), source.size
        alpha = first.alpha
        visible = torch.ones_like(luma) if alpha is None else alpha
        others = (grey_levels(appearance(result)) for result in results)
        spread, invented = _over_seeds(luma, others, visible, small)
        gap = grey_levels(reduced(appearance(first), small)) - grey_levels(evidence(source))
        disagreement = resize(gap[None].abs(), first.size)[0].clamp_(min=0) * visible
        return cls(luma, spread, disagreement, invented)


def _over_seeds(
    luma: Tensor, others: Iterable[Tensor], visible: Tensor, small: tuple[int, int]
) -> tuple[Tensor, float]:
    """`spread` and `invented` of a DetailMap; others: luma of the other results.

    Differences from the first result are 0 to the bit where seeds change nothing, and small numbers where
    they change little; sums of squares of the results themselves would leave rounding errors.
    """
    fine = _fine(luma * visible, small)
    total, squares = torch.zeros_like(luma), torch.zeros_like(luma)
    fine_squares, energy, count = 0.0, _mean_square(fine), 1
    for other in others:
        difference = (other - luma) * visible
        fine_difference = _fine(difference, small)
        total += difference
        squares += difference.square()
        fine_squares += _mean_square(fine_difference)
        energy += _mean_square(fine + fine_difference)
        count += 1
    unbiased = max(1, count - 1)
    spread = ((squares - total.square() / count) / unbiased).clamp_(min=0).sqrt_()
    variance = (fine_squares - _mean_square(_fine(total, small)) / count) / unbiased
    return spread, min(1.0, max(0.0, variance * count / energy)) if energy else 0.0


def _fine(plane: Tensor, size: tuple[int, int]) -> Tensor:
    """What (1, H, W) loses when it is reduced to `size` and enlarged again."""
    small = resize(plane[None], size, antialias=True)
    return plane - resize(small, (plane.shape[1], plane.shape[2]))[0]


def _mean_square(plane: Tensor) -> float:
    return plane.square().mean(dtype=torch.float64).item()
