"""A picture in, a larger picture out: sizes, tiles, noise, colours and transparency around a Restorer.

The pixels of a picture and of its result are held once, in their own depth; floating point is for a tile at a
time.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor

from .. import memory
from ..devices import choose_device, choose_dtype
from ..errors import ImageError, UsageError
from ..hub import catalog
from ..networks import Prompt
from ..pictures import picture as pictures
from ..pictures.picture import Picture, Source
from ..pictures.result_metadata import describe
from ..restorer import Restorer, read_config
from . import guard, tile_memory, window_size
from .box_reader import OverflowInHalfError, Restored
from .planes import Colours, Finishing, Layer, Transparency
from .prompts import WORDS, Wording
from .settings import DEFAULTS, ColorFix, Settings
from .sizes import AS_THE_MODEL, Target
from .tiles import Box

__all__ = ["DEFAULTS", "ColorFix", "Progress", "Settings", "Upscaler"]

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all)."""


class Upscaler:
    """Holds one model. Not safe for two threads at once."""

    def __init__(self, restorer: Restorer) -> None:
        self.restorer = restorer
        self._wording: tuple[Settings, Wording | None] = DEFAULTS, None

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path | None = None,
        device: str = "auto",
        dtype: str = "auto",
        model_dir: str | Path | None = None,
        offload: bool = False,
    ) -> Self:
        """Load a model by name or from its folder.

        name: None is the default model. device: auto, cpu, cuda, cuda:1, mps. dtype: auto, fp32, bf16, fp16;
        auto is half precision on CUDA, in which the model does not overflow, and fp32 elsewhere. model_dir: a
        folder of model folders to look in first. offload: see Restorer.offload.
        Raises UnknownName, WeightsError, or UsageError for a device that is not there and a model_dir to
        choose from that holds no model.
        """
        if name is None and model_dir is not None:
            catalog.check_holds_models(model_dir)
        folder = catalog.find(catalog.default_name(model_dir) if name is None else name, model_dir)
        where = choose_device(device)
        precision = choose_dtype(dtype, where, read_config(folder).half)
        if not offload:
            return cls(Restorer.from_pretrained(folder, where, precision))
        return cls(Restorer.from_pretrained(folder, "cpu", precision).offload().to(where))

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
        seamless: bool = False,
        denoise: float | Literal["auto"] = "auto",
        guidance: float | None = None,
        caption: str | None = None,
        progress: Progress | None = None,
    ) -> Any:
        """The picture, larger, in the form it was given: PIL image, uint8 or uint16 array (H, W) or
        (H, W, C), or float tensor (3, H, W) or (B, 3, H, W) in [0, 1] on the same device. Paths and bytes
        give a PIL image.

        Size: see sizes.Target; nothing given is the model's own factor. The rest: see Settings.
        Raises ImageError for a picture that cannot be used, UsageError for settings that cannot work.
        """
        target = Target(scale, width, height, long_side, short_side, megapixels)
        settings = Settings(steps, fidelity, seed, tile, color_fix, seamless, denoise, guidance, caption)
        if not isinstance(image, Tensor):
            self.check_room(pictures.measure(image), target)
            result = self.upscale(pictures.load(image), target, settings, progress)
            return _array_like(image, result) if isinstance(image, np.ndarray) else result.pil()
        batch = image if image.ndim == 4 else image[None]
        if not len(batch):
            raise ImageError("The tensor holds no picture; give float (3, H, W) or (B, 3, H, W) in [0, 1].")
        results = [
            self.upscale(pictures.load(one), target, settings, progress).rgb.to(image) for one in batch
        ]
        return torch.stack(results) if image.ndim == 4 else results[0]

    def upscale(
        self,
        picture: Picture,
        target: Target = AS_THE_MODEL,
        settings: Settings = DEFAULTS,
        progress: Progress | None = None,
    ) -> Picture:
        """The real door: a Picture in, a larger Picture out, whose metadata tell its own size; one that is
        large enough comes back as it is. Floats give floats, integers give integers of the picture's `depth`.

        Raises ImageError when the result does not fit in memory, before any work is done.
        """
        if target.reached_by(*picture.size, self.restorer.scale):
            logger.warning(
                "The picture already has %d x %d pixels and was left as it is.", *picture.size[::-1]
            )
            return picture
        if settings.denoise != "auto" and not self.restorer.reads_damage:
            raise UsageError(
                "This model removes what noise it removes; leave --denoise out, or take another model."
            )
        self._check_room(_cost(picture), picture.size, target)
        size = target.size(*picture.size, self.restorer.scale)
        result = _blank(picture, size)
        colours = result[:-1] if picture.has_alpha else result
        layer = Colours(picture, self.restorer, settings, self._prompt(picture, settings))
        self._fill(colours, picture.depth, layer, size, progress)
        layer.tell()
        if picture.has_alpha:
            alpha = Transparency(picture, self.restorer, settings)
            if (level := alpha.constant) is not None:
                _put(result[-1:], level, picture.depth)
            else:
                self._fill(result[-1:], picture.depth, alpha, size, None)
        return describe(replace(picture, pixels=result))

    def check_room(self, size: tuple[int, int], target: Target) -> None:
        """Raises ImageError where a picture of size (height, width) would not fit in memory once enlarged,
        even if it is opaque and has 8 bits.
        """
        self._check_room(tile_memory.Cost(3, 3), size, target)

    def _check_room(self, cost: tile_memory.Cost, size: tuple[int, int], target: Target) -> None:
        scale = self.restorer.scale
        if not target.reached_by(*size, scale):
            free, margin = (
                memory.available(torch.device("cpu")),
                (self.restorer.halo(1) or 0) + guard.MARGIN,
            )
            tile_memory.check_room(cost, size, target.size(*size, scale), margin, free)

    def _prompt(self, picture: Picture, settings: Settings) -> Prompt | None:
        """What the network is asked for; None is its own text. Raises UsageError where it reads none."""
        made_for, wording = self._wording
        kind = replace(DEFAULTS, **{name: getattr(settings, name) for name in WORDS})
        if kind != DEFAULTS and not self.restorer.space.prompts:
            raise UsageError("This model reads no text; leave --caption and --captioner out.")
        if kind != made_for:
            wording = Wording.of(kind, self.restorer.config.autoencoder, self.restorer.dtype)
            self._wording = kind, wording
        if wording is None:
            return None
        prompt = wording.prompt(picture, self.restorer.device)
        self.restorer.check_prompt(prompt)
        return prompt

    def _fill(
        self, planes: Tensor, depth: int, layer: Layer, size: tuple[int, int], progress: Progress | None
    ) -> None:
        """Write all of a layer into (C, H, W) of the result."""
        finishing = Finishing.to(size, layer)
        tile = self._first_tile(planes, finishing)
        run = self._in_tiles if layer.restoration.halo is not None else self._in_windows
        try:
            run(planes, depth, finishing, tile, progress)
        except OverflowInHalfError:
            logger.warning("The model overflowed in %s; working in fp32 from here on.", self.restorer.dtype)
            self.restorer.to(self.restorer.device, torch.float32)
            run(planes, depth, finishing, tile, progress)

    def _in_tiles(
        self, planes: Tensor, depth: int, finishing: Finishing, tile: int, progress: Progress | None
    ) -> None:
        layer = finishing.layer
        restored = layer.restoration.in_tiles()
        whole = layer.restoration.extent.whole
        work = partial(tile_memory.tile_by_tile, box=whole, tile=tile, alignment=self.restorer.alignment)
        layer.prepare(restored, work)
        work(_writing(planes, depth, finishing, restored), progress=progress)

    def _in_windows(
        self, planes: Tensor, depth: int, finishing: Finishing, tile: int, progress: Progress | None
    ) -> None:
        """Another size of windows is another result, so that smaller ones begin anew."""
        layer, whole = finishing.layer, finishing.layer.restoration.extent.whole

        def run(tile: int) -> None:
            restored = layer.restoration.in_windows(tile)
            work = partial(tile_memory.each_tile, box=whole, tile=tile, alignment=self.restorer.alignment)
            layer.prepare(restored, work)
            work(_writing(planes, depth, finishing, restored), progress=progress)

        longest = max(whole.height, whole.width)
        tile_memory.with_smaller_tiles(run, tile, longest, window_size.smallest(self.restorer))

    def _first_tile(self, planes: Tensor, finishing: Finishing) -> int:
        restoration = finishing.layer.restoration
        asked, bounded = restoration.settings.tile, restoration.halo is not None
        if asked != "auto":
            return asked if bounded else window_size.wanted(self.restorer, asked, restoration.extent)
        if not bounded and (usual := window_size.usual(self.restorer)) is not None:
            return usual
        free = memory.available(self.restorer.device)
        if free is not None and self.restorer.device.type != "cuda":  # the result lies in the same memory
            free -= planes.numel() * planes.element_size()
        tile = tile_memory.auto_tile(free, finishing.margin())
        logger.info("Tiles of %d pixels.", tile)
        return tile


def _writing(planes: Tensor, depth: int, finishing: Finishing, restored: Restored) -> Callable[[Box], None]:
    """Given a core, in pixels of the small picture, writes what belongs to it."""
    extent = finishing.layer.restoration.extent

    def write(core: Box) -> None:
        box = finishing.resampling.share(core, extent)
        if box.height and box.width:
            _put(box.of(planes), finishing(restored, box), depth)

    return write


def _blank(picture: Picture, size: tuple[int, int]) -> Tensor:
    """(C, *size) for the result of a picture. The system gives its memory when it is written to."""
    channels = len(picture.pixels)
    if picture.pixels.is_floating_point():
        return torch.empty(channels, *size)
    kind = np.uint8 if picture.depth == 8 else np.uint16
    return torch.from_numpy(np.empty((*size, channels), kind)).permute(2, 0, 1)


def _put(planes: Tensor, values: Tensor, depth: int) -> None:
    """planes: (C, h, w), a part of the result. values: floats in [0, 1], to be broadcast."""
    if planes.is_floating_point():
        planes.copy_(values)
    else:
        planes.copy_(torch.from_numpy(pictures.integers(values, depth)).permute(2, 0, 1))


def _cost(picture: Picture) -> tile_memory.Cost:
    each = picture.pixels.element_size()
    return tile_memory.Cost(
        len(picture.pixels) * each,
        len(picture.pixels) * (each if picture.pixels.is_floating_point() else picture.depth // 8),
    )


def _array_like(given: np.ndarray, picture: Picture) -> np.ndarray:
    array = picture.numpy()
    array = array.copy() if np.may_share_memory(array, given) else array
    return array[..., None] if array.ndim < given.ndim else array
