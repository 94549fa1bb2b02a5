"""A model with its dial as a graph: it measures the picture, restores it and keeps it near its source."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks import Condition
from ..networks.pixel.unet import UNet
from ..ops.upsample import bicubic_upsample
from ..restorer import Restorer
from ..upscaling import guard
from . import measures

MEASURE = -1.0
"""In the place of a measure: let the graph measure the picture itself."""


class DialGraph(nn.Module):
    """What `leapsr upscale` does with the pixels of a colour picture that it holds whole, but for the noise
    of the source.
    """

    def __init__(self, restorer: Restorer) -> None:
        super().__init__()
        assert isinstance(restorer.network, UNet)
        self.network = restorer.network
        self.source = restorer.config.source
        self.scale = restorer.scale

    def forward(
        self, image: Tensor, fidelity: Tensor, denoise: Tensor, known: Tensor
    ) -> tuple[Tensor, Tensor]:
        """image: (1, 3, H, W) in [0, 1]. fidelity, denoise: (1,) in [0, 1]. known: (1, 5), of
        `ops.damage`; a negative number is measured on the image.

        Returns the larger image, in [0, 1], and all measures that it was made with.
        """
        used = torch.where(known < 0, measures.of_pictures(image), known)
        lr = image * 2 - 1
        upsampled = bicubic_upsample(lr, self.scale)
        start = self.source(upsampled, torch.zeros_like(upsampled))
        cond = Condition(lr, damage=torch.cat([used, denoise[:, None]], 1))
        restored = (start - self.network(start, torch.ones_like(fidelity), fidelity, cond) + 1) / 2
        kept = guard.limited_everywhere(restored[0], image[0], self.scale)
        return kept.clamp(0, 1)[None], used
