"""OFTSR's network: the U-Net of guided diffusion as a velocity of images (arXiv:2412.09465, section 4.1).

It is ADM (arXiv:2105.05233) with full attention at the coarse levels. The low-resolution image is upsampled
by the transpose of the operator that made it, and joins the state as three more channels.

OFTSR's time tau is 0 at the source and 1 at the image, and its velocity V points to the image. With tau = 1 -
t,

    v(x, t) = -V(x, 1 - t)             the teacher                    (eq. 5)
    u(source, 1, r) = -V(source, 1 - r)  the student, r the dial      (eq. 7, 13)

Both are converted here and nowhere else. The network counts tau in 999ths.
"""

from typing import Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from ...ops.attention import Kernel, attention
from ...ops.resize import resize
from ..base import Network, NetworkConfigBase
from ..condition import Condition
from ..timestep import IntervalEmbedding, Reads, time_read
from .trunk import GROUPS, Sizes, Trunk, check_levels, norm, pad

STEPS = 999
"""Of OFTSR's time from the source to the image."""


class GuidedUNetConfig(NetworkConfigBase):
    """Sizes and switches of a GuidedUNet.

    width, multipliers: channels of level i are width x multipliers[i], finest first.
    blocks: residual blocks of each level. attention: levels with attention. head_channels: of each head.
    conditioned: whether the low-resolution image joins the state (OFTSR's `use_cond`).
    upsampling: transpose of the operator that the checkpoint was trained for: "bicubic" of `sr_interp` (with
    antialiasing, as the operator itself), "nearest" of `sr_avp`, which is average pooling.
    learn_sigma: whether the last convolution has three more channels, of a variance that nothing reads.
    reads: see networks.timestep.
    trained: times that the network was trained at; others are clamped to this range. OFTSR trains teachers at
    t in [0, 0.999] and students at r in [0.01, 0.99].
    kernel: see ops.attention. gradient_checkpointing: whether the backward pass recomputes blocks.
    """

    is_large = True
    takes_latents = True

    kind: Literal["guided_unet"] = "guided_unet"
    width: int = Field(128, ge=GROUPS, multiple_of=GROUPS)
    multipliers: tuple[int, ...] = Field((1, 1, 2, 2, 4, 4), min_length=1)
    blocks: int = Field(1, ge=1)
    attention: tuple[int, ...] = (4,)
    head_channels: int = Field(64, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    conditioned: bool = True
    upsampling: Literal["bicubic", "nearest"] = "bicubic"
    learn_sigma: bool = True
    reads: Reads = "t"
    trained: tuple[float, float] = (0.0, 1.0)

    kernel: Kernel = "fused"
    gradient_checkpointing: bool = False

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        levels = len(self.multipliers)
        check_levels(self.multipliers, self.attention)
        for level in {*self.attention, levels - 1}:
            if self.width * self.multipliers[level] % self.head_channels:
                raise ValueError(f"the channels of level {level} are no multiple of head_channels")
        if not 0 <= self.trained[0] < self.trained[1] <= 1:
            raise ValueError(f"trained {self.trained} must be a range within 0 and 1")
        return self

    @property
    def upsampled_by(self) -> Literal["bicubic", "nearest"]:
        return self.upsampling

    @property
    def times_read(self) -> Reads:
        return self.reads

    @property
    def sizes(self) -> Sizes:
        return Sizes(
            inputs=6 if self.conditioned else 3,
            outputs=6 if self.learn_sigma else 3,
            width=self.width,
            multipliers=self.multipliers,
            blocks=(self.blocks,) * len(self.multipliers),
            attention=self.attention,
            attention_once=False,
            resampling="residual",
            dropout=self.dropout,
        )


TEACHER_TIMES, STUDENT_TIMES = (0.0, 0.999), (0.01, 0.99)

PRESETS: dict[str, GuidedUNetConfig] = {
    "tiny": GuidedUNetConfig(width=32, multipliers=(1, 2), attention=(1,), head_channels=32),
    "ffhq": GuidedUNetConfig(trained=TEACHER_TIMES),
    "ffhq_noisy": GuidedUNetConfig(upsampling="nearest", trained=TEACHER_TIMES),
    "div2k": GuidedUNetConfig(trained=TEACHER_TIMES),
    "imagenet": GuidedUNetConfig(width=256, blocks=2, attention=(3, 4, 5), trained=TEACHER_TIMES),
}


def student(teacher: GuidedUNetConfig) -> GuidedUNetConfig:
    """The config of OFTSR's student: the teacher's, reading the dial r."""
    return teacher.model_copy(update={"reads": "r", "trained": STUDENT_TIMES})


class PixelAttention(nn.Module):
    """Every pixel attends to every pixel of its map."""

    def __init__(self, channels: int, head_channels: int, kernel: Kernel) -> None:
        super().__init__()
        self.heads = channels // head_channels
        self.kernel = kernel
        self.norm = norm(channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.out = nn.Conv1d(channels, channels, 1)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        del time
        flat = x.flatten(2)
        # The channels hold heads before queries, keys and values: ADM's "legacy" order.
        heads = self.qkv(self.norm(flat)).unflatten(1, (self.heads, 3, -1)).transpose(-1, -2)
        q, k, v = heads.unbind(2)
        attended = attention(q, k, v, self.kernel).transpose(-1, -2).flatten(1, 2)
        return x + self.out(attended).reshape(x.shape)


class GuidedUNet(Network):
    """u(x, t, r, cond) of images in [-1, 1]."""

    config: GuidedUNetConfig

    def __init__(self, config: GuidedUNetConfig) -> None:
        super().__init__(config)
        sizes = config.sizes
        self.trunk = Trunk(
            sizes,
            lambda channels, level: PixelAttention(channels, config.head_channels, config.kernel),
            config.gradient_checkpointing,
        )
        self.interval = IntervalEmbedding(sizes.embedding) if config.reads == "both" else None

    def forward(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        """x: (B, 3, H, W) in about [-1, 1]; t, r: (B,). Returns x's shape.

        cond.lr: (B, 3, h, w) in [-1, 1], not upsampled, or of x's size already. H and W may be any: x is
        padded by reflection and the result is cropped.
        """
        height, width = x.shape[-2:]
        if self.config.conditioned:
            x = torch.cat([x, self.upsample(cond.lr, (height, width)).to(x)], dim=1)
        raw = self.trunk(pad(x, self.trunk.alignment), self._embed(t, r))
        return -raw[:, :3, :height, :width].to(x.dtype)

    def upsample(self, lr: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, 3, h, w) -> (B, 3, *size), by the transpose of the downsampling operator."""
        if self.config.upsampling == "nearest":
            return F.interpolate(lr, size, mode="nearest")
        return resize(lr, size, "bicubic", antialias=True)

    def _embed(self, t: Tensor, r: Tensor) -> Tensor:
        time = time_read(self.config.reads, t, r).clamp(*self.config.trained)
        embedding = self.trunk.embed(STEPS * (1 - time))
        return embedding if self.interval is None else embedding + self.interval(t - r)
