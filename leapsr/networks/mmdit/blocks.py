"""The blocks of SD3.5's MM-DiT with DiT4SR's low-resolution stream.

Noise and low-resolution tokens pass through the same norms and feed-forward as one sequence of 2N tokens. In
the attention the low-resolution tokens have additional projections after the shared ones. In the feed-forward
they are added to the neighbouring noise tokens through a depthwise convolution (DiT4SR, arXiv:2503.23580).
Layers have the names of the published weights.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from ...errors import optional
from ...ops.attention import attention
from ..pixel.blocks import zero_
from .config import MMDiTConfig

normalization = optional("diffusers.models.normalization", "sd")
feed_forward = optional("diffusers.models.attention", "sd")

EPS = 1e-6

Grid = tuple[int, int]
"""Rows and columns of patches; N is their product."""


class HeadNorm(nn.Module):
    """RMS normalisation of each head's channels, in float32 at least."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + EPS)
        return (wide * self.weight).to(x.dtype)


class StreamAttention(nn.Module):
    """Every token attends to all tokens of both streams, and of the text if there is one.

    text: "none" (the image alone), "read" (the text stays unchanged: the last block), or "write" (the text's
    tokens attend too).
    """

    def __init__(self, config: MMDiTConfig, text: Literal["none", "read", "write"]) -> None:
        super().__init__()
        width, channels = config.width, config.attention_head_dim
        self.heads, self.kernel = config.num_attention_heads, config.attention
        self.own_keys, self.text = config.lr_keys == "own", text
        self.norm_q, self.norm_k = HeadNorm(channels), HeadNorm(channels)
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(width, width)])
        if text != "none":
            self.add_k_proj, self.add_v_proj = nn.Linear(width, width), nn.Linear(width, width)
            self.norm_added_k = HeadNorm(channels)
        if text == "write":
            self.add_q_proj, self.to_add_out = nn.Linear(width, width), nn.Linear(width, width)
            self.norm_added_q = HeadNorm(channels)
        self._add_control(width)

    def _add_control(self, width: int) -> None:
        """The low-resolution tokens' projections: zero at the input, the noise tokens' at the output."""
        self.to_q_control, self.to_v_control = nn.Linear(width, width), nn.Linear(width, width)
        zero_(self.to_q_control)
        zero_(self.to_v_control)
        if self.own_keys:
            self.to_k_control = nn.Linear(width, width)
            zero_(self.to_k_control)
        self.to_out_control = nn.Linear(width, width)
        self.to_out_control.load_state_dict(self.to_out[0].state_dict())

    def forward(self, streams: Tensor, text: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """streams: (B, 2N, width), noise then low resolution; text: (B, L, width).

        Returns both after the attention; None for a text that is absent or does not change.
        """
        lr = streams.chunk(2, dim=1)[1]
        q, k, v = self._streams(streams)
        if text is not None and self.text != "none":
            k = torch.cat([k, self.norm_added_k(self._split(self.add_k_proj(text)))], dim=-2)
            v = torch.cat([v, self._split(self.add_v_proj(text))], dim=-2)
        if text is not None and self.text == "write":
            q = torch.cat([q, self.norm_added_q(self._split(self.add_q_proj(text)))], dim=-2)
        out = attention(q, k, v, self.kernel).transpose(1, 2).flatten(2)

        tokens = lr.shape[1]
        noise_out = self.to_out[0](out[:, :tokens])
        lr_out = self.to_out_control(out[:, tokens : 2 * tokens] + lr)
        text_out = self.to_add_out(out[:, 2 * tokens :]) if self.text == "write" else None
        return torch.cat([noise_out, lr_out], dim=1), text_out

    def _streams(self, streams: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of both streams, (B, heads, 2N, channels) each."""
        q, lr_q = self.to_q(streams).chunk(2, dim=1)
        v, lr_v = self.to_v(streams).chunk(2, dim=1)
        q = torch.cat([q, self.to_q_control(lr_q)], dim=1)
        v = torch.cat([v, self.to_v_control(lr_v)], dim=1)
        return self.norm_q(self._split(q)), self._keys(streams), self._split(v)

    def _keys(self, streams: Tensor) -> Tensor:
        if self.own_keys:
            k, lr_k = self.to_k(streams).chunk(2, dim=1)
            return self.norm_k(self._split(torch.cat([k, self.to_k_control(lr_k)], dim=1)))
        k = self.norm_k(self._split(self.to_k(streams.chunk(2, dim=1)[0])))
        return torch.cat([k, self.norm_k(k)], dim=-2)

    def _split(self, x: Tensor) -> Tensor:
        """(B, N, width) -> (B, heads, N, channels)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class StreamFeedForward(nn.Module):
    """The feed-forward of both streams; between its layers, low-resolution tokens add to noise tokens."""

    def __init__(self, config: MMDiTConfig) -> None:
        super().__init__()
        self.scale = config.lr_mlp_scale
        self.net: nn.ModuleList = feed_forward.FeedForward(config.width, activation_fn="gelu-approximate").net
        hidden = 4 * config.width
        self.control_conv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        zero_(self.control_conv)

    def forward(self, streams: Tensor, grid: Grid) -> Tensor:
        """streams: (B, 2N, width) -> the same shape."""
        enter, _, leave = self.net
        noise, lr = enter(streams).chunk(2, dim=1)
        beside = self.control_conv(lr.transpose(1, 2).unflatten(-1, grid)).flatten(2).transpose(1, 2)
        return leave(torch.cat([noise + self.scale * beside, lr], dim=1))


class Block(nn.Module):
    """Attention and feed-forward of streams and text, each scaled, shifted and gated by the times."""

    def __init__(self, config: MMDiTConfig, index: int) -> None:
        super().__init__()
        width = config.width
        self.dual = index in config.dual_attention_layers
        self.last = index == config.num_layers - 1
        kind = normalization.SD35AdaLayerNormZeroX if self.dual else normalization.AdaLayerNormZero
        self.norm1 = kind(width)
        self.norm1_context = (
            normalization.AdaLayerNormContinuous(width, width, elementwise_affine=False, eps=EPS)
            if self.last
            else normalization.AdaLayerNormZero(width)
        )
        self.attn = StreamAttention(config, text="read" if self.last else "write")
        if self.dual:
            self.attn2 = StreamAttention(config, text="none")
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False, eps=EPS)
        self.ff = StreamFeedForward(config)
        if not self.last:
            self.ff_context = feed_forward.FeedForward(width, activation_fn="gelu-approximate")

    def forward(self, streams: Tensor, text: Tensor, time: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
        """streams: (B, 2N, width); text: (B, L, width); time: (B, width). Returns streams and text."""
        normed, gate, shift_mlp, scale_mlp, gate_mlp, *second = self.norm1(streams, emb=time)
        if self.last:
            attended, _ = self.attn(normed, self.norm1_context(text, time))
        else:
            normed_text, *text_modulation = self.norm1_context(text, emb=time)
            attended, text_attended = self.attn(normed, normed_text)
            text = self._write(text, text_attended, *text_modulation)
        streams = streams + gate[:, None] * attended
        if self.dual:
            normed2, gate2 = second
            attended, _ = self.attn2(normed2, None)
            streams = streams + gate2[:, None] * attended
        changed = self.ff(self._modulate(streams, shift_mlp, scale_mlp), grid)
        return streams + gate_mlp[:, None] * changed, text

    def _write(
        self, text: Tensor, attended: Tensor, gate: Tensor, shift: Tensor, scale: Tensor, gate_mlp: Tensor
    ) -> Tensor:
        text = text + gate[:, None] * attended
        return text + gate_mlp[:, None] * self.ff_context(self._modulate(text, shift, scale))

    def _modulate(self, tokens: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """The norm has no weights, so streams and text share it."""
        return self.norm2(tokens) * (1 + scale[:, None]) + shift[:, None]
