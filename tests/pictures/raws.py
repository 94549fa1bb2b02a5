"""RAW photos as DNG: what a sensor with known colours sees of a scene."""

import io
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import tifffile

FROM_SRGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
"""Linear sRGB to XYZ (IEC 61966-2-1)."""
CAMERA = np.array([[0.70, -0.08, -0.10], [-0.44, 1.25, 0.21], [-0.08, 0.20, 0.57]])
"""XYZ to the colours of a sensor, as a DNG states them."""
MOSAIC, LINEAR = 32_803, 34_892
BLACK, TOP = 512, 16_383
SHARE = 0.9
"""Of the sensor's range that white fills."""


def scene(height: int = 48, width: int = 64) -> np.ndarray:
    """(H, W, 3) in [0, 1], sRGB: smooth, so that a mosaic of it loses nothing, with no two sides alike."""
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
    return np.stack([0.25 + 0.5 * x, 0.2 + 0.5 * y, 0.7 - 0.4 * x * y], -1)


def linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encoded(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.0031308, 12.92 * values, 1.055 * np.maximum(values, 0) ** (1 / 2.4) - 0.055)


def dng(
    values: np.ndarray | None = None,
    photometric: int = MOSAIC,
    orientation: int = 1,
    exposure: float | None = None,
    crop: Sequence[int] = (),
    knows_colours: bool = True,
    extra: Sequence[tuple[Any, ...]] = (),
) -> bytes:
    """values: (H, W, 3), sRGB; None is the scene. exposure: BaselineExposure. crop: left, top, width, height
    of the photo, inside a frame of 4 rows and 6 columns that saw no light.
    """
    seen = linear(scene() if values is None else values) @ (CAMERA @ FROM_SRGB).T
    neutral = (CAMERA @ FROM_SRGB).sum(1)
    levels = np.round(BLACK + SHARE * seen / neutral.max() * (TOP - BLACK)).clip(0, TOP).astype(np.uint16)
    samples = 3
    if photometric == MOSAIC:
        samples, (rows, columns) = 1, np.indices(levels.shape[:2])
        levels = np.take_along_axis(levels, (rows % 2 + columns % 2)[..., None], 2)[..., 0]
    tags = [
        (271, 2, None, "Maker", True),
        (272, 2, None, "Model", True),
        (274, 3, 1, orientation, True),
        (306, 2, None, "2026:01:02 03:04:05", True),
        (315, 2, None, "Anna", True),
        (50_706, 1, 4, bytes((1, 4, 0, 0)), True),
        (50_714, 4, samples, (BLACK,) * samples, True),
        (50_717, 4, samples, (TOP,) * samples, True),
        (50_728, 5, 3, _rationals(neutral / neutral.max()), True),
        (50_778, 3, 1, 21, True),
        *extra,
    ]
    if knows_colours:
        tags.append((50_721, 10, 9, _rationals(CAMERA.ravel()), True))
    if photometric == MOSAIC:
        tags += [(33_421, 3, 2, (2, 2), True), (33_422, 1, 4, bytes((0, 1, 1, 2)), True)]
    if exposure is not None:
        tags.append((50_730, 10, 1, _rationals([exposure]), True))
    if crop:
        height, width = levels.shape[:2]
        tags.append((50_829, 4, 4, (4, 6, height - 4, width - 6), True))
        tags += [(50_719, 4, 2, tuple(crop[:2]), True), (50_720, 4, 2, tuple(crop[2:]), True)]
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        levels,
        photometric=photometric,
        planarconfig=None if samples == 1 else "contig",
        metadata=None,
        subfiletype=0,
        extratags=tags,
        software="Firmware",
        resolution=(300, 150),
        resolutionunit=2,
    )
    return file.getvalue()


def grey_dng() -> bytes:
    """Of a sensor without colours."""
    file = io.BytesIO()
    tags = [(50_706, 1, 4, bytes((1, 4, 0, 0)), True), (271, 2, None, "Maker", True)]
    tags += [(272, 2, None, "Grey", True), (50_717, 4, 1, TOP, True)]
    levels = np.round(linear(scene()[..., 1]) * TOP).astype(np.uint16)
    tifffile.imwrite(file, levels, photometric="minisblack", metadata=None, extratags=tags)
    return file.getvalue().replace(
        struct.pack("<HHIH", 262, 3, 1, 1), struct.pack("<HHIH", 262, 3, 1, LINEAR)
    )


def _rationals(numbers: Sequence[float] | np.ndarray) -> tuple[int, ...]:
    return tuple(part for number in numbers for part in (round(number * 100_000), 100_000))
