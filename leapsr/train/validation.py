"""How good the run is so far: PSNR and LPIPS on held-out photos, and a picture of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import degrade
from ..data.shard_reader import Shards
from ..frozen.space import Space
from ..methods import Region
from ..metrics import Metric, available
from ..metrics.fidelity import psnr
from ..metrics.perceptual import MIN_SIDE
from ..ops.color import to_pil
from ..restorer import Restorer
from .batches import PhotoSplit
from .config import TrainConfig
from .networks import RunNetworks

SIDE = 192  # pixels of a validation crop: enough to see texture, small enough to look at eight
SHOWN = 8  # photos


@dataclass(frozen=True)
class Validation:
    """image: (N, 3, S, S); lr: (N, 3, S/scale, S/scale), both in [0, 1]; noise: in the network's space.

    lpips: the metric, by its name; empty where its files are not here, or pictures are too small for it.
    """

    image: Tensor
    lr: Tensor
    noise: Tensor
    lpips: dict[str, Metric] = field(default_factory=dict)

    def __call__(self, restorer: Restorer) -> tuple[dict[str, float], Tensor]:
        """Scores, and a grid (3, rows, columns) in [0, 1]: input, most faithful, most realistic, photo."""
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
        for name, metric in self.lpips.items():
            for fidelity, image in restored.items():
                scores[f"{name}_fidelity_{fidelity}"] = metric.function(image, self.image, 0).mean().item()
        enlarged = F.interpolate(self.lr, self.image.shape[-2:], mode="nearest")
        rows = torch.cat([enlarged, *restored.values(), self.image], dim=3)
        return scores, rows.permute(1, 0, 2, 3).flatten(1, 2)


def validation(split: PhotoSplit, config: TrainConfig, space: Space) -> Validation | None:
    """Fixed crops from the middle of the held-out photos, degraded once. None when none are held out."""
    if not split.held_out:
        return None
    scale = config.factor
    smallest = min(min(split.photos.sizes[i]) for i in split.held_out[:SHOWN])
    side = min(SIDE, smallest) // scale * scale
    middles = []
    for index in split.held_out[:SHOWN]:
        photo = split.photos.whole(index)
        top, left = (photo.shape[1] - side) // 2, (photo.shape[2] - side) // 2
        middles.append(photo[:, top : top + side, left : left + side])
    image = torch.stack(middles) / 255
    generator = torch.Generator().manual_seed(config.seed)
    lr = degrade.make(config.data.degradation, scale)(image, generator)
    shape = (len(lr), *space.state_shape(*lr.shape[2:]))
    return Validation(image, lr, torch.randn(shape, generator=generator), _lpips(side))


def _lpips(side: int) -> dict[str, Metric]:
    """The first LPIPS that can be had, AlexNet's before all: what published tables show."""
    there = available() if side >= MIN_SIDE else {}
    names = [name for name in ("lpips_alex", "lpips_squeeze", "lpips_vgg") if name in there]
    return {name: there[name] for name in names[:1]}


def validator(
    split: PhotoSplit | Shards, config: TrainConfig, built: RunNetworks, folder: Path, device: torch.device
) -> Callable[[nn.Module, int], dict[str, float]]:
    """validate(network, step) -> scores of the averaged student; its picture goes to `folder`.

    Does nothing where no photos are held out.
    """
    check = None if isinstance(split, Shards) else validation(split, config, built.space)

    def validate(network: nn.Module, step: int) -> dict[str, float]:
        if check is None:
            return {}
        restorer = built.restorer(network)
        if not config.network.is_large:
            restorer.to(device)
        else:  # on the device already, and its weights are the run's: they keep their precision
            restorer.dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
        scores, grid = check(restorer)
        folder.mkdir(parents=True, exist_ok=True)
        to_pil(grid).save(folder / f"step-{step:08d}.png")
        return scores

    return validate
