"""How large the windows are that a network is shown which sees all of what it is shown.

Those that work on latents were trained on squares of about 64 latents; smaller windows show them too little
of a picture to know what it is, and some know positions up to a limit only.
"""

import logging

from ..errors import UsageError
from ..restorer import Restorer
from . import tile_memory
from .tiles import Extent

logger = logging.getLogger(__name__)

LATENTS, FEWEST_LATENTS = 128, 64
"""On a side: as a rule, and at least, where the picture is that large."""


def usual(restorer: Restorer) -> int | None:
    """Side in low-resolution pixels; None where there are no latents, so that memory decides."""
    if restorer.space.autoencoder.factor == 1:
        return None
    return _at_most(restorer, LATENTS)


def smallest(restorer: Restorer) -> int:
    """As far as windows may shrink where memory does not suffice."""
    if restorer.space.autoencoder.factor == 1:
        return tile_memory.SMALLEST_TILE
    return _at_most(restorer, FEWEST_LATENTS)


def wanted(restorer: Restorer, tile: int, extent: Extent) -> int:
    """The side that was asked for, 0 being the whole picture, whole latents wide.

    Raises UsageError where the network cannot be shown as much.
    """
    longest = max(extent.height, extent.width)
    one = tile == 0 or tile >= longest
    limit = restorer.largest if one else _largest(restorer)
    if limit is not None and (longest if one else tile) > limit:
        raise UsageError(
            f"This network can be shown {limit} x {limit} pixels at most: use --tile {_largest(restorer)}, "
            "or leave --tile out."
        )
    if one:
        return tile
    tile = max(1, tile // restorer.alignment) * restorer.alignment
    if tile < smallest(restorer):
        logger.info(
            "Windows of %d pixels show this network little of the picture; it was trained with %d and more.",
            tile,
            smallest(restorer),
        )
    return tile


def _at_most(restorer: Restorer, latents: int) -> int:
    side = latents * restorer.space.autoencoder.factor // restorer.scale
    side = max(1, side // restorer.alignment) * restorer.alignment
    largest = _largest(restorer)
    return side if largest is None else min(side, largest)


def _largest(restorer: Restorer) -> int | None:
    """Of windows of a row, whose last one may be longer by what the picture has beyond whole latents."""
    if restorer.largest is None:
        return None
    longer = restorer.alignment - 1
    return max(1, (restorer.largest - longer) // restorer.alignment) * restorer.alignment
