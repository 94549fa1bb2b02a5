"""One picture for training or evaluation: its pixels as networks see them, or its size alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from ..errors import DataError, ImageError
from ..ops.color import to_uint8
from ..pictures import icc_profiles
from ..pictures.picture import load, measure


def read_rgb(file: Path | bytes, name: str | None = None) -> Tensor:
    """Read a picture upright, as the networks see it: RGB in the tone curve of sRGB, without transparency.

    Returns uint8 (3, H, W), or float32 in [0, 1] where the file has more than 8 bits or another tone curve.
    Raises DataError naming the file, by `name` if given.
    """
    with _data_errors(file, name):
        picture = load(file, with_metadata=False)
    tone = icc_profiles.tone(picture.icc)
    if tone is not None:
        return tone.to_srgb(picture.rgb)
    if picture.pixels.dtype != torch.uint8:
        return picture.rgb
    return picture.pixels[:1].repeat(3, 1, 1) if picture.grey else picture.pixels[:3]


def decode(file: Path | bytes, name: str | None = None) -> Tensor:
    """The same, always as uint8."""
    rgb = read_rgb(file, name)
    return rgb if rgb.dtype == torch.uint8 else to_uint8(rgb)


def size_of(file: Path | bytes, name: str | None = None) -> tuple[int, int]:
    """(height, width) upright, from the header alone. Raises DataError, naming the file as `decode` does."""
    with _data_errors(file, name):
        return measure(file)


@contextmanager
def _data_errors(file: Path | bytes, name: str | None = None) -> Iterator[None]:
    shown = "the picture" if isinstance(file, bytes) else str(file)
    try:
        yield
    except ImageError as error:
        reason = str(error).removeprefix(f"{shown} ").rstrip(".")
        raise DataError(
            f"{name or shown} cannot be read as a photo ({reason}); remove or replace it."
        ) from error
