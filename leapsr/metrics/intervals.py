"""How sure a mean is, from the pictures that it was taken over: the bootstrap (Efron 1979)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DRAWS = 10_000
LEVEL = 0.95
LEAST = 5
"""Values; the percentiles of fewer are too narrow."""


class Interval(NamedTuple):
    mean: float
    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        """Whether a difference could as well be none."""
        return self.low <= 0 <= self.high


def bootstrap(values: Sequence[float]) -> Interval:
    """The mean and its 95 % interval: percentiles of the means of pictures drawn with replacement, seed 0.

    values: one for each picture, finite. Of fewer than five nothing is known: infinite.
    """
    known = np.asarray(values, float)
    if len(known) < LEAST:
        return Interval(float(known.mean()), -np.inf, np.inf)
    generator, means = np.random.default_rng(0), []
    for _ in range(DRAWS // 100):  # in parts, so that thousands of pictures fit in memory
        means.append(generator.choice(known, (100, len(known))).mean(1))
    low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(known.mean()), float(low), float(high))
