"""ResShift's network, ADM with attention in shifted windows, as a velocity of latents (arXiv:2307.12348).

It works on the latents of an autoencoder of factor 4. At x4 they have the size of the low-resolution image,
which joins the state as three more channels.

OFTSR (arXiv:2412.09465, section 4.1) uses it as the architecture of its own flow, and with ResShift's
published weights, which become a student in a few thousand iterations. `prediction` says which:

"velocity": the network returns OFTSR's velocity V, in reversed time as in `guided_unet`: u = -V(x, 1 - time).
"image": the network returns the clean latent, as ResShift's does, see `residual_shift`:
    u = (x - D(z(x, t), n(time))) / t. On the diagonal time = t, and this is the exact velocity of the
    diffusion. A student on the edge t = 1 has the same input for every r and reads the step of r. Before step
    0 of the schedule (t = 0.04 with 15 steps, 0.18 with the journal's 4) x is cleaner than the network ever
    saw, and the divisor stays at that time.
"""

import math
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from ...flow.path import expand_as_batch
from ..base import ConditionInput, Network, NetworkConfigBase
from ..condition import Condition
from ..timestep import IntervalEmbedding, Reads, time_read
from .guided_unet import STEPS
from .residual_shift import ResidualShift
from .shifted_windows import SwinLayer
from .trunk import GROUPS, Sizes, Trunk, check_levels, pad

LR_CHANNELS = 3


class SwinUNetConfig(NetworkConfigBase):
    """Sizes and switches of a SwinUNet; the defaults are those of ResShift's x4 models.

    channels: of the latents. width, multipliers, blocks: as in GuidedUNetConfig.
    attention: levels with a layer of window attention after their first residual block.
    swin_width, swin_depth, head_channels, mlp_ratio: channels, blocks, channels of each head and factor of
    the feed-forward's channels of such a layer.
    window: side of a window in pixels of the map.
    trained_side: of the latents in training; levels whose map was no larger than a window do not shift
    windows.
    prediction: see above. schedule: for "image" only. reads: see networks.timestep.
    gradient_checkpointing: whether the backward pass recomputes blocks.
    """

    is_large = True
    takes_latents = True

    kind: Literal["swin_unet"] = "swin_unet"
    channels: int = Field(3, ge=1)
    width: int = Field(160, ge=GROUPS, multiple_of=GROUPS)
    multipliers: tuple[int, ...] = Field((1, 2, 2, 4), min_length=1)
    blocks: int = Field(2, ge=1)
    attention: tuple[int, ...] = (0, 1, 2, 3)
    swin_width: int = Field(192, ge=GROUPS, multiple_of=GROUPS)
    swin_depth: int = Field(2, ge=1)
    head_channels: int = Field(32, ge=1)
    mlp_ratio: int = Field(4, ge=1)
    window: int = Field(8, ge=2)
    trained_side: int = Field(64, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)
    prediction: Literal["image", "velocity"] = "image"
    schedule: ResidualShift = ResidualShift()
    reads: Reads = "t"
    gradient_checkpointing: bool = False

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        levels = len(self.multipliers)
        check_levels(self.multipliers, self.attention)
        if self.swin_width % self.head_channels:
            raise ValueError(
                f"swin_width {self.swin_width} is no multiple of {self.head_channels} head_channels"
            )
        if self.trained_side % (1 << (levels - 1)):
            raise ValueError(f"trained_side {self.trained_side} cannot be halved {levels - 1} times")
        return self

    @property
    def times_read(self) -> Reads:
        return self.reads

    @property
    def condition_input(self) -> ConditionInput:
        return "both" if self.prediction == "image" else "picture"

    @property
    def sizes(self) -> Sizes:
        return Sizes(
            inputs=self.channels + LR_CHANNELS,
            outputs=self.channels,
            width=self.width,
            multipliers=self.multipliers,
            blocks=(self.blocks,) * len(self.multipliers),
            attention=self.attention,
            attention_once=True,
            resampling="convolution",
            dropout=self.dropout,
        )

    @property
    def alignment(self) -> int:
        """Latents are padded to multiples of this, for whole windows at every level."""
        attended = {*self.attention, len(self.multipliers) - 1}
        return math.lcm(*(min(self.window, self.trained_side >> level) << level for level in attended))


PRESETS: dict[str, SwinUNetConfig] = {
    "tiny": SwinUNetConfig(
        width=32,
        multipliers=(1, 2),
        blocks=1,
        attention=(1,),
        swin_width=64,
        mlp_ratio=2,
        window=4,
        trained_side=16,
    ),
    "realsr": SwinUNetConfig(),
    "realsr_journal": SwinUNetConfig(schedule=ResidualShift(steps=4, least=0.2)),
    "oftsr": SwinUNetConfig(prediction="velocity"),
}


class SwinUNet(Network):
    """u(x, t, r, cond) of latents."""

    config: SwinUNetConfig

    def __init__(self, config: SwinUNetConfig) -> None:
        super().__init__(config)
        sizes = config.sizes
        self.trunk = Trunk(sizes, self._attention, config.gradient_checkpointing)
        self.interval = IntervalEmbedding(sizes.embedding) if config.reads == "both" else None

    def forward(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        """x: (B, C, H, W); t, r: (B,). Returns x's shape; any H and W.

        cond.lr: (B, 3, H, W), the low-resolution image in [-1, 1], which at x4 has the latents' size. With
        prediction="image" the latent of the upsampled image follows as C more channels, (B, 3 + C, H, W).
        Raises ValueError when cond.lr has another size or number of channels.
        """
        lr, latent = self._split(x, cond)
        time = time_read(self.config.reads, t, r)
        interval = None if self.interval is None else self.interval(t - r)
        if self.config.prediction == "velocity":
            return -self.predict(x, STEPS * (1 - time), lr, interval)
        schedule = self.config.schedule
        with torch.autocast(x.device.type, enabled=False):  # half precision is too coarse for latents
            seen = schedule.normalise(schedule.shift(x, latent, t))
            step = schedule.step(schedule.root_eta(time))
        image = self.predict(seen, step, lr, interval)
        return (x - image) / expand_as_batch(t.clamp_min(schedule.earliest), x)

    def predict(self, x: Tensor, steps: Tensor, lr: Tensor, interval: Tensor | None = None) -> Tensor:
        """The published network itself, (B, C, H, W), at its own time in steps, (B,).

        lr: (B, 3, H, W). interval: (B, embedding), added to the embedding of the time.
        """
        height, width = x.shape[-2:]
        embedding = self.trunk.embed(steps)
        if interval is not None:
            embedding = embedding + interval
        raw = self.trunk(pad(torch.cat([x, lr.to(x)], dim=1), self.config.alignment), embedding)
        return raw[..., :height, :width].to(x.dtype)

    def _split(self, x: Tensor, cond: Condition) -> tuple[Tensor, Tensor]:
        """The low-resolution image and its latent, which has no channels where the prediction needs none."""
        latent = self.config.channels if self.config.prediction == "image" else 0
        wanted = (len(x), LR_CHANNELS + latent, *x.shape[-2:])
        if cond.lr.shape != wanted:
            raise ValueError(
                f"This network needs a low-resolution image of {wanted}, not {tuple(cond.lr.shape)}."
            )
        return cond.lr[:, :LR_CHANNELS], cond.lr[:, LR_CHANNELS:]

    def _attention(self, channels: int, level: int) -> SwinLayer:
        config = self.config
        return SwinLayer(
            channels,
            config.swin_width,
            config.swin_depth,
            config.swin_width // config.head_channels,
            config.swin_width * config.mlp_ratio,
            config.window,
            config.trained_side >> level,
        )
