"""The U-Net of guided diffusion, "ADM" (Dhariwal & Nichol, arXiv:2105.05233), without its attention.

OFTSR's network is ADM with attention over all pixels, ResShift's with attention in shifted windows. Here is
what they share: residual blocks whose second norm is scaled and shifted by the time, and the trunk with its
skip connections. Each part takes (map, embedding of the time) and returns a map.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..pixel.blocks import zero_
from ..timestep import sinusoids

GROUPS = 32
"""Of every norm; all channel counts are multiples of it."""

Resampling = Literal["none", "down", "up"]


@dataclass(frozen=True)
class Sizes:
    """Sizes of a trunk. Level i has width x multipliers[i] channels and works at 1 / 2^i of the size.

    blocks: residual blocks at each level on the way down; there is one more on the way up.
    attention: levels that have it, after every residual block, or with `attention_once` after the first one.
    resampling: "residual" halves and doubles inside residual blocks, "convolution" by single convolutions.
    """

    inputs: int
    outputs: int
    width: int
    multipliers: tuple[int, ...]
    blocks: tuple[int, ...]
    attention: tuple[int, ...]
    attention_once: bool
    resampling: Literal["residual", "convolution"]
    dropout: float

    @property
    def embedding(self) -> int:
        """Channels of the time's embedding."""
        return 4 * self.width


def check_levels(multipliers: tuple[int, ...], attention: tuple[int, ...]) -> None:
    """Raises ValueError, for validators of configs: multipliers are positive, attention names levels."""
    levels = len(multipliers)
    if min(multipliers) < 1:
        raise ValueError(f"multipliers {multipliers} must be positive")
    if not all(0 <= level < levels for level in attention):
        raise ValueError(f"attention {attention} names a level that is none of the {levels}")


def norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(GROUPS, channels)


def halve(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2)


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


class ResidualBlock(nn.Module):
    """Two convolutions after norms; `resampling` changes the size between the first norm and convolution."""

    def __init__(
        self, inner: int, outer: int, embedding: int, dropout: float, resampling: Resampling = "none"
    ) -> None:
        super().__init__()
        self.resampling = resampling
        self.norm1 = norm(inner)
        self.conv1 = nn.Conv2d(inner, outer, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * outer)
        self.norm2 = norm(outer)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(outer, outer, 3, padding=1)
        self.skip = nn.Identity() if inner == outer else nn.Conv2d(inner, outer, 1)
        zero_(self.conv2)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        hidden = self.conv1(self._resample(F.silu(self.norm1(x))))
        scale, shift = self.modulation(F.silu(time))[:, :, None, None].chunk(2, dim=1)
        hidden = torch.addcmul(shift, self.norm2(hidden), 1 + scale)
        hidden = self.conv2(self.dropout(F.silu(hidden)))
        return self.skip(self._resample(x)) + hidden

    def _resample(self, x: Tensor) -> Tensor:
        match self.resampling:
            case "none":
                return x
            case "down":
                return halve(x)
            case "up":
                return double(x)


class Resampler(nn.Module):
    """Half or twice the size by one convolution."""

    def __init__(self, channels: int, resampling: Resampling) -> None:
        super().__init__()
        self.up = resampling == "up"
        self.conv = nn.Conv2d(channels, channels, 3, stride=1 if self.up else 2, padding=1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        del time
        return self.conv(double(x) if self.up else x)


class Parts(nn.ModuleList):
    """Parts one after the other."""

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        for part in self:
            x = part(x, time)
        return x


class Trunk(nn.Module):
    """(B, inputs, H, W), embedding -> (B, outputs, H, W); H, W multiples of `alignment`.

    attention: (channels, level) -> the part that attends there. The middle always has one.
    checkpointing: whether the backward pass recomputes the parts, to save memory.
    """

    def __init__(
        self, sizes: Sizes, attention: Callable[[int, int], nn.Module], checkpointing: bool = False
    ) -> None:
        super().__init__()
        self.sizes = sizes
        self.checkpointing = checkpointing
        widths = [multiplier * sizes.width for multiplier in sizes.multipliers]
        deepest = len(widths) - 1

        def attended(outer: int, level: int, index: int) -> list[nn.Module]:
            wanted = level in sizes.attention and (index == 0 or not sizes.attention_once)
            return [attention(outer, level)] if wanted else []

        self.time = nn.Sequential(
            nn.Linear(sizes.width, sizes.embedding), nn.SiLU(), nn.Linear(sizes.embedding, sizes.embedding)
        )
        self.head = nn.Conv2d(sizes.inputs, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList()
        channels, kept = widths[0], [widths[0]]
        for level, outer in enumerate(widths):
            for index in range(sizes.blocks[level]):
                self.encoder.append(Parts([self._block(channels, outer), *attended(outer, level, index)]))
                channels = outer
                kept.append(channels)
            if level < deepest:
                self.encoder.append(Parts([self._resampler(channels, "down")]))
                kept.append(channels)
        self.middle = Parts(
            [self._block(channels, channels), attention(channels, deepest), self._block(channels, channels)]
        )
        self.decoder = nn.ModuleList()
        for level, outer in reversed(list(enumerate(widths))):
            for index in range(sizes.blocks[level] + 1):
                parts = [self._block(channels + kept.pop(), outer), *attended(outer, level, index)]
                channels = outer
                if level > 0 and index == sizes.blocks[level]:
                    parts.append(self._resampler(channels, "up"))
                self.decoder.append(Parts(parts))
        self.norm = norm(channels)
        self.tail = nn.Conv2d(channels, sizes.outputs, 3, padding=1)
        zero_(self.tail)

    @property
    def alignment(self) -> int:
        return 1 << (len(self.sizes.multipliers) - 1)

    def embed(self, steps: Tensor) -> Tensor:
        """Times in steps, (B,) -> (B, embedding). In float32 also under autocast."""
        with torch.autocast(steps.device.type, enabled=False):
            features = sinusoids(steps, self.sizes.width)
            return self.time(features.to(self.head.weight.dtype))

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        x = self.head(x.to(self.head.weight.dtype))
        maps = [x]
        for parts in self.encoder:
            x = self._run(parts, x, time)
            maps.append(x)
        x = self._run(self.middle, x, time)
        for parts in self.decoder:
            x = self._run(parts, torch.cat([x, maps.pop()], dim=1), time)
        return self.tail(F.silu(self.norm(x)))

    def _run(self, parts: nn.Module, x: Tensor, time: Tensor) -> Tensor:
        if self.checkpointing and torch.is_grad_enabled():
            return checkpoint(parts, x, time, use_reentrant=False)
        return parts(x, time)

    def _block(self, inner: int, outer: int) -> ResidualBlock:
        return ResidualBlock(inner, outer, self.sizes.embedding, self.sizes.dropout)

    def _resampler(self, channels: int, resampling: Resampling) -> nn.Module:
        if self.sizes.resampling == "convolution":
            return Resampler(channels, resampling)
        return ResidualBlock(channels, channels, self.sizes.embedding, self.sizes.dropout, resampling)


def pad(x: Tensor, multiple: int) -> Tensor:
    """Pad (B, C, H, W) on the right and below until its sides are multiples.

    By reflection, or by repeating the last pixels where there are too few to reflect.
    """
    height, width = x.shape[-2:]
    bottom, right = -height % multiple, -width % multiple
    mode = "reflect" if bottom < height and right < width else "replicate"
    return F.pad(x, [0, right, 0, bottom], mode=mode)
