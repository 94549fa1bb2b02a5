"""Clean pictures to train on beside photos: logos, screenshots, documents, charts, patterns, flat colours.

A network that was trained on photos alone takes the edges of a screenshot for damage. These pictures are
drawn, so that they are as sharp as pixels can be. Positions and lengths are in small pixels, those of the
picture that training makes `scale` times smaller.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import DataError, OutputError, UnknownName
from ...files import atomic_write, remove_stale_parts
from ..photos import Photos, Progress
from ..reading import decode
from .charts import chart, geographic
from .documents import document, scan
from .line_art import comic, lines
from .patterns import checkers, dots, waves
from .recolouring import recoloured
from .screens import code, interface
from .shapes import flat, logo, plain, shaded

__all__ = ["KINDS", "recoloured", "render", "write"]

UNALIGNED = 0.15
"""Share of pictures that do not lie on the grid of small pixels."""
_WRITTEN = re.compile(r"(^|/)(graphics|recoloured)-\d{5}\.webp$")


Kind = Callable[[np.random.Generator, int, int], np.ndarray]
"""(rng, side, scale) -> uint8 (side, side, 3), aligned to small pixels from the upper left corner."""

KINDS: dict[str, tuple[Kind, float]] = {
    "flat": (flat, 1.5),
    "plain": (plain, 0.3),
    "logo": (logo, 2),
    "interface": (interface, 2.5),
    "code": (code, 0.8),
    "document": (document, 1.8),
    "gradient": (shaded, 1.2),
    "lines": (lines, 1.2),
    "comic": (comic, 1),
    "checkers": (checkers, 1.5),
    "waves": (waves, 0.7),
    "dots": (dots, 0.4),
    "chart": (chart, 1.2),
    "map": (geographic, 0.8),
    "scan": (scan, 0.7),
}
"""Name -> (how it is drawn, its weight)."""


def render(rng: np.random.Generator, side: int = 512, scale: int = 4, kind: str | None = None) -> np.ndarray:
    """uint8 (side, side, 3). kind: of KINDS, None to draw one by its weight.

    Most pictures lie on the grid of small pixels; UNALIGNED of them are shifted by a part of one.
    """
    if kind is None:
        weights = np.array([weight for _, weight in KINDS.values()])
        kind = list(KINDS)[int(rng.choice(len(KINDS), p=weights / weights.sum()))]
    drawn, _ = KINDS[kind]
    if rng.random() >= UNALIGNED:
        return drawn(rng, side, scale)
    top, left = (int(shift) for shift in rng.integers(0, scale, 2))
    return drawn(rng, side + scale, scale)[top : top + side, left : left + side].copy()


def write(
    folder: Path,
    count: int,
    *,
    photos: Photos | None = None,
    recoloured_count: int = 0,
    seed: int = 0,
    side: int = 512,
    scale: int = 4,
    kind: str | None = None,
    progress: Progress = lambda done, total: None,
) -> int:
    """Write `count` graphics and `recoloured_count` recoloured crops of `photos`; returns how many were new.

    graphics-00001.webp and recoloured-00001.webp onwards, lossless. What a picture shows depends on the seed
    and its number, on the photos, and on the fonts of the system. Whole files of these names stay as they
    are. kind: of KINDS; None is all of them, by their weights. Raises UnknownName for another kind, DataError
    for photos that are unreadable or smaller than `side`, OutputError.
    """
    if kind is not None and kind not in KINDS:
        raise UnknownName("kind of graphics", kind, KINDS)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror or error}.") from error
    remove_stale_parts(folder)
    new, total = 0, count + recoloured_count
    for done in range(total):
        name, number = ("graphics", done + 1) if done < count else ("recoloured", done - count + 1)
        file = folder / f"{name}-{number:05}.webp"
        if not _is_whole(file, side):
            rng = np.random.default_rng((seed, number, done >= count))
            if done < count:
                picture = render(rng, side, scale, kind)
            else:
                assert photos is not None, "recoloured photos need photos"
                picture = recoloured(rng, _crop(rng, photos, side))
            with atomic_write(file) as part:
                Image.fromarray(picture).save(part, "WEBP", lossless=True, quality=40, method=2)
            new += 1
        progress(done + 1, total)
    return new


def _crop(rng: np.random.Generator, photos: Photos, side: int) -> np.ndarray:
    """uint8 (side, side, 3) of a random photo, made up to 2.5 times smaller, and so sharper."""
    usable = [i for i, name in enumerate(photos.names) if not _WRITTEN.search(name)]
    if not usable:
        raise DataError("There is no photo to recolour, only pictures that were made here.")
    index = usable[int(rng.integers(len(usable)))]
    height, width = photos.sizes[index]
    if min(height, width) < side:
        raise DataError(f"{photos.names[index]} is smaller than {side} pixels; leave it out.")
    taken = int(side * rng.uniform(1, min(2.5, min(height, width) / side)))
    top, left = int(rng.integers(height - taken + 1)), int(rng.integers(width - taken + 1))
    pixels = photos.crop(index, top, left, taken).permute(1, 2, 0).contiguous().numpy()
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS))


def _is_whole(file: Path, side: int) -> bool:
    if file.is_file():
        with suppress(DataError):
            return decode(file).shape == (3, side, side)
    return False
