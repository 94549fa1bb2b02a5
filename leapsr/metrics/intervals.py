"""How sure a mean is, from the pictures that it was taken over: the bootstrap (Efron 1979)."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

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


def bootstrap(
    values: Sequence[float] | Sequence[Sequence[float]], of: Callable[[Any], Any] = lambda means: means
) -> Interval:
    """The mean and its 95 % interval: percentiles of the means of pictures drawn with replacement, seed 0.

    values: one for each picture, finite, or several of one length. Of fewer than five nothing is known:
        infinite.
    of: what is asked for instead of the mean: an array of means, (draws) or of several values (draws, N), to
        numbers (draws).
    """
    known = np.asarray(values, float)
    found = float(of(known.mean(0, keepdims=True))[0])
    if len(known) < LEAST:
        return Interval(found, -np.inf, np.inf)
    generator, drawn = np.random.default_rng(0), []
    for _ in range(DRAWS // 100):  # in parts, so that thousands of pictures fit in memory
        drawn.append(of(generator.choice(known, (100, len(known))).mean(1)))
    low, high = np.quantile(np.concatenate(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(found, float(low), float(high))
