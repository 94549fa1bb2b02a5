"""AdamW for all weights, or Muon for the convolution kernels, but for critics', and AdamW for the rest."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..networks.spectral import SpectralConv
from .config import OptimizerConfig


class ScheduledOptimizer(NamedTuple):
    """An optimizer and its full learning rate, of which a schedule takes a share in each step."""

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
        if all(matrix.device.type == "cpu" for matrix in matrices):
            return super().step(closure)
        assert closure is None, "closures are not supported on a GPU"
        return self.step_by_shape()

    @torch.no_grad()
    def step_by_shape(self) -> None:
        """The same step, all matrices of one shape in one batch: a fifth of the launches on a GPU."""
        group = self.param_groups[0]
        moving = [matrix for matrix in group["params"] if matrix.grad is not None]
        for shape in dict.fromkeys(matrix.shape for matrix in moving):
            matrices = [matrix for matrix in moving if matrix.shape == shape]
            gradients = [matrix.grad for matrix in matrices]
            momenta = [self._momentum(matrix) for matrix in matrices]
            torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
            updates = torch.stack(torch._foreach_lerp(gradients, momenta, group["momentum"]))
            directions = _orthogonal(updates, group["ns_coefficients"], group["ns_steps"], group["eps"])
            torch._foreach_mul_(matrices, 1 - group["lr"] * group["weight_decay"])
            rate = group["lr"] * max(1, shape[0] / shape[1]) ** 0.5
            torch._foreach_add_(matrices, list(directions.unbind()), alpha=-rate)

    def _momentum(self, matrix: Tensor) -> Tensor:
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        return state["momentum_buffer"]

    def zero_grad(self, set_to_none: bool = True) -> None:
        super().zero_grad(set_to_none)
        for kernel in self.kernels:
            kernel.grad = None


@contextmanager
def as_configured(optimizers: Mapping[str, list[ScheduledOptimizer]]) -> Iterator[None]:
    """A state loaded inside brings moments and steps; betas and decay stay those of the run's config."""

    def groups() -> list[dict[str, Any]]:
        scheduled = [each for network in optimizers.values() for each in network]
        return [group for optimizer, _ in scheduled for group in optimizer.param_groups]

    asked = [{name: value for name, value in group.items() if name != "params"} for group in groups()]
    yield
    for group, known in zip(groups(), asked, strict=True):
        group.update(known)


def _orthogonal(
    updates: Tensor, coefficients: tuple[float, float, float], steps: int, smallest: float
) -> Tensor:
    """(K, m, n) -> nearly orthogonal matrices, by the bfloat16 Newton-Schulz iteration of torch's Muon."""
    a, b, c = coefficients
    x = updates.bfloat16()
    x = x.mT if x.shape[1] > x.shape[2] else x
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp(min=smallest)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    x = x.mT if updates.shape[1] > updates.shape[2] else x
    return x.to(updates.dtype)


def _matrix(values: Tensor, kernel: Tensor) -> Tensor:
    """(O, I, h, w) -> (O, I h w) in the order that `kernel` lies in memory: of the kernel itself, a view."""
    last = kernel.is_contiguous(memory_format=torch.channels_last)
    ordered = values.permute(0, 2, 3, 1) if last else values
    return ordered.reshape(len(kernel), -1)


def build(network: nn.Module, config: OptimizerConfig, name: str = "student") -> list[ScheduledOptimizer]:
    """The optimizers of one network, which must be on its device already: Muon keeps views of the kernels.

    Kernels under spectral normalisation are AdamW's, with all else that is not a kernel.
    """
    factor = config.rate_factors.get(name, 1.0)
    rate, kernel_rate = factor * config.learning_rate, factor * config.kernel_rate
    moving = [parameter for parameter in network.parameters() if parameter.requires_grad]
    # Muon makes a kernel's singular values alike. Divided by the largest, such a kernel would pass noise on
    # as strongly as edges; the refinement's critic, too, held with AdamW only.
    of_critics = {id(layer.weight) for layer in network.modules() if isinstance(layer, SpectralConv)}
    kernels = [p for p in moving if p.ndim == 4 and id(p) not in of_critics] if config.kind == "muon" else []
    chosen = {id(kernel) for kernel in kernels}
    others = [p for p in moving if id(p) not in chosen]
    betas = (config.beta1, config.beta2)
    adamw = torch.optim.AdamW(others, rate, betas, weight_decay=config.weight_decay, fused=True)
    if not kernels:
        return [ScheduledOptimizer(adamw, rate)]
    muon = Muon(kernels, kernel_rate, config.weight_decay)
    return [ScheduledOptimizer(adamw, rate), ScheduledOptimizer(muon, kernel_rate)]
