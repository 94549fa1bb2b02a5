"""Overlapping windows along one side of a picture, and how much of each counts where they overlap."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Window(NamedTuple):
    """Pixels start..end. weights: (end - start,) float32; those of all windows sum to 1 at every pixel."""

    start: int
    weights: Tensor

    @property
    def end(self) -> int:
        return self.start + len(self.weights)


def partition_of_unity(length: int, starts: Sequence[int], weights: Sequence[Tensor]) -> list[Window]:
    """The windows that begin at `starts`, their weights divided by what all weigh at a pixel of 0..length.

    A window that reaches beyond the end covers the beginning. Every pixel must have a weight above 0.
    """
    places = [
        torch.arange(start, start + len(weight)) % length
        for start, weight in zip(starts, weights, strict=True)
    ]
    total = torch.zeros(length, dtype=torch.float64)
    for place, weight in zip(places, weights, strict=True):
        total.index_add_(0, place, weight.double())
    return [
        Window(start, (weight / total[place]).float())
        for start, place, weight in zip(starts, places, weights, strict=True)
    ]
