"""The space in which a network works: pixels, or an autoencoder's latents.

It turns a picture into the upsampled state and the condition, says how large the noise must be, and turns the
result into a picture.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ..networks.base import ConditionInput
from ..networks.condition import Condition, Prompt, Quality
from ..ops.upsample import bicubic_upsample
from .autoencoder import Autoencoder, Identity
from .large_pictures import reflect

PIXELS = Identity()


@dataclass(frozen=True)
class Space:
    """scale: of the pictures. autoencoder: whose latents the network works on, or `PIXELS`.

    state_multiple, condition_input, upsampled_by: see `networks.base.NetworkConfigBase`.
    prompts: the text of each label, for one sample, (1, L, D); empty for networks that read none.
    """

    scale: int
    autoencoder: Autoencoder = PIXELS
    state_multiple: int = 1
    condition_input: ConditionInput = "picture"
    prompts: Mapping[Quality, Prompt] = field(default_factory=dict)
    upsampled_by: Literal["bicubic", "nearest"] = "bicubic"

    @property
    def pixel_multiple(self) -> int:
        """The sides of the large picture are padded to multiples of this many pixels."""
        return self.autoencoder.factor * self.state_multiple

    @property
    def alignment(self) -> int:
        """Tiles must begin at multiples of this many low-resolution pixels."""
        return math.lcm(self.pixel_multiple, self.scale) // self.scale

    def state_shape(self, height: int, width: int) -> tuple[int, int, int]:
        """(C, h, w) of the state and of its noise, for the sides of a low-resolution picture."""
        rows, columns = (
            -(-self.scale * side // self.pixel_multiple) * self.state_multiple for side in (height, width)
        )
        return self.autoencoder.channels, rows, columns

    def encode(self, image: Tensor) -> Tensor:
        """image: (B, 3, H, W) in [-1, 1] -> (B, C, h, w), padded by reflection."""
        return self.autoencoder.encode(reflect(image, self.pixel_multiple))

    def decode(self, state: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, C, h, w) -> (B, 3, *size), about [-1, 1], not clamped; differentiable."""
        return self.autoencoder.decode(state, size)

    def place(self, position: int) -> int:
        """The row or column of the state at a low-resolution one where tiles may begin."""
        return self.scale * position // self.autoencoder.factor

    def make_condition(self, lr: Tensor, prompt: Prompt | None = None) -> tuple[Condition, Tensor]:
        """lr: (B, 3, H, W) in [-1, 1] -> the condition, and the upsampled picture in this space.

        prompt: as in `condition`.
        """
        upsampled = self.upsample(lr)
        return self.condition(upsampled, lr, prompt), upsampled

    def upsample(self, lr: Tensor) -> Tensor:
        """lr: (B, 3, H, W) in [-1, 1] -> that picture, enlarged, in this space."""
        if self.upsampled_by == "nearest":
            return self.encode(F.interpolate(lr, scale_factor=self.scale, mode="nearest"))
        return self.encode(bicubic_upsample(lr, self.scale))

    def condition(
        self, upsampled: Tensor, lr: Tensor | None = None, prompt: Prompt | None = None
    ) -> Condition:
        """The condition for an upsampled picture in this space, (B, C, h, w).

        lr: as in `make_condition`; None if the network reads latents only.
        prompt: of each sample, instead of the text for good pictures; None is that text.
        """
        samples, device = len(upsampled), upsampled.device
        prompts = {label: text.to(device).expand(samples) for label, text in self.prompts.items()}
        if prompt is not None:
            prompts[Quality.GOOD] = prompt
        return Condition(self._condition_tensor(upsampled, lr), None, prompts.get(Quality.GOOD), prompts)

    def _condition_tensor(self, upsampled: Tensor, lr: Tensor | None) -> Tensor:
        if self.condition_input == "latents":
            return upsampled
        if lr is None:
            raise ValueError("this network reads the low-resolution picture too")
        if self.condition_input == "picture":
            return lr
        return torch.cat([reflect(lr, self.alignment), upsampled], dim=1)
