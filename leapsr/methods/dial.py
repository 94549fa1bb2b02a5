"""The dial learnt from photos, without a teacher: one step, from pixels at one end to likeness at the other.

The student is OFTSR's edge of the triangle, image(r) = source - u(source, 1, r) (arXiv:2412.09465, eq. 13).
It minimises FlowSR's distance to the photo (arXiv:2605.12377, eq. 7), whose perceptual weight falls along it:

    d(image(r), photo) = norm(image(r) - photo) + (1 - r) perceptual LPIPS(image(r), photo)

where the norm is taken where the network works and LPIPS looks at decoded images.

At r = 1 that is OFTSR's boundary (eq. 11) with the data for a target, at r = 0 FlowSR's second stage. A
teacher knows what photos look like in general; this only knows each one by itself, so that it invents less,
and nothing that a teacher got wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from .. import flow
from ..errors import ConfigError
from .base import Batch, Losses, MethodConfigBase, Networks, Norm, distance


class DialConfig(MethodConfigBase):
    """norm, perceptual: of the distance above; the norm of the error, and the weight of LPIPS at r = 0.

    faithful, real: shares of the batch at r = 1 and at r = 0 exactly; the rest is uniform between them.
    """

    kind: Literal["dial"] = "dial"
    norm: Norm = "l1"
    perceptual: float = Field(2.0, ge=0)
    faithful: float = Field(0.4, ge=0, le=1)
    real: float = Field(0.2, ge=0, le=1)

    @model_validator(mode="after")
    def _shares_of_one_batch(self) -> Self:
        if self.faithful + self.real > 1:
            raise ValueError(f"faithful {self.faithful} and real {self.real} are shares of one batch")
        return self


DEFAULTS = DialConfig()

SHIFTS = 8
"""Pixels by which LPIPS's view is moved: more than the strides of its first layers."""


@dataclass(frozen=True)
class Dial:
    """Raises ConfigError where the perceptual weight has no network to weigh."""

    networks: Networks
    config: DialConfig = DEFAULTS

    def __post_init__(self) -> None:
        if self.config.perceptual and self.networks.perceptual is None:
            raise ConfigError("dial needs LPIPS: use --set perceptual=squeeze, or method.perceptual=0.")

    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        r, faithful = self.positions(batch)
        one = torch.ones_like(r)
        state = batch.source - self.networks.student(batch.source, one, r, batch.cond)
        losses = {"pixels": distance(state, batch.image, self.config.norm).mean()}
        rest = slice(faithful, None)
        if self.networks.perceptual is not None and self.config.perceptual and faithful < len(r):
            image, photo = (self.networks.decode(at[rest]) for at in (state, batch.image))
            image, photo = shifted(image, photo, batch.generator)
            likeness = (1 - r[rest]) * self.networks.perceptual(image, photo)
            losses["perceptual"] = self.config.perceptual * likeness.sum() / len(r)
        yield "student", losses

    def positions(self, batch: Batch) -> tuple[Tensor, int]:
        """r of each sample, and how many of the first stand at r = 1: LPIPS need not look at those."""
        n = len(batch.image)
        r = flow.uniform(n, batch.generator)
        faithful = flow.portion(n, self.config.faithful, batch.generator)
        real = min(flow.portion(n, self.config.real, batch.generator), n - faithful)
        r[:faithful] = 1
        r[faithful : faithful + real] = 0
        return r.to(batch.image), faithful


def shifted(image: Tensor, photo: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Both without up to SHIFTS - 1 rows and columns at random sides, the same for both.

    The backbones of LPIPS take every second pixel. A network whose output lies on a fixed grid learns to show
    a pattern to just those, which LPIPS praises and the eye sees as a mesh; moved about, it pays for it
    (Kettunen et al., arXiv:1906.03973, who transform at random for this).
    """
    rows, columns = (_window(side, flow.coin(generator)) for side in image.shape[-2:])
    return image[..., rows, columns], photo[..., rows, columns]


def _window(side: int, place: float) -> slice:
    """All but as many positions as there are other places for the window. place: in [0, 1)."""
    places = min(SHIFTS, side)
    start = int(places * place)
    return slice(start, start + side - places + 1)
