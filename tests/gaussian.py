"""A flow whose every quantity is known: Gaussian image, Gaussian source, independent.

Both have a mean that is not zero and a variance of their own in every dimension. Then x_t is Gaussian
with mean m(t) and deviation s(t), and the ODE keeps (x_t - m(t)) / s(t) constant.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from leapsr.flow import expand_as_batch


@dataclass(frozen=True)
class GaussianFlow:
    image_mean: Tensor  # (1, C, H, W), as are the others
    image_std: Tensor
    source_mean: Tensor
    source_std: Tensor

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(image, source), each (n, C, H, W) in float64."""
        noise = torch.randn(2, n, *self.image_mean.shape[1:], generator=generator, dtype=torch.float64)
        return self.image_mean + self.image_std * noise[0], self.source_mean + self.source_std * noise[1]

    def mean(self, t: Tensor) -> Tensor:
        return torch.lerp(self.image_mean, self.source_mean, t)

    def std(self, t: Tensor) -> Tensor:
        return ((1 - t) ** 2 * self.image_std**2 + t**2 * self.source_std**2).sqrt()

    def v(self, x: Tensor, t: Tensor) -> Tensor:
        """The velocity that moves the marginals: E[source - image | x_t = x]."""
        t = expand_as_batch(t, x)
        slope = (t * self.source_std**2 - (1 - t) * self.image_std**2) / self.std(t) ** 2
        return self.source_mean - self.image_mean + slope * (x - self.mean(t))

    def move(self, x: Tensor, t: Tensor, r: Tensor) -> Tensor:
        """The ODE's own solution from time t to time r."""
        t, r = expand_as_batch(t, x), expand_as_batch(r, x)
        return self.mean(r) + self.std(r) / self.std(t) * (x - self.mean(t))

    def u(self, x: Tensor, t: Tensor, r: Tensor, cond: object = None) -> Tensor:
        """The exact average velocity; the instantaneous one where t = r."""
        del cond
        span = torch.where(t == r, torch.ones_like(t), t - r)
        return torch.where(
            expand_as_batch(t == r, x), self.v(x, t), (x - self.move(x, t, r)) / expand_as_batch(span, x)
        )

    def wrong(self, x: Tensor, t: Tensor, r: Tensor, cond: object = None) -> Tensor:
        """The instantaneous velocity in the average one's place."""
        del r, cond
        return self.v(x, t)


def example(seed: int = 0) -> GaussianFlow:
    generator = torch.Generator().manual_seed(seed)
    shape = (1, 3, 4, 4)

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator, dtype=torch.float64)

    return GaussianFlow(between(-1, 1), between(0.2, 0.6), between(-0.5, 0.5), between(0.7, 1.3))
