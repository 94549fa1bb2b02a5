"""RRDBNet at the size of Real-ESRGAN x4plus (23 blocks, 16.7M parameters), random weights: the yardstick.

Wang et al., ESRGAN (arXiv:1809.00219), section 3.1. Only the cost of one evaluation matters here.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DenseBlock(nn.Module):
    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.grow = nn.ModuleList(nn.Conv2d(width + i * growth, growth, 3, padding=1) for i in range(4))
        self.fuse = nn.Conv2d(width + 4 * growth, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for convolution in self.grow:
            features.append(F.leaky_relu(convolution(torch.cat(features, 1)), 0.2))
        return x + 0.2 * self.fuse(torch.cat(features, 1))


class RRDB(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return x + 0.2 * super().forward(x)


class RRDBNet(nn.Module):
    """(B, 3, H, W) -> (B, 3, 4H, 4W)."""

    def __init__(self, width: int = 64, growth: int = 32, blocks: int = 23) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(
            *(RRDB(*(DenseBlock(width, growth) for _ in range(3))) for _ in range(blocks))
        )
        self.after = nn.Conv2d(width, width, 3, padding=1)
        self.up = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(3))
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = x + self.after(self.body(x))
        for convolution in self.up[:2]:
            x = F.leaky_relu(convolution(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        return self.last(F.leaky_relu(self.up[2](x), 0.2))
