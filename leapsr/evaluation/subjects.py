"""What can be evaluated: a model, plain interpolation, a folder of outputs, or another program."""

import shlex
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import file_digest
from itertools import count
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue
from torch import Tensor

from ..data import pairs as pair_folders
from ..data.listing import picture_files
from ..data.pairs import PairFolder, read_rgb
from ..errors import DataError, UnknownName, UsageError, WeightsError
from ..hub import catalog
from ..metrics.table import BICUBIC, LANCZOS, Made, Restore, bicubic, lanczos
from ..pictures import picture as pictures
from ..restorer import Restorer
from ..upscaling.settings import Settings
from ..upscaling.upscaler import Upscaler

INPUT, OUTPUT = "{in}", "{out}"
INTERPOLATIONS: dict[str, Callable[[int], Restore]] = {BICUBIC: bicubic, LANCZOS: lanczos}


class Subject(Protocol):
    """One thing to evaluate."""

    @property
    def label(self) -> Path:
        """Its path, or what stands for one: the last parts that tell it from the others are its name."""
        ...

    def identity(self) -> dict[str, JsonValue]:
        """All that decides what becomes of a picture, but for the settings: pictures that were saved with
        another identity are not its own."""
        ...


@dataclass(frozen=True)
class Model:
    """folder: of the model; of another project's, its file."""

    folder: Path
    upscaler: Upscaler

    @property
    def restorer(self) -> Restorer:
        return self.upscaler.restorer

    @property
    def label(self) -> Path:
        return self.folder.resolve()

    def identity(self) -> dict[str, JsonValue]:
        dtype = str(self.upscaler.dtype).removeprefix("torch.")
        return {"model": self.folder.name, "model_sha256": self._sha256, "dtype": dtype}

    @cached_property
    def _sha256(self) -> str:
        return catalog.digest(self.folder)

    def restore(self, settings: Settings, captions: Callable[[str], str] | None = None) -> Restore:
        """As `leapsr upscale` does with these settings. captions: of the pictures by name, where it reads
        any; None: see the settings."""

        def enlarge(lr: Tensor, name: str) -> Tensor:
            own = settings
            if captions is not None and self.restorer.space.prompts:
                own = replace(settings, caption=captions(name))
            return self.upscaler.upscale(pictures.load(lr[0]), settings=own).rgb[None]

        return enlarge


@dataclass(frozen=True)
class Interpolation:
    name: str

    @property
    def label(self) -> Path:
        return Path(self.name)

    def identity(self) -> dict[str, JsonValue]:
        return {"interpolation": self.name}

    def restore(self, pairs: PairFolder) -> Restore:
        return INTERPOLATIONS[self.name](pairs.scale)


@dataclass(frozen=True)
class Outputs:
    """Results that exist: scored as they lie, whoever made them."""

    folder: Path

    @property
    def label(self) -> Path:
        return self.folder.resolve()

    def identity(self) -> dict[str, JsonValue]:
        return {"outputs": str(self.folder.resolve())}

    def match(self, names: Sequence[str], limited: bool = False) -> dict[str, Path]:
        """The result of each picture: the file with its stem, or with one ending more that all results share,
        such as `_x4`.

        limited: whether only a part of the pictures is evaluated, so that more results are there.
        Raises DataError naming every picture without a result, and every result without a picture.
        """
        files = pair_folders.by_name(self.folder)
        endings = [stem.removeprefix(name) for name in names for stem in files if stem.startswith(name)]
        ending = max(  # of those that fit as often the shortest
            sorted({"", *endings}),
            key=lambda each: (sum(name + each in files for name in names), -len(each)),
        )
        lacking = [name for name in names if name + ending not in files]
        problems = [
            f"{self.folder} has no result of {name} ({len(files)} results, {len(names)} pictures)."
            for name in lacking
        ]
        matched = {name: files[name + ending] for name in names if name not in lacking}
        extra = sorted(set(files.values()) - set(matched.values()))
        if not limited:
            problems += [f"{path} is no result of these pictures; move it away." for path in extra]
        pair_folders.refuse(problems)
        return matched

    def restore(self, pairs: PairFolder, limited: bool = False) -> Restore:
        """Raises DataError, see `match`."""
        files = self.match(pairs.names, limited)
        return lambda _, name: Made(read_rgb(files[name]))


@dataclass(frozen=True)
class Command:
    """line: a program with {in} and {out}, the files of a small picture and of its result (PNG). It is run
    once for each picture, without a shell."""

    line: str

    @property
    def words(self) -> list[str]:
        """Raises UsageError."""
        try:
            words = shlex.split(self.line)
        except ValueError as error:
            raise UsageError(f"The command '{self.line}' cannot be read ({error}).") from None
        if not any(OUTPUT in word for word in words):
            raise UsageError(f"The command '{self.line}' says nowhere where its result goes; add {OUTPUT}.")
        return words

    @property
    def label(self) -> Path:
        return Path(" ".join(self.words).replace("/", "∕"))  # one part, though it names paths

    def identity(self) -> dict[str, JsonValue]:
        """With the contents of every file that it names: its program, its weights."""
        return {"command": self.line, "command_files": {**self._digests}}

    @cached_property
    def _digests(self) -> dict[str, str]:
        digests = {}
        for word in self.words:
            with suppress(OSError, ValueError), Path(word).open("rb") as file:  # most words are no files
                digests[word] = file_digest(file, "sha256").hexdigest()
        return digests

    def restore(self, pairs: PairFolder) -> Restore:
        sources = {files.name: files.lr for files in pairs.files}

        def run(_: Tensor, name: str) -> Tensor:
            with tempfile.TemporaryDirectory() as place:
                result = Path(place) / f"{Path(name).name}.png"
                known = {INPUT: str(sources[name].resolve()), OUTPUT: str(result)}
                words = [_filled(word, known) for word in self.words]
                try:
                    done = subprocess.run(words, capture_output=True, check=False, stdin=subprocess.DEVNULL)
                except OSError as error:
                    raise DataError(f"{words[0]} cannot be run ({error.strerror or error}).") from error
                if done.returncode or not result.is_file():
                    said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
                    raise DataError(f"{words[0]} ended with code {done.returncode}, {said[-1]}.")
                return read_rgb(result)

        return run


def _filled(word: str, known: Mapping[str, str]) -> str:
    for mark, value in known.items():
        word = word.replace(mark, value)
    return word


def read_subject(what: str, device: str, dtype: str, offload: bool = False) -> Subject:
    """What was named: bicubic, lanczos, a command line with {in}, a model's name, folder or file, or a folder
    of outputs.

    Raises UsageError, UnknownName, WeightsError, MissingExtra (zoo).
    """
    if what in INTERPOLATIONS:
        return Interpolation(what)
    if INPUT in what:
        command = Command(what)
        _ = command.words
        return command
    try:
        folder = catalog.find(what)
    except (UnknownName, WeightsError) as error:
        place = catalog.expanded(what)
        if place.is_dir() and not (place / catalog.CONFIG).is_file() and picture_files(place):
            return Outputs(place)
        if isinstance(error, UnknownName):
            raise UnknownName("model", what, [*catalog.names(), *INTERPOLATIONS]) from None
        raise
    return Model(folder, Upscaler.from_pretrained(folder, device, dtype, offload=offload))


def named(subjects: Sequence[Subject]) -> dict[str, Subject]:
    """By a short name: as few of the last parts of its label as tell it from the others.

    A run's folder stands for the folder `model` in it. Raises UsageError when something is given twice, or
    nothing is.
    """
    if not subjects:
        raise UsageError("There is nothing to evaluate; give at least one model.")
    return dict(zip(labels([subject.label for subject in subjects]), subjects, strict=True))


def labels(paths: Sequence[Path]) -> list[str]:
    """Of whole paths; a folder is never called as plain interpolation is. Raises UsageError when one is given
    twice."""
    if len(set(paths)) < len(paths):
        raise UsageError(f"{next(p for p in paths if paths.count(p) > 1)} is given twice; give it once.")
    called = [path.parent if path.name == catalog.SAVED else path for path in paths]
    if len(set(called)) < len(called):
        called = list(paths)
    depths = (["/".join(path.parts[-depth:]) for path in called] for depth in count(1))
    taken = [name for name in INTERPOLATIONS if Path(name) not in called]
    return next(short for short in depths if len({*short, *taken}) == len(short) + len(taken))


def common_scale(models: Mapping[str, Model]) -> int | None:
    """None without a model. Raises UsageError when they differ."""
    scales = {name: model.upscaler.scale for name, model in models.items()}
    if len(set(scales.values())) > 1:
        listed = ", ".join(f"{name} x{scale}" for name, scale in scales.items())
        raise UsageError(f"Models of different scales cannot be compared ({listed}).")
    return next(iter(scales.values()), None)


def at(settings: Settings, steps: int | None, fidelity: float | None, seed: int) -> Settings:
    """steps: None where the solver chooses."""
    return replace(settings, steps=steps or 1, fidelity=fidelity, seed=seed)
