"""SD3.5's MM-DiT with DiT4SR's low-resolution stream: the network of DiT4SR, MFSR and SMFSR.

    DiT4SR  arXiv:2503.23580   teacher, "single" time, scale 1000
    SMFSR   arXiv:2605.09328   "concat_mlp", scale 1
    MFSR    arXiv:2603.20690   "add_r", scale 1

It works on latents of 16 channels, an eighth of the picture on each side, of any height and width.
`published_weights` reads published weights.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ...errors import ConfigError, UsageError, optional
from ..base import Network, Notice
from ..condition import Condition, Prompt
from ..lora import shared_copy
from .blocks import EPS, Block, Grid, normalization
from .config import MMDiTConfig
from .student import refit_time, reset_interval_embedding, set_time_scale, student_of, train_adapters
from .time import TimeText

embeddings = optional("diffusers.models.embeddings", "sd")


class MMDiT(Network):
    """u(x, t, r, cond) in the space of latents; where time conditioning is "single", v(x, t, cond)."""

    config: MMDiTConfig
    full_precision = ("time_text_embed.",)

    def __init__(self, config: MMDiTConfig) -> None:
        super().__init__(config)
        width, patch = config.width, config.patch_size
        self.pos_embed = embeddings.PatchEmbed(
            height=config.sample_size,
            width=config.sample_size,
            patch_size=patch,
            in_channels=config.in_channels,
            embed_dim=width,
            pos_embed_max_size=config.pos_embed_max_size,
        )
        self.time_text_embed = TimeText(config)
        self.context_embedder = nn.Linear(config.joint_attention_dim, width)
        self.transformer_blocks = nn.ModuleList(Block(config, index) for index in range(config.num_layers))
        self.norm_out = normalization.AdaLayerNormContinuous(width, width, elementwise_affine=False, eps=EPS)
        self.proj_out = nn.Linear(width, patch**2 * config.in_channels)

    def reset_interval_embedding(self, notice: Notice = lambda text: None) -> None:
        """See `student.reset_interval_embedding`."""
        _tell(notice, reset_interval_embedding(self))

    def adapt(self, rank: int | None, alpha: float | None, seed: int) -> None:
        """See `student.train_adapters`."""
        train_adapters(self, rank, alpha, seed)

    @classmethod
    def init_from(
        cls, config: Any, origin: Network, share: bool = False, notice: Notice = lambda text: None
    ) -> Network:
        """A student with an embedding of r, or another time scale, begins as its teacher: see `student`."""
        if not isinstance(origin, MMDiT) or origin.config == config:
            return super().init_from(config, origin, share, notice)
        student = shared_copy(origin) if share else copy.deepcopy(origin)
        if config.time_conditioning != "single" == origin.config.time_conditioning:
            student = student_of(student, config.time_conditioning)
        if config.time_scale == 1 != student.config.time_scale:
            if config.time_start == "refit":
                _tell(notice, refit_time(student))
            else:
                set_time_scale(student)
                notice(
                    "The student reads a time as t itself, of which its embedding says little at first; with "
                    "network.time_start=refit it begins as its teacher."
                )
        how = {
            name: getattr(config, name)
            for name in ("attention", "gradient_checkpointing", "lr_mlp_scale", "time_start")
        }
        if student.config.model_copy(update=how) != config:
            raise ConfigError(f"The network {origin.config} cannot begin one of {config}.")
        return cls.from_tensors(config, student.state_dict())

    def forward(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        """x: (B, 16, h, w), latents; t, r: (B,) in [0, 1]; "single" time conditioning does not read r.

        cond: `lr` are latents of x's shape, `prompt` has tokens (B, L, 4096) and pooled (B, 2048).
        Returns x's shape and precision.
        Raises UsageError for latents that cannot be cut into patches or have too many, and without a prompt.
        """
        grid, prompt = self._check(x, cond)
        dtype = self.proj_out.weight.dtype
        streams = torch.cat([self.pos_embed(latents.to(dtype)) for latents in (x, cond.lr)], dim=1)
        assert prompt.pooled is not None
        time = self.time_text_embed(t, r, prompt.pooled.to(dtype))
        text = self.context_embedder(prompt.tokens.to(dtype))
        for block in self.transformer_blocks:
            streams, text = self._run(block, streams, text, time, grid)
        noise = self.norm_out(streams.chunk(2, dim=1)[0], time)
        return self._assemble(self.proj_out(noise), grid).to(x.dtype)

    def _check(self, x: Tensor, cond: Condition) -> tuple[Grid, Prompt]:
        """Latents are not padded here: the picture has to be, before it is encoded."""
        patch, most = self.config.patch_size, self.config.pos_embed_max_size
        height, width = x.shape[-2:]
        if height % patch or width % patch:
            raise UsageError(
                f"Latents of {height} x {width} cannot be cut into patches of {patch} x {patch}: pad the "
                f"picture before it is encoded, so that both sides of its latents are multiples of {patch}."
            )
        if max(height, width) > patch * most:
            raise UsageError(
                f"Latents of {height} x {width} are larger than this network's positions: use tiles of at "
                f"most {patch * most} x {patch * most}."
            )
        if cond.lr.shape != x.shape:
            raise UsageError(
                f"The low-resolution latents are {tuple(cond.lr.shape)} beside {tuple(x.shape)}: upsample "
                "the low-resolution picture to the size of the result before it is encoded."
            )
        if cond.prompt is None or cond.prompt.pooled is None:
            raise UsageError("This network reads a text: give the condition a prompt with tokens and pooled.")
        return (height // patch, width // patch), cond.prompt

    def _run(
        self, block: nn.Module, streams: Tensor, text: Tensor, time: Tensor, grid: Grid
    ) -> tuple[Tensor, Tensor]:
        """One block, recomputed in the backward pass if the config says so.

        Checkpoints do not support forward-mode derivatives, but those are taken without gradients, where a
        checkpoint does nothing.
        """
        if self.config.gradient_checkpointing:
            changed: tuple[Tensor, Tensor] = checkpoint(block, streams, text, time, grid, use_reentrant=False)
            return changed
        return block(streams, text, time, grid)

    def _assemble(self, patches: Tensor, grid: Grid) -> Tensor:
        """(B, N, patch patch 16) -> (B, 16, h, w)."""
        patch = self.config.patch_size
        patches = patches.unflatten(-1, (patch, patch, -1)).unflatten(1, grid)
        return patches.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)


def _tell(notice: Notice, error: float) -> None:
    """error: what `refit_time` and `reset_interval_embedding` return."""
    if error:
        notice(
            f"The embedding of time follows the one that it begins with but for {error:.2%} of its changes."
        )
