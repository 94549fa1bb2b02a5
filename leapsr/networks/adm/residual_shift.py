"""ResShift's diffusion (Yue et al., arXiv:2307.12348) seen from a straight path.

ResShift moves a clean latent x_0 to the latent y of the low-resolution image and adds noise, step n of a few:

    z = x_0 + eta (y - x_0) + kappa sqrt(eta) e,    sqrt(eta) = first (most / first)^((n / (steps - 1))^power)

and its network returns the posterior mean D(z, n) = E[x_0 | z, y]. This package's path leads straight from
x_0 to a source m y + s e (flow.Source, m = sqrt(1 - s^2)):

    x = (1 - t) x_0 + t (m y + s e)

Both are a multiple of x_0 plus noise, once the known multiple of y is taken away. Where their ratios of
signal and noise agree, one is the other times a number, and the posterior mean is the same:

    (1 - eta) / (kappa sqrt(eta)) = (1 - t) / (s t)
    z = eta y + g (x - t m y),    g = kappa sqrt(eta) / (s t)
    v(x, t) = E[source - x_0 | x, y] = (x - D(z, n)) / t

With w = sqrt(eta) the first line is quadratic in w, and in the form below nothing is divided by t. At t = 1
it gives eta = 1 and z = y + kappa e for every s, where ResShift starts. (Its schedule ends at eta = 0.98, so
its own start has a hundredth less noise.) For a network that is the posterior mean this is an identity.
Published ones differ from it: they never saw a step between two whole n, and the journal's (4 steps) also
learnt by a perceptual loss.
"""

from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from ...flow.path import expand_as_batch


class Shifted(NamedTuple):
    z: Tensor  # (B, C, H, W) the state of ResShift's chain
    root_eta: Tensor  # (B,) sqrt(eta) there, in [0, 1]


class ResidualShift(BaseModel):
    """The published schedule. `min_noise_level` and `etas_end` are least and most here.

    steps, power, least, most, kappa: see above, with first = least / kappa (at most `least`).
    sigma: s of the source. With kappa = 2, 2 / sqrt(5) makes the source the network's input at the start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(15, ge=2)
    power: float = Field(0.3, gt=0)
    least: float = Field(0.04, gt=0, lt=1)
    most: float = Field(0.99, gt=0, le=1)
    kappa: float = Field(2.0, gt=0)
    sigma: float = Field(2 / 5**0.5, gt=0, le=1)

    @property
    def first(self) -> float:
        """sqrt(eta) of step 0."""
        return min(self.least / self.kappa, self.least)

    @property
    def earliest(self) -> float:
        """The time of step 0; the network has not seen earlier ones."""
        return self._time(self.first)

    def times(self) -> list[float]:
        """The times of the published steps, first to last, which the network was trained at."""
        ratio, last = self.most / self.first, self.steps - 1
        return [self._time(self.first * ratio ** ((n / last) ** self.power)) for n in range(self.steps)]

    def root_eta(self, t: Tensor) -> Tensor:
        """sqrt(eta) at times t, (B,) in [0, 1]."""
        return 2 * self.sigma * t / self._denominator(t)

    def shift(self, x: Tensor, y: Tensor, t: Tensor) -> Shifted:
        """The state of the chain with the signal to noise ratio of x. x, y: (B, C, H, W); t: (B,)."""
        root_eta = self.root_eta(t)
        gain = 2 * self.kappa / self._denominator(t)
        known = (1 - self.sigma**2) ** 0.5 * expand_as_batch(t, x) * y
        return Shifted(
            expand_as_batch(root_eta.square(), x) * y + expand_as_batch(gain, x) * (x - known), root_eta
        )

    def step(self, root_eta: Tensor) -> Tensor:
        """n, (B,), fractional between the published steps and clamped to them."""
        ratio = torch.as_tensor(self.most / self.first, dtype=root_eta.dtype)
        share = (root_eta / self.first).clamp_min(1).log() / ratio.log()
        return (self.steps - 1) * share.clamp(0, 1) ** (1 / self.power)

    def normalise(self, shifted: Shifted) -> Tensor:
        """The network's input: z scaled to the variance of a latent (`normalize_input`)."""
        deviation = (1 + (self.kappa * shifted.root_eta).square()).sqrt()
        return shifted.z / expand_as_batch(deviation, shifted.z)

    def _denominator(self, t: Tensor) -> Tensor:
        signal = self.kappa * (1 - t)
        return signal + (signal.square() + (2 * self.sigma * t).square()).sqrt()

    def _time(self, root_eta: float) -> float:
        ratio = self.sigma * (1 - root_eta**2) / (self.kappa * root_eta)  # (1 - t) / t
        return 1 / (1 + ratio)
