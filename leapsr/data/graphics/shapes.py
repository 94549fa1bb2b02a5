"""Flat shapes of saturated colours, plain grounds and gradients, and logos over them."""

import numpy as np

from .canvas import Canvas
from .colours import BLACK, WHITE, Colour, ink_on, mixed, opposing, vivid
from .fonts import face, words
from .line_art import wobbly
from .patterns import gradient


def flat(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Saturated shapes, or a mosaic of web-safe colours."""
    canvas = Canvas(side, side, scale, vivid(rng))
    if rng.random() < 0.3:
        cell = int(rng.choice([2, 4, 6, 8, 12, 16, 24, 32]))
        for top in range(0, int(canvas.height) + 1, cell):
            for left in range(0, int(canvas.width) + 1, cell):
                canvas.box((left, top, left + cell, top + cell), vivid(rng))
        return canvas.pixels()
    colour = vivid(rng)
    for _ in range(int(rng.integers(3, 25))):
        colour = opposing(rng, colour)
        _shape(rng, canvas, colour)
    return canvas.pixels()


def plain(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """One colour, or two that meet."""
    first = vivid(rng) if rng.random() < 0.7 else mixed(BLACK, WHITE, rng.random())
    canvas = Canvas(side, side, scale, first)
    if rng.random() < 0.5:
        canvas.box((0, 0, int(canvas.width * rng.uniform(0.2, 0.8)), canvas.height + 1), opposing(rng, first))
    return canvas.pixels()


def logo(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Large and small text, also turned and outlined, over shapes of few colours."""
    palette = [vivid(rng) for _ in range(int(rng.integers(2, 5)))]
    if rng.random() < 0.35:
        palette[0] = (BLACK, WHITE)[int(rng.integers(2))]
    canvas = Canvas(side, side, scale, palette[0])
    for _ in range(int(rng.integers(1, 7))):
        _shape(rng, canvas, palette[int(rng.integers(len(palette)))], 0.8)
    for _ in range(int(rng.integers(2, 6))):
        large = rng.random() < 0.5
        size = float(rng.uniform(20, 70)) if large else float(rng.integers(8, 20))
        text = words(rng, int(rng.integers(1, 3 if large else 5)))
        ground = palette[int(rng.integers(len(palette)))]
        ink, font = ink_on(rng, ground), face(rng)
        outline = opposing(rng, ink) if large and rng.random() < 0.25 else None
        length, high = int(canvas.length(text, size, font)) + 6, int(size * 1.4)
        left, top = rng.integers(-10, int(canvas.width) // 2), rng.integers(-4, int(canvas.height) - 8)
        place = (int(left), int(top))
        if rng.random() < 0.5:
            canvas.text((place[0], place[1] + high), text, size, ink, font, outline=outline)
            continue
        badge = canvas.part(min(length, int(canvas.width)), high, ground)
        badge.text((3, high // 2), text, size, ink, font, "lm", outline)
        degrees = float(rng.choice([0, 0, 90, 270, rng.uniform(-40, 40)]))
        canvas.paste(badge, place, degrees, clear=rng.random() < 0.5)
    return canvas.pixels()


def shaded(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """A gradient, with shapes and text on it in half of the pictures."""
    picture = gradient(rng, side)
    if rng.random() < 0.5:
        return picture
    canvas = Canvas(side, side, scale, picture)
    for _ in range(int(rng.integers(1, 8))):
        _shape(rng, canvas, vivid(rng), 0.4)
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(0, canvas.width, 2)
        colour = (BLACK, WHITE, vivid(rng))[int(rng.integers(3))]
        canvas.text((x / 2, y), words(rng, 3), float(rng.integers(8, 32)), colour, face(rng))
    return canvas.pixels()


def _shape(rng: np.random.Generator, canvas: Canvas, fill: Colour, largest: float = 0.6) -> None:
    """A box, disc, polygon, rounded box, ring, star or stripe, on whole small pixels where it has sides."""
    whole = int(canvas.width)
    width, height = (int(v) for v in rng.integers(3, max(4, int(whole * largest)), 2))
    left, top = (int(v) for v in rng.integers(-whole // 8, whole, 2))
    border = opposing(rng, fill) if rng.random() < 0.3 else None
    thick = int(rng.choice([1, 1, 2, 3]))
    place = (left, top, left + width, top + height)
    kind = int(rng.integers(8))
    if kind < 2:
        canvas.box(place, fill, border, thick)
    elif kind == 2:
        canvas.box(place, fill, border, thick, radius=int(rng.integers(2, 12)))
    elif kind == 3:
        canvas.ellipse((left, top, left + width, top + width), fill, border, thick)
    elif kind == 4:
        canvas.ellipse(place, None, fill, int(rng.integers(1, 8)))
    elif kind == 5:
        canvas.polygon(wobbly(rng, (left, top), max(width, height), int(rng.integers(3, 9))), fill)
    elif kind == 6:
        angles = np.arange(10) * np.pi / 5 + rng.uniform(0, 6)
        radii = width * np.where(np.arange(10) % 2, 0.4, 1)
        star = np.stack((left + radii * np.cos(angles), top + radii * np.sin(angles)), 1)
        canvas.polygon(star.tolist(), fill)
    else:
        ends = [(float(x), float(y)) for x, y in rng.uniform(0, whole, (2, 2))]
        canvas.line(ends, fill, float(rng.integers(1, 12)))
