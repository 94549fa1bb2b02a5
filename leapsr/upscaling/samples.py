"""Several results of one picture, from different seeds, to choose from."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch.nn.functional as F

from ..errors import UsageError
from ..pictures.picture import Picture
from .model_input import grey_levels, to_srgb_tone
from .progress import Progress, part_of
from .sizes import AS_THE_MODEL, Target
from .upscaler import DEFAULTS, Settings, Upscaler

logger = logging.getLogger(__name__)

SPOT = 16
"""Side in pixels of the squares over which two results are compared."""
ALIKE = 1.0
"""Grey levels, root mean square over a spot: as little as one step of 8 bits. Of the packaged models
that draw their detail, the worst spot of a photo differs by 0.01 to 0.42 at fidelity 1, and by 1.2 or more
at 0.95."""


class Sample(NamedTuple):
    seed: int
    picture: Picture


def samples(
    upscaler: Upscaler,
    picture: Picture,
    count: int,
    target: Target = AS_THE_MODEL,
    settings: Settings = DEFAULTS,
    progress: Progress | None = None,
) -> Iterator[Sample]:
    """Up to `count` results, from the seeds settings.seed, settings.seed + 1, ..., each made when it is read.

    Where the second looks like the first, because the model's result does not depend on the seed (or hardly,
    at a fidelity near 1), there is only one, and a warning says so. Raises UsageError for a count below 1,
    and what `Upscaler.upscale` raises.
    """
    if count < 1:
        raise UsageError(f"The number of samples is at least 1, not {count}.")

    def draw() -> Iterator[Sample]:
        first = None
        for index in range(count):
            own = replace(settings, seed=settings.seed + index)
            result = upscaler.upscale(picture, target, own, part_of(progress, index, 1, count))
            if index == 1 and first is not None and alike(first, result):
                logger.warning(
                    "The results look the same for every seed here, so there is one only; a lower fidelity,"
                    " or a model that draws its detail, such as leap-small-smfsr, makes them differ."
                )
                return
            first = result if index == 0 and count > 1 else None
            yield Sample(own.seed, result)

    return draw()


def alike(one: Picture, other: Picture) -> bool:
    """Whether no spot of two results of one size differs visibly."""
    difference = (grey_levels(to_srgb_tone(one)) - grey_levels(to_srgb_tone(other))).square_()
    side = min(SPOT, *difference.shape[1:])
    spots = F.avg_pool2d(difference, side, ceil_mode=True)
    return spots.max().item() <= ALIKE**2
