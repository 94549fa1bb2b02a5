"""Pictures that are functions of the position: checkerboards, stripes, rings, halftones, gradients.

Everything returns uint8 (side, side, 3). Periods are in small pixels, `scale` pixels each.
"""

import colorsys
from itertools import pairwise

import numpy as np

from .colours import Colour, opposing, vivid


def checkers(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Checkerboards and stripes of 1 to 8 small pixels, in one to nine fields."""
    counts = np.sort(rng.integers(0, side // scale // 8, (2, int(rng.integers(0, 3))))) * 8 * scale
    rows, columns = ([0, *map(int, cuts), side] for cuts in counts)
    picture = np.empty((side, side, 3), np.uint8)
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            y, x = np.mgrid[top:bottom, left:right] // scale
            first, second = pair(rng)
            picture[top:bottom, left:right] = np.where(_woven(rng, x, y)[..., None], second, first)
    return picture


def _woven(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which of two colours a small pixel has."""
    wide = high = int(rng.choice([1, 1, 1, 2, 2, 3, 4, 6, 8]))
    if rng.random() < 0.3:
        wide, high = (int(period) for period in rng.integers(1, 9, 2))
    kind = rng.random()
    if kind < 0.5:
        return (x // wide + y // high) % 2 == 1
    if kind < 0.65:
        return x // wide % 2 == 1
    if kind < 0.8:
        return y // high % 2 == 1
    if kind < 0.9:
        return (x + (y if rng.random() < 0.5 else -y)) // wide % 2 == 1
    line = int(rng.integers(2, 9))  # a grid, or dots of one small pixel
    return (x % line == 0) | (y % line == 0) if rng.random() < 0.5 else (x % line == 0) & (y % line == 0)


def pair(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Two greys or two colours, 4 to 255 levels apart where they are not opposing."""
    kind = rng.random()
    if kind < 0.25:
        return (0, 0, 0), (255, 255, 255)
    if kind < 0.4:
        first = vivid(rng)
        second = opposing(rng, first)
        return first, second if second != first else (255 - first[0], 255 - first[1], 255 - first[2])
    contrast = int(np.exp(rng.uniform(np.log(4), np.log(255))))
    base = rng.integers(0, 256 - contrast)
    channels = rng.permutation([1, *rng.integers(0, 2, 2)]) if kind > 0.75 else np.ones(3, int)
    low = np.where(channels, base, rng.integers(0, 256, 3))
    (a, b, c), (d, e, f) = low.tolist(), (low + contrast * channels).tolist()
    return (a, b, c), (d, e, f)


def waves(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Slanted stripes, a Siemens star, rings or a zone plate: as sharp as the pixels, or sinusoidal."""
    y, x = np.mgrid[:side, :side].astype(np.float32) + 0.5
    x, y = x - side * rng.uniform(0.1, 0.9), y - side * rng.uniform(0.1, 0.9)
    radius = np.hypot(x, y)
    shortest = float(rng.uniform(2, 8)) * scale  # period in pixels; 2 small pixels are the Nyquist limit
    kind = int(rng.integers(4))
    if kind == 0:
        angle = rng.uniform(0, np.pi)
        cycles = (x * np.cos(angle) + y * np.sin(angle)) / shortest
        step = np.full_like(x, 1 / shortest)
    elif kind == 1:
        spokes = int(rng.integers(6, 60))
        cycles, step = np.arctan2(y, x) / (2 * np.pi) * spokes, spokes / (2 * np.pi * radius)
    elif kind == 2:
        cycles, step = radius / shortest, np.full_like(x, 1 / shortest)
    else:
        rate = 1 / (2 * radius.max() * shortest)
        cycles, step = radius**2 * rate, 2 * radius * rate
    wave = np.sin(2 * np.pi * cycles)
    if rng.random() < 0.5:
        wave = (wave / np.maximum(np.pi * step, 1e-6)).clip(-1, 1)  # one pixel from dark to light
    return blend(*pair(rng), (wave + 1) / 2)


def dots(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """A halftone: dots on a turned grid, the larger the darker the picture below is."""
    first, second = pair(rng)
    return blend(first, second, screened(rng, ramp(rng, side), scale))


def screened(rng: np.random.Generator, tone: np.ndarray, scale: int) -> np.ndarray:
    """Ink of a halftone of `tone`, both (H, W) in [0, 1]."""
    period = float(rng.uniform(3, 10)) * scale
    angle = float(rng.choice([0, 15, 30, 45, 75])) / 180 * np.pi
    y, x = np.mgrid[: tone.shape[0], : tone.shape[1]].astype(np.float32) + 0.5
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    distance = np.hypot(u % period - period / 2, v % period - period / 2)
    return (period * np.sqrt(tone / 2) - distance + 0.5).clip(0, 1)


def ramp(rng: np.random.Generator, side: int) -> np.ndarray:
    """(side, side) from 0 to 1: linear, radial, around a point, or a soft wave."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    cx, cy, angle = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0, 2 * np.pi)
    kind = int(rng.choice([0, 0, 0, 1, 1, 2, 3]))
    if kind == 0:
        if rng.random() < 0.4:
            angle = np.pi / 2 * rng.integers(4)
        field = x * np.cos(angle) + y * np.sin(angle)
    elif kind == 1:
        field = np.hypot(x - cx, (y - cy) * rng.uniform(0.6, 1.6))
    elif kind == 2:
        return (np.arctan2(y - cy, x - cx) / (2 * np.pi)) % 1
    else:
        rates = rng.uniform(1, 4, 2)
        field = np.sin(2 * np.pi * x * rates[0]) + np.cos(2 * np.pi * y * rates[1] + angle)
    return (field - field.min()) / (field.max() - field.min())


def gradient(rng: np.random.Generator, side: int) -> np.ndarray:
    """Two to four colours along a ramp, a hue wheel, or a colour in each corner."""
    kind = rng.random()
    if kind < 0.15:
        y, x = np.mgrid[:side, :side].astype(np.float32) / side
        hue = np.arctan2(y - rng.uniform(0.3, 0.7), x - rng.uniform(0.3, 0.7)) / (2 * np.pi)
        return _from_hue(hue, np.hypot(x - 0.5, y - 0.5) * 2 if rng.random() < 0.5 else np.ones_like(x))
    if kind < 0.25:
        hue = ramp(rng, side)
        return _from_hue(hue * rng.uniform(0.2, 1) + rng.random(), np.ones_like(hue))
    if kind < 0.4:
        corners = np.array([vivid(rng) for _ in range(4)], np.float32).reshape(2, 2, 1, 1, 3)
        t = np.linspace(0, 1, side, dtype=np.float32)
        y, x = t[:, None, None], t[None, :, None]
        top = corners[0, 0] * (1 - x) + corners[0, 1] * x
        return _levels(top * (1 - y) + (corners[1, 0] * (1 - x) + corners[1, 1] * x) * y)
    colours = [vivid(rng) for _ in range(int(rng.integers(2, 5)))]
    if rng.random() < 0.3:  # a faint one: the steps of 8 bits are wide
        grey = rng.integers(0, 256, 3)
        near = (grey + rng.integers(-24, 25, 3)).clip(0, 255)
        colours = [(int(c[0]), int(c[1]), int(c[2])) for c in (grey, near)]
    stops = np.linspace(0, 1, len(colours))
    field = ramp(rng, side)
    return _levels(np.stack([np.interp(field, stops, [c[i] for c in colours]) for i in range(3)], -1))


def _from_hue(hue: np.ndarray, saturation: np.ndarray) -> np.ndarray:
    """Of full value; hue counts turns."""
    full = np.array([colorsys.hsv_to_rgb(i / 1536, 1, 1) for i in range(1536)], np.float32)
    pure = full[(hue * 1536).astype(np.int64) % 1536]
    return _levels(255 * (1 - (1 - pure) * saturation.clip(0, 1)[..., None]))


def blend(first: Colour, second: Colour, share: np.ndarray) -> np.ndarray:
    """share (H, W) of the second colour, in [0, 1]."""
    low, high = np.array(first, np.float32), np.array(second, np.float32)
    return _levels(low + (high - low) * share[..., None])


def _levels(values: np.ndarray) -> np.ndarray:
    return (values + 0.5).clip(0, 255).astype(np.uint8)
