"""Where the dial should stand, found on a small validation set (OFTSR appendix J, arXiv:2412.09465).

The appendix says that the position "can also be chosen automatically by optimizing it on a small validation
set to best satisfy the desired objective or target", and gives neither a search nor an objective. Here:

- a target, such as psnr_y=25, is the least that is asked of one metric. The position is the one that meets
  it and gives least of it away, so that the most is left for whatever the metric trades against;
- "best" is the greatest J(f) = sum_m w_m n_m(f), with n_m the score of metric m, moved and scaled to be 0 at
  the worst and 1 at the best of the five coarse positions. A metric that stays the same counts nothing, and
  beside an infinite PSNR every finite one is the worst. The weights are a half each for PSNR and LPIPS, "the
  two main metrics" of the paper's trade-off (section 4). Where one is traded for the other at a constant
  rate, J is flat and the position is 0.

Both walk the dial in quarters first and then refine between neighbours, to a hundredth. Scores along the dial
are only about monotone (NIQE is often best inside it): between two quarters a target may be met in other
places too, and a second optimum there is not seen.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ..errors import DataError, UsageError
from . import METRICS, Metric, select

Score = Callable[[float], Mapping[str, float]]
"""fidelity in [0, 1] -> {metric: score}."""

WHOLE = 100  # positions are counted in hundredths, so that none is asked twice
COARSE = (0, 25, 50, 75, 100)
STRIDES = (12, 6, 3, 2, 1)

BEST = "best"
DISTORTION = "psnr_y"
PERCEPTION = ("lpips_squeeze", "lpips_alex", "lpips_vgg", "dists")
"""What "best" weighs against DISTORTION: the first that can be computed."""


class Target(NamedTuple):
    metric: Metric
    value: float

    def __str__(self) -> str:
        return f"{self.metric.name}={self.value:g}"


class Choice(NamedTuple):
    fidelity: float
    scores: dict[str, float]
    """At that position."""
    tried: dict[float, dict[str, float]]
    """The scores at every position that was looked at, in ascending order."""


def parse(goal: str) -> Target | None:
    """METRIC=NUMBER, or None for "best". Raises UnknownName or UsageError."""
    name, _, value = goal.partition("=")
    if goal == BEST:
        return None
    number = _number(value)
    if name == "all" or not math.isfinite(number):
        raise UsageError(f"--choose takes '{BEST}' or a metric and its target, as psnr_y=25, not '{goal}'.")
    [metric] = select([name]).values()
    return Target(metric, number)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def reach(score: Score, target: Target) -> Choice:
    """The position that meets a target and gives least of it away.

    That is the lowest fidelity with at least that PSNR, the highest with at most that LPIPS; which end of the
    dial is the better one is seen from the scores at both. At most 15 positions are scored.
    Raises UsageError, with the best that was found and where, when no position meets it, and DataError when
    none has a score.
    """
    dial = _Dial(score)
    sign = 1 if target.metric.direction == "higher" else -1

    def gain(position: int) -> float:
        return _finite(sign * dial(position)[target.metric.name])

    def met(position: int) -> bool:
        return gain(position) >= sign * target.value

    def first(positions: Iterable[int]) -> float:
        """The gain at the first of these that has a score."""
        return next((each for each in map(gain, positions) if each > -math.inf), -math.inf)

    grid = COARSE if first(COARSE[::-1]) >= first(COARSE) else COARSE[::-1]  # from the end with less of it
    meets = next((i for i, position in enumerate(grid) if met(position)), None)
    if meets is not None:
        return dial.choice(grid[0] if meets == 0 else _between(met, grid[meets - 1], grid[meets]))
    peak = _climb(gain)
    if not met(peak):
        raise UsageError(
            f"{target} cannot be reached: the best is {dial(peak)[target.metric.name]:.4g},"
            f" at --fidelity {peak / WHOLE:g}."
        )
    return dial.choice(peak)


def best(score: Score, weights: Mapping[str, float], metrics: Mapping[str, Metric] = METRICS) -> Choice:
    """The position with the greatest weighted sum of normalised scores, J above.

    weights: {metric: weight, not negative}. At most 15 positions are scored. Raises DataError when
    none has a score.
    """
    dial = _Dial(score)
    spans = {name: _span([dial(position)[name] for position in COARSE], metrics[name]) for name in weights}

    def gain(position: int) -> float:
        scores = dial(position)
        parts = (weight * _normal(scores[name], *spans[name]) for name, weight in weights.items())
        return _finite(sum(parts))

    return dial.choice(_climb(gain))


def weights(ready: Iterable[str]) -> dict[str, float]:
    """Of "best", given the metrics that can be computed. Raises UsageError when there are not two."""
    ready = set(ready)
    perception = next((name for name in PERCEPTION if name in ready), None)
    if DISTORTION not in ready or perception is None:
        raise UsageError(
            f"--choose {BEST} weighs {DISTORTION} against LPIPS, which cannot be computed here;"
            " give it LEAPSR_WEIGHTS and pictures with a reference, or choose a target as psnr_y=25."
        )
    return {DISTORTION: 0.5, perception: 0.5}


class _Dial:
    """Scores by position in hundredths, each asked for once."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._tried: dict[int, dict[str, float]] = {}

    def __call__(self, position: int) -> dict[str, float]:
        if position not in self._tried:
            self._tried[position] = dict(self._score(position / WHOLE))
        return self._tried[position]

    def choice(self, position: int) -> Choice:
        tried = {each / WHOLE: scores for each, scores in sorted(self._tried.items())}
        return Choice(position / WHOLE, self(position), tried)


def _between(met: Callable[[int], bool], fails: int, meets: int) -> int:
    """Halve down to two neighbours, of which one fails, and return the one that meets."""
    while abs(meets - fails) > 1:
        middle = (meets + fails) // 2
        meets, fails = (middle, fails) if met(middle) else (meets, middle)
    return meets


def _climb(gain: Callable[[int], float]) -> int:
    """From the best coarse position, in ever smaller strides, to where no neighbour is better."""
    here = max(COARSE, key=gain)
    if gain(here) == -math.inf:
        raise DataError("None of these pictures can be scored, so no position of the dial can be chosen.")
    for stride in STRIDES:
        around = (position for position in (here - stride, here + stride) if 0 <= position <= WHOLE)
        here = max((here, *around), key=gain)  # the first of equals: it moves for a gain only
    return here


def _span(scores: list[float], metric: Metric) -> tuple[float, float]:
    """(worst, best) of the scores that are not NaN."""
    known = [score for score in scores if not math.isnan(score)]
    low, high = min(known, default=math.nan), max(known, default=math.nan)
    return (low, high) if metric.direction == "higher" else (high, low)


def _normal(score: float, worst: float, best: float) -> float:
    if worst == best:
        return 0.0
    return 1.0 if score == best else (score - worst) / (best - worst)  # 0 for a number beside infinity


def _finite(gain: float) -> float:
    """A score that is missing never wins."""
    return -math.inf if math.isnan(gain) else gain
