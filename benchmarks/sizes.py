"""Parameters, memory and arithmetic of the full-size recipes, from the shapes of their networks.

    python benchmarks/sizes.py [RECIPE ...]

One update of all networks of a run is done on torch's meta device, which has shapes and no numbers: this
needs some minutes of one core, no weights and no GPU. Memory is what one GPU holds at the most with `at_once`
samples, a part of a batch: all that is alive then, down to the last temporary, with AdamW's moments, the
average and the copy of the gradients that DDP sends. All of it is in float32, for the meta device knows no
autocast: an upper bound of what bfloat16 takes. Work space of convolutions and what an allocator wastes are
not in it. FLOPs are those that torch counts, computing again for checkpoints included.
"""

import argparse
from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
import transformers
from diffusers import AutoencoderKL, VQModel
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry
from torchmetrics.functional.image.lpips import _LPIPS

from leapsr import methods
from leapsr.frozen import Clip, Dino
from leapsr.frozen.features import IMAGENET, OPENAI
from leapsr.methods import Batch
from leapsr.methods.base import identity
from leapsr.networks import Condition, Network, NetworkConfigBase, Prompt, Quality, registry
from leapsr.networks.adm.swin_unet import SwinUNetConfig
from leapsr.networks.lora import give_own, shared_copy
from leapsr.networks.mmdit.config import MMDiTConfig
from leapsr.networks.sd21.unet import SD21Config
from leapsr.ops.recompute import recomputed
from leapsr.train import recipes
from leapsr.train.config import TrainConfig

TOKENS = {"mmdit": 77 + 256, "sd21": 77}
STABLE: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
}
AUTOENCODERS: dict[str, Callable[[], nn.Module]] = {  # the published sizes, which no config of ours repeats
    "mmdit": lambda: AutoencoderKL(
        **STABLE, latent_channels=16, use_quant_conv=False, use_post_quant_conv=False
    ),
    "sd21": lambda: AutoencoderKL(**STABLE, latent_channels=4),
    "swin_unet": lambda: VQModel(
        block_out_channels=(128, 256, 512),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=2,
        latent_channels=3,
        num_vq_embeddings=8192,
        mid_block_add_attention=True,
    ),
}
FACTORS = {"mmdit": 8, "sd21": 8, "swin_unet": 4}  # pixels of a latent's side
H200 = {"bf16": 989e12, "fp32": 494e12}  # dense tensor cores' limit; fp32 as TF32
SHARE = 0.35
"""Of that limit, which training of transformers commonly reaches. An assumption, not a measurement."""
META = torch.device("meta")
VIT_L: dict[str, Any] = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
}


@dataclass
class RunNetworks:
    """What a run holds. frozen: networks that a loss looks through, by name."""

    student: Network
    teacher: Network | None
    others: dict[str, nn.Module]
    autoencoder: nn.Module | None
    frozen: dict[str, Any] = field(default_factory=dict)

    @property
    def unchanged(self) -> list[nn.Module]:
        """Those without a weight that trains."""
        known = [self.teacher, self.autoencoder]
        known += [getattr(network, "network", network) for network in self.frozen.values()]
        return [network for network in known if network is not None]

    @property
    def tensors(self) -> list[Tensor]:
        """All weights and buffers."""
        everyone = [self.student, *self.others.values(), *self.unchanged]
        return [tensor for network in everyone for tensor in (*network.parameters(), *network.buffers())]


def build(config: TrainConfig) -> RunNetworks:
    """All networks of a run as train.networks.build_networks leaves them, without numbers."""
    adapted = config.adapters is not None
    with META:
        origin = registry.build(_origin(config.network))
        student = registry.init_from(config.network, origin, adapted)
        teacher = origin.requires_grad_(False) if config.method.needs_teacher else None
        others = config.method.auxiliary_networks(teacher, shared_copy if adapted else deepcopy, MAPS)
        for network in (student, *(other for name, other in others.items() if name == "score")):
            if config.adapters is None:
                network.requires_grad_(True)
            else:
                network.adapt(config.adapters.rank, config.adapters.alpha, 0)
                for name, parameter in list(network.named_parameters()):
                    if parameter.requires_grad:
                        give_own(network, name)
        makes = AUTOENCODERS.get(config.network.kind)
        autoencoder = None if makes is None else makes().requires_grad_(False)
        return RunNetworks(student, teacher, others, autoencoder, _looked_through(config))


MAPS = (1024,) * 4
"""Channels of a ViT-L's maps, for the critic that looks through DINOv3; the paper does not say which."""


def _looked_through(config: TrainConfig) -> dict[str, Any]:
    """LPIPS's VGG, DINOv3's ViT-L, CLIP's ViT-L/14, and Stable Diffusion again, as the losses need them."""
    found: dict[str, Any] = {}
    if config.perceptual == "vgg":
        lpips = _LPIPS(pretrained=False, net="vgg", pnet_rand=True).eval()
        found["lpips"] = lpips.to(META).requires_grad_(
            False
        )  # some of its buffers are always made on the CPU
    if getattr(config.method, "critic_input", "") == "dino":
        found["dino"] = dino = Dino("")
        network = transformers.DINOv3ViTModel(transformers.DINOv3ViTConfig(**VIT_L, num_register_tokens=4))
        vars(dino).update(network=network.requires_grad_(False), normalisation=IMAGENET)
    if getattr(config.method, "alignment", 0):
        found["clip"] = clip = Clip("")
        vision = VIT_L | {"patch_size": 14, "projection_dim": 768}
        text = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
        both = transformers.CLIPConfig(vision_config=vision, text_config=text, projection_dim=768)
        vars(clip).update(network=transformers.CLIPModel(both).requires_grad_(False), normalisation=OPENAI)
    if config.method.needs_teacher and getattr(config.method, "critic", "") == "diffusion":
        found["diffusion"] = registry.build(_origin(config.network)).requires_grad_(False)
    return found


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
    frozen = {
        _memory(p): p.numel()
        for network in (networks.student, *networks.others.values(), *networks.unchanged)
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


class Counter(TorchDispatchMode):
    """Adds up the FLOPs by torch's own formulas, and the bytes of all that is alive.

    torch's FlopCounterMode and MemTracker tell them by module too, which takes longer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0.0
        self.alive = self.peak = 0
        self.known: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        self.flops += 0 if formula is None else formula(*args, **(kwargs or {}), out_val=made)
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self.born(tensor)
        return made

    def born(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata in self.known:
            return
        self.known[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self.alive += storage.nbytes()
        if self.alive > self.peak:
            self.forget()
            self.peak = max(self.peak, self.alive)

    def forget(self) -> None:
        """What has died; before that, no other memory can lie at its place."""
        for place, (storage, size) in list(self.known.items()):
            if storage.expired():
                self.alive -= size
                del self.known[place]


def update(config: TrainConfig, networks: RunNetworks) -> None:
    """One update on one GPU: every network, forward and backward, from latents that are there already."""
    frozen, at_once = networks.frozen, config.images_at_once
    learners: dict[str, nn.Module] = {"student": networks.student, **networks.others}
    seen_through, autoencoder = frozen.get("diffusion") or networks.teacher, networks.autoencoder
    features = compare = align = None
    if seen_through is not None and seen_through.feature_channels:
        features = lambda x, t, cond: seen_through.features(x, t, t, cond)  # noqa: E731
    if "lpips" in frozen:
        compare = recomputed(lambda a, b: frozen["lpips"](a, b).flatten(), at_once)
    if "clip" in frozen:
        align = recomputed(lambda image, quality: _cosines(frozen["clip"], image, quality), at_once)
    known = methods.Networks(
        student=networks.student,
        unwrapped=networks.student,
        teacher=networks.teacher,
        average=networks.student,
        auxiliary=learners,
        unwrapped_auxiliary=learners,
        perceptual=compare,
        features=features,
        alignment=align,
        decode=recomputed(
            identity if autoencoder is None else lambda z: autoencoder.decode(z).sample, at_once
        ),
        critic_features=frozen.get("dino"),
    )
    method, batch = methods.build(config.method, known), _batch(config)
    with (
        patch.object(torch, "autocast", lambda *settings, **more: nullcontext()),
        patch.object(nn.functional, "scaled_dot_product_attention", _fused),
    ):
        for name, losses in method(batch):
            moving = [p for p in learners[name].parameters() if p.requires_grad]
            torch.autograd.backward(sum(losses.values()), inputs=moving)
            del losses
            for parameter in moving:
                parameter.grad = None


def _fused(q: Tensor, k: Tensor, v: Tensor, *more: Any, **settings: Any) -> Tensor:
    """The kernel that a GPU has, which keeps no matrix of all tokens with all; the meta device would choose
    the formula."""
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v)[0]


def _cosines(clip: Clip, image: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
    good, bad = torch.einsum("bd,bkd->kb", clip.image(image), quality)
    return good, bad


def _samples(config: TrainConfig) -> int:
    """Of one GPU at one time, on as many GPUs as the recipe is made for."""
    return config.at_once or config.batch


def _batch(config: TrainConfig) -> Batch:
    """Without numbers; the times, which decide nothing about shapes, are drawn."""
    kind, generator, samples = config.network.kind, torch.Generator().manual_seed(0), _samples(config)
    side, small = config.data.crop // FACTORS.get(kind, 1), config.data.crop // config.factor
    channels = {"mmdit": 16, "sd21": 4}.get(kind, 3)
    with META:
        image = torch.empty(samples, channels, side, side)
        seen = {"picture": (3, small), "latents": (channels, side), "both": (3 + channels, side)}
        depth, square = seen[config.network.condition_input]
        lr = torch.empty(samples, depth, square, square)
        prompts = {label: _prompt(config) for label in Quality} if kind in TOKENS else {}
        photo = torch.empty(samples, 3, config.data.crop, config.data.crop)
    cond = Condition(lr, None, prompts.get(Quality.GOOD), prompts)
    compared = photo if config.method.compares_photos and kind in AUTOENCODERS else None
    quality = torch.empty(samples, 2, 768, device=META)  # in the space of CLIP's ViT-L/14
    redraw = partial(torch.empty_like, image)
    return Batch(image, redraw(), cond, generator, redraw, compared, quality=quality)


def _prompt(config: TrainConfig) -> Prompt:
    samples, tokens = _samples(config), TOKENS[config.network.kind]
    if isinstance(config.network, MMDiTConfig):
        pooled = torch.empty(samples, config.network.pooled_projection_dim)
        return Prompt(torch.empty(samples, tokens, config.network.joint_attention_dim), pooled)
    assert isinstance(config.network, SD21Config)
    return Prompt(torch.empty(samples, tokens, config.network.text))


def encode(config: TrainConfig, autoencoder: Any) -> None:
    """The latents of a batch, which prepared shards save: of the photos, and of the small ones enlarged."""
    side = config.data.crop
    for _ in range(0 if autoencoder is None else 2):
        with torch.no_grad():
            autoencoder.encode(torch.empty(_samples(config), 3, side, side, device=META))


@dataclass(frozen=True)
class Cost:
    """Of one update on one GPU. parameters: see `numbers`. weights, peak: bytes of all weights, and at most.
    flops, ahead: of the update, and of the latents."""

    parameters: dict[str, int]
    weights: int
    peak: int
    flops: float
    ahead: float

    @property
    def optimizer(self) -> int:
        """Bytes of AdamW's two moments."""
        return 8 * (self.parameters["student"] + self.parameters["others"])

    @property
    def average(self) -> int:
        """Bytes of the student's average."""
        return 4 * self.parameters["student"]

    @property
    def buckets(self) -> int:
        """Bytes in which DistributedDataParallel sends the gradients."""
        return 4 * (self.parameters["student"] + self.parameters["others"])

    @property
    def whole(self) -> int:
        return self.peak + self.optimizer + self.average + self.buckets


def cost(config: TrainConfig) -> Cost:
    networks = build(config)
    with Counter() as counter:
        for tensor in networks.tensors:
            counter.born(tensor)
        weights = counter.alive
        update(config, networks)
        peak, flops = counter.peak, counter.flops
        encode(config, networks.autoencoder)
    return Cost(numbers(networks), weights, peak, flops, counter.flops - flops)


def row(name: str) -> str:
    """One line of the table."""
    config = recipes.get(name)
    known = cost(config)
    found = known.parameters
    counts = [found["student"], found["others"], found["frozen"] - found["autoencoder"], found["autoencoder"]]
    held = [known.weights, known.peak - known.weights, known.optimizer, known.average, known.buckets]
    limit = SHARE * H200["fp32" if config.precision == "fp32" else "bf16"]
    cells = [name, str(config.batch), str(_samples(config)), *(f"{count / 1e6:,.1f}" for count in counts)]
    cells += [f"{size / 1e9:.1f}" for size in (*held, known.whole)]
    cells += [f"{work / 1e12:,.0f}" for work in (known.flops, known.ahead)]
    cells += [f"{limit / work:.2f}" for work in (known.flops, known.flops + known.ahead)]
    return f"| {' | '.join(cells)} |"


COLUMNS = [
    "recipe",
    "batch",
    "at once",
    "student trains, M",
    "others train, M",
    "frozen, M",
    "autoencoder, M",
]
COLUMNS += ["weights, GB", "activations and gradients", "AdamW", "average", "DDP", "sum, GB"]
COLUMNS += ["TFLOP a part", "encoding", "parts/s from shards", "from photos"]


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
