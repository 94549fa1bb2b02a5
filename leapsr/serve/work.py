"""What the worker processes do: everything that decodes a picture or runs a network.

Each function runs in a process of `processes`, one at a time. Messages name no path of the server: a file is
called as the client called it.
"""

import io
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from PIL import Image

from .. import memory
from ..batch import naming, pipeline
from ..batch.existing import ExistingPolicy
from ..batch.jobs import Job
from ..batch.options import Options
from ..errors import DiskFull, ImageError, LeapsrError
from ..pictures import content, open_file, unsupported
from ..pictures import picture as pictures
from ..pictures.picture import Picture
from ..pictures.save_file import WRITABLE
from ..upscaling.settings import Settings
from ..upscaling.sizes import Target
from ..upscaling.tiles import Box
from ..upscaling.upscaler import Upscaler

Progress = Callable[[float, int], None]

KEPT_MODELS = 4
KEPT_PICTURES = 2
LARGEST_PART = 16_000_000
"""Pixels of what becomes of a part."""


@dataclass(frozen=True)
class Examined:
    """What the header of an upload says: the suffix of its format, and its size in pixels."""

    suffix: str
    width: int
    height: int


@dataclass(frozen=True)
class Result:
    """What became of a photo. samples: how many results there are. notes: what there is to say of it."""

    width: int
    height: int
    samples: int
    detail_map: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A model on a device, as `Upscaler.from_pretrained` takes it. folder: or its name."""

    folder: str | Path
    device: str
    dtype: str

    def load(self) -> Upscaler:
        return _load(self)


@lru_cache(maxsize=KEPT_MODELS)
def _load(model: Model) -> Upscaler:
    return Upscaler.from_pretrained(model.folder, model.device, model.dtype)


@lru_cache(maxsize=KEPT_PICTURES)
def _picture(path: Path) -> Picture:
    return pictures.load(path)


def examine(path: Path, name: str, most_pixels: int) -> Examined:
    """Look at the header of an upload, and give it the suffix of its content.

    Raises ImageError for what is no picture, or too large a one.
    """
    path = next(path.parent.glob(f"{path.name}*"), path)  # it has a suffix where a process died of it before
    with _called(name, path):
        data, _ = open_file.contents(path)
        suffix, given = content.suffix(data, name), Path(name).suffix
        is_named_so = WRITABLE.get(given.lower(), "unknown") == WRITABLE.get(suffix)
        if is_named_so or (suffix == content.RAW and unsupported.is_raw(Path(name))):
            suffix = given
    named = path.rename(path.with_suffix(suffix))
    with _called(name, named):
        height, width = pictures.measure(named)
    if height * width > most_pixels:
        raise TooLarge(f"{name} has {width} x {height} pixels; at most {most_pixels:,} are accepted here.")
    return Examined(suffix, width, height)


class TooLarge(ImageError):
    """More pixels than are accepted here."""


def upscale(
    source: Path, name: str, output: Path, model: Model, options: Options, progress: Progress
) -> Result:
    """Make a result and what lies beside it, by the way of `leapsr upscale`. Raises LeapsrError."""
    upscaler = model.load()
    with _called(name, source, output), _logged() as notes:
        jobs = [Job(source, output)]
        (outcome,) = pipeline.run(
            jobs, upscaler, options, ExistingPolicy("overwrite"), lambda _, done, total: progress(done, total)
        )
        if outcome.status == "failed":
            raise (DiskFull if outcome.last else ImageError)(outcome.message)
    assert outcome.result is not None
    beside = outcome.sidecars.paths
    if outcome.status == "copied":
        notes.append(outcome.message.replace(str(source), name))
    return Result(
        outcome.result[1],
        outcome.result[0],
        1 + sum(is_sample(output, options, path) for path in beside),
        naming.detail_map_path(output) in beside,
        tuple(note.replace(str(source), name) for note in notes),
    )


def is_sample(output: Path, options: Options, path: Path) -> bool:
    seed = options.settings.seed
    return any(path == naming.sample_path(output, seed, seed + n) for n in range(1, options.samples))


def part(
    source: Path,
    name: str,
    model: Model,
    size: tuple[int, int],
    settings: Settings,
    box: Box,
    progress: Progress,
) -> bytes:
    """What becomes of a box of the source, as WebP; with the pixels of the whole result.

    size: (height, width) of that result. Raises LeapsrError.
    """
    with _called(name, source), memory.translate_oom(Path(name)):
        picture = _picture(source)
        rows, columns = picture.size
        if box.bottom > rows or box.right > columns:
            raise ImageError(f"The part reaches beyond the picture, which has {columns} x {rows} pixels.")
        if box.height * box.width * (size[0] / rows) * (size[1] / columns) > LARGEST_PART:
            raise ImageError(f"The part would have more than {LARGEST_PART:,} pixels; ask for a smaller one.")
        target = Target(width=size[1], height=size[0])
        return _webp(model.load().upscale(picture, target, settings, progress, box))


def preview(
    source: Path,
    name: str,
    model: Model,
    target: Target,
    settings: Settings,
    screen: tuple[int, int],
    progress: Progress,
) -> bytes:
    """The whole photo as it will look on a screen of (height, width) pixels, as WebP.

    Where the result is larger than the screen, a reduced copy of the photo is restored; a photo that is large
    enough is only reduced, as nothing else will become of it. Raises LeapsrError.
    """
    with _called(name, source), memory.translate_oom(Path(name)):
        picture, upscaler = pictures.load(source), model.load()
        copied = target.reached_by(*picture.size, upscaler.scale)
        final = picture.size if copied else target.size(*picture.size, upscaler.scale)
        fit = min(1.0, *(have / want for have, want in zip(screen, final, strict=True)))
        height, width = (max(1, round(side * fit)) for side in final)
        scale = 1 if copied else upscaler.scale
        small = -(-height // scale), -(-width // scale)
        if small[0] < picture.size[0] or small[1] < picture.size[1]:
            smaller = picture.pil().resize(small[::-1], Image.Resampling.BICUBIC, reducing_gap=3.0)
            picture = replace(pictures.from_pil(smaller, with_metadata=False), icc=picture.icc)
        if copied:
            return _webp(picture)
        return _webp(upscaler.upscale(picture, Target(width=width, height=height), settings, progress))


def warm(models: tuple[Model, ...]) -> None:
    """Load models before they are asked for."""
    for model in models:
        model.load()


def _webp(picture: Picture) -> bytes:
    image, file = picture.pil(), io.BytesIO()
    image.save(file, "WEBP", quality=90, method=0, icc_profile=picture.icc or b"")
    return file.getvalue()


@contextmanager
def _called(name: str, *paths: Path) -> Iterator[None]:
    """Let errors call files as the client does."""
    try:
        yield
    except LeapsrError as error:
        text = str(error)
        for path in paths:
            text = text.replace(str(path), name)
        for path in paths:  # what lies beside them
            text = text.replace(f"{path.parent}{os.sep}", "")
        text = text.replace("the picture is", f"{name} is") if text.startswith("the picture is") else text
        if text == str(error):
            raise
        raise type(error)(text) from error


@contextmanager
def _logged() -> Iterator[list[str]]:
    """The warnings of leapsr meanwhile."""
    notes: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            notes.append(record.getMessage())

    listener, logger = Listener(logging.WARNING), logging.getLogger("leapsr")
    logger.addHandler(listener)
    try:
        yield notes
    finally:
        logger.removeHandler(listener)


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
