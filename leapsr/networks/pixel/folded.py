"""A UNet at one position of its dial and for one damage: convolutions, SiLU and a pixel shuffle are left.

Times, label and damage only enter through an embedding, which then is constant. Its scales and shifts move
into the convolutions, its gains into the filters that enlarge the picture. So any program that knows
convolutions can run what is left: a picture in, a larger one out.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...flow import Source
from ...ops import upsample
from ..condition import Quality
from .unet import DETAIL, UNet


class FoldedBlock(nn.Module):
    """A ResidualBlock without its embedding."""

    def __init__(self, width: int, limit: float) -> None:
        super().__init__()
        self.limit = limit
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.silu(self.first(x))
        return x + self.second(hidden if math.isinf(self.limit) else hidden.clamp(max=self.limit))


class FoldedUNet(nn.Module):
    """(B, 3, H, W) in [0, 1] -> (B, 3, scale H, scale W), about [0, 1], not clamped; any H, W >= 1.

    The names of its weights are those of UNet; all sizes can be told from them, see `from_weights`.
    """

    limit: Tensor

    def __init__(self, scale: int, widths: tuple[int, ...], blocks: tuple[int, ...], limit: float) -> None:
        """widths, blocks: one entry a level, finest first. limit: of activations; infinity is none."""
        super().__init__()
        self.scale = scale
        self.register_buffer("limit", torch.tensor(limit))
        state = 3 * scale**2
        self.enlarge = nn.Conv2d(3, state, 2 * upsample.RADIUS + 1, groups=3, bias=False)
        self.head = nn.Conv2d(state + 3, widths[0], 3, padding=1)
        stacks = [
            nn.Sequential(*(FoldedBlock(width, limit) for _ in range(count)))
            for width, count in zip(widths + widths[:-1], blocks + blocks[:-1], strict=True)
        ]
        self.encoder = nn.ModuleList(stacks[: len(widths)])
        self.decoder = nn.ModuleList(stacks[len(widths) :])
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(widths))
        self.tail = nn.Conv2d(widths[0], state, 3, padding=1)

    @property
    def alignment(self) -> int:
        """The picture is padded to multiples of this many pixels."""
        return 1 << len(self.down)

    @property
    def precision(self) -> torch.dtype:
        """Of the trunk. The enlarged picture that bypasses it has its own, see `half_trunk`."""
        return self.head.weight.dtype

    def half_trunk(self) -> Self:
        """Convolve in float16, but keep the picture itself in float32: it has finer steps than 8 bits."""
        self.half()
        self.enlarge.float()
        return self

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        lr = (image * 2 - 1).to(self.enlarge.weight.dtype)
        enlarged = self.enlarge(F.pad(lr, [upsample.RADIUS] * 4, mode="replicate"))
        seen = torch.cat([enlarged, lr], dim=1).to(self.precision)
        missing = [0, -width % self.alignment, 0, -height % self.alignment]
        detail = self.trunk(F.pad(seen, missing, mode="replicate"))[..., :height, :width]
        return F.pixel_shuffle(enlarged + detail.to(enlarged.dtype), self.scale)

    def trunk(self, x: Tensor) -> Tensor:
        """(B, 3 scale^2 + 3, H, W), sides multiples of `alignment` -> (B, 3 scale^2, H, W)."""
        x = self.head(x)
        maps = []
        for level, stack in enumerate(self.encoder):
            x = stack(x if level == 0 else self.down[level - 1](x))
            maps.append(x)
        x = maps.pop()
        for up, stack in zip(reversed(self.up), reversed(self.decoder), strict=True):
            x = stack(up(x) + maps.pop())
        return self.tail(x)

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> Self:
        """With the sizes and the values of a state dict of this class."""
        levels = sum(name.startswith("down.") and name.endswith(".weight") for name in weights) + 1

        def count(level: int) -> int:
            return len({name.split(".")[2] for name in weights if name.startswith(f"encoder.{level}.")})

        widths = [
            weights["head.weight"].shape[0],
            *(len(weights[f"down.{i}.weight"]) for i in range(levels - 1)),
        ]
        network = cls(
            scale=math.isqrt(len(weights["tail.bias"]) // 3),
            widths=tuple(widths),
            blocks=tuple(map(count, range(levels))),
            limit=weights["limit"].item(),
        )
        network.to(weights["head.weight"].dtype).load_state_dict(weights)
        return network


@torch.no_grad()
def fold(network: UNet, source: Source, r: float, damage: Tensor | None = None) -> FoldedUNet:
    """What `source - u(source, 1, r)` is for every picture, with the mean of the source, that is, without its
    noise.

    damage: (8,), see Condition.damage; None for networks that do not read it.
    """
    config, like = network.config, network.head.weight
    folded = FoldedUNet(config.scale, config.widths, config.blocks, config.limit or math.inf).to(like)
    t, end = like.new_ones(1), like.new_tensor([r])
    time = network.time(t, end)
    if config.quality:
        time = time + network.quality(torch.tensor([int(Quality.GOOD)]))
    if config.damage:
        assert damage is not None
        time = time + network.damage(damage[None])
    weights = {
        name: value.clone() for name, value in network.state_dict().items() if name in folded.state_dict()
    }
    for name, block in network.named_modules():
        if f"{name}.modulation.weight" in network.state_dict():
            scale, shift = block.modulation(time)[0].chunk(2)
            weights[f"{name}.first.weight"] *= (1 + scale)[:, None, None, None]
            weights[f"{name}.first.bias"] = weights[f"{name}.first.bias"] * (1 + scale) + shift
    # The source is `kept` times the upsampled image and noise, so the detail it has is (kept - 1) times it.
    kept = source(like.new_ones(1, 3, 1, 1), like.new_zeros(1, 3, 1, 1)).flatten()[0]
    detail_gain, image_gain, gate = network.gains(time)[0].chunk(3)
    enlarged = (kept - image_gain - (kept - 1) * detail_gain) / 2  # halved: the result is in [0, 1]
    filters = upsample.phase_filters(config.scale).to(like).repeat(3, 1, 1)[:, None]
    weights["enlarge.weight"] = enlarged[:, None, None, None] * filters
    state = 3 * config.scale**2
    weights["head.weight"][:, :state] *= ((kept - 1) * (1 + gate) * network.openness(t, end) / enlarged)[
        None, :, None, None
    ]
    weights["tail.weight"] *= -DETAIL / 2
    weights["tail.bias"] = weights["tail.bias"] * (-DETAIL / 2) + 0.5
    folded.load_state_dict(weights | {"limit": folded.limit})
    return folded.eval().requires_grad_(False)
