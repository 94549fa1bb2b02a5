"""Published weights of OFTSR's, ResShift's and Stable Diffusion's U-Nets, under this package's names.

OFTSR and ResShift publish pickles, which are read without running code (`weights_only`). OFTSR keeps the
averaged weights as a list without names, in the order of its parameters, which is also ours.
"""

import json
import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...errors import WeightsError
from ..state_dict import find_misfit
from .guided_unet import GuidedUNet, GuidedUNetConfig
from .swin_unet import SwinUNet, SwinUNetConfig

ADM_NAMES = (
    (r"^time_embed\.", "trunk.time."),
    (r"^input_blocks\.0\.0\.", "trunk.head."),
    (r"^input_blocks\.(\d+)\.", lambda match: f"trunk.encoder.{int(match[1]) - 1}."),
    (r"^middle_block\.", "trunk.middle."),
    (r"^output_blocks\.", "trunk.decoder."),
    (r"^out\.0\.", "trunk.norm."),
    (r"^out\.2\.", "trunk.tail."),
    (r"\.in_layers\.0\.", ".norm1."),
    (r"\.in_layers\.2\.", ".conv1."),
    (r"\.emb_layers\.1\.", ".modulation."),
    (r"\.out_layers\.0\.", ".norm2."),
    (r"\.out_layers\.3\.", ".conv2."),
    (r"\.skip_connection\.", ".skip."),
    (r"\.proj_out\.", ".out."),
)
SWIN_NAMES = (
    (r"\.op\.", ".conv."),
    (r"\.patch_embed\.proj\.", ".enter."),
    (r"\.patch_unembed\.proj\.", ".leave."),
    (r"\.attn\.relative_position_bias_table$", ".attention.bias"),
    (r"\.attn\.qkv\.", ".attention.qkv."),
    (r"\.attn\.proj\.", ".attention.out."),
    (r"\.mlp\.(fc\d)\.", r".\1."),
)
SWIN_BUFFERS = re.compile(r"\.(attn_mask|relative_position_index)$")
"""Buffers that follow from the sizes."""

FLOWSR_METADATA = "flowsr_checkpoint_metadata"
FLOWSR_ALPHA = 8.0
"""peft's default, which the file's reader does not change: with rank 32 the update counts a quarter."""


class Adapters(NamedTuple):
    """Low-rank adapters of a U-Net, for networks.lora: add_lora(network, rank, targets, alpha), load_lora."""

    rank: int
    targets: tuple[str, ...]
    alpha: float
    weights: dict[str, Tensor]


def load_oftsr(path: Path, config: GuidedUNetConfig) -> GuidedUNet:
    """The network of an OFTSR checkpoint, with averaged weights if it has any.

    Raises WeightsError when the file cannot be read or does not fit the config.
    """
    content = _unpickled(path)
    network = GuidedUNet(config)
    average = content.get("ema")
    if isinstance(average, Mapping) and isinstance(average.get("shadow_params"), Sequence):
        weights = guided_unet_average(average["shadow_params"], network)
    else:
        weights = guided_unet_weights(_named(content, "model", path))
    load_published(network, weights, path)
    return network.eval()


def load_resshift(path: Path, config: SwinUNetConfig) -> SwinUNet:
    """The network of a ResShift checkpoint. Raises WeightsError as `load_oftsr` does."""
    content = _unpickled(path)
    network = SwinUNet(config)
    load_published(network, swin_unet_weights(_named(content, "state_dict", path)), path)
    return network.eval()


def guided_unet_weights(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """OFTSR's state dict (guided diffusion's) under this package's names."""
    return {renamed(name, ADM_NAMES): value for name, value in published.items()}


def guided_unet_average(shadow: Sequence[Tensor], network: GuidedUNet) -> dict[str, Tensor]:
    """OFTSR's averaged weights, which have no names. Raises WeightsError for a list of another length."""
    names = [name for name, _ in network.trunk.named_parameters(prefix="trunk")]
    if len(names) != len(shadow):
        raise WeightsError(
            f"The checkpoint has {len(shadow)} averaged tensors, but its config needs {len(names)}."
        )
    return dict(zip(names, shadow, strict=True))


def swin_unet_weights(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """ResShift's state dict under this package's names, without `SWIN_BUFFERS`."""
    kept = {name: value for name, value in published.items() if not SWIN_BUFFERS.search(name)}
    return {renamed(name, (*ADM_NAMES, *SWIN_NAMES)): value for name, value in kept.items()}


def flowsr_adapters(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Adapters:
    """The U-Net's adapters of the community's FlowSR file, `flowsr.safetensors`.

    tensors, metadata: of the safetensors file. The metadata hold the rank, the adapted layers and peft's name
    of each tensor ("down_blocks.0.attentions.0...to_q.lora_A.default.weight"). Raises WeightsError for
    another file, or one with more than adapters.
    """
    try:
        payload = json.loads(metadata[FLOWSR_METADATA])
        fields, names = payload["fields"], payload["tensor_names"]["unet_state_dict"]
        rank, targets = int(fields["unet_rank"]), tuple(fields["unet_lora_target_modules"])
        named = {original: tensors[key] for key, original in names.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"This is no FlowSR file: its metadata lack {error}.") from error
    foreign = [name for name in named if not re.search(r"\.lora_[AB]\.default\.weight$", name)]
    if foreign:
        raise WeightsError(f"The FlowSR file holds more than adapters: '{min(foreign)}'.")
    weights = {f"unet.{name.replace('.default.', '.')}": value for name, value in named.items()}
    return Adapters(rank, targets, FLOWSR_ALPHA, weights)


def renamed(name: str, rules: Sequence[tuple[str, Any]]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def load_published(network: nn.Module, weights: Mapping[str, Tensor], origin: Path | str) -> None:
    """Copy weights into a network, cast to its precision. An `interval` embedding keeps its own.

    origin: where they come from, for the message. Raises WeightsError when a name or shape does not fit, or a
    value is no tensor.
    """
    strange = [name for name, value in weights.items() if not isinstance(value, Tensor)]
    if strange:
        raise WeightsError(
            f"{origin} holds no weights: its '{min(strange)}' is no tensor; is it another file?"
        )
    own = {name: value for name, value in network.state_dict().items() if not name.startswith("interval.")}
    if misfit := find_misfit(own, weights):
        raise WeightsError(f"{origin} does not fit its config: {misfit}.")
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(weights[name])


def _unpickled(path: Path) -> Mapping[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"There is no file {path}; give the path of the downloaded checkpoint.") from None
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} cannot be read as a checkpoint; download it again.") from error
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path} holds no weights, but a {type(content).__name__}: is it another file?")
    return content


def _named(content: Mapping[str, Any], key: str, path: Path) -> dict[str, Tensor]:
    """content[key], or all of it, without the prefixes of data-parallel and compiled networks."""
    weights = content.get(key, content)
    if not isinstance(weights, Mapping) or not all(isinstance(name, str) for name in weights):
        raise WeightsError(f"{path} holds no weights that have names; is it another file?")
    return {re.sub(r"^(module\.|_orig_mod\.)+", "", name): value for name, value in weights.items()}
