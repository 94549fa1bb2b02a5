"""Parameters, memory and arithmetic of the full-size recipes, from the shapes of their networks.

    python benchmarks/sizes.py [RECIPE ...]

Everything is built on torch's meta device, which has shapes and no numbers: this needs a minute of one core
and no weights. Memory is of weights, gradients, AdamW's two moments and averages, not of activations; FLOPs
are those that torch counts in one update of all networks with the recipe's batch, computing again for
checkpoints included. LPIPS, CLIP and DINOv3 are left out: their files are not needed here.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from diffusers import AutoencoderKL
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from leapsr import methods
from leapsr.methods import Batch
from leapsr.methods.base import Decode, identity
from leapsr.networks import Condition, Network, NetworkConfigBase, Prompt, Quality, registry
from leapsr.networks.adm.swin_unet import SwinUNetConfig
from leapsr.networks.lora import give_own, shared_copy
from leapsr.networks.mmdit.config import MMDiTConfig
from leapsr.networks.sd21.unet import SD21Config
from leapsr.train import recipes
from leapsr.train.config import TrainConfig

META = torch.device("meta")
TOKENS = {"mmdit": 77 + 256, "sd21": 77}
AUTOENCODERS: dict[str, dict[str, Any]] = {  # the published sizes, which no config of ours repeats
    "mmdit": {"latent_channels": 16, "use_quant_conv": False, "use_post_quant_conv": False},
    "sd21": {"latent_channels": 4},
}
STABLE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
}
FACTORS = {"mmdit": 8, "sd21": 8, "swin_unet": 4}  # pixels of a latent's side
H200 = {"bf16": 989e12, "fp32": 494e12}  # dense tensor cores' limit; fp32 as TF32
SHARE = 0.35
"""Of that limit, which training of transformers commonly reaches. An assumption, not a measurement."""


@dataclass
class RunNetworks:
    student: Network
    teacher: Network | None
    others: dict[str, nn.Module]
    autoencoder: AutoencoderKL | None


def build(config: TrainConfig) -> RunNetworks:
    """All networks of a run as train.networks.build_networks leaves them, without numbers."""
    with META:
        origin = registry.build(_origin(config.network))
        adapted = config.adapters is not None
        student = registry.init_from(config.network, origin, adapted)
        teacher = origin if config.method.needs_teacher else None
        others = config.method.auxiliary_networks(teacher, shared_copy if adapted else deepcopy, MAPS)
        for network in (student, *(other for name, other in others.items() if name == "score")):
            if config.adapters is None:
                network.requires_grad_(True)
            else:
                network.adapt(config.adapters.rank, config.adapters.alpha, 0)
                for name, parameter in list(network.named_parameters()):
                    if parameter.requires_grad:
                        give_own(network, name)
        sizes = AUTOENCODERS.get(config.network.kind)
        autoencoder = None if sizes is None else AutoencoderKL(**STABLE, **sizes).requires_grad_(False)
    if teacher is not None:
        teacher.requires_grad_(False)
    return RunNetworks(student, teacher, others, autoencoder)


MAPS = (1024,) * 4
"""Channels of a ViT-L's maps, for the critic that looks through DINOv3; the paper does not say which."""


def _origin(network: NetworkConfigBase) -> NetworkConfigBase:
    """What the student begins as: one time, whose scale is set already (fitting it needs numbers)."""
    if isinstance(network, MMDiTConfig):
        return network.model_copy(update={"time_conditioning": "single"})
    if isinstance(network, SwinUNetConfig):
        return network.model_copy(update={"reads": "t"})
    return network


def numbers(networks: RunNetworks) -> dict[str, int]:
    """Parameters: trained of the student, of the others, and frozen, those that are shared counted once."""
    trained = {
        name: {_memory(p): p.numel() for p in network.parameters() if p.requires_grad}
        for name, network in (("student", networks.student), *networks.others.items())
    }
    everyone = [networks.student, *networks.others.values(), networks.teacher, networks.autoencoder]
    frozen = {
        _memory(p): p.numel()
        for network in everyone
        if network is not None
        for p in network.parameters()
        if not p.requires_grad
    }
    others = sum(sum(sizes.values()) for name, sizes in trained.items() if name != "student")
    return {
        "student": sum(trained["student"].values()),
        "others": others,
        "frozen": sum(frozen.values()),
        "autoencoder": _count(networks.autoencoder),
    }


def _memory(parameter: nn.Parameter) -> int:
    """Which memory it lies in: a student's frozen parameters are others than its teacher's, in the same."""
    return parameter.untyped_storage()._cdata


def _count(network: nn.Module | None) -> int:
    return 0 if network is None else sum(p.numel() for p in network.parameters())


def memory(config: TrainConfig, found: dict[str, int]) -> dict[str, float]:
    """Gigabytes. What trains is float32 with a gradient and AdamW's two moments, the student averaged too;
    the rest is in the precision of the run, the autoencoder in float32."""
    half = config.precision != "fp32" and config.adapters is not None
    frozen = (found["frozen"] - found["autoencoder"]) * (2 if half else 4) + found["autoencoder"] * 4
    trained = found["student"] + found["others"]
    return {
        "weights": (frozen + 4 * trained) / 1e9,
        "gradients": 4 * trained / 1e9,
        "AdamW": 8 * trained / 1e9,
        "average": 4 * found["student"] / 1e9,
    }


class Counter(TorchDispatchMode):
    """Adds up what torch's own formulas say of each operation; its FlopCounterMode also tells them by module,
    which takes longer."""

    flops = 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        self.flops += 0 if formula is None else formula(*args, **(kwargs or {}), out_val=made)
        return made


def flops(config: TrainConfig, networks: RunNetworks) -> float:
    """Of one update on one GPU: every network, forward and backward, from latents that are there already."""
    batch = _batch(config)
    known = methods.Networks(
        student=networks.student,
        unwrapped=networks.student,
        teacher=networks.teacher,
        average=networks.student,
        auxiliary={"student": networks.student, **networks.others},
        unwrapped_auxiliary={"student": networks.student, **networks.others},
        features=_features(networks),
        decode=_decoder(networks),
        critic_features=_dino_maps if getattr(config.method, "critic_input", "") == "dino" else None,
    )
    method = methods.build(config.method, known)
    with Counter() as counter, without_autocast():
        for name, losses in method(batch):
            network = networks.student if name == "student" else networks.others[name]
            moving = [p for p in network.parameters() if p.requires_grad]
            torch.autograd.backward(sum(losses.values()), inputs=moving)
    return counter.flops


@contextmanager
def without_autocast() -> Iterator[None]:
    """The meta device knows no precision to choose, and no shape depends on it."""
    with patch.object(torch, "autocast", lambda *settings, **more: nullcontext()):
        yield


def _dino_maps(image: torch.Tensor) -> list[torch.Tensor]:
    """Maps of the right shapes, at the cost of nothing."""
    patches = nn.functional.avg_pool2d(image, 16).mean(1, keepdim=True)
    return [patches.expand(-1, channels, -1, -1) for channels in MAPS]


def _features(networks: RunNetworks) -> Any:
    teacher = networks.teacher
    return (
        (lambda x, t, cond: teacher.features(x, t, t, cond)) if teacher and teacher.feature_channels else None
    )


def _decoder(networks: RunNetworks) -> Decode:
    autoencoder = networks.autoencoder
    return identity if autoencoder is None else lambda latents: autoencoder.decode(latents).sample


def _batch(config: TrainConfig) -> Batch:
    """Of the recipe's size, without numbers; the times, which decide nothing about shapes, are drawn."""
    kind, generator = config.network.kind, torch.Generator().manual_seed(0)
    side, small = config.data.crop // FACTORS.get(kind, 1), config.data.crop // config.factor
    channels = {"mmdit": 16, "sd21": 4}.get(kind, 3)
    image = torch.empty(config.batch, channels, side, side, device=META)
    seen = {"picture": (3, small), "latents": (channels, side), "both": (3 + channels, side)}
    depth, square = seen[config.network.condition_input]
    lr = torch.empty(config.batch, depth, square, square, device=META)
    prompts = {label: _prompt(config) for label in Quality} if kind in TOKENS else {}
    cond = Condition(lr, None, prompts.get(Quality.GOOD), prompts)
    return Batch(image, torch.empty_like(image), cond, generator, lambda: torch.empty_like(image))


def _prompt(config: TrainConfig) -> Prompt:
    tokens = TOKENS[config.network.kind]
    if isinstance(config.network, MMDiTConfig):
        pooled = torch.empty(config.batch, config.network.pooled_projection_dim, device=META)
        return Prompt(
            torch.empty(config.batch, tokens, config.network.joint_attention_dim, device=META), pooled
        )
    assert isinstance(config.network, SD21Config)
    return Prompt(torch.empty(config.batch, tokens, config.network.text, device=META))


def encoding(config: TrainConfig, autoencoder: AutoencoderKL | None) -> float:
    """FLOPs of the latents of a batch, which prepared shards save."""
    if autoencoder is None:
        return 0.0
    image = torch.empty(config.batch, 3, config.data.crop, config.data.crop, device=META)
    with Counter() as counter, torch.no_grad():
        autoencoder.encode(image)
    return 2 * counter.flops  # the photo, and the low-resolution picture upsampled


def row(name: str) -> str:
    """One line of the table."""
    config = recipes.get(name)
    networks = build(config)
    found, work, ahead = numbers(networks), flops(config, networks), encoding(config, networks.autoencoder)
    held = memory(config, found)
    counts = [found["student"], found["others"], found["frozen"] - found["autoencoder"], found["autoencoder"]]
    speeds = [
        SHARE * H200["fp32" if config.precision == "fp32" else "bf16"] / flops
        for flops in (work, work + ahead)
    ]
    cells = [name, str(config.batch), *(f"{count / 1e6:,.1f}" for count in counts)]
    cells += [*(f"{size:.1f}" for size in held.values()), f"{sum(held.values()):.1f}"]
    cells += [f"{work / 1e12:,.0f}", f"{ahead / 1e12:,.0f}", *(f"{speed:.2f}" for speed in speeds)]
    return f"| {' | '.join(cells)} |"


COLUMNS = ["recipe", "batch", "student trains, M", "others train, M", "frozen, M", "autoencoder, M"]
COLUMNS += ["weights, GB", "gradients", "AdamW", "average", "sum, GB"]
COLUMNS += ["TFLOP a step", "encoding", "steps/s from shards", "from photos"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipes", nargs="*", default=recipes.FULL_SIZE, metavar="RECIPE")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for name in parser.parse_args().recipes:
        print(row(name), flush=True)


if __name__ == "__main__":
    main()
