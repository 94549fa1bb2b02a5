"""A tiny MM-DiT with nothing left at zero, and inputs for it."""

import torch

from leapsr.networks import Condition, Prompt
from leapsr.networks.mmdit.config import PRESETS, MMDiTConfig
from leapsr.networks.mmdit.network import MMDiT


def tiny(**switches: object) -> MMDiTConfig:
    return MMDiTConfig(**PRESETS["tiny"].model_dump() | switches)


def randomised(config: MMDiTConfig, seed: int = 0) -> MMDiT:
    """Every path through the network counts."""
    generator = torch.Generator().manual_seed(seed)
    network = MMDiT(config).eval()
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * 0.7 / max(1, p[0].numel()) ** 0.5)
    return network


def inputs(height: int = 8, width: int = 12, batch: int = 2, tokens: int = 5, dtype=torch.float32):
    """x, t, r and a condition for the tiny sizes."""
    generator = torch.Generator().manual_seed(1)
    x, lr = torch.randn(2, batch, 16, height, width, generator=generator).to(dtype)
    t, r = torch.rand(2, batch, generator=generator).to(dtype).sort(0, descending=True).values
    text = torch.randn(batch, tokens, 64, generator=generator).to(dtype)
    pooled = torch.randn(batch, 48, generator=generator).to(dtype)
    return x, t, r, Condition(lr, prompt=Prompt(text, pooled))
