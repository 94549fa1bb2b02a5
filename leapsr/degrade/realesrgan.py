"""The second-order degradation of Real-ESRGAN (Wang et al. 2021): the made-up history of a shared photo.

Twice blur, resize, noise and JPEG; the second time ends in the final size and, often, a filter that rings.

    python -m leapsr.degrade.realesrgan cat.png     writes cat_realesrgan.png, 16 damaged versions of it
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ..ops.filters import filter2d
from ..ops.jpeg import Codec, jpeg
from ..ops.resize import MODES, reduced_size, resize
from .draw import chance, choice, on_rows, resize_factor, uniform
from .kernels import Blur, draw_blur, draw_sinc
from .noise import add_gaussian, add_poisson


@dataclass(frozen=True)
class Stage:
    """One of the two passes. Pairs are bounds of uniform draws."""

    blur: Blur
    blur_probability: float
    up_down_keep: tuple[float, float, float]
    resize: tuple[float, float]
    gaussian: tuple[float, float]  # standard deviation in grey levels
    poisson: tuple[float, float]  # multiple of the photon noise
    quality: tuple[float, float]  # JPEG
    gaussian_probability: float = 0.5
    grey_probability: float = 0.4


@dataclass(frozen=True)
class RealESRGANParams:
    """An image that skips the second stage, as half do in ResShift, goes from the first to its final size."""

    first: Stage
    second: Stage
    second_order_probability: float = 1.0
    final_sinc_probability: float = 0.8


# The published training options of Real-ESRGAN x4plus.
HEAVY = RealESRGANParams(
    first=Stage(Blur((0.2, 3.0)), 1.0, (0.2, 0.7, 0.1), (0.15, 1.5), (1, 30), (0.05, 3.0), (30, 95)),
    second=Stage(Blur((0.2, 1.5)), 0.8, (0.3, 0.4, 0.3), (0.3, 1.2), (1, 25), (0.05, 2.5), (30, 95)),
)
# StableSR's, whose second blur is at most 11 pixels wide.
LIGHT = RealESRGANParams(
    first=Stage(Blur((0.2, 3.0)), 1.0, (0.2, 0.7, 0.1), (0.3, 1.5), (1, 15), (0.05, 2.0), (60, 95)),
    second=Stage(
        Blur((0.2, 1.5), (7, 11)), 0.5, (0.3, 0.4, 0.3), (0.6, 1.2), (1, 12), (0.05, 1.0), (60, 100)
    ),
)


@dataclass(frozen=True)
class StageDraw:
    """What one pass will do to each image: every field is (B, ...)."""

    blurred: Tensor
    kernel: Tensor
    factor: Tensor
    mode: Tensor
    is_gaussian: Tensor
    sigma: Tensor
    strength: Tensor
    grey: Tensor
    quality: Tensor

    @classmethod
    def draw(cls, stage: Stage, count: int, generator: torch.Generator) -> Self:
        return cls(
            blurred=chance(stage.blur_probability, count, generator),
            kernel=draw_blur(stage.blur, count, generator),
            factor=resize_factor(stage.up_down_keep, stage.resize, count, generator),
            mode=_draw_mode(count, generator),
            is_gaussian=chance(stage.gaussian_probability, count, generator),
            sigma=uniform(*stage.gaussian, count, generator),
            strength=uniform(*stage.poisson, count, generator),
            grey=chance(stage.grey_probability, count, generator),
            quality=uniform(*stage.quality, count, generator),
        )


@dataclass(frozen=True)
class FinalDraw:
    """How each image reaches its final size: every field is (B, ...)."""

    ringing: Tensor
    kernel: Tensor
    mode: Tensor
    jpeg_first: Tensor

    @classmethod
    def draw(cls, params: RealESRGANParams, count: int, generator: torch.Generator) -> Self:
        return cls(
            ringing=chance(params.final_sinc_probability, count, generator),
            kernel=draw_sinc(count, generator),
            mode=_draw_mode(count, generator),
            jpeg_first=chance(0.5, count, generator),
        )


Draw = TypeVar("Draw", StageDraw, FinalDraw)


class RealESRGAN:
    """Damages each image with its own kernels, noises and qualities.

    The published training sharpens the clean image first; that is `data.sharpen` of a training run.

    group: images that share resize factors and modes (those of the first of them), so that they are computed
    as one batch; 1 gives every image its own, more keeps a GPU busy. codec: see `leapsr.ops.jpeg.jpeg`.
    """

    def __init__(
        self, scale: int, params: RealESRGANParams = HEAVY, *, group: int = 1, codec: Codec = "auto"
    ) -> None:
        self.scale = scale
        self.params = params
        self.group = group
        self._compress = partial(jpeg, codec=codec)

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        lr = image.new_empty(*image.shape[:2], *reduced_size(image, self.scale))
        count = len(image)
        first = StageDraw.draw(self.params.first, count, generator)
        second = StageDraw.draw(self.params.second, count, generator)
        final = FinalDraw.draw(self.params, count, generator)
        twice = chance(self.params.second_order_probability, count, generator)
        for rows in self._groups(twice):
            some = self._pass(image[rows], image.shape[-2:], _take(first, rows), generator)
            some = self._compress(some, first.quality[rows])
            if twice[rows[0]]:
                some = self._pass(some, lr.shape[-2:], _take(second, rows), generator)
            end = _take(final, rows)
            # After two stages the published, plain resize; after one it may shrink six times, so antialiased.
            lr[rows] = self._finish(
                some, lr.shape[-2:], second.quality[rows], end, antialias=not twice[rows[0]]
            )
        return lr

    def _groups(self, twice: Tensor) -> list[Tensor]:
        """Rows of the batch that are computed together: all of them go through the second stage, or none."""
        halves = (rows.nonzero().squeeze(1) for rows in (twice, ~twice))
        return [rows for half in halves for rows in torch.split(half, self.group) if len(rows)]

    def _pass(
        self, image: Tensor, base: Sequence[int], draw: StageDraw, generator: torch.Generator
    ) -> Tensor:
        """Blur, resize to `base` times the drawn factor, noise."""
        image = on_rows(draw.blurred, filter2d, image, draw.kernel.to(image))
        height, width = (max(1, int(side * float(draw.factor[0]))) for side in base)
        image = resize(image, (height, width), MODES[draw.mode[0]])
        gaussian = partial(add_gaussian, generator=generator)
        image = on_rows(draw.is_gaussian, gaussian, image, draw.sigma, draw.grey)
        poisson = partial(add_poisson, generator=generator)
        return on_rows(~draw.is_gaussian, poisson, image, draw.strength, draw.grey)

    def _finish(
        self, image: Tensor, size: Sequence[int], quality: Tensor, draw: FinalDraw, antialias: bool
    ) -> Tensor:
        """JPEG before or after the last resize and the ringing filter, then 8 bits."""
        image = on_rows(draw.jpeg_first, self._compress, image, quality)
        image = resize(image, (size[0], size[1]), MODES[draw.mode[0]], antialias=antialias)
        image = on_rows(draw.ringing, filter2d, image, draw.kernel.to(image))
        image = on_rows(~draw.jpeg_first, self._compress, image, quality)
        return (image.clamp(0, 1) * 255).round() / 255


def _draw_mode(count: int, generator: torch.Generator) -> Tensor:
    return choice((1, 1, 1), count, generator)


def _take(draw: Draw, rows: Tensor) -> Draw:
    return replace(draw, **{field.name: getattr(draw, field.name)[rows] for field in fields(draw)})


def write_sheet(picture: Path, sheet: Path, rows: int = 4, scale: int = 4) -> None:
    """Writes rows x rows damaged versions of a picture, with seed 0, as one PNG."""
    with Image.open(picture) as file:
        photo = ImageOps.exif_transpose(file).convert("RGB")
    photo = photo.crop((0, 0, photo.width // scale * scale, photo.height // scale * scale))
    image = torch.from_numpy(np.array(photo)).permute(2, 0, 1).float().div(255)
    lr = RealESRGAN(scale)(image.expand(rows**2, -1, -1, -1), torch.Generator().manual_seed(0))
    tiles = lr.mul(255).round().byte().view(rows, rows, *lr.shape[1:]).permute(0, 3, 1, 4, 2)
    Image.fromarray(tiles.reshape(rows * lr.shape[2], rows * lr.shape[3], 3).numpy()).save(sheet)


if __name__ == "__main__":
    import sys

    for name in sys.argv[1:]:
        write_sheet(Path(name), Path(f"{Path(name).stem}_realesrgan.png"))
