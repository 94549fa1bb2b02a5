"""Averaged weights: the ones that are saved, shown and shipped."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of `network`, updated in place by `update_parameters`.

    Early on the decay is (1 + n) / (10 + n), so that the random start is soon forgotten.
    """

    @torch.no_grad()
    def update(averages: Iterable[Tensor], values: Iterable[Tensor], count: Tensor | int) -> None:
        rate = 1 - min(decay, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(list(averages), list(values), rate)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=False)
