"""Random resize, then JPEG: the simplified degradation of SMFSR, section 4.2."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..ops.jpeg import Codec, jpeg
from ..ops.resize import MODES, reduced_size, resize
from .draw import Randomness, choice, resize_factor, uniform

UP_DOWN_KEEP = (0.2, 0.7, 0.1)
FACTOR = (0.5, 1.5)
QUALITY = (30.0, 50.0)


@dataclass(frozen=True)
class ResizeJpeg:
    """Resizes by a random factor, then to the low resolution, then compresses.

    The paper does not say how the last size is reached; here both resizes draw area, bilinear or bicubic and
    are antialiased. group: images that share their intermediate size and modes, to be computed as one batch.
    """

    scale: int
    group: int = 1
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
