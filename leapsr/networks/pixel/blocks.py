"""Parts of the pixel-space networks. All of them are local."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TimeEmbedding(nn.Module):
    """(t, r) -> (B, width). Features of t and of t - r, so that a teacher (r = t) is one fixed slice.

    The frequencies resolve from the whole interval to about a fiftieth of it: u is smooth in time, and
    MeanFlow differentiates through this.
    """

    frequencies: Tensor

    def __init__(self, width: int, frequencies: int = 16) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.logspace(0, 6, frequencies, base=2.0), persistent=False)
        self.layers = nn.Sequential(
            nn.Linear(4 * frequencies, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )

    def forward(self, t: Tensor, r: Tensor) -> Tensor:
        """t, r: (B,) in [0, 1]."""
        phase = torch.stack([t, t - r], dim=1)[:, :, None] * self.frequencies
        features = torch.cat([phase.sin(), phase.cos()], dim=1).flatten(1)
        return self.layers(features)

    @torch.no_grad()
    def reset_interval(self) -> None:
        """Remove the dependence on t - r and keep the diagonal r = t.

        There the sines of t - r are 0 and their cosines 1, so the cosines' weights move into the bias.
        """
        first = self.layers[0]
        assert isinstance(first, nn.Linear)
        _, sines, _, cosines = first.weight.chunk(4, dim=1)
        first.bias.add_(cosines.sum(dim=1))
        sines.zero_()
        cosines.zero_()


def zero_(layer: nn.Linear | nn.Conv2d) -> None:
    """Set all parameters to zero, so that the layer has no effect at first."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class DamageEmbedding(nn.Module):
    """(B, 8), see Condition.damage -> (B, width), to be added to the time embedding; zero at first.

    measures: how many of the measures it sees, the first ones.
    """

    def __init__(self, width: int, measures: int) -> None:
        super().__init__()
        self.measures = measures
        self.layers = nn.Sequential(nn.Linear(measures + 1, width), nn.SiLU(), nn.Linear(width, width))
        zero_(cast(nn.Linear, self.layers[2]))

    def forward(self, damage: Tensor) -> Tensor:
        measures, denoise = damage[:, : self.measures], damage[:, -1:]
        return self.layers(torch.cat([measures.log1p(), denoise], dim=1))


class ResidualBlock(nn.Module):
    """Two plain 3x3 convolutions; the time scales and shifts the channels between them.

    Without normalisation: the second convolution starts at zero, so the stack begins as the identity, which
    trains well at this depth. Activations are clamped at `limit` as in ReLU6, so that what a block adds is
    bounded for every input; None, of older models, does not clamp.
    """

    def __init__(self, width: int, embedding: int, limit: float | None = None) -> None:
        super().__init__()
        self.limit = limit
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        zero_(self.modulation)
        zero_(self.second)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.modulation(time)[:, :, None, None].chunk(2, dim=1)
        hidden = F.silu(torch.addcmul(shift, self.first(x), 1 + scale))
        if self.limit is not None:
            hidden = hidden.clamp(max=self.limit)
        return x + self.second(hidden)


class Stack(nn.ModuleList):
    """Residual blocks of one width, one after the other."""

    def __init__(self, width: int, count: int, embedding: int, limit: float | None = None) -> None:
        super().__init__(ResidualBlock(width, embedding, limit) for _ in range(count))

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        for block in self:
            x = block(x, time)
        return x
