"""A picture in, a larger picture out: sizes, tiles, noise, colours and transparency around a Restorer."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor

from .. import catalog
from ..errors import ImageError, UsageError
from ..ops.noise import position_noise
from ..ops.resize import resize
from ..ops.upsample import bicubic_upsample
from ..restorer import Restorer
from . import images, memory, profiles, tiles, transparency
from .colorfix import COLOR_FIXES
from .describing import describe
from .devices import choose_device, choose_dtype
from .images import Picture, Source
from .sizes import AS_THE_MODEL, Target

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all)."""
ColorFix = Literal["auto", "wavelet", "adain", "none"]


@dataclass(frozen=True)
class Settings:
    """How to restore. Raises UsageError for a value that cannot work.

    steps: evaluations of the network. fidelity: 1 keeps to the evidence, 0 invents the most detail; None is
    the model's default. seed: of the noise. tile: side in low-resolution pixels; 0 is the whole picture.
    color_fix: "auto" is the model's own choice.
    """

    steps: int = 1
    fidelity: float | None = None
    seed: int = 0
    tile: int | Literal["auto"] = "auto"
    color_fix: ColorFix = "auto"

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise UsageError(f"steps must be at least 1, not {self.steps}.")
        if self.fidelity is not None and not 0 <= self.fidelity <= 1:
            raise UsageError(f"fidelity is from 0 (most detail) to 1 (most faithful), not {self.fidelity}.")
        if self.tile != "auto" and not (isinstance(self.tile, int) and self.tile >= 0):
            raise UsageError(
                f"tile is 'auto', 0 for the whole picture, or a number of pixels, not {self.tile!r}."
            )
        if self.color_fix not in ("auto", "none", *COLOR_FIXES):
            raise UsageError(f"color_fix is auto, none, {' or '.join(COLOR_FIXES)}, not {self.color_fix!r}.")


DEFAULTS = Settings()


class OverflowInHalfError(ArithmeticError):
    """Half precision overflowed. Never leaves this module."""


class Upscaler:
    """Holds one model. Not safe for two threads at once."""

    def __init__(self, restorer: Restorer) -> None:
        self.restorer = restorer

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path | None = None,
        device: str = "auto",
        dtype: str = "auto",
        model_dir: str | Path | None = None,
    ) -> Self:
        """Load a model by name or from its folder.

        name: None is the default model. device: auto, cpu, cuda, cuda:1, mps. dtype: auto, fp32, bf16, fp16;
        auto is fp16 on CUDA and fp32 elsewhere. model_dir: a folder of model folders to look in first.
        Raises UnknownName, WeightsError, or UsageError for a device that is not there.
        """
        folder = catalog.find(catalog.default_name(model_dir) if name is None else name, model_dir)
        where = choose_device(device)
        return cls(Restorer.from_pretrained(folder, where, choose_dtype(dtype, where)))

    def __call__(
        self,
        image: Source,
        *,
        scale: float | None = None,
        width: int | None = None,
        height: int | None = None,
        long_side: int | None = None,
        short_side: int | None = None,
        megapixels: float | None = None,
        steps: int = 1,
        fidelity: float | None = None,
        seed: int = 0,
        tile: int | Literal["auto"] = "auto",
        color_fix: ColorFix = "auto",
        progress: Progress | None = None,
    ) -> Any:
        """The picture, larger, in the form it was given: PIL image, uint8 or uint16 array (H, W) or
        (H, W, C), or float tensor (3, H, W) or (B, 3, H, W) in [0, 1] on the same device. Paths and bytes
        give a PIL image.

        Size: see sizes.Target; nothing given is the model's own factor. The rest: see Settings.
        Raises ImageError for a picture that cannot be used, UsageError for settings that cannot work.
        """
        target = Target(scale, width, height, long_side, short_side, megapixels)
        settings = Settings(steps, fidelity, seed, tile, color_fix)
        if not isinstance(image, Tensor):
            self.check_room(images.measure(image), target)
            result = self.upscale(images.load(image), target, settings, progress)
            return _array_like(image, result) if isinstance(image, np.ndarray) else images.to_pil(result)
        batch = image if image.ndim == 4 else image[None]
        results = [self.upscale(images.load(one), target, settings, progress).rgb.to(image) for one in batch]
        return torch.stack(results) if image.ndim == 4 else results[0]

    def upscale(
        self,
        picture: Picture,
        target: Target = AS_THE_MODEL,
        settings: Settings = DEFAULTS,
        progress: Progress | None = None,
    ) -> Picture:
        """The real door: a Picture in, a larger Picture out, in [0, 1], whose metadata tell its own size; one
        that is large enough comes back as it is.

        Raises ImageError when the result does not fit in memory, before any work is done.
        """
        if target.reached_by(*picture.size, self.restorer.scale):
            logger.warning(
                "The picture already has %d x %d pixels and was left as it is.", *picture.size[::-1]
            )
            return picture
        self.check_room(picture.size, target)
        size = target.size(*picture.size, self.restorer.scale)
        result = replace(picture, rgb=self._enlarged(picture, size, settings, progress))
        if picture.alpha is not None:
            result = replace(result, alpha=self._enlarged_alpha(picture.alpha, size, settings))
        return describe(result)

    def check_room(self, size: tuple[int, int], target: Target) -> None:
        """Raises ImageError where a picture of size (height, width) would not fit in memory once enlarged."""
        scale = self.restorer.scale
        if not target.reached_by(*size, scale):
            memory.check_room(size, target.size(*size, scale), scale, memory.available(torch.device("cpu")))

    def _enlarged(
        self, picture: Picture, size: tuple[int, int], settings: Settings, progress: Progress | None
    ) -> Tensor:
        """The colours, (3, *size), restored with the tone curve of sRGB and brought back to the picture's."""
        rgb, tone = picture.rgb, profiles.tone(picture.icc)
        if picture.alpha is not None:
            rgb = transparency.without_hidden_colours(rgb, picture.alpha)
        lr = rgb if tone is None else tone.to_srgb(rgb)
        restored = self._recoloured(self._restored(lr, settings, progress), lr, settings)
        if picture.grey:
            restored = restored.mean(0, keepdim=True).repeat(3, 1, 1)
        large = _resized(restored, size)
        return large if tone is None else tone.from_srgb(large)

    def _restored(self, lr: Tensor, settings: Settings, progress: Progress | None) -> Tensor:
        """lr: (3, H, W) in [0, 1] -> (3, scale H, scale W) on the CPU, not clamped."""

        def run(tile: int) -> Tensor:
            return self._restored_in_tiles(lr, tile, settings, progress)

        def attempt() -> Tensor:
            return memory.with_smaller_tiles(run, self._first_tile(lr, settings), max(lr.shape[1:]))

        try:
            return attempt()
        except OverflowInHalfError:
            logger.warning("The model overflowed in %s; working in fp32 from here on.", self.restorer.dtype)
            self.restorer.to(self.restorer.device, torch.float32)
            return attempt()

    def _first_tile(self, lr: Tensor, settings: Settings) -> int:
        if settings.tile != "auto":
            return settings.tile
        free = memory.available(self.restorer.device)
        if free is not None and self.restorer.device.type != "cuda":  # the result lies in the same memory
            size = lr.shape[1], lr.shape[2]
            free -= memory.needed(size, size, self.restorer.scale)
        tile = memory.auto_tile(free, self.restorer.halo(settings.steps))
        logger.info("Tiles of %d pixels.", tile)
        return tile

    def _restored_in_tiles(
        self, lr: Tensor, tile: int, settings: Settings, progress: Progress | None
    ) -> Tensor:
        scale = self.restorer.scale
        canvas = torch.empty(3, scale * lr.shape[1], scale * lr.shape[2])
        halo = self.restorer.halo(settings.steps)
        plan = tiles.plan(lr.shape[1], lr.shape[2], tile, halo, self.restorer.alignment)
        for done, part in enumerate(plan, start=1):
            tiles.paste(canvas, self._restored_box(lr, part.context, settings), part, scale)
            if progress is not None:
                progress(done, len(plan))
        return canvas

    def _restored_box(self, lr: Tensor, box: tiles.Box, settings: Settings) -> Tensor:
        """One call of the network: (3, scale h, scale w). Raises OverflowInHalfError."""
        restorer, large = self.restorer, box.scaled(self.restorer.scale)
        noise = position_noise(
            settings.seed, large.top, large.left, large.height, large.width, device=restorer.device
        )
        part = box.of(lr)[None].to(restorer.device)
        restored = restorer.restore(part, noise[None], steps=settings.steps, fidelity=settings.fidelity)[0]
        if restored.isfinite().all():
            return restored
        if restorer.dtype != torch.float32:
            raise OverflowInHalfError
        raise ImageError("The model gave values that are not finite; 'leapsr models verify' checks its file.")

    def _recoloured(self, restored: Tensor, lr: Tensor, settings: Settings) -> Tensor:
        name = self.restorer.config.color_fix if settings.color_fix == "auto" else settings.color_fix
        if name == "none":
            return restored
        return COLOR_FIXES[name](restored, bicubic_upsample(lr[None], self.restorer.scale)[0])

    def _enlarged_alpha(self, alpha: Tensor, size: tuple[int, int], settings: Settings) -> Tensor:
        """(1, H, W) by the network at its most faithful; a constant stays that constant."""
        if alpha.min() == alpha.max():
            return alpha.flatten()[0].expand(1, *size).clone()
        faithful = replace(settings, steps=1, fidelity=self.restorer.most_faithful)
        large = self._restored(alpha.expand(3, -1, -1), faithful, None).mean(0, keepdim=True)
        return _resized(transparency.bounded(large, alpha, self.restorer.scale), size)


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    """(C, H, W) to (C, *size), in [0, 1]."""
    return resize(image[None], size, antialias=True)[0].clamp_(0, 1)


def _array_like(given: np.ndarray, picture: Picture) -> np.ndarray:
    array = images.to_array(picture)
    return array[..., None] if array.ndim < given.ndim else array
