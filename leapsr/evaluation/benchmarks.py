"""The sets of pictures that papers test on: what each must be, whether it is there, and how to make it.

The table is protocols.toml. A set lies in ROOT/NAME (in any case), in the layout of `data.pairs`: HR and LR,
or pictures without reference.
"""

import os
import tomllib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from .. import degrade
from ..data import reading
from ..data.listing import picture_files
from ..data.pairs import PairFolder, read_pairs
from ..errors import DataError, LeapsrError, UnknownName, UsageError
from ..files import atomic_write
from ..metrics import select
from ..ops.color import to_pil
from ..ops.resize import resize
from ..pictures.picture import floats
from .published import PublishedTable, published

FILE = Path(__file__).with_name("protocols.toml")
ROOT_VARIABLE = "LEAPSR_BENCHMARKS"
MADE_BY = "made_by.json"
"""In the folder of a set that was made here: how."""

Size = tuple[int, int]
"""(width, height)"""


class Making(BaseModel):
    """How a set comes from pictures that are had.

    kind: bicubic (MATLAB's) or another damage of `leapsr degrade`, from large pictures; "pairs" takes both
    sizes as they are. crop: "random", "centre", or "square", which makes the shorter side as long as `side`
    first; None cuts to a multiple of the scale. side: of the large squares. noise: deviation of Gaussian
    noise on the small picture in [-1, 1]. seed: of all that is random, with a picture's name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    crop: Literal["random", "centre", "square"] | None = None
    side: int | None = None
    noise: float = 0.0
    seed: int = 0


class Benchmark(BaseModel):
    """A row of protocols.toml; its fields are explained there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    count: int
    scale: int
    hr: Size | None = None
    lr: Size | None = None
    reference: bool = True
    border: int
    metrics: tuple[str, ...]
    papers: str
    source: str
    make: Making | None = None

    @property
    def protocol(self) -> str:
        """In words."""
        return f"{self.title}; {self.count} pictures, x{self.scale}, border {self.border}. {self.papers}"

    def published(self) -> list[PublishedTable]:
        return published(self.name, self.protocol)

    def place(self, root: Path) -> Path:
        """Its folder, whether or not it is there."""
        found = (each for each in sorted(root.glob("*")) if each.is_dir() and each.name.lower() == self.name)
        return next(found, root / self.name)

    def layout(self) -> str:
        """How to lay it out, in a sentence."""
        inside = "HR/*.png and LR/*.png with the same names" if self.reference else "*.png"
        return f"{self.name}/ with {inside}, {self.count} pictures"

    def problems(self, root: Path) -> list[str]:
        """What is missing or wrong, a sentence each; empty for a complete set."""
        folder = self.place(root)
        if not folder.is_dir():
            return [f"{folder} is not there: lay it out as {self.layout()}."]
        try:
            pairs = read_pairs(folder, self.scale)
        except DataError as error:
            return [str(error)]
        problems = []
        if len(pairs) != self.count:
            problems.append(f"{folder} has {len(pairs)} pictures and should have {self.count}.")
        if pairs.has_reference != self.reference:
            problems.append(f"{folder} {'lacks HR' if self.reference else 'should have no HR'}.")
        for files in pairs.files:
            for path, wanted in ((files.lr, self.lr), (files.hr, self.hr)):
                if path is None or wanted is None:
                    continue
                height, width = reading.size_of(path)
                if (width, height) != wanted:
                    problems.append(f"{path} is {width}x{height} and should be {wanted[0]}x{wanted[1]}.")
        return problems

    def pairs(self, root: Path, limit: int | None = None) -> PairFolder:
        """Raises DataError where the set is not complete and right."""
        if wrong := self.problems(root):
            shown = " ".join(wrong[:20]) + (f" And {len(wrong) - 20} more." if len(wrong) > 20 else "")
            raise DataError(f"{self.name} cannot be used. {shown}")
        return read_pairs(self.place(root), self.scale, limit)


@cache
def _table() -> dict[str, Benchmark]:
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))
    found = {name: Benchmark(name=name, **row) for name, row in rows.items()}
    for each in found.values():
        select(each.metrics)
    return found


def names() -> list[str]:
    return list(_table())


def find(name: str) -> Benchmark:
    """Raises UnknownName."""
    if name not in _table():
        raise UnknownName("benchmark", name, names())
    return _table()[name]


def root_folder(root: Path | None) -> Path:
    """The given one, or that of $LEAPSR_BENCHMARKS. Raises UsageError without either."""
    named = os.environ.get(ROOT_VARIABLE)
    if root is None and not named:
        raise UsageError(f"Say where benchmarks lie: --root FOLDER, or {ROOT_VARIABLE}.")
    return root or Path(str(named))


def make(
    benchmark: Benchmark,
    source: Path,
    root: Path,
    progress: Callable[[Sequence[Path]], Iterable[Path]] = lambda files: files,
) -> Path:
    """Make a set from pictures that are had; pictures that are made already stay.

    source: a folder of large pictures, or one with HR and LR where the protocol crops pairs.
    progress: gets the files and gives them back while they are walked.
    Returns its folder. Raises UsageError where the set can only be had as it is, DataError, OutputError.
    """
    making = benchmark.make
    if making is None:
        raise UsageError(f"{benchmark.name} is had as it is: {benchmark.source}; {benchmark.layout()}.")
    folder = benchmark.place(root)
    _remember(making, folder)
    if making.kind == "pairs":
        pairs = read_pairs(source, benchmark.scale)
        by_file = {files.lr: files for files in pairs.files}
        for path in progress(list(by_file)[: benchmark.count]):
            pair = pairs.read(by_file[path])
            if pair.hr is None:
                raise DataError(f"{source} has no HR; {benchmark.name} is cut from pairs.")
            box = _box(making, pair.hr, benchmark.scale, None, by_file[path].hr)
            small = tuple(edge // benchmark.scale for edge in box)
            _write(folder, pair.name, _cut(pair.hr, box), _cut(pair.lr, small))
        return folder
    files = picture_files(source)
    if len(files) < benchmark.count:
        raise DataError(f"{source} holds {len(files)} pictures; {benchmark.name} needs {benchmark.count}.")
    degradation = degrade.make(making.kind, benchmark.scale)
    for path in progress(files[: benchmark.count]):
        name = path.relative_to(source).with_suffix("").as_posix()
        if (folder / "HR" / f"{name}.png").is_file() and (folder / "LR" / f"{name}.png").is_file():
            continue
        generator = degrade.generator(making.seed, benchmark.name, name)
        hr = _large(making, floats(reading.read_rgb(path))[None], benchmark.scale, generator, path)
        lr = degradation(hr, generator)
        if making.noise:  # of pictures in [-1, 1], which are twice as wide as [0, 1]
            lr = lr + making.noise / 2 * torch.randn(lr.shape, generator=generator)
        _write(folder, name, hr, lr)
    return folder


def _remember(making: Making, folder: Path) -> None:
    """Raises UsageError where the folder holds what was made in another way."""
    file, text = folder / MADE_BY, making.model_dump_json(indent=1)
    if file.is_file() and file.read_text(encoding="utf-8") != text:
        raise UsageError(f"{folder} was begun with another protocol: remove it, and make it again.")
    with atomic_write(file) as part:
        part.write_text(text, encoding="utf-8")


def _large(making: Making, photo: Tensor, scale: int, generator: torch.Generator, path: Path) -> Tensor:
    """The large picture of a pair, in 8 bits. photo: (1, 3, H, W)."""
    if making.crop == "square" and making.side is not None:
        short = min(photo.shape[-2:])
        size = [max(making.side, round(making.side * side / short)) for side in photo.shape[-2:]]
        photo = resize(photo, (size[0], size[1]), antialias=True).clamp(0, 1)
    return _cut(photo, _box(making, photo, scale, generator, path))


def _box(
    making: Making, photo: Tensor, scale: int, generator: torch.Generator | None, path: Path | None
) -> tuple[int, ...]:
    """left, top, right, bottom, all multiples of the scale but for random crops. Raises DataError."""
    height, width = photo.shape[-2:]
    if making.side is None:
        return 0, 0, width // scale * scale, height // scale * scale
    if min(height, width) < making.side:
        raise DataError(f"{path} is smaller than {making.side} pixels; leave it out.")
    if making.crop == "random":
        left, top = (
            int(torch.randint(side - making.side + 1, (), generator=generator)) for side in (width, height)
        )
    else:
        left, top = ((side - making.side) // 2 // scale * scale for side in (width, height))
    return left, top, left + making.side, top + making.side


def _cut(image: Tensor, box: Sequence[int]) -> Tensor:
    left, top, right, bottom = box
    return image[..., top:bottom, left:right]


def _write(folder: Path, name: str, hr: Tensor, lr: Tensor) -> None:
    for part, image in (("HR", hr), ("LR", lr)):
        with atomic_write(folder / part / f"{name}.png") as place:
            to_pil(image[0].clamp(0, 1)).save(place, "PNG")


def state(benchmark: Benchmark, root: Path | None) -> str:
    """Ready, absent, or what is wrong with it, in a few words."""
    if root is None:
        return "-"
    try:
        wrong = benchmark.problems(root)
    except LeapsrError as error:
        return str(error)
    if not wrong:
        return "ready"
    return "absent" if not benchmark.place(root).is_dir() else f"{len(wrong)} wrong"
