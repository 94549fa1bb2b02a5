"""Colours for drawn pictures, the extreme ones more often than photos have them."""

import colorsys

import numpy as np

from ...ops.color import BT601

Colour = tuple[int, int, int]  # sRGB, 0..255

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
MARGIN = 64  # least difference of luma between text and its ground


def luma(colour: Colour) -> float:
    """0 to 255."""
    return BT601[0] * colour[0] + BT601[1] * colour[1] + BT601[2] * colour[2]


def vivid(rng: np.random.Generator) -> Colour:
    """Pure 0/255, one of the 216 web-safe colours, close to the limits, or any saturated hue."""
    kind = rng.random()
    if kind < 0.3:
        return _colour(255 * rng.integers(0, 2, 3))
    if kind < 0.7:
        return _colour(51 * rng.integers(0, 6, 3))
    if kind < 0.8:
        return _colour(np.abs(255 * rng.integers(0, 2, 3) - rng.integers(0, 13, 3)))
    hue, saturation, value = rng.random(), rng.uniform(0.5, 1), rng.uniform(0.3, 1)
    return _colour(np.array(colorsys.hsv_to_rgb(hue, saturation, value)) * 255)


def opposing(rng: np.random.Generator, colour: Colour) -> Colour:
    """The complement, black or white where that is close, or a vivid colour."""
    if rng.random() < 0.5:
        return vivid(rng)
    other = _colour(255 - np.array(colour))
    return other if np.ptp([*colour, *other]) > MARGIN else [BLACK, WHITE][int(rng.integers(2))]


def ink_on(rng: np.random.Generator, ground: Colour) -> Colour:
    """A colour that can be read on `ground`."""
    for _ in range(4):
        colour = opposing(rng, ground)
        if abs(luma(colour) - luma(ground)) > MARGIN:
            return colour
    return BLACK if luma(ground) > 127 else WHITE


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of `other`, 0 to 1."""
    return _colour(np.array(one) * (1 - share) + np.array(other) * share)


def _colour(levels: np.ndarray) -> Colour:
    red, green, blue = (int(level) for level in levels.round().clip(0, 255))
    return red, green, blue
