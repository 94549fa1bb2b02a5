"""The U-Net of Stable Diffusion 2.1-base as a velocity of latents: FlowSR's network (arXiv:2605.12377).

In FlowSR the pretrained network returns the velocity LR - HR of a straight path between two latents instead
of the noise. Its input stays the four channels of the state, because the low-resolution image is where the
path starts. Times are counted in thousandths as in Stable Diffusion; the text is one fixed prompt.

    u(x, t, r, cond) = UNet(x, 1000 t, prompt)

The paper says neither how t is scaled nor which layers get adapters. The community's inference uses 1000 t,
and `TARGETS` are the layers that one-step models of this network adapt (OSEDiff, S3Diff).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from ...errors import ConfigError, UsageError, WeightsError, optional
from ..base import ConditionInput, Network, NetworkConfigBase, Notice, RunSettings
from ..condition import Condition
from ..lora import add_lora
from ..timestep import IntervalEmbedding, Reads, sinusoids, time_read

STEPS = 1000

RANK = 32
"""Of FlowSR's adapters."""

TARGETS = (
    *("to_q", "to_k", "to_v", "to_out.0"),
    *("conv", "conv1", "conv2", "conv_in", "conv_shortcut", "conv_out"),
    *("proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"),
)
"""The ends of the names of the layers that get adapters, for networks.lora.add_lora."""


class SD21Config(NetworkConfigBase):
    """Sizes and switches of an SD21; the defaults are those of Stable Diffusion 2.1-base.

    channels: of the latents. widths: channels of each level, finest first; all levels but the last attend.
    layers: residual blocks a level. heads: attention heads at each level. text: channels of the prompt's
    tokens.
    groups: of every norm. reads: see networks.timestep.
    sees_lr: whether the low-resolution latents join the state as more channels, for paths that do not begin
    with them (FlowSR's table 2). They begin without effect.
    gradient_checkpointing: whether the backward pass recomputes blocks.
    """

    is_large = True
    takes_adapters = True
    takes_latents = True
    reads_text = True

    kind: Literal["sd21"] = "sd21"
    channels: int = Field(4, ge=1)
    widths: tuple[int, ...] = Field((320, 640, 1280, 1280), min_length=2)
    layers: int = Field(2, ge=1)
    heads: tuple[int, ...] = (5, 10, 20, 20)
    text: int = Field(1024, ge=1)
    groups: int = Field(32, ge=1)
    reads: Reads = "t"
    sees_lr: bool = False
    gradient_checkpointing: bool = False

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if len(self.widths) != len(self.heads):
            raise ValueError(f"widths {self.widths} and heads {self.heads} must have one entry a level")
        if any(
            width % heads or width % self.groups for width, heads in zip(self.widths, self.heads, strict=True)
        ):
            raise ValueError(f"widths {self.widths} must be multiples of their heads and of groups")
        return self

    @property
    def condition_input(self) -> ConditionInput:
        return "latents"

    @property
    def times_read(self) -> Reads:
        return self.reads

    def check(self, run: RunSettings) -> None:
        super().check(run)
        if run.source.kind == "noise" and not self.sees_lr:
            raise ConfigError(
                "From noise this network would never see the low-resolution picture: use "
                "--set network.sees_lr=true."
            )

    def diffusers(self) -> dict[str, Any]:
        """The arguments of diffusers' UNet2DConditionModel."""
        deepest = len(self.widths) - 1
        return {
            "in_channels": self.channels * (2 if self.sees_lr else 1),
            "out_channels": self.channels,
            "block_out_channels": self.widths,
            "layers_per_block": self.layers,
            # Diffusers' name for the number of heads.
            "attention_head_dim": self.heads,
            "cross_attention_dim": self.text,
            "norm_num_groups": self.groups,
            "use_linear_projection": True,
            "down_block_types": ("CrossAttnDownBlock2D",) * deepest + ("DownBlock2D",),
            "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * deepest,
            # A second embedding is added to that of the time, as it comes.
            "class_embed_type": "identity" if self.reads == "both" else None,
        }


PRESETS: dict[str, SD21Config] = {
    "tiny": SD21Config(widths=(16, 32), layers=1, heads=(2, 4), text=24, groups=8),
    "sd21": SD21Config(),
}


class Timesteps(nn.Module):
    """Diffusers' sines of the time, but in the precision of the time instead of float32."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, steps: Tensor) -> Tensor:
        return sinusoids(steps, self.width)


class SD21(Network):
    """u(x, t, r, cond) of latents. Raises MissingExtra without diffusers.

    FlowSR trains adapters of rank RANK alone, see `adapt`.
    """

    config: SD21Config

    def __init__(self, config: SD21Config) -> None:
        super().__init__(config)
        unet = optional("diffusers", "sd").UNet2DConditionModel(**config.diffusers())
        unet.time_proj = Timesteps(config.widths[0])
        if config.gradient_checkpointing:
            unet.enable_gradient_checkpointing()
        self.unet = unet
        self.interval = IntervalEmbedding(4 * config.widths[0]) if config.reads == "both" else None

    @property
    def feature_channels(self) -> tuple[int, ...]:
        """Channels of the maps that `features` returns."""
        widths = self.config.widths
        return (*widths, widths[-1], *reversed(widths))

    def adapt(self, rank: int | None, alpha: float | None, seed: int) -> None:
        """Adapters of `TARGETS`; an embedding of t - r trains too."""
        if rank is None:
            return super().adapt(rank, alpha, seed)
        add_lora(self, rank, TARGETS, alpha, seed)
        if self.interval is not None:
            self.interval.requires_grad_(True)
        return None

    def forward(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        """x: (B, C, H, W) latents, scaled as Stable Diffusion's; t, r: (B,). Returns x's shape; any H and W.

        cond.prompt.tokens: (B, L, text). cond.lr: latents of x's shape, read if the config says so.
        Raises UsageError when there is no prompt.
        """
        if cond.prompt is None:
            raise UsageError(
                "This network reads text: give the condition a prompt (an encoded empty text will do)."
            )
        steps = STEPS * time_read(self.config.reads, t, r)  # in the precision of the times, unlike the rest
        second = None if self.interval is None else self.interval(t - r)
        dtype = self.unet.time_embedding.linear_1.weight.dtype
        tokens = cond.prompt.tokens.to(dtype)
        state = torch.cat([x, cond.lr], dim=1) if self.config.sees_lr else x
        out = self.unet(state.to(dtype), steps, encoder_hidden_states=tokens, class_labels=second).sample
        return out.to(x.dtype)

    def features(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> list[Tensor]:
        """The maps after each level down, the middle, and each level up, for the arguments of `forward`.

        FlowSR's critic reads them. The gradient reaches x.
        """
        levels = [*self.unet.down_blocks, self.unet.mid_block, *self.unet.up_blocks]
        with _recorded(levels) as maps:
            self(x, t, r, cond)
        return maps

    @classmethod
    def init_from(
        cls, config: Any, origin: Network, share: bool = False, notice: Notice = lambda text: None
    ) -> Network:
        """See `Network.init_from`; the low-resolution latents, where they are new, begin without effect."""
        known = origin.config
        if not isinstance(known, SD21Config) or known.sees_lr or not config.sees_lr:
            return super().init_from(config, origin, share, notice)
        network = super().init_from(config.model_copy(update={"sees_lr": False}), origin, share, notice)
        weights = dict(network.state_dict())
        first = weights["unet.conv_in.weight"]
        weights["unet.conv_in.weight"] = torch.cat([first, torch.zeros_like(first)], dim=1)
        return cls.from_tensors(config, weights)

    @classmethod
    def from_diffusers(cls, folder: Path, reads: Reads = "t", gradient_checkpointing: bool = False) -> Self:
        """The U-Net of a Stable Diffusion 2.1 folder (the one with `unet/`), in float32 on the CPU.

        Raises WeightsError when it is missing, damaged or of another architecture.
        """
        library = optional("diffusers", "sd").UNet2DConditionModel
        try:
            published = library.from_pretrained(folder, subfolder="unet", local_files_only=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise WeightsError(
                f"{folder} has no U-Net that can be read: get Stable Diffusion 2.1-base by "
                f"hf download Manojb/stable-diffusion-2-1-base --local-dir {folder} "
                "(CreativeML Open RAIL++-M License)."
            ) from error
        config = _config(published.config, folder, reads, gradient_checkpointing)
        with torch.device("meta"):
            network = cls(config)
        network.unet.load_state_dict(published.state_dict(), assign=True)
        if network.interval is not None:
            network.interval = IntervalEmbedding(4 * config.widths[0])
        return network.eval()


def _config(published: Any, folder: Path, reads: Reads, gradient_checkpointing: bool) -> SD21Config:
    levels, heads = tuple(published.block_out_channels), published.attention_head_dim
    config = SD21Config(
        channels=published.in_channels,
        widths=levels,
        layers=published.layers_per_block,
        heads=tuple(heads) if isinstance(heads, (list, tuple)) else (heads,) * len(levels),
        text=published.cross_attention_dim,
        groups=published.norm_num_groups,
        reads=reads,
        gradient_checkpointing=gradient_checkpointing,
    )
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in published.items()}
    for name, needed in config.diffusers().items():
        if name not in ("class_embed_type", "attention_head_dim") and plain[name] != needed:
            raise WeightsError(
                f"{folder} is not Stable Diffusion 2.1: its U-Net has {name} {published[name]}, not {needed}."
            )
    return config


@contextmanager
def _recorded(levels: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """Collects what the levels return, in the order of the calls."""
    maps: list[Tensor] = []

    def keep(level: nn.Module, arguments: Any, result: Any) -> None:
        maps.append(result[0] if isinstance(result, tuple) else result)

    handles = [level.register_forward_hook(keep) for level in levels]
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()
