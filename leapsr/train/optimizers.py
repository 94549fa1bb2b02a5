"""What moves the weights: AdamW, or Muon for the convolution kernels beside it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .config import OptimizerConfig


class Rated(NamedTuple):
    """An optimizer and its full learning rate, which a schedule multiplies."""

    optimizer: torch.optim.Optimizer
    rate: float


class Muon(torch.optim.Muon):
    """Muon (Jordan et al., 2024) on convolution kernels, each seen as a matrix of one row a kernel[0] entry.

    torch's Muon takes matrices only; these are views of the kernels, so a step moves the kernels themselves.
    """

    def __init__(self, kernels: Iterable[nn.Parameter], rate: float, weight_decay: float = 0.0) -> None:
        self.kernels = list(kernels)
        matrices = [nn.Parameter(_matrix(kernel.detach(), kernel)) for kernel in self.kernels]
        super().__init__(matrices, rate, weight_decay)

    def step(self, closure: Any = None) -> Any:
        matrices = self.param_groups[0]["params"]
        for matrix, kernel in zip(matrices, self.kernels, strict=True):
            matrix.grad = None if kernel.grad is None else _matrix(kernel.grad, kernel)
        return super().step(closure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        super().zero_grad(set_to_none)
        for kernel in self.kernels:
            kernel.grad = None


def _matrix(values: Tensor, kernel: Tensor) -> Tensor:
    """(O, I, h, w) -> (O, I h w) in the order that `kernel` lies in memory: of the kernel itself, a view."""
    last = kernel.is_contiguous(memory_format=torch.channels_last)
    ordered = values.permute(0, 2, 3, 1) if last else values
    return ordered.reshape(len(kernel), -1)


def build(network: nn.Module, config: OptimizerConfig, player: str = "student") -> list[Rated]:
    """Call it when the network is where it stays: Muon keeps views of the kernels."""
    share = config.players.get(player, 1.0)
    rate, kernel_rate = share * config.learning_rate, share * config.kernel_rate
    kernels = [p for p in network.parameters() if p.ndim == 4] if config.kind == "muon" else []
    others = [p for p in network.parameters() if not kernels or p.ndim != 4]
    betas = (config.beta1, config.beta2)
    adamw = torch.optim.AdamW(others, rate, betas, weight_decay=config.weight_decay, fused=True)
    if not kernels:
        return [Rated(adamw, rate)]
    return [Rated(adamw, rate), Rated(Muon(kernels, kernel_rate, config.weight_decay), kernel_rate)]
