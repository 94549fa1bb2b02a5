"""The dial learnt from photos, without a teacher: one step, from pixels at one end to likeness at the other.

The student is OFTSR's edge of the triangle, image(r) = source - u(source, 1, r) (arXiv:2412.09465, eq. 13).
It minimises FlowSR's distance to the photo (arXiv:2605.12377, eq. 7), whose perceptual weight falls along it,
and a third term, of structure:

    d(image(r), photo) = norm(image(r) - photo) + structure (1 - SSIM(image(r), photo))
                         + perceptual (1 - r)^fall LPIPS(image(r), photo)

where the norm is taken where the network works, LPIPS and the grey images' SSIM look at decoded images.

At r = 1 that is OFTSR's boundary (eq. 11) with the data as target, at r = 0 FlowSR's second stage. A teacher
knows what photos look like in general. Without one the student learns from single photos: it invents less,
and repeats no error of a teacher.

LPIPS alone allows a mesh of dots: its backbones take every second pixel, and a network learns to please just
those. Three things prevent it: LPIPS's view is shifted, and sometimes halved, and SSIM counts every ripple on
flat surfaces.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from .. import flow
from ..errors import ConfigError
from ..ops.color import luma
from ..ops.ssim import WINDOW, multiplied, similarity
from .base import Batch, Losses, MethodConfigBase, Networks, Norm, RunSettings, distance
from .restore import Region


class DialConfig(MethodConfigBase):
    """norm, perceptual, fall, structure: of the distance above; perceptual is LPIPS's weight at r = 0.

    coarse: share of the updates in which LPIPS compares the images at half their size.
    faithful, real: shares of the batch at r = 1 and at r = 0; the rest is uniform between them.
    """

    region = Region.SOURCE_EDGE

    kind: Literal["dial"] = "dial"
    norm: Norm = "l1"
    perceptual: float = Field(0.3, ge=0)
    fall: float = Field(2.0, gt=0)
    structure: float = Field(0.1, ge=0)
    coarse: float = Field(0.5, ge=0, le=1)
    faithful: float = Field(0.4, ge=0, le=1)
    real: float = Field(0.2, ge=0, le=1)

    @model_validator(mode="after")
    def _shares_of_one_batch(self) -> Self:
        if self.faithful + self.real > 1:
            raise ValueError(f"faithful {self.faithful} and real {self.real} are shares of one batch")
        return self

    def readers(self, run: RunSettings) -> Iterator[tuple[int, str]]:
        for smallest, reader in super().readers(run):  # LPIPS, whose view is moved and sometimes halved
            yield smallest * (2 if self.coarse else 1) + SHIFTS - 1, reader
        if self.structure:
            yield WINDOW, "SSIM"


DEFAULTS = DialConfig()

SHIFTS = 8
"""Pixels by which LPIPS's view is shifted: more than the strides of its first layers."""


@dataclass(frozen=True)
class Dial:
    """Raises ConfigError for a perceptual weight without a perceptual network."""

    networks: Networks
    config: DialConfig = DEFAULTS

    def __post_init__(self) -> None:
        if self.config.perceptual and self.networks.perceptual is None:
            raise ConfigError("dial needs LPIPS: use --set perceptual=squeeze, or method.perceptual=0.")

    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        r, faithful = self.positions(batch)
        state = batch.source - self.networks.student(batch.source, torch.ones_like(r), r, batch.cond)
        losses = {"pixels": distance(state, batch.image, self.config.norm).mean()}
        if self.config.structure or self.config.perceptual:
            image, photo = self.networks.decode(state), self.networks.decode(batch.image)
        if self.config.structure:
            alike = similarity(grey(image), grey(photo), multiplied).mean()
            losses["structure"] = self.config.structure * (1 - alike)
        if self.config.perceptual and faithful < len(r):
            rest = slice(faithful, None)
            likeness = self.likeness(image[rest], photo[rest], batch.generator)
            weight = self.config.perceptual * (1 - r[rest]) ** self.config.fall
            losses["perceptual"] = (weight * likeness).sum() / len(r)
        yield "student", losses

    def likeness(self, image: Tensor, photo: Tensor, generator: torch.Generator) -> Tensor:
        """LPIPS of a random view, (B,)."""
        assert self.networks.perceptual is not None
        image, photo = shifted(image, photo, generator)
        if flow.host_uniform(generator) < self.config.coarse:
            image, photo = F.avg_pool2d(image, 2), F.avg_pool2d(photo, 2)
        return self.networks.perceptual(image, photo)

    def positions(self, batch: Batch) -> tuple[Tensor, int]:
        """r of each sample, and how many of the first are at r = 1, where LPIPS has no weight."""
        n = len(batch.image)
        r = flow.uniform(n, batch.generator)
        faithful = flow.stochastic_count(n, self.config.faithful, batch.generator)
        real = min(flow.stochastic_count(n, self.config.real, batch.generator), n - faithful)
        r[:faithful] = 1
        r[faithful : faithful + real] = 0
        return r.to(batch.image), faithful


def grey(image: Tensor) -> Tensor:
    """Luma (BT.601) in [0, 1]. image: (B, 3, H, W) in [-1, 1] -> (B, 1, H, W) float32."""
    return (luma(image.float()) + 1) / 2


def shifted(image: Tensor, photo: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Both without up to SHIFTS - 1 rows and columns at random sides.

    Kettunen et al. (arXiv:1906.03973) transform LPIPS's input, so that networks do not fit its weaknesses.
    """
    rows, columns = (_window(side, flow.host_uniform(generator)) for side in image.shape[-2:])
    return image[..., rows, columns], photo[..., rows, columns]


def _window(side: int, place: float) -> slice:
    """A window that is up to SHIFTS - 1 positions shorter than `side`. place: where it lies, in [0, 1)."""
    places = min(SHIFTS, side)
    start = int(places * place)
    return slice(start, start + side - places + 1)
