"""Time embeddings of networks that were published with one time input and now read both, t and r.

Diffusion networks embed their time as sines at many frequencies (Vaswani et al., arXiv:1706.03762, section
3.5) with a small network on top. An average velocity has two times. One of them takes the published input; a
student that needs both gets the other through a correction that begins at zero.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .pixel.blocks import zero_

Reads = Literal["t", "r", "both"]
"""Which times a network reads.

"t": where the state is. For teachers, which are asked at r = t, and FlowSR's student, where r = 0.
"r": where the jump ends. For OFTSR's student, where t = 1 and r is the dial.
"both": the published input takes t, and an `IntervalEmbedding` adds t - r. For any student (MFSR, SMFSR).
"""

PERIOD = 10_000
"""Frequencies fall from 1 to almost 1 / PERIOD radians a step."""


def time_read(reads: Reads, t: Tensor, r: Tensor) -> Tensor:
    """The time of the published input, (B,)."""
    return r if reads == "r" else t


def sinusoids(steps: Tensor, width: int) -> Tensor:
    """Times in steps (0 to 1 or 1000), (B,), fractional ones too -> (B, width): cosines, then sines.

    In the precision of `steps`, at least float32: eight bits of mantissa cannot tell a thousand steps apart.
    """
    steps = steps.to(torch.promote_types(steps.dtype, torch.float32))
    exponents = torch.arange(width // 2, dtype=torch.float32, device=steps.device) / (width // 2)
    phase = steps[:, None] * torch.exp(-math.log(PERIOD) * exponents)
    return torch.cat([phase.cos(), phase.sin()], dim=-1)


class IntervalEmbedding(nn.Module):
    """t - r -> (B, width), to be added to the embedding of t. Zero until it is trained.

    So a network begins as v(x, t) for every r: a constant velocity is the best first guess of an average one.
    The frequencies are low, because u is smooth in time and MeanFlow differentiates through this.
    """

    frequencies: Tensor

    def __init__(self, width: int, frequencies: int = 16) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.logspace(0, 6, frequencies, base=2.0), persistent=False)
        self.inner = nn.Linear(2 * frequencies, width)
        self.outer = nn.Linear(width, width)
        zero_(self.outer)

    def forward(self, interval: Tensor) -> Tensor:
        """interval: (B,) in [0, 1]. In float32 also under autocast."""
        with torch.autocast(interval.device.type, enabled=False):
            phase = interval[:, None] * self.frequencies.to(interval.dtype)
            features = torch.cat([phase.sin(), phase.cos()], dim=-1).to(self.inner.weight.dtype)
            return self.outer(F.silu(self.inner(features)))

    @torch.no_grad()
    def reset(self) -> None:
        """Return for every t - r what is returned for 0."""
        weight = self.outer.weight
        [diagonal] = self(torch.zeros(1, device=weight.device))
        weight.zero_()
        self.outer.bias.copy_(diagonal)
