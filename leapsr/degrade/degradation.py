"""What every degradation is: a clean batch in, a low-resolution batch out. And a mixture of several."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from ..ops.resize import reduced_size
from .draw import Randomness, choice, gather, scatter


class Degradation(Protocol):
    """Random damage. It depends on the image and the state of the generator alone."""

    @property
    def scale(self) -> int: ...

    def __call__(self, image: Tensor, generator: Randomness) -> Tensor:
        """image: (B, 3, H, W) in [0, 1], sRGB; returns (B, 3, H / scale, W / scale) in [0, 1] but
        for AveragePool's noise, same device.

        Every image of the batch draws its own damage. The generator may be on another device than the image;
        `Generators` keep a GPU from waiting. Raises ValueError if a side is not a multiple of `scale`.
        """
        ...


class Mixture:
    """Several degradations, one of which each image draws for itself."""

    def __init__(self, branches: Sequence[tuple[float, Degradation]]) -> None:
        """branches: (weight, degradation) pairs of one scale; weights need not sum to 1."""
        weights, degradations = zip(*branches, strict=True)
        scales = {degradation.scale for degradation in degradations}
        if len(scales) > 1:
            raise ValueError(f"The branches of a mixture need one scale, not {sorted(scales)}.")
        self.scale: int = scales.pop()
        self.weights: tuple[float, ...] = weights
        self.degradations: tuple[Degradation, ...] = degradations

    def __call__(self, image: Tensor, generator: Randomness) -> Tensor:
        reduced_size(image, self.scale)
        branch = choice(self.weights, len(image), generator)
        rows = [(branch == number).nonzero().squeeze(1) for number in range(len(self.degradations))]
        parts = [
            degradation(gather(image, some), generator)
            for some, degradation in zip(rows, self.degradations, strict=True)
            if len(some)
        ]
        return scatter(parts, rows)
