"""Attention in shifted windows (Swin Transformer, Liu et al., arXiv:2103.14030), as ResShift's U-Net has it.

Norms are group norms over the map, and the feed-forward network is two 1x1 convolutions. Every other block
shifts its windows by half, wrapping around the edges.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .trunk import norm


def to_windows(x: Tensor, window: int) -> Tensor:
    """(B, C, H, W) -> (B, H W / window^2, window^2, C), windows row by row."""
    rows = x.unflatten(3, (-1, window)).unflatten(2, (-1, window))  # (B, C, I, window, J, window)
    return rows.permute(0, 2, 4, 3, 5, 1).flatten(3, 4).flatten(1, 2)


def from_windows(windows: Tensor, height: int, width: int, window: int) -> Tensor:
    """The inverse of `to_windows`."""
    split = windows.unflatten(1, (height // window, width // window)).unflatten(3, (window, window))
    return split.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)


def attention_mask(height: int, width: int, window: int, shift: int, device: torch.device) -> Tensor:
    """Which pixels of each shifted window attend to each other: (windows, window^2, window^2), row by row.

    Swin separates pixels that the shift brought together from opposite edges. ResShift's mask indexes the
    wrong
    axes: it only separates left from right, and in the last row of windows. Its weights were trained with
    that.
    """
    rows, columns = height // window, width // window
    beyond = (torch.arange(window, device=device) >= window - shift).repeat(window)
    separated = (torch.arange(rows * columns, device=device) >= (rows - 1) * columns)[:, None, None]
    return ~separated | (beyond[:, None] == beyond)


class WindowAttention(nn.Module):
    """(B, windows, N, C) -> the same: every pixel of a window attends to the N of it.

    A learnt bias for each head and each of the (2 window - 1)^2 offsets is added to the scores.
    """

    offsets: Tensor

    def __init__(self, channels: int, window: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.bias = nn.Parameter(0.02 * torch.randn((2 * window - 1) ** 2, heads))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        place = torch.arange(window)
        offset = place[:, None] - place + window - 1
        offsets = (2 * window - 1) * offset[:, None, :, None] + offset[None, :, None, :]
        self.register_buffer("offsets", offsets.reshape(window**2, window**2), persistent=False)

    def forward(self, x: Tensor, seen: Tensor | None) -> Tensor:
        """seen: (windows, N, N), true where a pixel sees another; None for all of them."""
        batch, windows, pixels, channels = x.shape
        heads = self.qkv(x).reshape(batch * windows, pixels, 3, self.heads, channels // self.heads)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        bias = self.bias[self.offsets].permute(2, 0, 1).to(q.dtype)  # (heads, N, N)
        if seen is not None:
            bias = bias.masked_fill(~seen[:, None], float("-inf")).repeat(batch, 1, 1, 1)
        # With 64 pixels a window the plain formula takes little memory, so ops.attention would not help.
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.expand(len(q), -1, -1, -1))
        return self.out(attended.transpose(1, 2).reshape(x.shape))


class WindowBlock(nn.Module):
    """Attention in windows shifted by `shift` pixels, then the feed-forward network; both residual."""

    def __init__(self, channels: int, window: int, shift: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = norm(channels)
        self.attention = WindowAttention(channels, window, heads)
        self.norm2 = norm(channels)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._attend(self.norm1(x))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))

    def _attend(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        seen = None
        if self.shift:
            x = x.roll((-self.shift, -self.shift), dims=(2, 3))
            seen = attention_mask(height, width, self.window, self.shift, x.device)
        attended = self.attention(to_windows(x, self.window), seen)
        x = from_windows(attended, height, width, self.window)
        return x.roll((self.shift, self.shift), dims=(2, 3)) if self.shift else x


class SwinLayer(nn.Module):
    """Blocks of window attention at a width of their own, between two 1x1 convolutions; not residual.

    side: of the map in training. Where it is at most one window, nothing is shifted.
    """

    def __init__(
        self, channels: int, width: int, depth: int, heads: int, hidden: int, window: int, side: int
    ) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, width, 1)
        self.leave = nn.Conv2d(width, channels, 1)
        window, shift = min(window, side), window // 2 if side > window else 0
        self.blocks = nn.ModuleList(
            WindowBlock(width, window, shift if index % 2 else 0, heads, hidden) for index in range(depth)
        )

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        del time
        x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return self.leave(x)
