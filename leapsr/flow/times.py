"""How times are drawn in training and laid out in sampling."""

import hashlib
import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

PairLaw = Literal["uniform", "logit_normal"]
GridName = Literal["uniform", "cosine", "shifted"]


def uniform(n: int, generator: torch.Generator, low: float = 0.0, high: float = 1.0) -> Tensor:
    """n times, uniform over [low, high), stratified: one in each of n equal parts, in random order.

    Stratifying keeps the law of each time and lowers the variance of the batch's loss.
    """
    device = generator.device
    part = torch.randperm(n, generator=generator, device=device)
    inside = torch.rand(n, generator=generator, device=device)
    return low + (high - low) * (part + inside) / n


def sample_times_2t(n: int, generator: torch.Generator) -> Tensor:
    """n times in [0, 1) with density 2t, stratified.

    Near t = 0 most of a velocity is unpredictable noise; one step relies on what is learnt near t = 1.
    """
    return uniform(n, generator).sqrt()


def logit_normal(
    n: int, generator: torch.Generator, mean: float = 0.0, std: float = 1.0, margin: float = 0.0
) -> Tensor:
    """n times whose logit is N(mean, std^2), stratified, cut to [margin, 1 - margin]."""
    normal = torch.special.ndtri(uniform(n, generator))
    return torch.sigmoid(mean + std * normal).clamp(margin, 1 - margin)


def uniform_pairs(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """(t, r) with r <= t, both (n,): two uniform times, sorted."""
    return _sorted(uniform(n, generator), uniform(n, generator))


def logit_normal_pairs(
    n: int, generator: torch.Generator, mean: float = -0.4, std: float = 1.0, margin: float = 0.0
) -> tuple[Tensor, Tensor]:
    """(t, r) with r <= t, both (n,): two logit-normal times, sorted.

    The defaults are MeanFlow's; SMFSR's code has mean 0, std 1, margin 1e-4.
    """
    first, second = (logit_normal(n, generator, mean, std, margin) for _ in range(2))
    return _sorted(first, second)


def pairs(
    law: PairLaw, n: int, generator: torch.Generator, mean: float, std: float, margin: float = 0.0
) -> tuple[Tensor, Tensor]:
    """(t, r) with r <= t, both (n,), by a law's name; only "logit_normal" reads mean, std and margin."""
    if law == "uniform":
        return uniform_pairs(n, generator)
    return logit_normal_pairs(n, generator, mean, std, margin)


def _sorted(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return torch.maximum(a, b), torch.minimum(a, b)


def stochastic_count(n: int, share: float, generator: torch.Generator) -> int:
    """share * n, rounded up or down at random so that its mean is exact, even in batches of one.

    Does not wait for a GPU.
    """
    rest, whole = math.modf(share * n)
    return int(whole) + (rest > 0 and host_uniform(generator) < rest)


def host_uniform(generator: torch.Generator) -> float:
    """A number uniform over [0, 1) from the state of a generator on any device, without waiting for a GPU.

    A number drawn on a GPU would have to be copied; the generator's state is always on the host.
    """
    state = generator.get_state().numpy().tobytes()
    torch.rand(1, generator=generator, device=generator.device)  # so that the next number differs
    return int.from_bytes(hashlib.blake2b(state, digest_size=6).digest()) / 2**48


def uniform_grid(steps: int, start: float = 1.0, end: float = 0.0) -> Tensor:
    """`steps` + 1 decreasing times from start to end, equally spaced, float64."""
    return torch.linspace(start, end, steps + 1, dtype=torch.float64)


def cosine_grid(steps: int, start: float = 1.0, end: float = 0.0) -> Tensor:
    """`steps` + 1 decreasing times from start to end, dense at both ends, float64.

    From 1 to 0 these are SMFSR's, (1 - cos(pi k / steps)) / 2 for k from steps to 0.
    """
    share = (1 - torch.linspace(0, math.pi, steps + 1, dtype=torch.float64).cos()) / 2
    return start + (end - start) * share


SHIFT = 3.0
"""Of SD3's times towards the source, for large images (arXiv:2403.03206, eq. 23)."""
LAST_TIME = 1e-3
"""Of SD3's thousand times, before the shift."""


def shifted(t: Tensor, shift: float = SHIFT) -> Tensor:
    """Times in [0, 1] moved towards the source; the ends stay."""
    return shift * t / (1 + (shift - 1) * t)


def shifted_grid(steps: int, start: float = 1.0, end: float = 0.0) -> Tensor:
    """`steps` + 1 decreasing times from start to end, dense at the source, float64.

    From 1 to 0 these are the times of SD3.5 and DiT4SR in diffusers. There the last time before the end is
    shifted twice, which is kept, because teachers are used and compared with it.
    """
    last = shifted(torch.tensor(LAST_TIME, dtype=torch.float64)).item()
    share = shifted(torch.linspace(1, last, steps, dtype=torch.float64))
    return end + (start - end) * torch.cat([share, share.new_zeros(1)])


GRIDS: dict[GridName, Callable[[int, float, float], Tensor]] = {
    "uniform": uniform_grid,
    "cosine": cosine_grid,
    "shifted": shifted_grid,
}
