"""Which image a quality label stands for, drawn anew for every sample.

As SUPIR and S3Diff train their negative prompt: a small share of the samples asks for a damaged image and
says so, the rest asks for the clean one, and the label is dropped at random.
"""

import torch
from torch import Tensor

from ..networks import Quality
from .config import DataConfig


def draw(
    image: Tensor, damaged: Tensor, config: DataConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """image, damaged: (B, C, H, W) -> (what each sample asks for, its Quality (B,) int64)."""
    chance = torch.rand(2, len(image), generator=generator, device=generator.device).to(image.device)
    bad, dropped = chance[0] < config.bad, chance[1] < config.unlabelled
    quality = torch.where(bad, int(Quality.BAD), int(Quality.GOOD))
    quality = torch.where(dropped, int(Quality.NONE), quality)
    return torch.where(bad[:, None, None, None], damaged, image), quality
