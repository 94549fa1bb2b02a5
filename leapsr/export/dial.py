"""A model with its dial as one function of tensors, from which a graph is made."""

import torch
from torch import Tensor, nn

from ..networks import Condition
from ..ops.damage import told
from ..ops.upsample import bicubic_upsample
from ..restorer import Restorer


class Dial(nn.Module):
    """Restorer.restore without the noise of the source."""

    def __init__(self, restorer: Restorer) -> None:
        super().__init__()
        self.network = restorer.network
        self.source = restorer.config.source
        self.scale = restorer.scale

    def forward(self, image: Tensor, fidelity: Tensor, denoise: Tensor, measures: Tensor) -> Tensor:
        """image: (1, 3, H, W) in [0, 1]. fidelity: (1,) in [0, 1]. denoise, measures: (1,)
        and (1, 7), see `ops.damage.told`.

        Returns (1, 3, scale H, scale W), about [0, 1].
        """
        lr = image * 2 - 1
        upsampled = bicubic_upsample(lr, self.scale)
        start = self.source(upsampled, torch.zeros_like(upsampled))
        cond = Condition(lr, damage=told(measures, denoise))
        velocity = self.network(start, torch.ones_like(fidelity), fidelity, cond)
        return (start - velocity + 1) / 2
