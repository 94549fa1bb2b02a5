"""Metrics without a reference that were learnt from people's opinions, through pyiqa (extra "iqa").

pyiqa is under the PolyForm Noncommercial licence, parts of it under NTU's S-Lab licence, and so are some of
its weights: neither is for commercial use. Nothing of it is in leapsr.

pyiqa would download weights by itself; here a metric is used only where all its files are in the cache
already, as no metric of leapsr downloads anything.
"""

import contextlib
import io
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import DataError, WeightsError, first_line, optional
from .perceptual import reading_from
from .weights import weights_folder


@dataclass(frozen=True)
class Judge:
    """name: pyiqa's. files: of its weights, in torch's hub folder. hub: networks that timm takes from the
    Hugging Face hub, as folders of its cache."""

    name: str
    files: tuple[str, ...]
    hub: tuple[str, ...] = ()


JUDGES = {
    "musiq": Judge("musiq", ("pyiqa/musiq_koniq_ckpt-e95806b9.pth",)),
    "maniqa": Judge(
        "maniqa-pipal",
        ("pyiqa/MANIQA_PIPAL-ae6d356b.pth",),
        ("models--timm--vit_base_patch8_224.augreg2_in21k_ft_in1k",),
    ),
    "clipiqa": Judge("clipiqa", ("clip/RN50.pt",)),
    "liqe": Judge("liqe", ("pyiqa/liqe_koniq.pt", "clip/ViT-B-32.pt")),
    "topiq": Judge(
        "topiq_nr", ("pyiqa/cfanet_nr_koniq_res50-9a73138b.pth",), ("models--timm--resnet50.a1_in1k",)
    ),
}
"""As the papers use them: MUSIQ of KonIQ, MANIQA of PIPAL (plain `maniqa` is KonIQ's, on another scale),
CLIPIQA without learnt prompts, LIQE and TOPIQ of KonIQ."""


def require(metric: str, weights: Path | None = None) -> Path:
    """The torch hub folder that has the files of a metric of JUDGES.

    Raises MissingExtra without pyiqa and WeightsError without a file.
    """
    if find_spec("pyiqa") is None:
        optional("pyiqa", "iqa")
    judge = JUDGES[metric]
    cache, folder = Path(torch.hub.get_dir()), weights_folder(weights)
    hubs = [cache] if folder is None else [folder / "torch_home" / "hub", cache]
    complete = [hub for hub in hubs if all((hub / name).is_file() for name in judge.files)]
    if not complete:
        lacking = next(name for name in judge.files if not (hubs[0] / name).is_file())
        raise _missing(judge, hubs[0] / lacking)
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser() / "hub"
    for name in judge.hub:
        if not (home / name).is_dir():
            raise _missing(judge, home / name)
    return complete[0]


def _missing(judge: Judge, file: Path) -> WeightsError:
    return WeightsError(
        f"{file.name} is missing: put it into {file.parent}, or let pyiqa fetch it: "
        f"python -c \"import pyiqa; pyiqa.create_metric('{judge.name}')\" (not for commercial use)."
    )


@torch.no_grad()
def score(image: Tensor, metric: str, weights: Path | None = None) -> Tensor:
    """image: (B, 3, H, W) in [0, 1] -> (B,) float64. Raises DataError for a picture that it cannot judge."""
    network = load(JUDGES[metric].name, require(metric, weights))
    try:
        return torch.stack([network(each[None]).flatten()[0] for each in image]).double()
    except (RuntimeError, ValueError) as error:  # too small for its windows, say
        raise DataError(f"pyiqa cannot judge it ({first_line(error)}).") from error


@lru_cache
def load(name: str, hub: Path) -> nn.Module:
    """pyiqa's metric by its own name. hub: the torch hub folder with its weights, which pyiqa asks for when
    it is imported."""
    with reading_from(hub), contextlib.redirect_stdout(io.StringIO()):  # it prints where it loads from
        pyiqa: Any = optional("pyiqa", "iqa")
        network: nn.Module = pyiqa.create_metric(name, device=torch.device("cpu"))
    return network.eval()
