"""LPIPS and DISTS: distances between features of networks trained on ImageNet. Lower is closer.

The networks come from torchmetrics and torchvision (extra "metrics") and from files already on this
computer (metrics/weights.py). Scores of different backbones are on different scales: published figures use
AlexNet or VGG and cannot be compared with those of SqueezeNet.
"""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from ..errors import DataError, WeightsError, first_line, optional
from .weights import hub_folder

Backbone = Literal["squeeze", "alex", "vgg"]

CHECKPOINTS: dict[Backbone, str] = {
    "squeeze": "squeezenet1_1-b8a52dc0.pth",
    "alex": "alexnet-owt-7be5be79.pth",
    "vgg": "vgg16-397923af.pth",
}

MIN_SIDE = 64
"""Below this, AlexNet's last feature maps are empty."""


def require(backbone: Backbone, weights: Path | None = None) -> Path:
    """The torch hub folder with the backbone's file.

    Raises MissingExtra without the libraries and WeightsError without the file.
    """
    optional("torchvision", "metrics")
    optional("torchmetrics", "metrics")
    return hub_folder(CHECKPOINTS[backbone], weights)


def lpips(
    restored: Tensor, reference: Tensor, *, backbone: Backbone = "squeeze", weights: Path | None = None
) -> Tensor:
    """Learned perceptual image patch similarity (Zhang et al. 2018), version 0.1.

    restored, reference: (B, 3, H, W) in [0, 1], at least 64 pixels a side -> (B,) float64.
    """
    network = _lpips_network(backbone, require(backbone, weights)).to(restored.device)
    return _score_each(network, restored * 2 - 1, reference * 2 - 1)


def loss(
    backbone: Backbone, device: torch.device, weights: Path | None = None
) -> Callable[[Tensor, Tensor], Tensor]:
    """LPIPS to train with: (a, b), both (B, 3, H, W) in [-1, 1], float32 -> (B,), differentiable.

    Raises MissingExtra without the libraries and WeightsError without the backbone's file.
    """
    network = _lpips_network(backbone, require(backbone, weights)).to(device).requires_grad_(False)

    def measure(a: Tensor, b: Tensor) -> Tensor:
        distance: Tensor = network(a.float(), b.float()).flatten()
        return distance

    return measure


def dists(restored: Tensor, reference: Tensor, *, weights: Path | None = None) -> Tensor:
    """Deep image structure and texture similarity (Ding et al. 2020), on VGG-16.

    restored, reference: (B, 3, H, W) in [0, 1], at least 64 pixels a side -> (B,) float64.
    """
    network = _dists_network(require("vgg", weights)).to(restored.device)
    return _score_each(network, restored, reference)


@torch.no_grad()
def _score_each(network: nn.Module, restored: Tensor, reference: Tensor) -> Tensor:
    if min(restored.shape[-2:]) < MIN_SIDE:
        raise DataError(f"LPIPS and DISTS need at least {MIN_SIDE} pixels a side.")
    scores = [network(x[None], y[None]).flatten() for x, y in zip(restored, reference, strict=True)]
    return torch.cat(scores).double()


@lru_cache
def _lpips_network(backbone: Backbone, hub: Path) -> nn.Module:
    from torchmetrics.functional.image.lpips import _LPIPS

    with reading_from(hub):
        return _LPIPS(net=backbone).eval()


@lru_cache
def _dists_network(hub: Path) -> nn.Module:
    # The public class builds VGG-16 again for every picture.
    from torchmetrics.functional.image.dists import DISTSNetwork

    with reading_from(hub):
        return DISTSNetwork().eval()


@contextmanager
def reading_from(hub: Path) -> Iterator[None]:
    """Point torch.hub at a folder for a while. Raises WeightsError if a file in it is damaged.

    The private variable is restored, because after set_dir(get_dir()) torch would ignore a later TORCH_HOME.
    """
    before = torch.hub._hub_dir
    torch.hub.set_dir(hub)
    try:
        yield
    except (RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        if "memory" in str(error):  # not the fault of the file
            raise
        raise WeightsError(
            f"A file of weights in {hub} is damaged ({first_line(error)}); download it again."
        ) from error
    finally:
        torch.hub._hub_dir = before
