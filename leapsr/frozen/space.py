"""Where a network works: on pixels or on an autoencoder's latents, and what it is told there.

Between pictures and the flow there are four questions, and this answers them for any network: where the flow
starts, what the condition is, how large its noise must be, and which picture its result is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..networks.base import ConditionInput
from ..networks.condition import Condition, Prompt, Quality
from ..ops.upsample import bicubic_upsample
from .autoencoder import Autoencoder, Identity
from .large_pictures import reflect

PIXELS = Identity()


@dataclass(frozen=True)
class Space:
    """scale: of the pictures. autoencoder: whose latents the network works on; `PIXELS` is none.

    state_multiple: what sides of the state must be multiples of. condition_input: what the network takes for
    the condition.
    prompts: the text of each label, for one sample, (1, L, D); empty for networks that read none.
    """

    scale: int
    autoencoder: Autoencoder = PIXELS
    state_multiple: int = 1
    condition_input: ConditionInput = "picture"
    prompts: Mapping[Quality, Prompt] = field(default_factory=dict)

    @property
    def pixel_multiple(self) -> int:
        """Pixels of the large picture that its sides are continued to multiples of."""
        return self.autoencoder.factor * self.state_multiple

    @property
    def alignment(self) -> int:
        """Low-resolution pixels that tiles must begin at multiples of."""
        return math.lcm(self.pixel_multiple, self.scale) // self.scale

    def state_shape(self, height: int, width: int) -> tuple[int, int, int]:
        """(C, h, w) of the flow's state, and so of its noise, for a low-resolution picture's sides."""
        rows, columns = (
            -(-self.scale * side // self.pixel_multiple) * self.state_multiple for side in (height, width)
        )
        return self.autoencoder.channels, rows, columns

    def encode(self, image: Tensor) -> Tensor:
        """image: (B, 3, H, W) in [-1, 1] -> (B, C, h, w), continued by reflection where it must be."""
        return self.autoencoder.encode(reflect(image, self.pixel_multiple))

    def decode(self, state: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, C, h, w) -> (B, 3, *size), about [-1, 1], not clamped; differentiable."""
        return self.autoencoder.decode(state, size)

    def place(self, position: int) -> int:
        """The state's row or column where a low-resolution one lies, at which tiles may begin."""
        return self.scale * position // self.autoencoder.factor

    def make_condition(self, lr: Tensor, prompt: Prompt | None = None) -> tuple[Condition, Tensor]:
        """lr: (B, 3, H, W) in [-1, 1] -> the condition, and the upsampled picture in this space.

        prompt: as in `condition`.
        """
        upsampled = self.encode(bicubic_upsample(lr, self.scale))
        return self.condition(upsampled, lr, prompt), upsampled

    def condition(
        self, upsampled: Tensor, lr: Tensor | None = None, prompt: Prompt | None = None
    ) -> Condition:
        """What the network is told of an upsampled picture in this space, (B, C, h, w).

        lr: as in `make_condition`; None where the network sees latents only.
        prompt: of each sample, which asks for its good image; None is the text of that label.
        """
        own = {label: own.expand(len(upsampled)) for label, own in self._prompts_on(upsampled.device).items()}
        prompts = own if prompt is None else own | {Quality.GOOD: prompt}
        return Condition(self._condition_tensor(upsampled, lr), None, prompts.get(Quality.GOOD), prompts)

    def _condition_tensor(self, upsampled: Tensor, lr: Tensor | None) -> Tensor:
        if self.condition_input == "latents":
            return upsampled
        if lr is None:
            raise ValueError("this network sees the low-resolution picture too")
        return (
            lr
            if self.condition_input == "picture"
            else torch.cat([reflect(lr, self.alignment), upsampled], dim=1)
        )

    def _prompts_on(self, device: torch.device) -> Mapping[Quality, Prompt]:
        return {label: prompt.to(device) for label, prompt in self.prompts.items()}
