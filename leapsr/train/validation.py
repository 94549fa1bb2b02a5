"""What the run looks like so far: PSNR on held-out photos and a picture of them."""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import degrade
from ..frozen.space import Space
from ..methods import Region
from ..metrics.fidelity import psnr
from ..ops.color import to_pil
from ..restorer import Restorer
from .config import TrainConfig
from .samples import Photographs

SIDE = 192  # pixels of a validation crop: enough to see texture, small enough to look at eight
SHOWN = 8


@dataclass(frozen=True)
class Validation:
    """image: (N, 3, S, S); lr: (N, 3, S/scale, S/scale), both in [0, 1]; noise: of the network's state."""

    image: Tensor
    lr: Tensor
    noise: Tensor

    def __call__(self, restorer: Restorer) -> tuple[dict[str, float], Tensor]:
        """Scores and a grid (3, rows, columns) in [0, 1]: enlarged pixels, faithful, realistic, the photo."""
        ends = {0: 8 if restorer.region is Region.DIAGONAL else 1}
        if restorer.most_faithful == 1:
            ends = {1: 1, **ends}
        restored = {
            fidelity: restorer.restore(self.lr, self.noise, fidelity=fidelity, steps=steps).clamp(0, 1).cpu()
            for fidelity, steps in ends.items()
        }
        scores = {
            f"psnr_fidelity_{fidelity}": psnr(image, self.image, channels="y", border=4).mean().item()
            for fidelity, image in restored.items()
        }
        enlarged = F.interpolate(self.lr, self.image.shape[-2:], mode="nearest")
        rows = torch.cat([enlarged, *restored.values(), self.image], dim=3)
        return scores, rows.permute(1, 0, 2, 3).flatten(1, 2)


def validation(shots: Photographs, config: TrainConfig, space: Space) -> Validation | None:
    """Fixed crops from the middle of the held-out photos, degraded once. None when none are held out."""
    if not shots.held_out:
        return None
    scale = config.factor
    smallest = min(min(shots.photos.sizes[i]) for i in shots.held_out[:SHOWN])
    side = min(SIDE, smallest) // scale * scale
    image = torch.stack([_middle(shots.photos.whole(i), side) for i in shots.held_out[:SHOWN]]) / 255
    generator = torch.Generator().manual_seed(config.seed)
    lr = degrade.make(config.data.degradation, scale)(image, generator)
    shape = (len(lr), *space.state_shape(*lr.shape[2:]))
    return Validation(image, lr, torch.randn(shape, generator=generator))


def save_grid(grid: Tensor, path: Path) -> None:
    """grid: (3, H, W) in [0, 1], as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    to_pil(grid).save(path)


def _middle(photo: Tensor, side: int) -> Tensor:
    top, left = (photo.shape[1] - side) // 2, (photo.shape[2] - side) // 2
    return photo[:, top : top + side, left : left + side]
