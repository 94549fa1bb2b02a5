"""Published weights of the MM-DiT, under this package's names.

Our names are the published ones, except that SMFSR keeps its time embedders one level deeper. Published
networks also have parameters that no output depends on, which ours does not build:

- `attn2.add_*`, `attn2.to_add_out`, `attn2.norm_added_*`: a text's projections where there is no text;
- the last block's `attn.add_q_proj` and `attn.norm_added_q`: queries of a text that is thrown away;
- `to_k_control`, with `lr_keys` "noise_double_norm": keys that were never used (DiT4SR f and q, SMFSR);
- `interval_embedder` beside the one inside `time_text_embed_interval` (SMFSR).
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ...errors import WeightsError
from ..state_dict import find_misfit
from .config import MMDiTConfig
from .network import MMDiT

Published = Literal["dit4sr", "dit4sr_r1", "smfsr", "sd35"]
"""dit4sr: the folders dit4sr_f and dit4sr_q. sd35: SD3.5-medium itself, with an untrained low-resolution
stream. The files do not say which they are."""

SWITCHES: dict[Published, dict[str, Any]] = {
    "dit4sr": {"lr_keys": "noise_double_norm", "time_conditioning": "single", "time_scale": 1000.0},
    "dit4sr_r1": {"lr_keys": "own", "time_conditioning": "single", "time_scale": 1000.0},
    "smfsr": {"lr_keys": "noise_double_norm", "time_conditioning": "concat_mlp", "time_scale": 1.0},
    "sd35": {"lr_keys": "own", "time_conditioning": "single", "time_scale": 1000.0},
}

CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"

SMFSR_TIME = "time_text_embed_interval."


def load_mmdit(folder: Path, published: Published) -> MMDiT:
    """The network of a published folder, the one with config.json (`transformer/` of SD3.5 and DiT4SR).

    In the precision of the files, on the CPU, without memory for other weights.
    Raises WeightsError when a file is missing or damaged, or a name or shape does not fit.
    """
    config = mmdit_config(_json(folder / CONFIG), published)
    with torch.device("meta"):
        network = MMDiT(config)
    known = _tensors(folder)
    state = with_stream(known, config) if published == "sd35" else mmdit_state(known, config)
    if misfit := find_misfit(network.state_dict(), state):
        raise WeightsError(f"{folder} does not hold {published} weights: {misfit}.")
    network.load_state_dict(state, assign=True)
    return network


def mmdit_config(published: Mapping[str, Any], kind: Published) -> MMDiTConfig:
    """From diffusers' config.json. Raises WeightsError for sizes that this network does not have."""
    known = MMDiTConfig.model_fields.keys()
    try:
        config = MMDiTConfig(
            **{key: value for key, value in published.items() if key in known}, **SWITCHES[kind]
        )
    except ValidationError as error:
        raise WeightsError(f"This is no config of {kind}: {error.errors()[0]['msg']}.") from error
    fixed = {
        "caption_projection_dim": config.width,
        "out_channels": config.in_channels,
        "qk_norm": "rms_norm",
    }
    for key, needed in fixed.items():
        if published.get(key, needed) != needed:
            raise WeightsError(f"This is no config of {kind}: {key} is {published[key]}, not {needed}.")
    return config


def mmdit_state(published: Mapping[str, Tensor], config: MMDiTConfig) -> dict[str, Tensor]:
    """The same tensors under this package's names, without the dead ones."""
    dead = set(dead_keys(published, config))
    return {_renamed(key): value for key, value in published.items() if key not in dead}


def dead_keys(names: Iterable[str], config: MMDiTConfig) -> list[str]:
    """Those of the published names that no output depends on."""
    pattern = re.compile("|".join(_dead_patterns(config)))
    return [name for name in names if pattern.match(name)]


def _dead_patterns(config: MMDiTConfig) -> list[str]:
    last = config.num_layers - 1
    patterns = [
        r"transformer_blocks\.\d+\.attn2\.(add_[qkv]_proj|to_add_out|norm_added_[qk])\.",
        rf"transformer_blocks\.{last}\.attn\.(add_q_proj|norm_added_q)\.",
    ]
    if config.lr_keys == "noise_double_norm":
        patterns.append(r"transformer_blocks\.\d+\.attn2?\.to_k_control\.")
    if config.time_conditioning == "concat_mlp":
        patterns.append(r"interval_embedder\.")
    return patterns


def _renamed(key: str) -> str:
    inner = key.removeprefix(SMFSR_TIME)
    if inner == key:
        return key
    return "time_text_embed." + inner.removeprefix("time_text_embed.")


def with_stream(sd35: Mapping[str, Tensor], config: MMDiTConfig) -> dict[str, Tensor]:
    """SD3.5's own weights with an untrained low-resolution stream: how DiT4SR's training begins.

    sd35: diffusers' state dict. The stream's projections and convolutions are zero, except the output
    projections of attentions, which are those of the noise tokens. The result is not SD3.5's, because the new
    tokens take part in the attention.
    """
    with torch.device("meta"):
        expected = MMDiT(config).state_dict()
    state = mmdit_state(sd35, config)
    precision = next((value.dtype for value in state.values()), None)
    for name, value in expected.items():
        if "control" in name:
            copied = state.get(name.replace("to_out_control", "to_out.0"))
            state[name] = torch.zeros(value.shape, dtype=precision) if copied is None else copied.clone()
    return state


def _tensors(folder: Path) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name in _files(folder):
        try:
            tensors |= load_file(folder / name)
        except FileNotFoundError:
            raise WeightsError(f"{folder} has no {name}; download the model again.") from None
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"{folder / name} is damaged ({error}); download the model again.") from error
    return tensors


def _files(folder: Path) -> list[str]:
    """One, or several that an index names."""
    index = folder / f"{WEIGHTS}.index.json"
    if not index.exists():
        return [WEIGHTS]
    places = _json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise WeightsError(f"{index} names no files; download the model again.")
    return sorted(set(places.values()))


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise WeightsError(f"{path.parent} is not a model folder: it has no {path.name}.") from None
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} is damaged ({error}); download the model again.") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} holds no named values; download the model again.")
    return content
