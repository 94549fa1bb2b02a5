"""Curves, hatching, outlines and comics."""

import numpy as np

from .canvas import Canvas, Point
from .colours import BLACK, WHITE, Colour, ink_on, vivid
from .fonts import face, words
from .patterns import ramp, screened


def wobbly(rng: np.random.Generator, centre: Point, radius: float, corners: int) -> list[Point]:
    """A closed outline around a centre."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radii = radius * rng.uniform(0.4, 1.2, corners)
    outline = np.stack((centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)), 1)
    return [(x, y) for x, y in outline.tolist()]


def curve(rng: np.random.Generator, size: float, reach: float = 1) -> list[Point]:
    """A smooth open line of cubic Bézier pieces across a picture of `size`."""
    knots = rng.uniform(size * (0.5 - reach / 2) - 4, size * (0.5 + reach / 2) + 4, (4, 2))
    t = np.linspace(0, 1, 40)[:, None]
    weights = np.concatenate(((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3), 1)
    return [(float(x), float(y)) for x, y in weights @ knots]


def lines(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Curves, hatching, circles and outlines, black on white or in few colours."""
    paper = WHITE if rng.random() < 0.6 else vivid(rng)
    inks = [BLACK] if paper == WHITE and rng.random() < 0.6 else [ink_on(rng, paper) for _ in range(3)]
    canvas = Canvas(side, side, scale, paper)
    size = canvas.width
    for _ in range(int(rng.integers(4, 16))):
        ink, width = inks[int(rng.integers(len(inks)))], float(rng.choice([0.75, 1, 1, 1.5, 2, 3]))
        kind = int(rng.integers(6))
        if kind == 0:
            canvas.line(curve(rng, size), ink, width)
        elif kind == 1:
            outline = wobbly(rng, (rng.uniform(0, size), rng.uniform(0, size)), size / 4, 9)
            canvas.line([*outline, outline[0]], ink, width)
        elif kind == 2:
            _hatch(rng, canvas, ink, width)
        elif kind == 3:
            x, y = rng.uniform(0, size, 2)
            for radius in np.arange(2, rng.uniform(10, size / 3), rng.uniform(2, 8)).tolist():
                canvas.ellipse((x - radius, y - radius, x + radius, y + radius), None, ink, width)
        elif kind == 4:
            bundle = np.array(curve(rng, size))
            for i in range(int(rng.integers(3, 12))):
                canvas.line((bundle + i * float(rng.uniform(2, 4))).tolist(), ink, width)
        else:
            turns = np.linspace(0, 2 * np.pi * rng.uniform(2, 8), 300)
            x, y = rng.uniform(0, size, 2)
            grow = turns * rng.uniform(0.5, 1.5)
            spiral = np.stack((x + grow * np.cos(turns), y + grow * np.sin(turns)), 1)
            canvas.line(spiral.tolist(), ink, width)
    return canvas.pixels()


def _hatch(rng: np.random.Generator, canvas: Canvas, ink: Colour, width: float) -> None:
    """Parallel lines in a box, once or crossed, by places or by a slope."""
    left, top = rng.uniform(-10, canvas.width * 0.7, 2)
    wide, high = rng.uniform(canvas.width * 0.2, canvas.width * 0.6, 2)
    slopes = [rng.uniform(-1, 1)] * 2 if rng.random() < 0.6 else [0.6, -0.6]
    step = float(rng.uniform(2, 7))
    for slope in slopes:
        for x in np.arange(left, left + wide, step).tolist():
            canvas.line([(x, top), (x + slope * high, top + high)], ink, width)


def comic(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Flat fills and halftones with black outlines, and a speech bubble."""
    tone = screened(rng, ramp(rng, side), scale)[..., None]
    paper, ink = np.array(vivid(rng)), np.array(vivid(rng))
    canvas = Canvas(side, side, scale, (paper + (ink - paper) * tone).round().astype(np.uint8))
    size = canvas.width
    for _ in range(int(rng.integers(3, 9))):
        centre = (rng.uniform(0, size), rng.uniform(0, size))
        outline = wobbly(rng, centre, size / 3, int(rng.integers(4, 14)))
        canvas.polygon(outline, vivid(rng))
        canvas.line([*outline, outline[0]], BLACK, float(rng.choice([1, 1.5, 2, 3])))
    for _ in range(int(rng.integers(1, 4))):
        canvas.line(curve(rng, size, 0.6), BLACK, float(rng.choice([1, 2, 3])))
    if rng.random() < 0.8:
        x, y, high = rng.uniform(0, size * 0.5), rng.uniform(10, size * 0.7), float(rng.integers(10, 22))
        text, font = words(rng, 2).upper(), face(rng)
        wide = canvas.length(text, high, font) + 12
        middle = x + wide / 2
        canvas.polygon([(middle, y + high), (middle + 8, y + high), (middle, y + high * 3)], BLACK)
        canvas.ellipse((x, y - high / 2, x + wide, y + high * 2), WHITE, BLACK, 1.5)
        canvas.text((middle, y + high * 0.75), text, high, BLACK, font, "mm")
    return canvas.pixels()
