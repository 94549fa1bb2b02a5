"""Photos in colours that few photos have: stage light, black and white, near darkness, blown highlights."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from ...ops.color import BT601

Recolouring = Callable[[np.random.Generator, np.ndarray], np.ndarray]
"""(rng, photo float (H, W, 3) from 0 to 255) -> the same shape, not clipped."""


def recoloured(rng: np.random.Generator, photo: np.ndarray, kind: str | None = None) -> np.ndarray:
    """uint8 (H, W, 3) to the same shape. kind: of RECOLOURINGS, None to draw one."""
    kind = kind or list(RECOLOURINGS)[int(rng.integers(len(RECOLOURINGS)))]
    values = RECOLOURINGS[kind](rng, photo.astype(np.float32))
    return (values + 0.5).clip(0, 255).astype(np.uint8)


def _luma(photo: np.ndarray) -> np.ndarray:
    return (photo @ np.array(BT601, np.float32))[..., None]


def _light(rng: np.random.Generator) -> np.ndarray:
    """A saturated colour, its largest channel 1 and its least 0."""
    values = rng.permutation([1, 0, rng.choice([0, 0, 0.2, 0.5, 0.8, 1])])
    return values.astype(np.float32)


def _stage(rng: np.random.Generator, photo: np.ndarray) -> np.ndarray:
    """Lit by one saturated colour, or by two from the sides, channels blown."""
    light = _light(rng)
    if rng.random() < 0.4:
        t = np.linspace(0, 1, photo.shape[1], dtype=np.float32)[None, :, None]
        light = light * (1 - t) + _light(rng) * t
    return _luma(photo) * light * rng.uniform(1, 2.5)


def _saturated(rng: np.random.Generator, photo: np.ndarray) -> np.ndarray:
    grey = _luma(photo)
    return grey + (photo - grey) * rng.uniform(2, 5)


def _monochrome(rng: np.random.Generator, photo: np.ndarray) -> np.ndarray:
    """R = G = B, of any contrast."""
    share = rng.dirichlet([2, 3, 2]).astype(np.float32)
    grey = (photo @ share)[..., None]
    contrast = rng.uniform(0.7, 1.8)
    return np.repeat((grey - 128) * contrast + 128, 3, 2)


def _tinted(rng: np.random.Generator, photo: np.ndarray) -> np.ndarray:
    """Sepia, or from a dark colour to a light one."""
    grey = _luma(photo) / 255
    if rng.random() < 0.4:
        dark, bright = np.array([20, 10, 0]), np.array([255, 240, 200])
    else:
        dark, bright = rng.integers(0, 100, 3), rng.integers(130, 256, 3)
    return dark + (bright - dark).astype(np.float32) * grey


def _dark(rng: np.random.Generator, photo: np.ndarray) -> np.ndarray:
    """Levels from 0 to 30 at most."""
    low = rng.uniform(0, 4)
    return low + photo / 255 * (rng.uniform(12, 30) - low)


def _bright(rng: np.random.Generator, photo: np.ndarray) -> np.ndarray:
    """High key: levels from 150 or more."""
    return 255 - (255 - photo) * rng.uniform(0.1, 0.4)


def _screen(rng: np.random.Generator, photo: np.ndarray) -> np.ndarray:
    """A window of the photo before a flat green or blue screen."""
    height, width = photo.shape[:2]
    grounds = [(0, 177, 64), (0, 255, 0), (4, 244, 4), (0, 71, 187), (0, 0, 255)]
    ground = np.array(grounds[int(rng.integers(5))], np.float32)
    mask = Image.new("L", (width * 2, height * 2))
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    waves = sum(rng.uniform(-0.1, 0.1) * np.cos(i * angles + rng.uniform(0, 6)) for i in range(1, 6))
    radius = rng.uniform(0.5, 0.8) + waves
    x = (rng.uniform(0.3, 0.7) + radius * np.cos(angles) / 2) * width * 2
    y = (rng.uniform(0.3, 0.7) + radius * np.sin(angles) / 2) * height * 2
    ImageDraw.Draw(mask).polygon(list(zip(x.tolist(), y.tolist(), strict=True)), 255)
    share = np.asarray(mask.reduce(2), np.float32)[..., None] / 255
    return ground + (photo - ground) * share


def _clipped(rng: np.random.Generator, photo: np.ndarray) -> np.ndarray:
    """Highlights blown: the brightest 5 to 40 percent are at the limit."""
    limit = np.quantile(photo[::4, ::4].max(2), rng.uniform(0.6, 0.95))
    return photo * (255 / max(float(limit), 1))


RECOLOURINGS: dict[str, Recolouring] = {
    "stage": _stage,
    "saturated": _saturated,
    "monochrome": _monochrome,
    "tinted": _tinted,
    "dark": _dark,
    "bright": _bright,
    "screen": _screen,
    "clipped": _clipped,
}
