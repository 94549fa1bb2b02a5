"""How far an exported file's results are from torch's."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor

from ..errors import UsageError

Precision = Literal["fp32", "fp16", "int8"]
EXACT = 1e-4
"""The most that a file in fp32 may differ from torch, in pictures from 0 to 1."""
LEAST_PSNR = {"fp32": 100.0, "fp16": 50.0, "int8": 30.0}
"""Decibels, against torch in fp32."""
SIZES = ((64, 64), (37, 50), (21, 83))
"""(height, width) of the pictures that every export is checked on: square, and with odd sides."""


@dataclass(frozen=True)
class Difference:
    """Of pictures in [0, 1]."""

    max: float
    mean: float
    psnr: float
    """Decibels; infinite where they are equal."""

    @classmethod
    def of(cls, pairs: Iterable[tuple[Tensor, Tensor]]) -> Self:
        """Over all pixels of all pairs."""
        found = torch.cat([(a.clamp(0, 1) - b.clamp(0, 1)).double().flatten() for a, b in pairs])
        square = found.square().mean().item()
        return cls(
            found.abs().max().item(),
            found.abs().mean().item(),
            -10 * math.log10(square) if square else math.inf,
        )

    def checked(self, precision: Precision) -> Self:
        """Raises UsageError where a file in this precision should be nearer to torch."""
        if not self.psnr >= LEAST_PSNR[precision] or (precision == "fp32" and self.max > EXACT):
            raise UsageError(
                f"The file's results differ too much from torch's ({self}), so nothing was written; "
                "take another precision, or report it with the versions of torch and the format's packages."
            )
        return self

    def __str__(self) -> str:
        return f"max {self.max:.2g}, mean {self.mean:.2g}, {self.psnr:.1f} dB"


def pictures() -> Iterator[Tensor]:
    """(1, 3, H, W) in [0, 1] of each of SIZES, with smooth colours, edges and noise."""
    generator = torch.Generator().manual_seed(0)
    for height, width in SIZES:
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        waves = torch.stack([(x / 9 + phase).sin() + (y / 7 - phase).cos() for phase in range(3)])
        noise = torch.randn(3, height, width, generator=generator)
        yield (0.5 + waves / 5 + 0.12 * (x > y) + noise / 40).clamp(0, 1)[None]
