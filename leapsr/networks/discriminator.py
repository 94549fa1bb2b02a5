"""Small heads that tell photos from restored images by the feature maps of a frozen network.

The heads are local, so each judges texture at the scale of its map. After Phased Consistency Models
(arXiv:2405.18407) and latent adversarial diffusion distillation (arXiv:2403.12015), which FlowSR follows
(arXiv:2605.12377, section 4.3).
"""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from .spectral import SpectralConv

HeadsNorm = Literal["group", "spectral"]
SLOPE = 0.2
GROUPS = 4
"""Of the normalisation, where the width allows. Few, since a head cannot judge what a group averages away."""


class FeatureHeadsConfig(BaseModel):
    """channels: of each feature map, in the order of the maps. width: hidden channels of every head.

    norm: "group" normalises the activations over their map, as Phased Consistency Models do; "spectral"
    bounds the weights instead, so that a score depends on 5 x 5 positions only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["feature_heads"] = "feature_heads"
    channels: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    width: int = Field(64, ge=1)
    norm: HeadsNorm = "group"


class FeatureHeads(nn.Module):
    """A score for each position of each feature map; higher is more like a photo."""

    def __init__(self, config: FeatureHeadsConfig) -> None:
        super().__init__()
        self.config = config
        self.heads = nn.ModuleList(FeatureHead(channels, config) for channels in config.channels)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """maps: (B, channels[i], H_i, W_i), any sizes -> (B, 1, H_i, W_i) each.

        Raises ValueError unless there are as many maps as heads.
        """
        return [head(features) for head, features in zip(self.heads, maps, strict=True)]


class FeatureCritic(nn.Module):
    """The heads with the interface of `pixel.critic.Critic`, for refinements."""

    def __init__(self, config: FeatureHeadsConfig) -> None:
        super().__init__()
        self.heads = FeatureHeads(config)

    def forward(self, maps: Sequence[Tensor], lr: Tensor) -> Tensor:
        """maps: as FeatureHeads takes them. lr: not read.

        Returns (B, P), the scores of all positions of all maps.
        """
        del lr
        return torch.cat([scores.flatten(1) for scores in self.heads(maps)], dim=1)


class FeatureHead(nn.Module):
    def __init__(self, channels: int, config: FeatureHeadsConfig) -> None:
        super().__init__()
        self.enter = _activated(channels, config)
        self.residual = _activated(config.width, config)
        self.score = _convolution(config.width, 1, 1, config)

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.enter(features)
        return self.score(hidden + self.residual(hidden))


def _activated(channels: int, config: FeatureHeadsConfig) -> nn.Sequential:
    layers: list[nn.Module] = [_convolution(channels, config.width, 3, config)]
    if config.norm == "group":
        layers.append(nn.GroupNorm(math.gcd(GROUPS, config.width), config.width))
    return nn.Sequential(*layers, nn.LeakyReLU(SLOPE))


def _convolution(inner: int, outer: int, kernel: int, config: FeatureHeadsConfig) -> nn.Conv2d:
    if config.norm == "spectral":
        return SpectralConv(inner, outer, kernel)
    return nn.Conv2d(inner, outer, kernel, padding=kernel // 2)
