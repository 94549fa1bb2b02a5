"""Small signs of interfaces: of squares of one small pixel, or shapes with a letter."""

import numpy as np

from .canvas import Box, Canvas
from .colours import Colour, ink_on, vivid
from .fonts import face, word


def icon(rng: np.random.Generator, canvas: Canvas, left: int, top: int, side: int) -> None:
    """Squares of one or two small pixels, a shape with a letter, or one with a sign."""
    place = (left, top, left + side, top + side)
    ground = vivid(rng)
    if rng.random() < 0.4:
        half = rng.random((side // 2, side // 4)) < 0.5
        bits = np.concatenate((half, half[:, ::-1]), 1)
        if rng.random() < 0.5:
            bits = bits.repeat(2, 0).repeat(2, 1)
        for share in (1.0, 0.4):
            _squares(canvas, bits & (rng.random(bits.shape) < share), (left, top), vivid(rng))
        return
    if rng.random() < 0.5:
        canvas.box(place, ground, ink_on(rng, ground) if rng.random() < 0.4 else None, radius=side / 5)
    else:
        canvas.ellipse(place, ground)
    ink = ink_on(rng, ground)
    if rng.random() < 0.5:
        canvas.text((left + side / 2, top + side / 2), word(rng)[:1], side * 0.7, ink, face(rng), "mm")
    else:
        edge = side // 5
        glyph(rng, canvas, (left + edge, top + edge, left + side - edge, top + side - edge), ink)


def glyph(rng: np.random.Generator, part: Canvas, place: Box, colour: Colour) -> None:
    """A tick, a cross, a bar, a box, an arrow, or a random sign of 1-pixel squares."""
    left, top, right, bottom = place[0] + 2, place[1] + 2, place[2] - 2, place[3] - 2
    side, kind = min(right - left, bottom - top), int(rng.integers(6))
    if side < 2:
        return
    if kind == 0:
        ends = [(left, top + side / 2), (left + side / 3, bottom), (right, top)]
        part.line(ends, colour, 1.5)
    elif kind == 1:
        part.line([(left, top), (right, bottom)], colour, 1)
        part.line([(left, bottom), (right, top)], colour, 1)
    elif kind == 2:
        part.row(left, right, bottom - 1, colour)
    elif kind == 3:
        part.box((left, top, right, bottom), border=colour)
    elif kind == 4:
        part.polygon([(left, top), (right, (top + bottom) / 2), (left, bottom)], colour)
    else:
        half = rng.random((int(side), -(-int(side) // 2))) < 0.5
        _squares(part, np.concatenate((half, half[:, ::-1]), 1), (left, top), colour)


def _squares(part: Canvas, bits: np.ndarray, corner: tuple[float, float], colour: Colour) -> None:
    for row, column in np.argwhere(bits).tolist():
        left, top = corner[0] + column, corner[1] + row
        part.box((left, top, left + 1, top + 1), colour)
