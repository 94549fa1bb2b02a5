"""Charts and maps."""

import numpy as np

from .canvas import Canvas, Point
from .colours import BLACK, WHITE, Colour, mixed, vivid
from .fonts import face, word, words
from .line_art import curve, wobbly
from .theme import theme


def chart(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Bars, lines, points or a pie, with axes, a grid, numbers and a legend."""
    look = theme(rng)
    canvas = Canvas(side, side, scale, look.ground)
    palette = [vivid(rng) for _ in range(int(rng.integers(2, 7)))]
    size = min(look.size, 14)
    right, bottom = int(canvas.width) - 4, int(canvas.height) - size - 6
    left, top = size * 3, size + 8
    canvas.text(((left + right) / 2, 3), words(rng, 3), size, look.ink, look.font, "mt")
    if rng.random() < 0.25:
        _pie(rng, canvas, palette, look.ground)
    else:
        step = int(rng.integers(8, 24))
        faint = mixed(look.ground, look.ink, rng.uniform(0.1, 0.4))
        for i, y in enumerate(range(bottom, top, -step)):
            canvas.row(left, right, y, faint)
            canvas.text((left - 3, y), str(i * 5), size, look.ink, look.font, "rm")
        for x in range(left, right, step) if rng.random() < 0.5 else ():
            canvas.column(top, bottom, x, faint)
        (_bars if rng.random() < 0.45 else _series)(rng, canvas, (left, top, right, bottom), palette)
        canvas.row(left, right, bottom, look.ink)
        canvas.column(top, bottom, left, look.ink)
        for x in range(left + step, right, step * 2):
            canvas.text((x, bottom + 3), word(rng)[:4], size, look.ink, look.font, "mt")
    if rng.random() < 0.6:
        wide, x = size * 5, int(rng.integers(left, max(left + 1, right - size * 5)))
        canvas.box((x, top, x + wide, top + 3 + size * len(palette)), look.ground, look.border)
        for i, colour in enumerate(palette):
            y = top + 2 + size * i
            canvas.box((x + 2, y + 2, x + size - 2, y + size - 2), colour)
            canvas.text((x + size + 1, y + size // 2), word(rng)[:6], size * 0.8, look.ink, look.font, "lm")
    return canvas.pixels()


Plot = tuple[int, int, int, int]  # left, top, right, bottom


def _bars(rng: np.random.Generator, canvas: Canvas, plot: Plot, palette: list[Colour]) -> None:
    left, top, right, bottom = plot
    wide, gap = int(rng.integers(2, 14)), int(rng.integers(1, 5))
    border = BLACK if rng.random() < 0.3 else None
    for i, x in enumerate(range(left + gap, right - wide, wide + gap)):
        y = int(rng.integers(top, bottom))
        canvas.box((x, y, x + wide, bottom), palette[i % len(palette)], border)


def _series(rng: np.random.Generator, canvas: Canvas, plot: Plot, palette: list[Colour]) -> None:
    """Lines with or without marks, whole or dashed, or points alone."""
    left, top, right, bottom = plot
    count = int(rng.integers(6, 40))
    x = np.linspace(left, right, count)
    for colour in palette:
        steps = rng.standard_normal(count).cumsum() * rng.uniform(0.02, 0.15) + rng.random()
        y = bottom - steps.clip(0, 1) * (bottom - top)
        points: list[Point] = list(zip(x.tolist(), y.tolist(), strict=True))
        kind, width = rng.random(), float(rng.choice([1, 1, 1.5, 2, 3]))
        if kind < 0.6:
            canvas.line(points, colour, width)
        elif kind < 0.8:
            canvas.dashed(points, colour, width)
        if kind > 0.4:
            for px, py in points:
                canvas.ellipse((px - 2, py - 2, px + 2, py + 2), colour)


def _pie(rng: np.random.Generator, canvas: Canvas, palette: list[Colour], ground: Colour) -> None:
    ends = np.cumsum(rng.dirichlet(np.ones(len(palette)) * 2)) * 360 + float(rng.integers(0, 360))
    begin, middle = ends[-1] - 360, canvas.width / 2
    for end, colour in zip(ends, palette, strict=True):
        border = ground if rng.random() < 0.5 else None
        canvas.slice((middle, middle), canvas.width * 0.36, begin, end, colour, border)
        begin = end
    if rng.random() < 0.3:
        hole = canvas.width * 0.16
        canvas.ellipse((middle - hole, middle - hole, middle + hole, middle + hole), ground)


def geographic(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Land, water, roads with edges, borders, blocks of houses and names."""
    canvas = Canvas(side, side, scale, vivid(rng) if rng.random() < 0.5 else (170, 211, 223))
    size = canvas.width
    pale = rng.random() < 0.5
    for _ in range(int(rng.integers(4, 14))):
        colour = mixed(WHITE, vivid(rng), 0.3) if pale else vivid(rng)
        centre = (rng.uniform(0, size), rng.uniform(0, size))
        outline = wobbly(rng, centre, size / 2.5, int(rng.integers(8, 40)))
        canvas.polygon(outline, colour)
        if rng.random() < 0.6:
            canvas.line([*outline, outline[0]], mixed(colour, BLACK, 0.5), 1)
    for _ in range(int(rng.integers(0, 12))):
        left, top = (int(v) for v in rng.integers(0, int(size), 2))
        right, bottom = left + int(rng.integers(2, 12)), top + int(rng.integers(2, 12))
        canvas.box((left, top, right, bottom), (217, 208, 201), (150, 140, 130))
    for _ in range(int(rng.integers(2, 8))):
        road, width = curve(rng, size, 1.2), float(rng.choice([2, 3, 4, 6]))
        colour = (WHITE, (255, 225, 120), (230, 110, 110), vivid(rng))[int(rng.integers(4))]
        canvas.line(road, mixed(colour, BLACK, 0.5), width + 1)
        canvas.line(road, colour, width)
    canvas.dashed(curve(rng, size), vivid(rng), 1)
    font = face(rng, "sans")
    for _ in range(int(rng.integers(2, 9))):
        x, y = rng.uniform(0, size, 2)
        halo = WHITE if rng.random() < 0.7 else None
        canvas.text((x, y), word(rng), float(rng.integers(8, 15)), BLACK, font, "mm", halo)
    return canvas.pixels()
