"""Random parameters, one for each image of a batch, and changes to some images of a batch.

Parameters are returned on the CPU, because they decide what is computed; noise is returned beside the image.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..ops.transfer import to_device


@dataclass(frozen=True)
class Generators:
    """Two generators for damage on a GPU, whose own would make the host wait for every parameter."""

    parameters: torch.Generator
    """On the CPU."""
    noise: torch.Generator | None
    """On the device of the images. None: that device's default generator."""

    @classmethod
    def from_generator(cls, generator: torch.Generator) -> "Randomness":
        """A GPU's generator with one on the CPU that has the same seed; a CPU's generator as it is."""
        if generator.device.type == "cpu":
            return generator
        return cls(torch.Generator().manual_seed(generator.initial_seed()), generator)


Randomness = torch.Generator | Generators


def uniform(low: float | Tensor, high: float | Tensor, count: int, generator: Randomness) -> Tensor:
    """(count,) from U[low, high); the bounds may be (count,) tensors."""
    source = _parameter_generator(generator)
    return low + (high - low) * torch.rand(count, generator=source, device=source.device).cpu()


def chance(probability: float, count: int, generator: Randomness) -> Tensor:
    """(count,) of bool, each true with that probability."""
    return uniform(0.0, 1.0, count, generator) < probability


def choice(weights: Sequence[float], count: int, generator: Randomness) -> Tensor:
    """(count,) of int64: indices into `weights`, which need not sum to 1."""
    source = _parameter_generator(generator)
    odds = torch.tensor(weights, dtype=torch.float64, device=source.device)
    return torch.multinomial(odds, count, replacement=True, generator=source).cpu()


def resize_factor(
    up_down_keep: Sequence[float], bounds: tuple[float, float], count: int, generator: Randomness
) -> Tensor:
    """(count,): uniform above 1, below 1 or exactly 1, with odds `up_down_keep`; the bounds straddle 1."""
    low, high = bounds
    direction = choice(up_down_keep, count, generator)
    up, down = uniform(1.0, high, count, generator), uniform(low, 1.0, count, generator)
    return torch.where(direction == 0, up, torch.where(direction == 1, down, 1.0))


def normal(size: Sequence[int], generator: Randomness, device: torch.device) -> Tensor:
    """Standard normal noise, drawn where the generator lives and moved to `device`."""
    source, place = noise_source(generator, device)
    return torch.randn(size, generator=source, device=place).to(device)


def noise_source(generator: Randomness, device: torch.device) -> tuple[torch.Generator | None, torch.device]:
    """The generator of noise for images on `device`, and where it draws."""
    source = generator.noise if isinstance(generator, Generators) else generator
    return source, device if source is None else source.device


def batched(image: Tensor) -> bool:
    """Whether to compute in one batch even where the images need different changes: on a GPU."""
    return image.device.type != "cpu"


def apply_where(rows: Tensor, change: Callable[..., Tensor], image: Tensor, *parameters: Tensor) -> Tensor:
    """Change the images where `rows`, (B,) of bool, is true; the change must keep their size.

    On a CPU `change` gets those images and their rows of each (B, ...) parameter. On a GPU it gets all images
    and `rows` selects from the result, which needs fewer kernel launches. Images, rows and parameters are on
    one device.
    """
    if batched(image):
        return torch.where(rows.view(-1, 1, 1, 1), change(image, *parameters), image)
    if rows.all():
        return change(image, *parameters)
    if not rows.any():
        return image
    index = rows.nonzero().squeeze(1)
    changed = change(image[index], *(parameter[index] for parameter in parameters))
    return image.index_copy(0, index, changed)


def gather(image: Tensor, rows: Tensor) -> Tensor:
    """The images at these rows of a batch, in this order. rows: (N,) of int64 on the CPU."""
    return image.index_select(0, to_device(rows, image.device))


def scatter(parts: Sequence[Tensor], rows: Sequence[Tensor]) -> Tensor:
    """The inverse of `gather`: a batch with parts[i] at rows[i], which cover it. rows: on the CPU."""
    return gather(torch.cat(list(parts)), torch.cat(list(rows)).argsort())


def _parameter_generator(generator: Randomness) -> torch.Generator:
    return generator.parameters if isinstance(generator, Generators) else generator
