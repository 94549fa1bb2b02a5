"""The three simple degradations: bicubic, average pooling with noise, random resize with JPEG."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..ops.color import round_to_8_bits
from ..ops.jpeg import Codec, jpeg
from ..ops.resize import MODES, downsample, reduced_size, resize
from .draw import Randomness, choice, normal, resize_factor, uniform


@dataclass(frozen=True)
class Bicubic:
    """Antialiased bicubic reduction (MATLAB's imresize), as in the classical benchmarks. Draws nothing."""

    scale: int
    eight_bit: bool = True
    """Round to 256 levels, as writing a file does."""

    def __call__(self, image: Tensor, generator: Randomness) -> Tensor:
        lr = downsample(image, self.scale)
        return round_to_8_bits(lr) if self.eight_bit else lr.clamp(0, 1)


@dataclass(frozen=True)
class AveragePool:
    """Means of scale x scale blocks plus noise: the linear inverse problem of OFTSR (section 5).

    Noise leads beyond [0, 1] and is not cut there: white stays 1 on average. A file cuts it.
    """

    scale: int
    sigma_n: float = 0.05
    """Standard deviation of the noise for images in [-1, 1], as OFTSR states it: half of it in [0, 1]."""

    def __call__(self, image: Tensor, generator: Randomness) -> Tensor:
        reduced_size(image, self.scale)
        lr = F.avg_pool2d(image, self.scale)
        if self.sigma_n:
            lr = lr + self.sigma_n / 2 * normal(lr.shape, generator, lr.device)
        return lr


UP_DOWN_KEEP = (0.2, 0.7, 0.1)
FACTOR = (0.5, 1.5)
QUALITY = (30.0, 50.0)


@dataclass(frozen=True)
class ResizeJpeg:
    """Resize by a random factor, then to the low resolution, then JPEG: SMFSR, section 4.2.

    The paper does not say how the last size is reached; here both resizes draw area, bilinear or bicubic and
    are antialiased.
    """

    scale: int
    group: int = 1
    """Images that share their intermediate size and modes, so that they are computed as one batch."""
    codec: Codec = "auto"

    def __call__(self, image: Tensor, generator: Randomness) -> Tensor:
        size = reduced_size(image, self.scale)
        parts = [self._shrink(part, size, generator) for part in torch.split(image, self.group)]
        quality = uniform(*QUALITY, len(image), generator)
        return jpeg(torch.cat(parts), quality, self.codec)

    def _shrink(self, image: Tensor, size: tuple[int, int], generator: Randomness) -> Tensor:
        factor = float(resize_factor(UP_DOWN_KEEP, FACTOR, 1, generator))
        first, last = (MODES[mode] for mode in choice((1, 1, 1), 2, generator))
        height, width = (max(1, int(side * factor)) for side in image.shape[-2:])
        image = resize(image, (height, width), first, antialias=True)
        return resize(image, size, last, antialias=True)
