"""TAEF2, a 2.5-million-parameter autoencoder of FLUX.2's latent space: 8 pixels, 32 channels.

Ollin Boer Bohan's TAESD (github.com/madebyollin/taesd, MIT) with a normalised detour in the blocks next to
the latents, which diffusers' AutoencoderTiny does not have. Parameters are named as in the published files.
"""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import WeightsError
from ..hub.repositories import TAEF2

CHANNELS, FACTOR, WIDTH = 32, 8, 64
SINGLE_FILE = "taef2.safetensors"
PAIR = {"encoder": "taef2_encoder.pth", "decoder": "taef2_decoder.pth"}


def _conv(inward: int, outward: int, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inward, outward, 3, stride, padding=1, bias=bias)


class Block(nn.Module):
    """Three convolutions beside the identity. detour: pixel-wise layers with a GroupNorm before them."""

    def __init__(self, detour: bool = False) -> None:
        super().__init__()
        convolutions = [_conv(WIDTH, WIDTH) for _ in range(3)]
        self.conv = nn.Sequential(convolutions[0], nn.ReLU(), convolutions[1], nn.ReLU(), convolutions[2])
        self.pool = _detour() if detour else None

    def forward(self, x: Tensor) -> Tensor:
        if self.pool is not None:
            x = x + self.pool(x)
        return torch.relu(self.conv(x) + x)


def _detour() -> nn.Sequential:
    inner = 4 * WIDTH
    return nn.Sequential(
        nn.Conv2d(WIDTH, inner, 1, bias=False),
        nn.GroupNorm(4, inner),
        nn.ReLU(),
        nn.Conv2d(inner, WIDTH, 1, bias=False),
    )


class Squash(nn.Module):
    """Latents to (-3, 3), smoothly: what is far outside says nothing."""

    def forward(self, latents: Tensor) -> Tensor:
        return 3 * torch.tanh(latents / 3)


class Taef2(nn.Module):
    """encoder: (B, 3, 8 h, 8 w) in [0, 1] -> (B, 32, h, w). decoder: back again, not clamped."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(3, WIDTH), Block()]
        for level in range(3):
            layers += [_conv(WIDTH, WIDTH, stride=2, bias=False), *(Block(level == 2) for _ in range(3))]
        self.encoder = nn.Sequential(*layers, _conv(WIDTH, CHANNELS))
        layers = [Squash(), _conv(CHANNELS, WIDTH), nn.ReLU()]
        for level in range(3):
            layers += [*(Block(level == 0) for _ in range(3)), nn.Upsample(scale_factor=2)]
            layers += [_conv(WIDTH, WIDTH, bias=False)]
        self.decoder = nn.Sequential(*layers, Block(), _conv(WIDTH, 3))


def is_taef2(folder: Path) -> bool:
    return (folder / SINGLE_FILE).is_file() or all((folder / name).is_file() for name in PAIR.values())


def taef2_files(folder: Path) -> list[Path]:
    """Those that `read_taef2` reads, where `is_taef2`."""
    single = folder / SINGLE_FILE
    return [single] if single.is_file() else [folder / name for name in PAIR.values()]


def read_taef2(folder: Path) -> Taef2:
    """The hub's single file, or the two files of the author's repository.

    Raises WeightsError where they are missing, damaged or another model's.
    """
    try:
        with torch.inference_mode(False):  # gradients must be able to pass, whoever reads it first
            network = Taef2()
            network.load_state_dict(_weights(folder))
    except (OSError, RuntimeError, SafetensorError, pickle.UnpicklingError, EOFError) as error:
        reason = str(error).splitlines()[0].rstrip(".:") if str(error) else type(error).__name__
        raise WeightsError(
            f"TAEF2 in {folder} cannot be read ({reason}): {TAEF2.download(folder)}"
        ) from error
    return network.requires_grad_(False).eval()


def _weights(folder: Path) -> dict[str, Tensor]:
    if (folder / SINGLE_FILE).is_file():
        return {_as_here(name): value for name, value in load_file(folder / SINGLE_FILE).items()}
    halves: dict[str, Mapping[str, Tensor]] = {
        half: torch.load(folder / name, map_location="cpu", weights_only=True) for half, name in PAIR.items()
    }
    return {f"{half}.{name}": value for half, weights in halves.items() for name, value in weights.items()}


def _as_here(name: str) -> str:
    """The single file's names follow diffusers, whose decoder does not count the squashing as a layer."""
    found = re.fullmatch(r"(encoder|decoder)\.layers\.(\d+)\.(.+)", name)
    if found is None:
        return name
    half, number, rest = found.groups()
    return f"{half}.{int(number) + (half == 'decoder')}.{rest}"
