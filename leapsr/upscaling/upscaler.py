"""A picture in, a larger picture out: sizes, tiles, noise, colours and transparency around a Restorer.

The pixels of a picture and of its result are held once, in their own depth; floating point is for a tile at a
time.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
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
from . import guard, oom, windows
from .box_reader import BoxReader, ExactTiles, OverflowInHalfError
from .planes import AlphaPlane, ColorPlanes, Compositor, Planes, put
from .prompts import PromptBuilder
from .settings import DEFAULTS, ColorFix, Settings
from .sizes import AS_THE_MODEL, Target
from .windows import BlendedWindows

__all__ = ["DEFAULTS", "ColorFix", "Progress", "Settings", "Upscaler"]

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all)."""


class Upscaler:
    """Holds one model. Not safe for two threads at once."""

    def __init__(self, restorer: Restorer) -> None:
        self.restorer = restorer
        self._prompts: tuple[tuple[str | None, ...], PromptBuilder] | None = None

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
            self.check_memory(pictures.measure(image), target)
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
        each = picture.pixels.element_size()
        after = each if picture.pixels.is_floating_point() else picture.depth // 8
        channels = len(picture.pixels)
        self.check_memory(picture.size, target, oom.Cost(channels * each, channels * after))
        result = _blank(picture, target.size(*picture.size, self.restorer.scale))
        colours = ColorPlanes(picture, self.restorer, settings, self._prompt(picture, settings))
        self._fill(colours, result[:-1] if picture.has_alpha else result, picture.depth, progress)
        colours.report()
        if picture.has_alpha:
            alpha = AlphaPlane(picture, self.restorer, settings)
            if (level := alpha.constant) is not None:
                put(result[-1:], level, picture.depth)
            else:
                self._fill(alpha, result[-1:], picture.depth)
        return describe(replace(picture, pixels=result))

    def check_memory(self, size: tuple[int, int], target: Target, cost: oom.Cost = oom.OPAQUE_8_BIT) -> None:
        """Raises ImageError where a picture of size (height, width) would not fit in memory once enlarged."""
        scale = self.restorer.scale
        if not target.reached_by(*size, scale):
            free = memory.available(torch.device("cpu"))
            margin = (self.restorer.halo(1) or 0) + guard.MARGIN
            oom.check_memory(cost, size, target.size(*size, scale), margin, free)

    def _prompt(self, picture: Picture, settings: Settings) -> Prompt | None:
        """What the network is asked for; None is its own text. Raises UsageError where it reads none."""
        words = settings.caption, settings.captioner, settings.text_encoder
        if words == (None, None, None):
            return None
        if not self.restorer.space.prompts:
            raise UsageError("This model reads no text; leave --caption and --captioner out.")
        if self._prompts is None or self._prompts[0] != words:
            base = self.restorer.config.autoencoder
            self._prompts = words, PromptBuilder.from_settings(settings, base, self.restorer.dtype)
        prompt = self._prompts[1].build(picture, self.restorer.device)
        self.restorer.check_prompt(prompt)
        return prompt

    def _fill(self, planes: Planes, result: Tensor, depth: int, progress: Progress | None = None) -> None:
        """Write all of the planes into (C, H, W) of the result.

        It begins anew in fp32 where half precision overflows, and with smaller windows where memory does not
        suffice: another size of windows is another result. Exact tiles go on from where they are.
        """
        compositor, given = Compositor(planes, result, depth), planes.input
        scale, alignment, exact = self.restorer.scale, self.restorer.alignment, given.halo is not None
        tile = self._first_tile(planes, compositor, result.numel() * result.element_size())
        while True:
            planes.restart()
            read: BoxReader = ExactTiles(given)
            if not exact:
                read = BlendedWindows(given.evaluate, given.extent, scale, tile, alignment)
            try:
                if planes.needs_statistics:
                    for attempt in oom.Tiles(given.extent.whole, tile, alignment, halve=exact):
                        with attempt as core:
                            planes.gather(read(core.scaled(scale)), core.scaled(scale))
                for attempt in oom.Tiles(given.extent.whole, tile, alignment, progress, halve=exact):
                    with attempt as core:
                        box = compositor.share(core)
                        if box.height and box.width:
                            compositor.write(read(compositor.source(box)), box)
                return
            except OverflowInHalfError:
                logger.warning(
                    "The model overflowed in %s; working in fp32 from here on.", self.restorer.dtype
                )
                self.restorer.to(self.restorer.device, torch.float32)
            except (RuntimeError, MemoryError) as error:
                if exact:
                    raise
                longest = max(given.extent.height, given.extent.width)
                side = min(tile or longest, longest)
                tile = oom.half_tile(error, side, windows.smallest_size(self.restorer))

    def _first_tile(self, planes: Planes, compositor: Compositor, result_bytes: int) -> int:
        given = planes.input
        if (asked := given.settings.tile) != "auto":
            return asked if given.halo is not None else windows.check_size(self.restorer, asked, given.extent)
        if given.halo is None and (usual := windows.default_size(self.restorer)) is not None:
            return usual
        free = memory.available(self.restorer.device)
        if free is not None and self.restorer.device.type != "cuda":  # the result lies in the same memory
            free -= result_bytes
        tile = oom.auto_tile(free, compositor.halo())
        logger.info("Tiles of %d pixels.", tile)
        return tile


def _blank(picture: Picture, size: tuple[int, int]) -> Tensor:
    """(C, *size) for the result of a picture. The system gives its memory when it is written to."""
    channels = len(picture.pixels)
    if picture.pixels.is_floating_point():
        return torch.empty(channels, *size)
    kind = np.uint8 if picture.depth == 8 else np.uint16
    return torch.from_numpy(np.empty((*size, channels), kind)).permute(2, 0, 1)


def _array_like(given: np.ndarray, picture: Picture) -> np.ndarray:
    array = picture.numpy()
    array = array.copy() if np.may_share_memory(array, given) else array
    return array[..., None] if array.ndim < given.ndim else array
