"""Random parameters, one for each image of a batch, and changes to some images of a batch.

Parameters come back on the CPU, where they decide what is computed; fields of noise go to the image.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..ops.transfer import to_device


@dataclass(frozen=True)
class Generators:
    """The randomness of damage on a GPU, whose own generator would make the host wait for every parameter.

    parameters: on the CPU. fields: on the device of the images; None: that device's default one.
    """

    parameters: torch.Generator
    fields: torch.Generator | None

    @classmethod
    def beside(cls, generator: torch.Generator) -> "Randomness":
        """A generator of a GPU with one on the CPU, seeded alike, at its side; one of a CPU as it is."""
        if generator.device.type == "cpu":
            return generator
        return cls(torch.Generator().manual_seed(generator.initial_seed()), generator)


Randomness = torch.Generator | Generators


def uniform(low: float | Tensor, high: float | Tensor, count: int, generator: Randomness) -> Tensor:
    """(count,) from U[low, high); the bounds may be (count,) tensors."""
    source = _of_parameters(generator)
    return low + (high - low) * torch.rand(count, generator=source, device=source.device).cpu()


def chance(probability: float, count: int, generator: Randomness) -> Tensor:
    """(count,) of bool, each true with that probability."""
    return uniform(0.0, 1.0, count, generator) < probability


def choice(weights: Sequence[float], count: int, generator: Randomness) -> Tensor:
    """(count,) of int64: indices into `weights`, which need not sum to 1."""
    source = _of_parameters(generator)
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
    source, place = of_fields(generator, device)
    return torch.randn(size, generator=source, device=place).to(device)


def of_fields(generator: Randomness, device: torch.device) -> tuple[torch.Generator | None, torch.device]:
    """The generator of noise for images on `device`, and where it draws."""
    source = generator.fields if isinstance(generator, Generators) else generator
    return source, device if source is None else source.device


def batched(image: Tensor) -> bool:
    """Whether images that differ in what is done to them are computed in one batch: on a GPU."""
    return image.device.type != "cpu"


def apply_where(rows: Tensor, change: Callable[..., Tensor], image: Tensor, *parameters: Tensor) -> Tensor:
    """Changes the images where `rows`, (B,) of bool, is true; the change must keep their size.

    On a CPU `change` gets those images and their part of each (B, ...) parameter. Elsewhere it gets all of
    them, and `rows` chooses: sorting some out would cost more launches than it saves arithmetic. Images, rows
    and parameters are on one device.
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
    """Those images of a batch, in that order. rows: (N,) of int64 on the CPU."""
    return image.index_select(0, to_device(rows, image.device))


def scatter(parts: Sequence[Tensor], rows: Sequence[Tensor]) -> Tensor:
    """The batch whose images `rows[i]` are `parts[i]`; every image is in one of them. rows: on the CPU."""
    return gather(torch.cat(list(parts)), torch.cat(list(rows)).argsort())


def _of_parameters(generator: Randomness) -> torch.Generator:
    return generator.parameters if isinstance(generator, Generators) else generator
