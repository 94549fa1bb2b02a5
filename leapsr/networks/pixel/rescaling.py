"""The weights of a UNet for another scale: how a x2 model begins as a x4 one.

The trunk works at the resolution of the small image and does not depend on the scale. Only the layers at the
unshuffled state do: there each channel of the picture has scale^2 phases, the pixels that one small pixel
covers. A x2 network begins with the mean of the x4 phases that each of its pixels covers.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_OUT = ("tail.weight", "tail.bias", "gains.weight", "gains.bias")


def rescaled(weights: dict[str, Tensor], scale: int, to: int) -> dict[str, Tensor]:
    """weights: the state dict of a UNet at `scale`. Returns that of a UNet that differs in the scale alone.

    A picture whose pixels under each small one are equal is read as before; the output is the mean over the
    pixels that a new one covers.
    """
    if scale == to:
        return weights
    read, lr = weights["head.weight"].split([3 * scale**2, 3], dim=1)
    read = _phases(read.transpose(0, 1), scale, to).transpose(0, 1) * (scale / to) ** 2
    written = {name: _phases(weights[name], scale, to) for name in _OUT}
    return weights | written | {"head.weight": torch.cat([read, lr], dim=1)}


def _phases(weight: Tensor, scale: int, to: int) -> Tensor:
    """(n scale^2, ...), the phases of each channel row by row, to (n to^2, ...)."""
    grid = weight.reshape(-1, scale, scale, weight[0].numel()).permute(0, 3, 1, 2)
    return F.adaptive_avg_pool2d(grid, to).permute(0, 2, 3, 1).reshape(-1, *weight.shape[1:])
