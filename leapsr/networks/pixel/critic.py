"""The small critic: tells photos from what a student made of the low-resolution image.

A few strided convolutions with spectral normalisation on the picture at several sizes. Each position scores
its own patch, after PatchGAN (Isola et al., arXiv:1611.07004). The input is the detail that was added to the
upsampled image, at unit variance: layers that cannot amplify would hardly notice a tenth of the range.
"""

from itertools import pairwise
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from ...ops import upsample
from ..spectral import SpectralConv
from .unet import DETAIL


class CriticConfig(BaseModel):
    """widths: channels after each strided convolution.

    scales: how many sizes of the picture are scored, each half of the one before and with its own
    convolutions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["critic"] = "critic"
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field((32, 64, 128), min_length=1)
    scales: int = Field(3, ge=1, le=5)

    @property
    def smallest(self) -> int:
        """The smallest side of a picture, in pixels, that has a patch at the coarsest size."""
        return 1 << (len(self.widths) + self.scales - 1)


PRESETS: dict[str, CriticConfig] = {
    "tiny": CriticConfig(widths=(8, 16), scales=2),
    "small": CriticConfig(widths=(32, 64, 128), scales=3),
}


class Patches(nn.Sequential):
    """One score for each patch: (B, 6, H, W) -> (B, 1, H / 2^n, W / 2^n), n the number of widths."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        for inner, outer in pairwise((6, *widths)):
            self.append(SpectralConv(inner, outer, kernel=4, stride=2))
            self.append(nn.LeakyReLU(0.2))
        self.append(SpectralConv(widths[-1], 1, kernel=3))


class Critic(nn.Module):
    """Scores of patches; higher is more like a photo."""

    def __init__(self, config: CriticConfig) -> None:
        super().__init__()
        self.config = config
        self.patches = nn.ModuleList(Patches(config.widths) for _ in range(config.scales))

    def forward(self, image: Tensor, lr: Tensor) -> Tensor:
        """image: (B, 3, s H, s W) in about [-1, 1], s whole; lr: (B, 3, H, W) in [-1, 1], upsampled already
        where s = 1.

        Returns (B, scales, h, w), finest size first. The scores of coarser sizes are repeated over the
        patches of the finest, so that a mean over positions weighs every size alike. They are not averaged:
        the hinge of a mean would ignore bad patches that good ones make up for.
        """
        scale = image.shape[-1] // lr.shape[-1]
        upsampled = lr if scale == 1 else upsample.bicubic_upsample(lr, scale)
        x = torch.cat([(image - upsampled) / DETAIL, upsampled], dim=1)
        scores = [self.patches[0](x)]
        for patches in self.patches[1:]:
            x = F.avg_pool2d(x, 2)
            scores.append(F.interpolate(patches(x), scores[0].shape[-2:], mode="nearest"))
        return torch.cat(scores, dim=1)
