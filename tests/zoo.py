"""Tiny upscalers of other projects' architectures, with random weights, as files."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

pytest.importorskip("spandrel", reason="needs spandrel: pip install 'leapsr[zoo]'")

from spandrel import architectures


def compact(scale: int = 4, channels: int = 3) -> nn.Module:
    return architectures.Compact.Compact(
        num_in_ch=channels, num_out_ch=channels, num_feat=8, num_conv=3, upscale=scale
    )


def esrgan(scale: int = 4, unshuffle: int | None = None) -> nn.Module:
    """unshuffle: as of Real-ESRGAN x2: the picture is made smaller first, and enlarged by more."""
    wide = 3 * (unshuffle or 1) ** 2
    return architectures.ESRGAN.ESRGAN(
        in_nc=wide, out_nc=3, num_filters=8, num_blocks=1, scale=scale, shuffle_factor=unshuffle
    )


def span() -> nn.Module:
    return architectures.SPAN.SPAN(num_in_ch=3, num_out_ch=3, feature_channels=12, upscale=2).eval()


def swinir() -> nn.Module:
    return architectures.SwinIR.SwinIR(
        img_size=16, embed_dim=12, depths=[2, 2], num_heads=[2, 2], window_size=8, mlp_ratio=2.0, upscale=2,
        upsampler="pixelshuffledirect",
    )  # fmt: skip


def dncnn(channels: int = 1) -> nn.Module:
    return architectures.DnCNN.DnCNN(in_nc=channels, out_nc=channels, nc=8, nb=17, act_mode="R", mode="DnCNN")


def drunet() -> nn.Module:
    """Denoises a picture with its noise map."""
    return architectures.DRUNet.DRUNet(in_nc=4, out_nc=3, nc=[4, 8, 8, 8], nb=4)


MAKERS: dict[str, Any] = {
    "compact": compact,
    "esrgan": lambda: esrgan(2),
    "unshuffled": lambda: esrgan(4, 2),
    "span": span,
    "swinir": swinir,
    "dncnn": dncnn,
    "drunet": drunet,
    "grey": lambda: compact(3, 1),
}


def save(folder: Path, name: str, suffix: str = ".safetensors") -> Path:
    """The weights of one of MAKERS, such that its result depends visibly on all that it sees."""
    torch.manual_seed(0)
    with warnings.catch_warnings(action="ignore"):
        weights = MAKERS[name]().state_dict()
    path = folder / f"{name}{suffix}"
    if suffix == ".safetensors":
        save_file({key: value.contiguous().clone() for key, value in weights.items()}, path)
    else:
        torch.save({"params_ema": weights}, path)
    return path
