"""The files beside a result: further samples and their contact sheet, and the map of its invented detail."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from .. import memory
from ..pictures import save_file
from ..pictures.picture import Picture, from_pil
from ..pictures.result_metadata import update_metadata, without_metadata
from ..upscaling.consistency import consistent
from ..upscaling.contact_sheet import ContactSheet
from ..upscaling.detail_map import SEEDS, DetailMap, draw
from ..upscaling.oom import Cost
from ..upscaling.samples import samples
from ..upscaling.upscaler import Progress, Upscaler
from . import naming
from .jobs import Job, refuse_overwriting
from .options import Options


@dataclass(frozen=True)
class Sidecars:
    """paths: the files that were written beside a result. invented: see DetailMap; None without a map."""

    paths: tuple[Path, ...] = ()
    invented: float | None = None


NO_SIDECARS = Sidecars()


def paths(output: Path, options: Options) -> list[Path]:
    """Every file that may be written beside the result `output`."""
    first = options.settings.seed
    found = [naming.sample_path(output, first, first + index) for index in range(1, options.samples)]
    if options.samples > 1:
        found.append(naming.contact_sheet_path(output, first))
    if options.detail_map:
        found.append(naming.detail_map_path(output))
    return found


def refuse_sources(jobs: Sequence[Job], options: Options) -> None:
    """Raises UsageError rather than write over a source."""
    sidecars = (path for job in jobs for path in paths(job.output, options))
    refuse_overwriting((job.source for job in jobs), sidecars)


def make(
    upscaler: Upscaler,
    picture: Picture,
    output: Path,
    options: Options,
    progress: Progress | None,
    keep: Collection[Path] = (),
) -> tuple[Picture, Sidecars]:
    """The result for `output`, which is not written here, and its sidecars, which are.

    keep: sidecars that are there and stay as they are. After an error, or Ctrl-C, those written are removed.
    Raises ImageError, OutputError, UsageError as `Upscaler.upscale` and `save_file.save` do.
    """
    if options.has_sidecars or options.consistency is not None:
        upscaler.check_memory(picture.size, options.target, Cost(0, memory.LOOKED_AT))
    sheet, written = ContactSheet(picture), list[Path]()

    def write(result: Picture, path: Path) -> None:
        if path not in keep:
            save(result, path, options)
            written.append(path)

    def results() -> Iterator[Picture]:
        """One for each seed. All but the first are written while they pass, so that only one is in memory."""
        count = max(options.samples, SEEDS if options.detail_map else 1)
        every = samples(upscaler, picture, count, options.target, options.settings, progress)
        for index, (seed, result) in enumerate(every):
            if options.consistency is not None:
                result = consistent(result, picture, options.consistency)
            if options.samples > 1 and index < options.samples:
                sheet.add(seed, result)
                if index > 0:
                    write(result, naming.sample_path(output, options.settings.seed, seed))
            yield result

    try:
        remaining = results()
        first, invented = next(remaining), None
        if options.detail_map:
            detail = DetailMap.of(chain([first], remaining), picture)
            write(update_metadata(from_pil(draw(detail))), naming.detail_map_path(output))
            invented = detail.invented
        for _ in remaining:  # the samples that no map has asked for
            pass
        if (drawn := sheet.draw()) is not None:
            write(update_metadata(from_pil(drawn)), naming.contact_sheet_path(output, options.settings.seed))
    except BaseException:
        remove(written)
        raise
    return first, Sidecars(tuple(written), invented)


def remove(written: Iterable[Path]) -> None:
    """Those of a result that was not made, which would be in the way of the next try."""
    for path in written:
        with suppress(OSError):
            path.unlink()


def save(picture: Picture, path: Path, options: Options) -> None:
    """A result as a file, all or nothing. Raises OutputError."""
    save_file.save(without_metadata(picture) if options.strip_metadata else picture, path, options.quality)
