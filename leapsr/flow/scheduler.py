"""How FlowSR draws the two times that its consistency loss compares (arXiv:2605.12377, section 4.2).

A pair has a leader t', where a sample lies on its path, and a follower t < t', where the teacher's Euler step
takes it. The grids are {1/steps, 2/steps, ..., 1}; a follower may also be 0, the end of the flow. Grid points
are counted in integers, so that equal fractions of two grids are equal.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

SchedulerName = Literal["fast_slow", "intervals", "slow"]


class Pair(NamedTuple):
    """Times of n samples, (n,) each, float64, on the generator's device."""

    leader: Tensor  # t' in (0, 1]
    follower: Tensor  # t in [0, t')


def grid_step(n: int, generator: torch.Generator, steps: int) -> Tensor:
    """n of the integers 1, ..., steps, uniform; divided by `steps`, points of a grid on (0, 1]."""
    return torch.randint(1, steps + 1, (n,), generator=generator, device=generator.device)


def intervals(n: int, generator: torch.Generator, steps: int) -> Pair:
    """Both ends of one of `steps` equal intervals: the law of consistency models (arXiv:2303.01469)."""
    leader = grid_step(n, generator, steps)
    return Pair(leader.double() / steps, (leader - 1).double() / steps)


def fast_slow(n: int, generator: torch.Generator, fast: int = 4, slow: int = 1000) -> Pair:
    """Neighbours from a grid with few steps and one with many; which one leads is random for each sample.

    Where the fast grid leads, the follower is uniform over the slow steps from the next fast step on, up to
    the leader; below the first fast step it is positive. Where the slow grid leads, the follower is the
    nearest fast step below it, or 0. With one fast step there is none below a slow leader, and the fast one
    always leads (the paper's section 5.3). The paper gives this law in words only.
    Raises ValueError unless fast < slow: every fast leader needs a slow step behind it.
    """
    if not 1 <= fast < slow:
        raise ValueError(f"the fast grid must have fewer steps than the slow one, not {fast} and {slow}")
    coin = torch.rand(n, generator=generator, device=generator.device) < 0.5
    leads = coin | (fast == 1)
    pairs = zip(_fast_leads(n, generator, fast, slow), _slow_leads(n, generator, fast, slow), strict=True)
    return Pair(*(torch.where(leads, a, b) for a, b in pairs))


def _fast_leads(n: int, generator: torch.Generator, fast: int, slow: int) -> Pair:
    leader = grid_step(n, generator, fast)
    first = _ceil((leader - 1) * slow, fast).clamp_min(1)
    beyond = _ceil(leader * slow, fast)
    inside = torch.rand(n, generator=generator, device=generator.device, dtype=torch.float64)
    follower = first + (inside * (beyond - first)).long()
    return Pair(leader.double() / fast, follower.double() / slow)


def _slow_leads(n: int, generator: torch.Generator, fast: int, slow: int) -> Pair:
    leader = grid_step(n, generator, slow)
    follower = _ceil(leader * fast, slow) - 1
    return Pair(leader.double() / slow, follower.double() / fast)


def _ceil(numerator: Tensor, denominator: int) -> Tensor:
    return -(-numerator // denominator)


Scheduler = Callable[[int, torch.Generator, int, int], Pair]
"""(n, generator, fast, slow) -> Pair."""

SCHEDULERS: dict[SchedulerName, Scheduler] = {
    "fast_slow": fast_slow,
    "intervals": lambda n, generator, fast, slow: intervals(n, generator, fast),
    "slow": lambda n, generator, fast, slow: intervals(n, generator, slow),
}
"""The paper's law and its two ablations (table 4): N-interval with N = fast, and slow only. The paper does
not define the latter; here it is neighbouring steps of the slow grid."""
