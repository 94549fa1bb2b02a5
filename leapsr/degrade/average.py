"""Average pooling and Gaussian noise: the linear inverse problem of OFTSR (section 5)."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from ..ops.resize import reduced_size
from .draw import Randomness, normal


@dataclass(frozen=True)
class AveragePool:
    """Means of scale x scale blocks plus noise.

    sigma_n is the noise's standard deviation for images in [-1, 1], as OFTSR states it: half of it is added
    to ours in [0, 1]. Unlike OFTSR's, the result is clamped to [0, 1].
    """

    scale: int
    sigma_n: float = 0.05

    def __call__(self, image: Tensor, generator: Randomness) -> Tensor:
        reduced_size(image, self.scale)
        lr = F.avg_pool2d(image, self.scale)
        if self.sigma_n:
            lr = lr + self.sigma_n / 2 * normal(lr.shape, generator, lr.device)
        return lr.clamp(0, 1)
