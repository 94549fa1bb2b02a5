"""Quality labels, drawn anew for every sample, and the image that each asks for.

SUPIR and S3Diff train their negative prompt so: a small share of the samples has the label "bad" and a
damaged target, the others have the clean one, and labels are dropped at random.
"""

import torch
from torch import Tensor

from ..networks import Quality
from .config import DataConfig


def draw(
    samples: int, config: DataConfig, generator: torch.Generator, device: torch.device
) -> tuple[Tensor, Tensor]:
    """(whether the target is the damaged image, (B,) bool; the Quality that is told, (B,) int64)."""
    chance = torch.rand(2, samples, generator=generator, device=generator.device).to(device)
    bad, dropped = chance[0] < config.bad, chance[1] < config.unlabelled
    quality = torch.where(bad, int(Quality.BAD), int(Quality.GOOD))
    return bad, torch.where(dropped, int(Quality.NONE), quality)
