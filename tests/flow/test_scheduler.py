from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise

import pytest
import torch

from leapsr.flow.scheduler import SCHEDULERS, fast_slow, intervals

Law = dict[tuple[Fraction, Fraction], Fraction]


def grid(steps: int) -> list[Fraction]:
    return [Fraction(k, steps) for k in range(1, steps + 1)]


def law(fast: int, slow: int) -> Law:
    """Every pair with its probability, by enumeration of the paper's sentences."""
    found: Law = defaultdict(Fraction)
    half = Fraction(1, 2) if fast > 1 else Fraction(1)
    for low, leader in pairwise([Fraction(0), *grid(fast)]):
        followers = [s for s in grid(slow) if low <= s < leader]
        for follower in followers:
            found[leader, follower] += half / fast / len(followers)
    if fast > 1:
        for leader in grid(slow):
            found[leader, max(f for f in [Fraction(0), *grid(fast)] if f < leader)] += half / slow
    assert sum(found.values()) == 1
    return found


def interval_law(steps: int) -> Law:
    return {(k, k - Fraction(1, steps)): Fraction(1, steps) for k in grid(steps)}


def drawn(pair, fast: int, slow: int) -> Counter:
    """How often each pair came, as fractions; a time off both grids by one bit would be a pair of its own."""
    known = {float(k): k for k in [Fraction(0), *grid(fast), *grid(slow)]}
    return Counter(
        (known[a], known[b]) for a, b in zip(pair.leader.tolist(), pair.follower.tolist(), strict=True)
    )


def assert_follows(counts: Counter, expected: Law) -> None:
    """Nothing outside the support, and Pearson's statistic within five deviations of its mean."""
    n = counts.total()
    assert set(counts) <= set(expected)
    statistic = sum((counts[k] - n * float(p)) ** 2 / (n * float(p)) for k, p in expected.items())
    freedom = len(expected) - 1
    assert statistic <= freedom + 5 * (2 * freedom) ** 0.5


def margin(table: dict, side: int) -> dict:
    sums = type(table)() if isinstance(table, Counter) else defaultdict(Fraction)
    for pair, weight in table.items():
        sums[pair[side]] += weight
    return sums


@pytest.mark.parametrize(("fast", "slow"), [(4, 16), (4, 18), (3, 10), (1, 12), (2, 3), (5, 6)])
def test_the_joint_law_of_fast_slow(fast, slow):
    pair = fast_slow(200_000, torch.Generator().manual_seed(1), fast, slow)
    assert_follows(drawn(pair, fast, slow), law(fast, slow))


def test_the_papers_grids():
    """4 and 1000 steps: each margin by itself, as there are 2,000 pairs."""
    counts, expected = drawn(fast_slow(400_000, torch.Generator().manual_seed(0)), 4, 1000), law(4, 1000)
    assert set(counts) <= set(expected)
    for side in (0, 1):
        assert_follows(margin(counts, side), margin(expected, side))


def test_a_follower_may_be_0_and_always_lies_below_its_leader():
    pair = fast_slow(100_000, torch.Generator().manual_seed(0))
    assert pair.leader.dtype == pair.follower.dtype == torch.float64
    assert pair.follower.min() == 0
    assert (pair.follower < pair.leader).all()
    assert (pair.follower.float() < pair.leader.float()).all()
    assert pair.leader.min() > 0
    assert pair.leader.max() == 1
    assert (pair.leader - pair.follower).max() <= 0.25
    assert (pair.follower == 0).double().mean() == pytest.approx(1 / 8, abs=0.005)  # slow leader up to 1/4


def test_one_fast_step_always_starts_at_the_source():
    pair = fast_slow(10_000, torch.Generator().manual_seed(0), fast=1)
    assert (pair.leader == 1).all()
    assert pair.follower.min() > 0
    assert len(pair.follower.unique()) == 999


@pytest.mark.parametrize(("name", "steps"), [("intervals", 4), ("slow", 20)])
def test_the_ablations_take_both_ends_of_an_interval(name, steps):
    pair = SCHEDULERS[name](100_000, torch.Generator().manual_seed(0), 4, 20)
    assert_follows(drawn(pair, 4, 20), interval_law(steps))
    again = intervals(100_000, torch.Generator().manual_seed(0), steps)
    assert torch.equal(pair.leader, again.leader)


def test_the_generator_alone_decides():
    first, second, other = (fast_slow(64, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first.leader, second.leader)
    assert torch.equal(first.follower, second.follower)
    assert not torch.equal(first.leader, other.leader)


@pytest.mark.parametrize(("fast", "slow"), [(0, 10), (4, 4), (10, 4)])
def test_grids_that_leave_a_leader_alone_are_refused(fast, slow):
    with pytest.raises(ValueError, match="fewer steps"):
        fast_slow(8, torch.Generator(), fast, slow)
