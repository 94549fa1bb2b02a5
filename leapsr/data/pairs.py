"""Pictures to evaluate on: pairs of a low-resolution picture and its true high-resolution one.

A folder is read in one of these layouts; folder names in any case, pictures matched by their path in it
without suffix::

    FOLDER/HR/NAME.png + FOLDER/LR/NAME.png      also gt + lq, test_HR + test_LR
    FOLDER/LR/NAME.png                           no reference
    FOLDER/NAME.png                              no reference

NAME may lie in sub-folders, as `leapsr degrade` writes them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from ..errors import DataError
from ..pictures import unsupported
from ..pictures.picture import READABLE_SUFFIXES, floats
from . import reading
from .listing import in_order, listing
from .reading import size_of

LR_FOLDERS = ("lr", "lq", "test_lr")
HR_FOLDERS = ("hr", "gt", "test_hr")
LISTED = 20
"""So many wrong pictures are named, and the others counted."""


class Pair(NamedTuple):
    name: str
    lr: Tensor
    """(1, 3, H, W) float32 in [0, 1]"""
    hr: Tensor | None
    """(1, 3, sH, sW) float32 in [0, 1]; None without a reference"""


class _Files(NamedTuple):
    name: str
    lr: Path
    hr: Path | None


@dataclass(frozen=True)
class PairFolder:
    """A checked list of pairs; pictures are decoded one pair at a time while it is walked."""

    scale: int
    files: tuple[_Files, ...]

    @property
    def has_reference(self) -> bool:
        return self.files[0].hr is not None

    @property
    def names(self) -> list[str]:
        return [files.name for files in self.files]

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Pair]:
        return map(self.read, self.files)

    def read(self, files: _Files) -> Pair:
        """Raises DataError for a picture that cannot be decoded, or has another size than its header says."""
        pair = Pair(files.name, read_rgb(files.lr), None if files.hr is None else read_rgb(files.hr))
        if pair.hr is not None:
            wrong = _misfit(files, tuple(pair.lr.shape[-2:]), tuple(pair.hr.shape[-2:]), self.scale)
            refuse([wrong] if wrong else [])
        return pair


def read_pairs(folder: Path, scale: int | None = None, limit: int | None = None) -> PairFolder:
    """Find the pairs in a folder and check every size by its header.

    Args:
        folder: in one of the layouts above.
        scale: how many times larger the high-resolution pictures must be; None is as many as the first one,
            and 4 where there is none.
        limit: only the first so many, by name.

    Raises:
        DataError: naming each file that is wrong: no pictures, a picture without its partner, two pictures of
            one name, one that cannot be read, or a high-resolution picture that is not exactly `scale` times
            as large.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give one that holds HR and LR, or pictures.")
    lr_folder, hr_folder = folders_of(folder)
    if lr_folder is None and hr_folder is not None:
        raise DataError(f"{folder} has {hr_folder.name} but no LR beside it; make one with 'leapsr degrade'.")
    lr_files = by_name(lr_folder or folder)
    hr_files = None if hr_folder is None else by_name(hr_folder)
    if hr_files is not None:
        refuse(_without_partner(lr_files, hr_files))
    names = sorted(lr_files)[:limit]
    files = tuple(_Files(name, lr_files[name], hr_files[name] if hr_files else None) for name in names)
    problems: list[str] = []
    for each in files:
        try:
            lr, hr = size_of(each.lr), None if each.hr is None else size_of(each.hr)
        except DataError as error:
            problems.append(str(error))
            continue
        if hr is not None:
            scale = scale or max(1, round(hr[0] / lr[0]))
            problems += filter(None, [_misfit(each, lr, hr, scale)])
    refuse(problems)
    return PairFolder(scale or 4, files)


def refuse(problems: Sequence[str]) -> None:
    """Raises DataError with all of them; does nothing where there are none."""
    if len(problems) == 1:
        raise DataError(problems[0])
    if problems:
        more = f" And {len(problems) - LISTED} more." if len(problems) > LISTED else ""
        raise DataError(f"{len(problems)} pictures cannot be used. {' '.join(problems[:LISTED])}{more}")


def read_rgb(path: Path) -> Tensor:
    """Decode a picture, upright: (1, 3, H, W) float32 in [0, 1]. Raises DataError naming the file."""
    return floats(reading.read_rgb(path)).unsqueeze(0)


def folders_of(folder: Path) -> tuple[Path | None, Path | None]:
    """Those of the small and of the large pictures; None is not there."""
    return _subfolder(folder, LR_FOLDERS), _subfolder(folder, HR_FOLDERS)


def _subfolder(folder: Path, names: tuple[str, ...]) -> Path | None:
    found = (child for child in sorted(folder.iterdir()) if child.is_dir() and child.name.lower() in names)
    return next(found, None)


def by_name(folder: Path) -> dict[str, Path]:
    """Path in the folder without suffix -> file, sub-folders included.

    Raises DataError, also for what could be a picture and is not read, so that none is left out unsaid.
    """
    files: dict[str, Path] = {}
    found = listing(folder)
    problems = [
        f"{folder / name} may not be looked into: allow it (chmod u+rx), or move it away."
        for name in found.closed
    ]
    problems += filter(None, (unsupported.refusal(folder / name) for name in found.others))
    problems += [f"{folder / name} is an archive; unpack it first." for name in found.archives]
    for name in in_order(found.pictures):
        path, stem = folder / name, Path(name).with_suffix("").as_posix()
        if stem in files:
            problems.append(f"{path} and {files[stem].name} have the same name; keep one of them.")
        files[stem] = path
    refuse(problems)
    if not files:
        raise DataError(f"{folder} holds no picture ({', '.join(sorted(READABLE_SUFFIXES))}).")
    return files


def _without_partner(lr_files: dict[str, Path], hr_files: dict[str, Path]) -> list[str]:
    """A sentence for each file."""
    counts = f"{len(lr_files)} low- and {len(hr_files)} high-resolution pictures"
    problems = []
    for files, others in ((lr_files, hr_files), (hr_files, lr_files)):
        name, path = next(iter(others.items()))
        where = path.parents[name.count("/")]
        problems += [
            f"{files[alone]} has no partner in {where} ({counts}); add it or move it away."
            for alone in sorted(files.keys() - others.keys())
        ]
    return problems


def _misfit(files: _Files, lr: tuple[int, ...], hr: tuple[int, ...], scale: int) -> str | None:
    """A sentence where the sizes, each (height, width), do not fit."""
    (lr_height, lr_width), (height, width) = lr, hr
    if (width, height) == (lr_width * scale, lr_height * scale):
        return None
    return (
        f"{files.hr} is {width}x{height} but should be {lr_width * scale}x{lr_height * scale},"
        f" {scale} times {files.lr.name}; crop it or choose a model of another scale."
    )
