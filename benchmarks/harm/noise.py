"""Photos with noise, stored without loss: how much of the noise is in the result."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np

from leapsr.errors import UsageError
from leapsr.upscaling.settings import Settings

from .drawn import photo
from .model import SEED, Model, bicubic
from .photos import Photos, cut, kodak, smaller
from .sheets import Row, beside, file_name, sheet, table

SIGMAS = (8, 15, 25, 45)
"""Of Gaussian noise in each channel, in levels of 255."""
KODAK = ("4", "7", "13", "19", "20", "23")
LEFT = (0.7, 1.3)
"""Of bicubic's noise, with denoise 0."""
CROP = 144
SHOWN = ("drawn", "4", "7", "19")
"""Of sheets."""
HEAD = (
    *("sigma", "fidelity", "denoise", "noise left", "bicubic", "ratio", "lowest", "highest"),
    *("more than bicubic", "highest of"),
)


class Way(NamedTuple):
    model: Model
    fidelity: float

    @property
    def denoise(self) -> str:
        """A dash where the setting does not exist."""
        return str(vars(self.model.settings).get("denoise", "-"))

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        return self.model(picture, self.fidelity)


class Left(NamedTuple):
    """Of one picture: rms(enlarged(noisy) - enlarged(clean)), in levels of 255."""

    name: str
    own: float
    plain: float
    """Bicubic's."""

    @property
    def ratio(self) -> float:
        return self.own / self.plain


def noise(
    model: Model, positions: Sequence[float], data: Path, limit: int | None, out: Path | None
) -> list[str]:
    """Prints a table. Returns the broken bounds, a sentence each."""
    photos = kodak(data, KODAK, limit)
    pictures: Photos = {"drawn": np.asarray(photo())}
    pictures |= {name: smaller(cut(each, model.scale), model.scale) for name, each in photos.items()}
    ways = [Way(each, position) for each in [model, *_keeping_noise(model)] for position in positions]
    print(f"\n## {model.name} x{model.scale}: noise in {len(pictures)} pictures, PNG\n")
    lines, broken, rows = [HEAD], [], []

    def plain(picture: np.ndarray) -> np.ndarray:
        return bicubic(picture, model.scale)

    clean = [_enlarged(pictures, enlarge) for enlarge in (plain, *ways)]
    for sigma in SIGMAS:
        noisy = {name: with_noise(picture, sigma) for name, picture in pictures.items()}
        results = [_enlarged(noisy, enlarge) for enlarge in (plain, *ways)]
        of_bicubic = [rms(results[0][name], clean[0][name]) for name in pictures]
        for way, result, without in zip(ways, results[1:], clean[1:], strict=True):
            own = [rms(result[name], without[name]) for name in pictures]
            left = [Left(*each) for each in zip(pictures, own, of_bicubic, strict=True)]
            lines.append(_line(sigma, way, left))
            broken += _broken(sigma, way, left)
        for name in filter(pictures.__contains__, SHOWN):
            rows.append(Row(f"{name}, sigma {sigma}", [_middle(each[name]) for each in results]))
    print(table(lines), flush=True)
    if out is not None:
        columns = ["bicubic", *(f"{model.label(way.fidelity)}, denoise {way.denoise}" for way in ways)]
        half, cell = (len(rows) + 1) // 2, (2 * CROP, 2 * CROP)
        both = beside(sheet(columns, rows[:half], cell), sheet(columns, rows[half:], cell))
        both.save(out / file_name(model.name, "noise"))
    return broken


def _keeping_noise(model: Model) -> list[Model]:
    """The model with denoise 0, where it has that and was not given it."""
    if "denoise" not in {field.name for field in fields(Settings)}:
        return []
    keeping = model._replace(settings=replace(model.settings, denoise=0.0))
    if keeping == model:
        return []
    try:
        keeping(np.zeros((8, 8, 3), np.uint8), keeping.default)
    except UsageError as error:
        print(f"{model.name} with denoise 0 is left out: {error}")
        return []
    return [keeping]


def with_noise(picture: np.ndarray, sigma: float) -> np.ndarray:
    """picture: (H, W, 3) uint8. The same noise for every sigma, but for its strength."""
    drawn = np.random.default_rng(SEED).standard_normal(picture.shape)
    return (picture + sigma * drawn).clip(0, 255).round().astype(np.uint8)


def rms(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.square(one.astype(np.float64) - other).mean()))


def _enlarged(pictures: Photos, enlarge: Callable[[np.ndarray], np.ndarray]) -> Photos:
    return {name: enlarge(picture) for name, picture in pictures.items()}


def _middle(image: np.ndarray) -> np.ndarray:
    top, left = ((side - CROP) // 2 for side in image.shape[:2])
    return image[top : top + CROP, left : left + CROP]


def _line(sigma: int, way: Way, left: Sequence[Left]) -> tuple[str, ...]:
    ratios = [each.ratio for each in left]
    return (
        str(sigma),
        way.model.label(way.fidelity),
        way.denoise,
        f"{fmean(each.own for each in left):.1f}",
        f"{fmean(each.plain for each in left):.1f}",
        f"{fmean(ratios):.2f}",
        f"{min(ratios):.2f}",
        f"{max(ratios):.2f}",
        f"{sum(ratio > 1 for ratio in ratios)} of {len(ratios)}",
        max(left, key=lambda each: each.ratio).name,
    )


def _broken(sigma: int, way: Way, left: Sequence[Left]) -> list[str]:
    if way.denoise not in ("0", "0.0"):
        return []
    outside = [each for each in left if not LEFT[0] <= each.ratio <= LEFT[1]]
    if not outside:
        return []
    listed = ", ".join(f"{each.name} {each.ratio:.2f}" for each in outside)
    return [
        f"{way.model.name} at {way.fidelity:g}, denoise 0, sigma {sigma}: noise left is not {LEFT[0]} to "
        f"{LEFT[1]} of bicubic's ({listed})."
    ]
