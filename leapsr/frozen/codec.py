"""Each kind of pretrained autoencoder as two functions on whole multiples of its factor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import WeightsError, optional
from ..hub.repositories import SD21, SD35, VQ_F4, Repository, read_json, read_network, require

PARTS = ("vae", "vqvae")
"""Subfolders of a pipeline's autoencoder."""


@dataclass(frozen=True)
class Codec:
    """encode: (B, 3, factor h, factor w) in [-1, 1] -> (B, channels, h, w), scaled for diffusion networks.
    decode: the inverse, not clamped. network: holds the weights of both."""

    network: nn.Module
    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]
    factor: int
    channels: int


def read_codec(folder: Path, dtype: torch.dtype = torch.float32) -> Codec:
    """The autoencoder of a pipeline's or its own folder, by the class name in its config.json.

    Raises MissingExtra without diffusers, WeightsError.
    """
    part = next((part for part in PARTS if (folder / part).is_dir()), "")
    require(folder / part / "config.json", folder, SD35)
    config = read_json(folder / part / "config.json")
    name = config.get("_class_name")
    if name not in KINDS:
        raise WeightsError(
            f"{folder / part} holds {name or 'something else'} and no autoencoder that is known: "
            f"{', '.join(sorted(KINDS))}; SD3.5's comes with {SD35.download(folder)}"
        )
    return KINDS[name](folder, part, config, dtype)


def _kl(folder: Path, part: str, config: Mapping[str, Any], dtype: torch.dtype) -> Codec:
    """SD2.1's, SD3.5's: z = (mode - shift) * scale, with both of the config. The mode is deterministic."""
    diffusers: Any = optional("diffusers", "sd")
    published = SD35 if config.get("latent_channels") == 16 else SD21
    network = read_network(diffusers.AutoencoderKL, folder, part, published, dtype)
    scale, shift = network.config.scaling_factor, network.config.shift_factor or 0.0
    return Codec(
        network,
        lambda image: (network.encode(image).latent_dist.mode() - shift) * scale,
        lambda latents: network.decode(latents / scale + shift).sample,
        2 ** (len(network.config.block_out_channels) - 1),
        network.config.latent_channels,
    )


def _vq(folder: Path, part: str, config: Mapping[str, Any], dtype: torch.dtype) -> Codec:
    """LDM's f4, which ResShift uses: the latents are continuous, decoding quantises them.

    The scale is 1 where the file has none, unlike diffusers' default, which is newer than these weights.
    """
    diffusers: Any = optional("diffusers", "sd")
    network = read_network(diffusers.VQModel, folder, part, VQ_F4, dtype)
    scale = config.get("scaling_factor", 1.0)
    return Codec(
        network,
        lambda image: network.encode(image).latents * scale,
        lambda latents: network.decode(latents / scale).sample,
        2 ** (len(network.config.block_out_channels) - 1),
        network.config.latent_channels,
    )


def _tiny(folder: Path, part: str, config: Mapping[str, Any], dtype: torch.dtype) -> Codec:
    """TAESD, whose latents are scaled already; taesd3 has those of SD3.5."""
    diffusers: Any = optional("diffusers", "sd")
    name = "madebyollin/taesd3" if config.get("latent_channels") == 16 else "madebyollin/taesd"
    network = read_network(diffusers.AutoencoderTiny, folder, part, Repository(name, "MIT License"), dtype)
    return Codec(
        network,
        lambda image: network.encode(image).latents,
        lambda latents: network.decode(latents).sample,
        2 ** (len(network.config.encoder_block_out_channels) - 1),
        network.config.latent_channels,
    )


KINDS = {"AutoencoderKL": _kl, "VQModel": _vq, "AutoencoderTiny": _tiny}
