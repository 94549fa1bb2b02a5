"""The source: the distribution at t = 1, from which the flow starts."""

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

SourceKind = Literal["noise", "noisy_lr", "lr"]


class Source(BaseModel):
    """The law of the source.

    kind: "noise" is N(0, 1) (MFSR, SMFSR); "noisy_lr" is the upsampled low-resolution image with some
    noise, variance preserving (OFTSR eq. 4, arXiv:2412.09465); "lr" is that image itself (FlowSR).
    sigma: sigma_p of OFTSR eq. 4, in units of the [-1, 1] image; only "noisy_lr" reads it.
    grey: one noise for the three channels, because the detail that a photo lost is nearly grey. A small
    network then leaves no coloured speckle. False is the papers' independent noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: SourceKind = "noisy_lr"
    sigma: float = Field(0.2, ge=0, le=1)
    grey: bool = False

    def __call__(self, upsampled: Tensor, noise: Tensor) -> Tensor:
        """upsampled: the low-resolution image at full size in [-1, 1]; noise: N(0, 1); both (B, C, H, W)."""
        if self.grey:
            noise = noise[:, :1].expand_as(noise)
        match self.kind:
            case "noise":
                return noise
            case "lr":
                return upsampled
            case "noisy_lr":
                return (1 - self.sigma**2) ** 0.5 * upsampled + self.sigma * noise

    def draw(self, upsampled: Tensor, generator: torch.Generator) -> Tensor:
        """A source for training, its noise from `generator` (on the generator's device, then moved)."""
        noise = torch.randn(upsampled.shape, generator=generator, device=generator.device)
        return self(upsampled, noise.to(upsampled))
