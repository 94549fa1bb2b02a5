"""Spectral normalisation of convolutions (Miyato et al., arXiv:1802.05957), for critics."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ITERATIONS = 10
"""Of the power iteration, at every call."""


class SpectralConv(nn.Conv2d):
    """A convolution divided by the largest singular value of its kernel, read as (out, in x k x k).

    Unlike torch's, the power iteration starts at the same vector every time. So the result depends on the
    kernel alone and not on the number of calls, and several processes and resumed runs agree. In float32
    also under autocast.
    """

    start: Tensor

    def __init__(self, inner: int, outer: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inner, outer, kernel, stride, padding=(kernel - 1) // 2)
        self.register_buffer("start", F.normalize(torch.randn(outer), dim=0))

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            weight = self.weight / self.norm()
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)

    def norm(self) -> Tensor:
        """The estimate of the largest singular value, with a gradient to the kernel only."""
        matrix = self.weight.flatten(1)
        with torch.no_grad():
            u = self.start
            for _ in range(ITERATIONS):
                v = F.normalize(matrix.T @ u, dim=0)
                u = F.normalize(matrix @ v, dim=0)
        return u @ matrix @ v
