"""What happens to a good photo: one reduction, perhaps some noise, and one JPEG or WebP file."""

import io
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..ops.color import round_to_8_bits, to_uint8
from ..ops.jpeg import Codec, jpeg
from ..ops.resize import MODES, reduced_size, resize
from ..ops.transfer import to_device_together
from .draw import Randomness, apply_where, batched, chance, choice, gather, scatter, uniform
from .noise import add_gaussian, add_poisson

FILES = ("none", "jpeg", "webp")


@dataclass(frozen=True)
class Mild:
    """One antialiased reduction, then perhaps sensor noise, then one file, lossy or not.

    Without noise the result is a clean photo; with noise and without a lossy file a developed RAW or a scan.
    On a GPU there is no WebP codec: JPEG of the same quality stands in for it.
    """

    scale: int
    filters: tuple[float, float, float] = (0.25, 0.15, 0.6)
    """Odds of area, bilinear and bicubic."""
    noise_probability: float = 0.3
    gaussian: tuple[float, float] = (1.0, 50.0)
    """Bounds of the standard deviation, in grey levels of 255."""
    poisson: tuple[float, float] = (0.5, 6.0)
    """Bounds of the multiple of the photon noise."""
    files: tuple[float, float, float] = (0.45, 0.45, 0.1)
    """Odds of FILES."""
    jpeg_quality: tuple[float, float] = (30.0, 100.0)
    """Bounds; half of the files are in the better quarter."""
    webp_quality: tuple[float, float] = (40.0, 95.0)
    codec: Codec = "auto"

    def __call__(self, image: Tensor, generator: Randomness) -> Tensor:
        count, size = len(image), reduced_size(image, self.scale)
        mode, file = choice(self.filters, count, generator), choice(self.files, count, generator)
        noisy, normal = chance(self.noise_probability, count, generator), chance(0.6, count, generator)
        draws = [
            noisy & normal,
            noisy & ~normal,
            chance(0.3, count, generator),
            uniform(*self.gaussian, count, generator),
            uniform(*self.poisson, count, generator),
            file == FILES.index("jpeg"),
            file == FILES.index("webp"),
            self._jpeg_quality(count, generator),
            uniform(*self.webp_quality, count, generator),
        ]
        gaussian, poisson, grey, sigma, strength, is_jpeg, is_webp, fine, coarse = to_device_together(
            draws, image.device
        )
        lr = self._reduced(image, mode, size).clamp(0, 1)
        lr = apply_where(gaussian, partial(add_gaussian, generator=generator), lr, sigma, grey)
        lr = apply_where(poisson, partial(add_poisson, generator=generator), lr, strength, grey)
        lr = round_to_8_bits(lr)
        compress = partial(jpeg, codec=self.codec)
        if batched(lr):
            quality = torch.where(is_webp, coarse, fine)
            return apply_where(is_jpeg | is_webp, compress, lr, quality)
        return apply_where(is_webp, webp, apply_where(is_jpeg, compress, lr, fine), coarse)

    def _jpeg_quality(self, count: int, generator: Randomness) -> Tensor:
        worst, best = self.jpeg_quality
        return best - (best - worst) * uniform(0.0, 1.0, count, generator).square()

    def _reduced(self, image: Tensor, mode: Tensor, size: tuple[int, int]) -> Tensor:
        """Each image by its own filter. mode: (B,), on the CPU."""
        order, counts = mode.argsort(), mode.bincount(minlength=len(MODES)).tolist()
        parts = gather(image, order).split(counts)
        reduced = [
            resize(part, size, name, True) for part, name in zip(parts, MODES, strict=True) if len(part)
        ]
        return scatter(reduced, [order])


def webp(image: Tensor, quality: Tensor) -> Tensor:
    """Compress each image to lossy WebP at its own quality and decode it, with Pillow on the CPU.

    image: (B, 3, H, W) in [0, 1]. quality: (B,) in 0..100. Returns (B, 3, H, W) in [0, 1] on its device.
    """
    pixels = to_uint8(image).permute(0, 2, 3, 1).cpu().numpy()
    decoded = []
    for picture, level in zip(pixels, quality.round().int().tolist(), strict=True):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "WEBP", quality=level, method=1)
        with Image.open(file) as opened:
            decoded.append(np.asarray(opened.convert("RGB")))
    return torch.from_numpy(np.stack(decoded)).permute(0, 3, 1, 2).to(image) / 255
