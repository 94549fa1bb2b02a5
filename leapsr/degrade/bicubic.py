"""Antialiased bicubic reduction: the damage of the classical super-resolution benchmarks."""

from dataclasses import dataclass

from torch import Tensor

from ..ops.color import round_to_8_bits
from ..ops.resize import downsample
from .draw import Randomness


@dataclass(frozen=True)
class Bicubic:
    """MATLAB's imresize; `eight_bit` rounds to 256 levels, as writing a file does. Draws nothing."""

    scale: int
    eight_bit: bool = True

    def __call__(self, image: Tensor, generator: Randomness) -> Tensor:
        lr = downsample(image, self.scale)
        return round_to_8_bits(lr) if self.eight_bit else lr.clamp(0, 1)
