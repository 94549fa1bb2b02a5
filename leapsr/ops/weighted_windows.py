"""Overlapping windows along one side of a picture, and their weights where they overlap.

For networks whose every output pixel depends on the whole input: no margin makes their tiles equal the whole
picture, so that tiles overlap and are blended.
"""

from collections.abc import Callable, Iterable
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


def spans(
    length: int, size: int, overlap: int, alignment: int = 1, wraps: bool = False
) -> list[tuple[int, int]]:
    """(start, end) of windows that cover 0..length, all of which begin at multiples of `alignment`.

    size: of a window; the last one ends where the picture ends, and one is enough for a short picture.
    overlap: pixels that neighbours share, or more, fewer than `size`.
    wraps: the picture goes on with itself; windows that reach beyond its end cover its beginning.
    """
    stride = max(1, (size - overlap) // alignment) * alignment
    if length + (overlap if wraps else 0) <= size:
        return [(0, length + (overlap if wraps else 0))]
    if wraps:
        return [(start, start + size) for start in range(0, length, stride)]
    last = (length - size) // alignment * alignment
    return [*((start, start + size) for start in range(0, last, stride)), (last, length)]


def weigh(
    length: int, spans: Iterable[tuple[int, int]], profile: Callable[[int, int], Tensor]
) -> list[Window]:
    """Windows at these spans: the profile of each, divided by the sum of all at a pixel of 0..length.

    profile: (start, end) to (end - start,); every pixel must have a weight above 0.
    """
    total = torch.zeros(length, dtype=torch.float64)
    found = [(torch.arange(start, end) % length, profile(start, end)) for start, end in spans]
    for place, weight in found:
        total.index_add_(0, place, weight.double())
    return [Window(int(place[0]), (weight / total[place]).float()) for place, weight in found]
