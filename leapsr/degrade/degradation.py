"""What every degradation is: a clean batch and a generator in, a low-resolution batch out."""

from typing import Protocol

from torch import Tensor

from .draw import Randomness


class Degradation(Protocol):
    """Random damage that depends on nothing but the image and the state of the generator."""

    @property
    def scale(self) -> int: ...

    def __call__(self, image: Tensor, generator: Randomness) -> Tensor:
        """image: (B, 3, H, W) in [0, 1], sRGB; returns (B, 3, H / scale, W / scale) in [0, 1], same device.

        Every image of the batch draws its own damage. The generator may live on another device than the
        image; with `Generators` nothing waits for a GPU. Raises ValueError where a side is not a multiple of
        `scale`.
        """
        ...
