"""Quality labels, drawn anew for every sample, and the image that each asks for.

SUPIR and S3Diff train their negative prompt so: a small share of the samples has the label "bad" and a
damaged target, the others have the clean one, and labels are dropped at random.
"""

import torch
from torch import Tensor

from ..networks import Quality
from .config import DataConfig


def draw(
    image: Tensor, damaged: Tensor, config: DataConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """image, damaged: (B, C, H, W) -> (targets, the Quality of each, (B,) int64)."""
    chance = torch.rand(2, len(image), generator=generator, device=generator.device).to(image.device)
    bad, dropped = chance[0] < config.bad, chance[1] < config.unlabelled
    quality = torch.where(bad, int(Quality.BAD), int(Quality.GOOD))
    quality = torch.where(dropped, int(Quality.NONE), quality)
    return torch.where(bad[:, None, None, None], damaged, image), quality
