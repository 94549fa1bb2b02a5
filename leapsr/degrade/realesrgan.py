"""The second-order degradation of Real-ESRGAN (Wang et al. 2021), which imitates photos shared online.

Twice blur, resize, noise and JPEG; the second pass ends with the final size and often a filter that rings.

    python -m leapsr.degrade.realesrgan cat.png     writes cat_realesrgan.png, 16 damaged versions of it
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ..ops.color import round_to_8_bits, to_uint8
from ..ops.filters import filter2d
from ..ops.jpeg import Codec, jpeg
from ..ops.resize import MODES, Mode, reduced_size, resize
from .draw import Randomness, apply_where, gather, scatter
from .noise import add_gaussian, add_poisson
from .params import HEAVY, Draw, FinalDraw, Kernels, RealESRGANParams, StageDraw, draw_to_device, map_tensors


class RealESRGAN:
    """Damage each image with its own kernels, noise and quality.

    The published training sharpens the clean image first; a training run does that by `data.sharpen`.
    """

    def __init__(
        self, scale: int, params: RealESRGANParams = HEAVY, *, group: int = 1, codec: Codec = "auto"
    ) -> None:
        """
        Args:
            group: images that share the resize factors and modes of the first of them and are computed as
                one batch; 1 suits a CPU, more keeps a GPU busy.
            codec: see `leapsr.ops.jpeg.jpeg`.
        """
        self.scale = scale
        self.params = params
        self.group = group
        self._compress = partial(jpeg, codec=codec)

    def __call__(self, image: Tensor, generator: Randomness) -> Tensor:
        size = reduced_size(image, self.scale)
        draw = Draw.draw(self.params, len(image), generator)
        groups = self._groups(draw.twice)
        order = torch.cat(groups)
        # Sorted by group, each group is a slice, which costs nothing. `there`: `draw` beside the images.
        image, draw = gather(image, order), map_tensors(itemgetter(order), draw)
        there = draw_to_device(draw, image.device)
        kernels = Kernels(there.first.blur.kernels(), there.second.blur.kernels(), there.final.sinc.kernels())
        parts = []
        for rows in _slices(groups):
            cut = itemgetter(rows)
            some = map_tensors(cut, draw), map_tensors(cut, there), map_tensors(cut, kernels)
            parts.append(self._damage(image[rows], size, *some, generator))
        return scatter(parts, groups)

    def _groups(self, twice: Tensor) -> list[Tensor]:
        """Rows of the batch that are computed together: all of them go through the second stage, or none."""
        halves = (rows.nonzero().squeeze(1) for rows in (twice, ~twice))
        return [rows for half in halves for rows in torch.split(half, self.group) if len(rows)]

    def _damage(
        self,
        image: Tensor,
        size: tuple[int, int],
        draw: Draw,
        there: Draw,
        kernels: Kernels,
        generator: Randomness,
    ) -> Tensor:
        """One group to its final size. draw: on the CPU, decides sizes; there: the same beside the images."""
        twice = bool(draw.twice[0])
        middle = _scaled(image.shape[-2:], draw.first)
        image = self._pass(image, kernels.first, middle, MODES[draw.first.mode[0]], there.first, generator)
        image = self._compress(image, there.first.quality)
        if twice:
            middle = _scaled(size, draw.second)
            image = self._pass(
                image, kernels.second, middle, MODES[draw.second.mode[0]], there.second, generator
            )
        # After two stages the published, plain resize; after one it may shrink six times, so antialiased.
        shrink = partial(resize, size=size, mode=MODES[draw.final.mode[0]], antialias=not twice)
        return self._finish(image, shrink, kernels.final, there.second.quality, there.final)

    def _pass(
        self,
        image: Tensor,
        kernels: Tensor,
        size: tuple[int, int],
        mode: Mode,
        draw: StageDraw,
        generator: Randomness,
    ) -> Tensor:
        """Blur, resize, noise."""
        image = apply_where(draw.blurred, filter2d, image, kernels.to(image))
        image = resize(image, size, mode)
        gaussian = partial(add_gaussian, generator=generator)
        poisson = partial(add_poisson, generator=generator)
        noisy = apply_where(draw.is_gaussian, gaussian, image, draw.sigma, draw.grey)
        return apply_where(~draw.is_gaussian, poisson, noisy, draw.strength, draw.grey)

    def _finish(
        self,
        image: Tensor,
        shrink: Callable[[Tensor], Tensor],
        kernels: Tensor,
        quality: Tensor,
        draw: FinalDraw,
    ) -> Tensor:
        """JPEG before or after the last resize and the ringing filter, then 8 bits."""
        image = apply_where(draw.jpeg_first, self._compress, image, quality)
        image = shrink(image)
        image = apply_where(draw.ringing, filter2d, image, kernels.to(image))
        image = apply_where(~draw.jpeg_first, self._compress, image, quality)
        return round_to_8_bits(image)


def _scaled(base: Sequence[int], draw: StageDraw) -> tuple[int, int]:
    """(height, width): `base` times the factor of the first image."""
    height, width = (max(1, int(side * float(draw.factor[0]))) for side in base)
    return height, width


def _slices(groups: Sequence[Tensor]) -> Iterator[slice]:
    """The rows of each group in a batch that is sorted by group."""
    end = 0
    for rows in groups:
        start, end = end, end + len(rows)
        yield slice(start, end)


def write_sheet(picture: Path, sheet: Path, rows: int = 4, scale: int = 4) -> None:
    """Writes rows x rows damaged versions of a picture, with seed 0, as one PNG."""
    with Image.open(picture) as file:
        photo = ImageOps.exif_transpose(file).convert("RGB")
    photo = photo.crop((0, 0, photo.width // scale * scale, photo.height // scale * scale))
    image = torch.from_numpy(np.array(photo)).permute(2, 0, 1).float().div(255)
    lr = RealESRGAN(scale)(image.expand(rows**2, -1, -1, -1), torch.Generator().manual_seed(0))
    tiles = to_uint8(lr).view(rows, rows, *lr.shape[1:]).permute(0, 3, 1, 4, 2)
    Image.fromarray(tiles.reshape(rows * lr.shape[2], rows * lr.shape[3], 3).numpy()).save(sheet)


if __name__ == "__main__":
    import sys

    for name in sys.argv[1:]:
        write_sheet(Path(name), Path(f"{Path(name).stem}_realesrgan.png"))
