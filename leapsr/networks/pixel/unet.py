"""The default network: a U-Net in pixel space that works at the resolution of the small image.

The state is pixel-unshuffled (3 scale^2 channels), so every convolution runs on scale^2 fewer pixels. The
trunk is narrower than the state and cannot carry it to the output: the state and the upsampled image bypass
it, with time-dependent gains for each channel. There are only convolutions, so the receptive field is bounded
and a picture restored in tiles equals one restored whole.

The trunk's input and output have about unit variance at every time, and the state enters with a factor 1 - r.
At t = r = 1 the source says nothing about the mean velocity, and its noise would only disturb: without the
factor a small network needs four times the samples to denoise as well (docs/lab/training-small-models.md).
"""

import operator
from itertools import pairwise
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from ...ops import upsample
from ...ops.damage import of_pictures, told
from ..base import Network, NetworkConfigBase, Notice
from ..condition import Condition, Quality
from .blocks import DamageEmbedding, Stack, TimeEmbedding, zero_
from .rescaling import rescaled

DETAIL = 0.1
"""Standard deviation of what a small photo lost, clean minus upsampled, in units of the [-1, 1] image."""


class UNetConfig(NetworkConfigBase):
    """Sizes of a UNet. `widths` and `blocks` have one entry a level, finest first.

    noise: standard deviation of the source about the upsampled image, in units of the [-1, 1] image: sigma of
    a noisy_lr source, about 1 for pure noise. It only scales the trunk's input.
    quality: whether the network reads the label of the condition. damage: whether it reads its damage.
    measures: how many of `ops.damage.MEASURES` it is told, the first ones; 5 for older models.
    limit: where activations are clamped, because a saturated blue made them 200 times as large as photos do.
    None, of older models, is no limit.
    """

    kind: Literal["unet"] = "unet"
    scale: int = Field(4, ge=1, le=8)
    widths: tuple[int, ...] = (32, 64, 128)
    blocks: tuple[int, ...] = (2, 2, 3)
    embedding: int = Field(128, ge=8)
    noise: float = Field(0.1, gt=0)
    quality: bool = False
    damage: bool = False
    measures: Literal[5, 7] = 5
    limit: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _one_count_a_level(self) -> Self:
        if len(self.widths) != len(self.blocks) or not self.widths:
            raise ValueError(f"widths {self.widths} and blocks {self.blocks} must have one entry a level")
        if min(self.widths) < 1 or min(self.blocks) < 0:
            raise ValueError(f"widths {self.widths} and blocks {self.blocks} must be positive")
        return self

    @property
    def fixed_scale(self) -> int:
        return self.scale

    @property
    def reads_labels(self) -> bool:
        return self.quality

    @property
    def reads_damage(self) -> bool:
        return self.damage

    def can_begin_as(self, found: NetworkConfigBase) -> bool:
        """More blocks begin as the identity, labels, damage and more measures of it without an effect,
        another scale as `rescaled` says; another limit of the activations acts where it is reached."""
        if not isinstance(found, UNetConfig) or len(self.blocks) != len(found.blocks):
            return False
        new = {
            name: getattr(self, name)
            for name in ("blocks", "quality", "damage", "measures", "limit", "scale")
        }
        return (
            found.model_copy(update=new) == self
            and all(map(operator.ge, self.blocks, found.blocks))
            and self.quality >= found.quality
            and self.damage >= found.damage
            and self.measures >= found.measures
        )


LIMIT = 8.0
"""Of activations. On photos the largest of a block are 3 to 22, and few are above 8."""

PRESETS: dict[str, UNetConfig] = {
    "tiny": UNetConfig(widths=(12, 16), blocks=(1, 1), embedding=16, limit=LIMIT),
    "small": UNetConfig(widths=(32, 64, 128), blocks=(2, 2, 3), embedding=64, limit=LIMIT),
    # may begin as a small one
    "medium": UNetConfig(widths=(32, 64, 128), blocks=(4, 4, 6), embedding=64, limit=LIMIT),
    "base": UNetConfig(widths=(64, 128, 256), blocks=(3, 3, 3), embedding=256, limit=LIMIT),
    "large": UNetConfig(widths=(64, 128, 256), blocks=(4, 4, 6), embedding=64, limit=LIMIT),
}


class UNet(Network):
    """u(x, t, r, cond) on the triangle 0 <= r <= t <= 1; the velocity v(x, t) is its diagonal r = t."""

    config: UNetConfig

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config)
        widths, blocks, embedding = config.widths, config.blocks, config.embedding
        state = 3 * config.scale**2

        self.time = TimeEmbedding(embedding)
        if config.quality:
            self.quality = nn.Embedding(len(Quality), embedding)
            nn.init.zeros_(self.quality.weight)
        if config.damage:
            self.damage = DamageEmbedding(embedding, config.measures)
        self.head = nn.Conv2d(state + 3, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(
            Stack(width, count, embedding, config.limit) for width, count in zip(widths, blocks, strict=True)
        )
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(widths))
        self.decoder = nn.ModuleList(
            Stack(width, count, embedding, config.limit)
            for width, count in zip(widths[:-1], blocks[:-1], strict=True)
        )
        self.tail = nn.Conv2d(widths[0], state, 3, padding=1)
        self.gains = nn.Linear(embedding, 3 * state)
        zero_(self.tail)
        zero_(self.gains)

    @property
    def alignment(self) -> int:
        """Sides are padded to, and tiles must begin at, multiples of this many low-resolution pixels."""
        return 1 << len(self.down)

    @property
    def radius(self) -> int:
        """Low-resolution pixels that an output pixel can see on each side."""
        depth = len(self.down)
        convolutions = [
            2 * blocks * (2 if level < depth else 1) for level, blocks in enumerate(self.config.blocks)
        ]
        trunk = 2 + sum(count * 2**level for level, count in enumerate(convolutions))
        return trunk + self.alignment - 1 + upsample.RADIUS

    @property
    def feature_channels(self) -> tuple[int, ...]:
        """Channels of the maps that `features` returns."""
        widths = self.config.widths
        return (*widths, *widths[-2::-1])

    def reset_interval_embedding(self, notice: Notice = lambda text: None) -> None:
        """Let r act only through the gate of `_open`. The diagonal stays exactly as it is.

        A teacher is never asked off the diagonal, so its weights for t - r are still random: without this a
        student that begins with them returned values of 10^10.
        """
        self.time.reset_interval()

    @classmethod
    def init_from(
        cls, config: Any, origin: Network, share: bool = False, notice: Notice = lambda text: None
    ) -> "UNet":
        """See `UNetConfig.can_begin_as`. The weights are always copied."""
        network = cls(config)
        assert isinstance(origin, UNet)
        known = rescaled(origin.state_dict(), origin.config.scale, config.scale)
        if network.config.damage and origin.config.damage:
            weight = known["damage.layers.0.weight"]
            unknown = weight.new_zeros(len(weight), config.measures - origin.config.measures)
            known["damage.layers.0.weight"] = torch.cat([weight[:, :-1], unknown, weight[:, -1:]], dim=1)
        network.load_state_dict(network.state_dict() | known)
        return network

    def forward(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        """x: (B, 3, scale H, scale W) in about [-1, 1]; t, r: (B,); any H, W >= 1. Returns x's shape."""
        features, time, around = self._enter(x, t, r, cond)
        encoded = self._encode(features, time)
        del features  # here and below: each is as large as the state, and tiles fill the memory
        trunk = self.tail(self._decode(encoded, time)[-1])
        height, width = cond.lr.shape[-2:]
        velocity = torch.add(around, trunk[..., :height, :width], alpha=DETAIL)
        del around, trunk
        return F.pixel_shuffle(velocity, self.config.scale)

    def features(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> list[Tensor]:
        """The maps of the encoder's levels, then the decoder's, for the arguments of `forward`.

        Their channels are widths[0], ..., widths[-1], ..., widths[0]; a map of level i has the sides of the
        small image, padded to multiples of `alignment`, divided by 2^i.
        """
        features, time, _ = self._enter(x, t, r, cond)
        encoded = self._encode(features, time)
        return encoded + self._decode(list(encoded), time)[1:]

    def _enter(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> tuple[Tensor, Tensor, Tensor]:
        """The trunk's input, the time embedding, and what bypasses the trunk."""
        # Half precision has 8 bits of mantissa, less than a photo: what bypasses the trunk stays float32.
        with torch.autocast(x.device.type, enabled=False):
            upsampled = upsample.bicubic_phases(cond.lr, self.config.scale)
            detail = F.pixel_unshuffle(x, self.config.scale) - upsampled
            time = self.time(t, r)
            if self.config.quality:
                time = time + self.quality(cond.labels)
            if self.config.damage:
                time = time + self.damage(_measured(cond.lr) if cond.damage is None else cond.damage)
            detail_gain, image_gain, gate = self.gains(time)[:, :, None, None].chunk(3, dim=1)
            image = image_gain * upsampled
            del upsampled
            around = torch.addcmul(image, detail_gain, detail)
            del image
            seen = torch.cat([self._pad(detail), self._pad(cond.lr)], dim=1)
            del detail
            gate = (1 + gate) * self.openness(t, r)[:, None, None, None]
            features = seen * torch.cat([gate, gate.new_ones(len(gate), 3, 1, 1)], dim=1)
        return features, time, around

    def openness(self, t: Tensor, r: Tensor) -> Tensor:
        """(B,): the factor of the state in the trunk's input; 0 at r = 1, else to unit variance."""
        variance = ((1 - t) * DETAIL).square() + (t * self.config.noise).square()
        return (1 - r) / variance.sqrt()

    def _pad(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        missing = [0, -width % self.alignment, 0, -height % self.alignment]
        return F.pad(x, missing, mode="replicate") if any(missing) else x  # else it would be copied

    def _encode(self, x: Tensor, time: Tensor) -> list[Tensor]:
        """One map a level, finest first."""
        x = self.head(x)
        maps = []
        for level, stack in enumerate(self.encoder):
            if level > 0:
                x = self.down[level - 1](x)
            x = stack(x, time)
            maps.append(x)
        return maps

    def _decode(self, encoded: list[Tensor], time: Tensor) -> list[Tensor]:
        """One map a level, coarsest first. Empties `encoded`, to free memory early."""
        maps = [encoded.pop()]
        for up, stack in zip(reversed(self.up), reversed(self.decoder), strict=True):
            maps.append(stack(up(maps[-1]) + encoded.pop(), time))
        return maps


def _measured(lr: Tensor) -> Tensor:
    """lr: in [-1, 1] -> (B, 8): its damage, with all noise to be removed."""
    return told(of_pictures((lr + 1) / 2), lr.new_ones(1))
