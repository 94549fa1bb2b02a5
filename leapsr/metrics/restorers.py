"""A model as an evaluation wants it: at one setting, with noise by position, its network's calls counted."""

from collections.abc import Iterable
from statistics import fmean
from typing import Any, Self

from torch import Tensor, nn

from ..data.pairs import Pair
from ..methods.restore import check
from ..ops.noise import position_noise
from ..restorer import Restorer
from .evaluate import Restore, Setting


class Counter:
    """How often networks ran since the last `read`, counted inside its `with`."""

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        self._networks = tuple(networks)
        self._count = 0

    def __enter__(self) -> Self:
        self._hooks = [network.register_forward_hook(self._tick) for network in self._networks]
        return self

    def __exit__(self, *reason: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _tick(self, *arguments: Any) -> None:
        self._count += 1

    def read(self) -> int:
        count, self._count = self._count, 0
        return count


def at(restorer: Restorer, setting: Setting, seed: int, guidance: float | None = None) -> Restore:
    """The restorer at that setting. guidance: None is the model's own.

    Raises UsageError for what the model does not have.
    """
    _, count, position, solver = setting
    steps = 1 if count is None else count
    fidelity = restorer.default_fidelity if position is None else position
    check(restorer.region, steps, fidelity, solver)
    restorer.check_guidance(restorer.config.guidance if guidance is None else guidance)

    def restore(lr: Tensor, _: str) -> Tensor:
        noise = noise_for(restorer, lr, seed)
        return restorer.restore(lr, noise, steps=steps, fidelity=fidelity, solver=solver, guidance=guidance)

    return restore


def remarks(name: str, restorer: Restorer) -> list[str]:
    """What its scores leave out of what `leapsr upscale` does."""
    fix = restorer.config.color_fix
    if fix == "none":
        return []
    return [f"{name}: scored without {fix}, which 'leapsr upscale' corrects its colours by."]


def noise_for(restorer: Restorer, lr: Tensor, seed: int) -> Tensor:
    """(1, C, h, w), the same for a picture wherever and whenever it is restored. lr: (1, 3, H, W)."""
    channels, height, width = restorer.space.state_shape(*lr.shape[-2:])
    return position_noise(seed, 0, 0, height, width, channels, restorer.device)[None]


def straightness(restorer: Restorer, pairs: Iterable[Pair], seed: int) -> float:
    """Mean over the pictures, see `Restorer.straightness`. Raises UsageError for a model but a teacher."""
    return fmean(restorer.straightness(pair.lr, noise_for(restorer, pair.lr, seed)).item() for pair in pairs)
