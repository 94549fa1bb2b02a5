"""Change a result as little as possible so that it equals its input when it is made small again."""

import logging
from math import isfinite

from torch import Tensor

from ..errors import UsageError
from ..ops.resize import resize
from ..pictures.picture import Picture
from .model_input import from_srgb_tone, model_input, reduced, to_srgb_tone

logger = logging.getLogger(__name__)

TOLERANCE = 0.5
"""Grey levels of 255: the largest rounding error of 8 bits."""
MAX_ROUNDS = 40
_STEP = 1.5
"""Over-relaxation: with 1 the finest detail of the input converges slowly, with 2 nothing does. It takes a
third fewer rounds than 1, at 1.6 to 10 times the size, for photos and from pure noise."""


def consistent(result: Picture, source: Picture, tolerance: float = TOLERANCE) -> Picture:
    """The result, changed so that it equals `source` within `tolerance` when it is reduced to that size.

    Iterated back-projection (Irani & Peleg 1991), x += up(source - down(x)), each round followed by clamping
    to [0, 1], so that neither spoils the other. down: antialiased bicubic, clamped, as in `metrics.lr_psnr`;
    up: bicubic. Differences within half of the tolerance are left as they are. Compared with the tone curve
    of sRGB; transparency is not changed.

    result: of any size. tolerance: grey levels of 255, more than 0. After MAX_ROUNDS the result is returned
    as far as it has come, with a warning. Raises UsageError for a tolerance that cannot work.
    """
    check_tolerance(tolerance)
    image, left = _projected(to_srgb_tone(result).clamp(0, 1), model_input(source), tolerance / 255)
    if left * 255 > tolerance:
        logger.warning(
            "Made small again, the result still differs from its input by up to %.1f grey levels where %g"
            " were allowed; a larger tolerance can be kept.",
            left * 255,
            tolerance,
        )
    return result.with_rgb(from_srgb_tone(image, result))


def check_tolerance(tolerance: float) -> None:
    """Raises UsageError."""
    if not (isfinite(tolerance) and tolerance > 0):
        raise UsageError(f"The tolerance is in grey levels of 255 and more than 0, not {tolerance:g}.")


def _projected(image: Tensor, lr: Tensor, tolerance: float) -> tuple[Tensor, float]:
    """The image (3, H, W), and the greatest difference that is left. lr: (3, h, w). All in [0, 1]."""
    size, small = (image.shape[1], image.shape[2]), (lr.shape[1], lr.shape[2])
    image = image.clone()
    for _ in range(MAX_ROUNDS):
        difference = lr - reduced(image, small)
        if difference.abs().max() <= tolerance:
            break
        # Half of the tolerance is the aim: the tolerance itself would be approached and never reached.
        excess = difference - difference.clamp(-tolerance / 2, tolerance / 2)
        image.add_(resize(excess[None], size)[0], alpha=_STEP).clamp_(0, 1)
    return image, (lr - reduced(image, small)).abs().max().item()
