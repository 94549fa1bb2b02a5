"""Random parameters, one for each image of a batch, and changes to some images of a batch.

Parameters come back on the CPU, where they decide what is computed; fields of noise go to the image.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def uniform(low: float | Tensor, high: float | Tensor, count: int, generator: torch.Generator) -> Tensor:
    """(count,) from U[low, high); the bounds may be (count,) tensors."""
    return low + (high - low) * torch.rand(count, generator=generator, device=generator.device).cpu()


def chance(probability: float, count: int, generator: torch.Generator) -> Tensor:
    """(count,) of bool, each true with that probability."""
    return uniform(0.0, 1.0, count, generator) < probability


def choice(weights: Sequence[float], count: int, generator: torch.Generator) -> Tensor:
    """(count,) of int64: indices into `weights`, which need not sum to 1."""
    odds = torch.tensor(weights, dtype=torch.float64, device=generator.device)
    return torch.multinomial(odds, count, replacement=True, generator=generator).cpu()


def resize_factor(
    up_down_keep: Sequence[float], bounds: tuple[float, float], count: int, generator: torch.Generator
) -> Tensor:
    """(count,): uniform above 1, below 1 or exactly 1, with odds `up_down_keep`; the bounds straddle 1."""
    low, high = bounds
    direction = choice(up_down_keep, count, generator)
    up, down = uniform(1.0, high, count, generator), uniform(low, 1.0, count, generator)
    return torch.where(direction == 0, up, torch.where(direction == 1, down, 1.0))


def normal(size: Sequence[int], generator: torch.Generator, device: torch.device) -> Tensor:
    """Standard normal noise, drawn where the generator lives and moved to `device`."""
    return torch.randn(size, generator=generator, device=generator.device).to(device)


def on_rows(rows: Tensor, change: Callable[..., Tensor], image: Tensor, *parameters: Tensor) -> Tensor:
    """Changes the images where `rows`, (B,) of bool on the CPU, is true; the change must keep their size.

    `change` gets those images and their part of each (B, ...) parameter.
    """
    if rows.all():
        return change(image, *parameters)
    if not rows.any():
        return image
    index = rows.nonzero().squeeze(1)
    changed = change(image[index], *(parameter[index] for parameter in parameters))
    return image.index_copy(0, index.to(image.device), changed)
