"""The parameters of the papers' networks, beside what the papers print.

    python benchmarks/paper_counts.py

Counted on networks without numbers, as the recipes make them.
"""

from collections.abc import Callable

import torch
from diffusers import AutoencoderKL, VQModel
from torch import nn

from leapsr.networks import registry
from leapsr.networks.adm import guided_unet, swin_unet
from leapsr.networks.sd21 import unet
from leapsr.train import recipes

WAYS = {"down": "DownEncoder", "up": "UpDecoder"}
"""Of an autoencoder's blocks."""


def _autoencoder(kind: Callable[..., nn.Module], widths: tuple[int, ...], **more: int) -> int:
    """With the sizes that are published in a folder of its own, and that no config of ours repeats."""
    blocks = {f"{way}_block_types": (f"{name}Block2D",) * len(widths) for way, name in WAYS.items()}
    with torch.device("meta"):
        return _count(kind(block_out_channels=widths, layers_per_block=2, **blocks, **more))


def millions(parameters: int) -> float:
    return round(parameters / 1e6, 1)


def _trained(recipe: str) -> int:
    config = recipes.get(recipe)
    with torch.device("meta"):
        network = registry.build(config.network)
        if config.adapters is not None:
            network.adapt(config.adapters.rank, config.adapters.alpha, seed=0)
    return _count(network, trained=True)


def _whole(config: registry.NetworkConfig) -> int:
    with torch.device("meta"):
        return _count(registry.build(config))


def _count(network: nn.Module, trained: bool = False) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad or not trained)


def counts() -> dict[str, tuple[str, float, float]]:
    """What is counted: (where it is printed, what is printed, what is here), both in millions."""
    vq = _autoencoder(VQModel, (128, 256, 512), latent_channels=3, num_vq_embeddings=8192)
    kl = _autoencoder(AutoencoderKL, (128, 256, 512, 512), latent_channels=4)
    flowsr = _whole(unet.PRESETS["sd21"]) + _trained("flowsr_sd21") + kl
    return {
        "SMFSR's student, what trains": ("SMFSR, table 2", 366.2, millions(_trained("smfsr_sd35"))),
        "DiT4SR's stream, what trains": ("DiT4SR's code", 350.9, millions(_trained("dit4sr_sd35"))),
        "OFTSR's U-Net of FFHQ and DIV2K": (
            "its released files", 93.6, millions(_whole(guided_unet.PRESETS["ffhq"])),
        ),
        "OFTSR's U-Net of ImageNet": (
            "OFTSR, table 10", 552.8, millions(_whole(guided_unet.PRESETS["imagenet"])),
        ),
        "OFTSR's network in ResShift's architecture": (
            "OFTSR, table 10", 118.6, millions(_whole(swin_unet.PRESETS["oftsr"])),
        ),
        "ResShift's autoencoder, beside it": ("OFTSR, table 10", 55.3, millions(vq)),
        "FlowSR, U-Net with adapters and autoencoder": ("its project page", 982.0, millions(flowsr)),
    }  # fmt: skip


def main() -> None:
    print("| network | printed in | printed, M | here, M |\n|---|---|---|---|")
    for what, (where, printed, here) in counts().items():
        print(f"| {what} | {where} | {printed:,} | {here:,} |")


if __name__ == "__main__":
    main()
