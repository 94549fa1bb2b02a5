"""Several degradations, one of which each image draws for itself."""

from collections.abc import Sequence

from torch import Tensor

from ..ops.resize import reduced_size
from .degradation import Degradation
from .draw import Randomness, choice, gather, scatter


class Mixture:
    """branches: (weight, degradation) pairs of one scale; weights need not sum to 1."""

    def __init__(self, branches: Sequence[tuple[float, Degradation]]) -> None:
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
