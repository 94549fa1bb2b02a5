"""A result with what lies beside it: further samples and their contact sheet, and the map of its invented
detail."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from PIL import Image

from .. import memory
from ..errors import UsageError
from ..pictures import picture as pictures
from ..pictures import save_file
from ..pictures.picture import Picture
from ..pictures.result_metadata import describe, without_metadata
from ..upscaling.consistency import consistent
from ..upscaling.contact_sheet import ContactSheet
from ..upscaling.detail_map import SEEDS, DetailMap, draw
from ..upscaling.oom import Cost
from ..upscaling.samples import samples
from ..upscaling.upscaler import Progress, Upscaler
from . import naming
from .jobs import Job, resolved
from .options import Options


@dataclass(frozen=True)
class Extras:
    """beside: the files that were written beside a result. invented: see DetailMap; None where no map was
    made."""

    beside: tuple[Path, ...] = ()
    invented: float | None = None


NOTHING = Extras()


def paths(output: Path, options: Options) -> list[Path]:
    """Every file that may be written beside the result `output`."""
    first = options.settings.seed
    found = [naming.of_seed(output, first, first + index) for index in range(1, options.samples)]
    if options.samples > 1:
        found.append(naming.contact_sheet(output, first))
    if options.detail_map:
        found.append(naming.detail_map(output))
    return found


def refuse_sources(jobs: Sequence[Job], options: Options) -> None:
    """Raises UsageError rather than write over a source."""
    sources = {resolved(job.source) for job in jobs}
    for job in jobs:
        for path in paths(job.output, options):
            if resolved(path) in sources:
                raise UsageError(
                    f"{path} is one of the sources and is never written over; choose another -o."
                )


def make(
    upscaler: Upscaler,
    picture: Picture,
    output: Path,
    options: Options,
    progress: Progress | None,
    kept: Collection[Path] = (),
) -> tuple[Picture, Extras]:
    """The result for `output`, which is not written here, and what lies beside it, which is.

    kept: files beside it that are there and stay as they are.
    Raises ImageError, OutputError, UsageError as `Upscaler.upscale` and `saving.save` do.
    """
    if options.accompanied or options.consistency is not None:
        upscaler.check_memory(picture.size, options.target, Cost(0, memory.LOOKED_AT))
    results = _Results(upscaler, picture, output, options, kept)
    drawn = results.drawn(progress)
    first = next(drawn)
    invented = None
    if options.detail_map:
        found = DetailMap.of(chain([first], drawn), picture)
        results.add(naming.detail_map(output), draw(found))
        invented = found.invented
    for _ in drawn:  # the samples that no map has asked for
        pass
    if (sheet := results.sheet.draw()) is not None:
        results.add(naming.contact_sheet(output, options.settings.seed), sheet)
    return first, Extras(tuple(results.beside), invented)


def save(picture: Picture, path: Path, options: Options) -> None:
    """A result as a file, all or nothing. Raises OutputError."""
    save_file.save(without_metadata(picture) if options.strip_metadata else picture, path, options.quality)


class _Results:
    """The results of one picture, seed by seed. All but the first are written while they pass, so that only
    one lies in memory."""

    def __init__(
        self, upscaler: Upscaler, picture: Picture, output: Path, options: Options, kept: Collection[Path]
    ) -> None:
        self.upscaler, self.picture, self.output, self.options = upscaler, picture, output, options
        self.kept = kept
        self.sheet = ContactSheet(picture)
        self.beside: list[Path] = []

    def drawn(self, progress: Progress | None) -> Iterator[Picture]:
        options = self.options
        count = max(options.samples, SEEDS if options.detail_map else 1)
        every = samples(self.upscaler, self.picture, count, options.target, options.settings, progress)
        for index, (seed, result) in enumerate(every):
            if options.consistency is not None:
                result = consistent(result, self.picture, options.consistency)
            if options.samples > 1 and index < options.samples:
                self.sheet.add(seed, result)
                if index > 0:
                    self._save(result, seed)
            yield result

    def add(self, path: Path, image: Image.Image) -> None:
        if path not in self.kept:
            picture = pictures.from_pil(image)
            save_file.save(picture if self.options.strip_metadata else describe(picture), path)
            self.beside.append(path)

    def _save(self, result: Picture, seed: int) -> None:
        path = naming.of_seed(self.output, self.options.settings.seed, seed)
        if path not in self.kept:
            save(result, path, self.options)
            self.beside.append(path)
