"""A picture in, a larger picture out: sizes, tiles, noise, colours and transparency around a Restorer.

The pixels of a picture and of its result are held once, in their own depth; floating point is for a tile at a
time.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Sized
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar, Unpack, get_args, overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from .. import memory
from ..devices import choose_device, choose_dtype
from ..errors import ImageError, UsageError
from ..hub import catalog
from ..locks import ForkSafeLock
from ..networks import Prompt
from ..pictures import picture as pictures
from ..pictures.open_file import held
from ..pictures.picture import Picture
from ..pictures.result_metadata import update_metadata
from ..restorer import Restorer, read_config
from . import guard, oom, windows
from .box_reader import BoxReader, ExactTiles, OverflowInHalfError
from .planes import AlphaPlane, ColorPlanes, Compositor, Planes, put
from .progress import Progress, part_of, shown
from .prompts import PromptBuilder
from .settings import DEFAULTS, ColorFix, Fit, Settings, UpscaleOptions, target_and_settings
from .sizes import AS_THE_MODEL, Target, check_number
from .tiles import Box
from .windows import BlendedWindows

__all__ = ["DEFAULTS", "ColorFix", "File", "Held", "Progress", "Settings", "UpscaleOptions", "Upscaler"]

logger = logging.getLogger(__name__)

File = TypeVar("File", bound=str | Path | bytes | bytearray | memoryview | BinaryIO | Picture)
Held = TypeVar("Held", Image.Image, NDArray[Any], Tensor)


_worked_in: int | None = None
"""The process in which torch may have started its threads."""


def _use_threads_of_this_process() -> None:
    """In a process that was forked from one where models worked: one thread, because torch would wait for
    others that are not there."""
    global _worked_in
    if _worked_in not in (None, os.getpid()) and torch.get_num_threads() > 1:
        torch.set_num_threads(1)
        logger.warning(
            "This process was forked from one where a model has worked, and so uses one thread; fork before, "
            "or start processes by 'spawn', for more."
        )
    _worked_in = os.getpid()


class Upscaler:
    """Holds one model. Threads may share it: they take turns at the network."""

    def __init__(self, restorer: Restorer) -> None:
        self.restorer = restorer
        self.processes = 1
        """How many share the memory of the device; the first tile takes its part of it."""
        self._lock = ForkSafeLock()  # of the network and the prompts
        self._process = os.getpid()
        self._prompts: tuple[tuple[str | None, ...], PromptBuilder] | None = None

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path | None = None,
        device: str | torch.device = "auto",
        dtype: str | torch.dtype = "auto",
        model_dir: str | Path | None = None,
        offload: bool = False,
        *,
        scale: float | None = None,
    ) -> Self:
        """Load a model by name or from its folder.

        Args:
            name: see `models`; or a model's folder, or the file of another project's upscaler. None is the
                default model for `scale`.
            device: auto, cpu, cuda, cuda:1, mps.
            dtype: auto, fp32, bf16, fp16; auto is half precision on CUDA, in which the model does not
                overflow, and fp32 elsewhere.
            model_dir: a folder of model folders to look in first.
            offload: see Restorer.offload.
            scale: how many times larger results shall be, for the choice of a model without a name: up to 2
                that of an x2 model. None: not known, an x4 model.
        Raises:
            UnknownName: there is no such model.
            WeightsError: a model's folder is incomplete or damaged.
            UsageError: there is no such device, or no model in model_dir to choose from.
        """
        _use_threads_of_this_process()
        folder = catalog.find_or_default(name, model_dir, scale)
        where = choose_device(device)
        precision = choose_dtype(dtype, where, read_config(folder).preferred_half)
        if not offload:
            return cls(Restorer.from_pretrained(folder, where, precision))
        return cls(Restorer.from_pretrained(folder, "cpu", precision).offload().to(where))

    @staticmethod
    def models(model_dir: str | Path | None = None) -> list[str]:
        """The names of the models that from_pretrained() finds here, sorted."""
        return catalog.names(model_dir)

    @property
    def scale(self) -> int:
        """How many times larger results are unless a size is asked for."""
        return self.restorer.scale

    @property
    def device(self) -> torch.device:
        return self.restorer.device

    @property
    def dtype(self) -> torch.dtype:
        """The precision that the network works in."""
        return self.restorer.dtype

    def to(self, device: str | torch.device, dtype: str | torch.dtype | None = None) -> Self:
        """Move the model, and return this Upscaler. device, dtype: as of from_pretrained(); None leaves the
        precision as it is. Raises UsageError for what is not there."""
        where = choose_device(device)
        with self._lock:
            half = self.restorer.config.preferred_half if dtype == "auto" else torch.float16
            self.restorer.to(where, None if dtype is None else choose_dtype(dtype, where, half))
        return self

    @overload
    def __call__(self, image: File, **options: Unpack[UpscaleOptions]) -> Picture: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, image: Held, **options: Unpack[UpscaleOptions]) -> Held: ...
    @overload
    def __call__(
        self, image: list[File] | tuple[File, ...], **options: Unpack[UpscaleOptions]
    ) -> list[Picture]: ...
    @overload
    def __call__(
        self, image: list[Held] | tuple[Held, ...], **options: Unpack[UpscaleOptions]
    ) -> list[Held]: ...
    @overload
    def __call__(self, image: Iterator[File], **options: Unpack[UpscaleOptions]) -> Iterator[Picture]: ...
    @overload
    def __call__(self, image: Iterator[Held], **options: Unpack[UpscaleOptions]) -> Iterator[Held]: ...
    def __call__(self, image: Any, **options: Unpack[UpscaleOptions]) -> Any:
        """One picture or many, larger.

        Args:
            image: a path, an open file, or a file's bytes, which give a `Picture` with all that the file
                says: profile, EXIF, resolution, 16 bits. A Picture, a PIL image, an array (H, W) or
                (H, W, C) of uint8, uint16 or floats in [0, 1], and a float tensor (3, H, W) or (B, 3, H, W)
                in [0, 1] give their own kind, depth and device. A list gives a list, and an iterator one that
                works as it is read.
            options: see UpscaleOptions.
        Raises:
            ImageError: for a picture that cannot be used, or too little memory.
            UsageError: for settings that cannot work.
        """
        each = options.copy()
        progress = options.pop("progress", None)
        fit, most = options.pop("fit", "exact"), options.pop("max_pixels", None)
        target, settings = target_and_settings(options)
        _check_limits(fit, most)
        self._after_fork()
        image = held(image)
        if isinstance(image, Tensor) and image.ndim == 4:
            if not len(image):
                raise ImageError("The tensor holds no picture; give float (B, 3, H, W) in [0, 1], B >= 1.")
            return torch.stack([*self._each(image, each)])
        if isinstance(image, Iterable) and not isinstance(image, str | bytes | np.ndarray | Tensor):
            results = self._each(image, each)
            return results if isinstance(image, Iterator) else list(results)
        with shown(progress) as report:
            size = image.size if isinstance(image, Picture) else pictures.measure(image)
            self._check_sizes(size, target, fit, most)
            if isinstance(image, Picture):
                return self.upscale(image, target, settings, report)
            self.check_memory(size, target)
            picture = pictures.load(image)
            self._check_sizes(picture.size, target, fit, most)  # a header may say something else
            result = self.upscale(picture, target, settings, report)
        if isinstance(image, np.ndarray):
            return _array_like(image, result)
        if isinstance(image, Tensor):
            return result.rgb.to(image)
        return result.pil() if isinstance(image, Image.Image) else result

    def _check_sizes(self, size: tuple[int, int], target: Target, fit: Fit, most: int | None) -> None:
        """Raises ImageError for a picture that is too large for `most` pixels, or for the size asked for."""
        height, width = size
        if most is not None and height * width > most:
            raise ImageError(
                f"The picture has {width} x {height} pixels; at most {most:,} are accepted here."
            )
        wanted = target.size(*size, self.scale)
        if fit == "exact" and wanted != size and target.reached_by(*size, self.scale):
            raise ImageError(
                f"The picture has {width} x {height} pixels and {wanted[1]} x {wanted[0]} are asked for: "
                "leapsr makes pictures larger. Ask for more, or give fit='at_least' to have it back as it is."
            )

    def _after_fork(self) -> None:
        """Raises UsageError in a process that was forked from one with the model on a GPU, which cannot be
        shared."""
        if os.getpid() != self._process and self.device.type != "cpu":
            raise UsageError(
                f"This process was forked from one that uses {self.device}: load the model in each process, "
                "or start processes by 'spawn'."
            )
        _use_threads_of_this_process()

    def _each(self, images: Iterable[Any], options: UpscaleOptions) -> Iterator[Any]:
        total, progress = len(images) if isinstance(images, Sized) else 0, options.pop("progress", None)
        with shown(progress) as report:
            for done, image in enumerate(images, start=1):
                yield self(image, **options)
                if report is not None:
                    report(done, total)

    def upscale(
        self,
        picture: Picture,
        target: Target = AS_THE_MODEL,
        settings: Settings = DEFAULTS,
        progress: Progress | None = None,
        part: Box | None = None,
    ) -> Picture:
        """A Picture in, a larger Picture out, with metadata that tell its new size; one that is large enough
        comes back as it is. Floats give floats, integers give integers of the picture's `depth`.

        part: only what becomes of this box of the picture, with the pixels of the whole; None is all.

        Raises ImageError when the result does not fit in memory, before any work is done.
        """
        self._after_fork()
        if target.reached_by(*picture.size, self.restorer.scale):
            logger.warning(
                "The picture already has %d x %d pixels and was left as it is.", *picture.size[::-1]
            )
            if part is None:
                return picture
            return update_metadata(replace(picture, pixels=part.of(picture.pixels), gain_map=None))
        if settings.denoise != "auto" and not self.restorer.reads_damage:
            raise UsageError("This model has no control over noise: leave denoise out, or take leap-small.")
        each = picture.pixels.element_size()
        after = each if picture.pixels.is_floating_point() else picture.depth // 8
        channels = len(picture.pixels)
        self.check_memory(picture.size, target, oom.Cost(channels * each, channels * after))
        result = _blank(picture, target.size(*picture.size, self.restorer.scale))
        with self._lock:
            colours = ColorPlanes(picture, self.restorer, settings, self._prompt(picture, settings))
            opaque = result[:-1] if picture.has_alpha else result
            alpha = AlphaPlane(picture, self.restorer, settings) if picture.has_alpha else None
            level = None if alpha is None else alpha.constant
            alone = alpha is None or level is not None
            passes = settings.steps * (2 if colours.needs_statistics else 1)  # in steps; alpha is one more
            watch = progress if alone else part_of(progress, 0, passes, passes + 1)
            whole = self._fill(colours, opaque, picture.depth, watch, part)
            colours.report()
            if level is not None:
                put(result[-1:], level, picture.depth)
            elif alpha is not None:
                watch = part_of(progress, passes, 1, passes + 1)
                self._fill(alpha, result[-1:], picture.depth, watch, part)
        gain_map = picture.gain_map if part is None else None
        return update_metadata(replace(picture, pixels=whole.of(result), gain_map=gain_map))

    def check_memory(self, size: tuple[int, int], target: Target, cost: oom.Cost = oom.OPAQUE_8_BIT) -> None:
        """Raises ImageError where a picture of size (height, width) would not fit in memory once enlarged."""
        scale = self.restorer.scale
        if not target.reached_by(*size, scale):
            free = memory.available(torch.device("cpu"))
            margin = (self.restorer.halo(1) or 0) + guard.MARGIN
            oom.check_memory(cost, size, target.size(*size, scale), margin, free)

    def _prompt(self, picture: Picture, settings: Settings) -> Prompt | None:
        """None is the model's own. Raises UsageError where it reads no text."""
        if settings.caption is None and settings.captioner is None:
            return None
        if not self.restorer.space.prompts:
            raise UsageError("This model reads no text; leave caption and captioner out.")
        words = settings.captioner, settings.text_encoder, settings.suffix
        if self._prompts is None or self._prompts[0] != words:
            base = self.restorer.config.autoencoder
            self._prompts = words, PromptBuilder.from_settings(settings, base, self.restorer.dtype)
        prompt = self._prompts[1].build(picture, self.restorer.device, settings.caption)
        self.restorer.check_prompt(prompt)
        return prompt

    def _fill(
        self,
        planes: Planes,
        result: Tensor,
        depth: int,
        progress: Progress | None = None,
        part: Box | None = None,
    ) -> Box:
        """Write the planes, or what becomes of a part of the picture, into (C, H, W) of the result; where in
        it they lie.

        It begins anew in fp32 where half precision overflows, and with smaller windows where memory does not
        suffice: another size of windows is another result. Exact tiles go on from where they are.
        """
        compositor, given = Compositor(planes, result, depth), planes.input
        scale, alignment, exact = self.restorer.scale, self.restorer.alignment, given.halo is not None
        wanted = part or given.extent.whole
        watch = partial(self.restorer.watched, given.settings.steps)
        first = part_of(progress, 0, 1, 2) if planes.needs_statistics else None
        last = part_of(progress, 1, 1, 2) if planes.needs_statistics else progress
        tile = self._first_tile(planes, compositor, result.numel() * result.element_size())
        while True:
            planes.restart()
            read: BoxReader = ExactTiles(given)
            if not exact:
                overlap = windows.overlap(self.restorer, tile or max(given.extent.height, given.extent.width))
                read = BlendedWindows(given.evaluate, given.extent, scale, tile, alignment, overlap)
            try:
                if planes.needs_statistics:
                    for attempt in oom.Tiles(given.extent.whole, tile, alignment, first, exact, watch):
                        with attempt as core:
                            planes.gather(read(core.scaled(scale)), core.scaled(scale))
                for attempt in oom.Tiles(wanted, tile, alignment, last, exact, watch):
                    with attempt as core:
                        box = compositor.share(core)
                        if box.height and box.width:
                            compositor.write(read(compositor.source(box)), box)
                return compositor.share(wanted)
            except OverflowInHalfError:
                logger.warning("The model overflowed in %s; working in fp32 from here on.", self.dtype)
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
        if free is not None:
            free //= self.processes
        if free is not None and self.restorer.device.type != "cuda":  # the result lies in the same memory
            free -= result_bytes
        tile = oom.auto_tile(free, compositor.halo(), self.restorer.bytes_per_pixel)
        if given.halo is None:
            tile = max(tile, windows.smallest_size(self.restorer))
        logger.debug("Tiles of %d pixels.", tile)
        return tile


def _blank(picture: Picture, size: tuple[int, int]) -> Tensor:
    """(C, *size) for the result of a picture. The system gives its memory when it is written to."""
    channels = len(picture.pixels)
    if picture.pixels.is_floating_point():
        return torch.empty(channels, *size)
    kind = np.uint8 if picture.depth == 8 else np.uint16
    return torch.from_numpy(np.empty((*size, channels), kind)).permute(2, 0, 1)


def _check_limits(fit: Fit, max_pixels: int | None) -> None:
    if fit not in get_args(Fit):
        raise UsageError(f"fit is 'exact' or 'at_least', not {fit!r}.")
    if max_pixels is not None:
        check_number("max_pixels", max_pixels)


def _array_like(given: np.ndarray, picture: Picture) -> np.ndarray:
    array = picture.numpy()
    if given.dtype.kind == "f":
        array = picture.pixels.permute(1, 2, 0).numpy().astype(given.dtype)
        array = array[..., 0] if array.shape[2] == 1 else array
    array = array.copy() if np.may_share_memory(array, given) else array
    return array[..., None] if array.ndim < given.ndim else array
