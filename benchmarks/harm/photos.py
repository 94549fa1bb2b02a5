"""Photos whose larger original is known."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from leapsr.errors import DataError

Photos = dict[str, np.ndarray]
"""(H, W, 3) uint8 by name."""

PORTRAITS = {
    "baby": "Set5/HR/img_001.png",
    "head": "Set5/HR/img_004.png",
    "woman": "Set5/HR/img_005.png",
    "comic": "Set14/HR/img_005.png",
    "lenna": "Set14/HR/img_009.png",
}
"""Set14's "face" is the photo of Set5's "head"."""


def kodak(data: Path, names: Iterable[str], limit: int | None) -> Photos:
    """Raises DataError for a photo that is not there."""
    files = {name: data / f"data/val/Kodak/{name}.png" for name in islice(names, limit)}
    if absent := [file for file in files.values() if not file.is_file()]:
        raise DataError(f"{absent[0]} is missing; say where the data are with --data.")
    return {name: _read(file) for name, file in files.items()}


def portraits(data: Path, limit: int | None) -> Photos:
    """Those that are there; the astronaut only where scikit-image is."""
    files = {name: data / "data/val" / file for name, file in PORTRAITS.items()}
    found = {name: _read(file) for name, file in files.items() if file.is_file()}
    try:
        import skimage.data

        found = {"astronaut": skimage.data.astronaut()} | found
    except ImportError:
        pass
    return dict(islice(found.items(), limit))


def _read(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def cut(photo: np.ndarray, scale: int) -> np.ndarray:
    """To sides that are multiples of the scale."""
    height, width = (side // scale * scale for side in photo.shape[:2])
    return photo[:height, :width]


def smaller(photo: np.ndarray, scale: int) -> np.ndarray:
    """By Pillow's antialiased bicubic; photo: as `cut` gives it."""
    height, width = (side // scale for side in photo.shape[:2])
    return np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.BICUBIC))
