"""How times are drawn in training and laid out in sampling."""

import torch
from torch import Tensor


def uniform(n: int, generator: torch.Generator, low: float = 0.0, high: float = 1.0) -> Tensor:
    """n times, uniform over [low, high), stratified: one in each of n equal parts, in random order.

    Stratifying keeps the law of each time and lowers the variance of the batch's loss.
    """
    device = generator.device
    part = torch.randperm(n, generator=generator, device=device)
    inside = torch.rand(n, generator=generator, device=device)
    return low + (high - low) * (part + inside) / n


def late(n: int, generator: torch.Generator) -> Tensor:
    """n times in [0, 1) with density 2t, stratified.

    Near t = 0 a velocity is mostly the noise that nobody can know; near t = 1 is what one step relies on.
    """
    return uniform(n, generator).sqrt()


def uniform_grid(steps: int, start: float = 1.0, end: float = 0.0) -> Tensor:
    """`steps` + 1 decreasing times from start to end, equally spaced, float64."""
    return torch.linspace(start, end, steps + 1, dtype=torch.float64)
