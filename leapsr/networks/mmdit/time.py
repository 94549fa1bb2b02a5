"""The MM-DiT's embedding of the times: one vector for each sample, which modulates every block.

It includes the pooled text, as in SD3 (arXiv:2403.03206). MFSR and SMFSR differ in how r joins t.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..timestep import sinusoids
from .config import MMDiTConfig

FREQUENCIES = 128
"""Sines of the scaled time; as many cosines."""


class TimestepEmbedder(nn.Module):
    """(B,) scaled times -> (B, width), in float32 even if the network is in half precision.

    Eight bits of mantissa cannot distinguish a thousand steps.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(2 * FREQUENCIES, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, time: Tensor) -> Tensor:
        with torch.autocast(time.device.type, enabled=False):
            hidden = F.silu(_promoted(self.linear_1, sinusoids(time, 2 * FREQUENCIES)))
            return _promoted(self.linear_2, hidden)


def _promoted(layer: nn.Linear, x: Tensor) -> Tensor:
    dtype = torch.promote_types(layer.weight.dtype, x.dtype)
    return F.linear(x.to(dtype), layer.weight.to(dtype), layer.bias.to(dtype))


class PooledTextEmbedder(nn.Module):
    """(B, pooled) -> (B, width)."""

    def __init__(self, pooled: int, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(pooled, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, pooled: Tensor) -> Tensor:
        return self.linear_2(F.silu(self.linear_1(pooled)))


class TimeText(nn.Module):
    """(t, r, pooled text) -> (B, width), by the config's time conditioning.

    "single": E(t) + P. "add_r": E(t) + E'(r) + P, where E' begins at zero, so that a student begins as its
    teacher (MFSR, arXiv:2603.20690, section 4). "concat_mlp": M([E(r) + P; E(t) + P]) (SMFSR).
    """

    def __init__(self, config: MMDiTConfig) -> None:
        super().__init__()
        width = config.width
        self.scale = config.time_scale
        self.conditioning = config.time_conditioning
        self.timestep_embedder = TimestepEmbedder(width)
        self.text_embedder = PooledTextEmbedder(config.pooled_projection_dim, width)
        if self.conditioning == "add_r":
            self.r_embedder = TimestepEmbedder(width)
            nn.init.zeros_(self.r_embedder.linear_2.weight)
            nn.init.zeros_(self.r_embedder.linear_2.bias)
        elif self.conditioning == "concat_mlp":
            self.interval_embedder = nn.Sequential(
                nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width)
            )

    def forward(self, t: Tensor, r: Tensor, pooled: Tensor) -> Tensor:
        """t, r: (B,) in [0, 1]; pooled: (B, pooled), whose precision is the result's."""
        text = self.text_embedder(pooled)
        at_t = self.timestep_embedder(self.scale * t)
        match self.conditioning:
            case "single":
                return at_t.to(text) + text
            case "add_r":
                return (at_t + self.r_embedder(self.scale * r)).to(text) + text
            case "concat_mlp":
                at_r = self.timestep_embedder(self.scale * r)
                return self.interval_embedder(torch.cat([at_r.to(text) + text, at_t.to(text) + text], dim=-1))
