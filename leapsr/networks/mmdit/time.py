"""The MM-DiT's embedding of the times: one vector for each sample, which modulates every block.

It includes the pooled text, as in SD3 (arXiv:2403.03206). MFSR and SMFSR differ in how r joins t.

All of it stays float32, in files, on devices and under autocast: a fitted embedder adds up many steep units,
and in half precision their sum is noise.
"""

from collections.abc import Callable
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..timestep import sinusoids
from .config import MMDiTConfig

FREQUENCIES = 128
"""Sines of the scaled time; as many cosines."""


class TimestepEmbedder(nn.Module):
    """(B,) scaled times -> (B, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(2 * FREQUENCIES, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, time: Tensor) -> Tensor:
        features = sinusoids(time, 2 * FREQUENCIES).to(self.linear_1.weight)
        return self.linear_2(F.silu(self.linear_1(features)))


class PooledTextEmbedder(nn.Module):
    """(B, pooled) -> (B, width)."""

    def __init__(self, pooled: int, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(pooled, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, pooled: Tensor) -> Tensor:
        return self.linear_2(F.silu(self.linear_1(pooled)))


def interval_embedder(width: int) -> nn.Sequential:
    """SMFSR's M: [e_r, e_t], (B, 2 width) -> (B, width)."""
    return nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width))


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
            self.interval_embedder = interval_embedder(width)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """What `to`, `half` and their like do with every tensor, but for rounding it to half precision."""

        def move(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            return moved if moved.dtype.itemsize >= 4 else tensor.to(moved.device, torch.float32)

        applied: Any = super()._apply(move, recurse)
        return applied

    def forward(self, t: Tensor, r: Tensor, pooled: Tensor) -> Tensor:
        """t, r: (B,) in [0, 1]; pooled: (B, pooled), whose precision is the result's."""
        with torch.autocast(t.device.type, enabled=False):
            text = self.text_embedder(pooled.to(self.text_embedder.linear_1.weight))
            at_t = self.timestep_embedder(self.scale * t)
            match self.conditioning:
                case "single":
                    time = at_t + text
                case "add_r":
                    time = at_t + self.r_embedder(self.scale * r) + text
                case "concat_mlp":
                    at_r = self.timestep_embedder(self.scale * r)
                    time = self.interval_embedder(torch.cat([at_r + text, at_t + text], dim=-1))
            return time.to(pooled.dtype)
