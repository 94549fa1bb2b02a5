"""Sweeps: the table of the papers' experiments (sweeps.toml), and running one.

OUT/teacher, OUT/start          what every cell begins with, where it is not given
OUT/cells/NAME/                 of each cell its log, its run or pictures, and results.json when it is done
OUT/report.html, results.*      of all cells together

A cell that is done is not done again, and refused where its models, pictures or options are others now. The
commands are those of `leapsr train`, `distill` and `evaluate`.
"""

import math
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from ..data.listing import picture_files
from ..data.pairs import folders_of
from ..devices import choose_device
from ..errors import DataError, UnknownName, UsageError
from ..evaluation import benchmarks
from ..evaluation.report import write
from ..evaluation.saved import slug
from ..evaluation.subjects import labels
from ..hub import catalog
from ..metrics.report import read_json
from ..metrics.table import BICUBIC, Row, Setting, Table
from ..restorer import ModelConfig, read_config
from ..train import config as configs
from ..train import recipes
from .commands import RESULTS, Step, do, is_done, stamp

FILE = Path(__file__).with_name("sweeps.toml")


class Cell(BaseModel):
    """One line or more of the table; the fields are explained in sweeps.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    options: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    verb: Literal["train", "distill"] = "distill"
    of: Literal["student", "teacher"] = "student"
    share: float = 1.0


class Sweep(BaseModel):
    """recipe: None for evaluations of models that exist. begins: the recipe of the student that each cell
    begins with, of a second stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    papers: str
    recipe: str | None = None
    begins: str | None = None
    labels: bool = False
    common: tuple[str, ...] = ()
    cells: tuple[Cell, ...]


@cache
def _table() -> dict[str, Sweep]:
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: Sweep(name=name, **row) for name, row in rows.items()}


def names() -> list[str]:
    return list(_table())


def find(name: str) -> Sweep:
    """Raises UnknownName."""
    if name not in _table():
        raise UnknownName("experiment", name, names())
    return _table()[name]


@dataclass(frozen=True)
class Work:
    """What a sweep is done with.

    pairs: options of `leapsr evaluate` that say on what: --pairs or --benchmark and more. scale: second part
    of recipes' names. recipe: of the cells, the whole name instead. settings: further fields of every
    training. jobs: commands at a time. say: gets a sentence when something begins or ends. captioner: of the
    sweep `prompts`.
    """

    out: Path
    pairs: Sequence[str]
    models: Sequence[str] = ()
    photos: Path | None = None
    teacher: str | None = None
    start: str | None = None
    scale: str = "tiny"
    recipe: str | None = None
    settings: Sequence[str] = ()
    jobs: int = 1
    captioner: Path | None = None
    say: Callable[[str], None] = field(default=lambda sentence: None)

    @property
    def on(self) -> dict[str, str]:
        """`pairs`, by option."""
        return dict(zip(self.pairs[::2], self.pairs[1::2], strict=True))

    @property
    def folder(self) -> Path:
        """Of the pictures that are evaluated on. Raises UsageError."""
        if "--pairs" in self.on:
            return Path(self.on["--pairs"])
        root = self.on.get("--root")
        return benchmarks.find(self.on["--benchmark"]).place(
            benchmarks.root_folder(None if root is None else Path(root))
        )


class Job(NamedTuple):
    """A cell to do. own: what `leapsr evaluate` calls its lines; called: what they are called in the table of
    all."""

    steps: Sequence[Step]
    own: str = ""
    called: str = ""


def run(sweep: Sweep, work: Work) -> Table:
    """Do what is not done yet, and write the report of all cells.

    A cell that fails is a failure of the table, with the last line that its command said; the others are
    done. Raises UsageError, also where cells were done with something else; DataError.
    """
    _check_options(sweep, work)
    first: list[Step] = []
    left_out: list[str] = []
    trains = sweep.recipe is not None
    cells = _trainings(sweep, work, first) if trains else _evaluations(sweep, work, left_out)
    for sentence in left_out:
        work.say(sentence)
    for step in [*first, *(step for job in cells.values() for step in job.steps)]:
        is_done(step)  # what cannot go on is said before hours of work
    for step in first:
        do(step, step.done.parent / "log.txt", work.say)
    failed: dict[str, str] = {}

    def attempt(name: str) -> None:
        try:
            for step in cells[name].steps:
                do(step, work.out / "cells" / slug(name) / "log.txt", work.say, name)
        except DataError as error:
            failed[name] = f"{name}: {error}"

    with ThreadPoolExecutor(work.jobs) as pool:
        list(pool.map(attempt, cells))
    done = {name: work.out / "cells" / slug(name) / RESULTS for name in cells if name not in failed}
    if not done:
        raise DataError(" ".join(failed.values()))
    table = merged({name: read_json(file) for name, file in done.items()}, cells)
    table = replace(table, notes=[*left_out, *table.notes], failures=(*table.failures, *failed.values()))
    pictures = len({row.image for row in table.rows})
    seeds = sorted({row.seed for row in table.rows})
    place = work.on.get("--pairs", work.on.get("--benchmark"))
    asked = {"title": sweep.title, "pictures": pictures, "pairs": place, "seeds": seeds}
    details = {
        "experiment": sweep.name,
        "papers": sweep.papers,
        "scale": work.scale,
        "settings": list(work.settings),
        "on": list(work.pairs),
    }
    for note in write(table, [], work.out, asked | details):
        work.say(note)
    return table


def _check_options(sweep: Sweep, work: Work) -> None:
    """Raises UsageError for what is missing, and for what would be ignored."""
    trains = sweep.recipe is not None
    if trains and work.photos is None:
        raise UsageError(f"The experiment {sweep.name} trains models: give --photos FOLDER.")
    if not trains and not work.models:
        raise UsageError(f"Name the models that the experiment {sweep.name} is of.")
    learns = trains and any(cell.of == "student" for cell in sweep.cells)
    captioned = any("{captioner}" in cell.options for cell in sweep.cells)
    used = {
        "models": (work.models, not trains),
        "--photos": (work.photos, trains),
        "--teacher": (work.teacher, learns),
        "--from": (work.start, trains),
        "--recipe": (work.recipe, trains),
        "--set": (work.settings, trains),
        "--captioner": (work.captioner, captioned),
    }
    if ignored := [option for option, (given, taken) in used.items() if given and not taken]:
        trained = " It trains a teacher for each cell." if trains and not learns else ""
        raise UsageError(
            f"The experiment {sweep.name} has no use for {', '.join(ignored)}: leave that out.{trained}"
        )


def _evaluations(sweep: Sweep, work: Work, left_out: list[str]) -> dict[str, Job]:
    """Each cell that a model has, by name. left_out: gets a sentence for each model and each cell without
    any. Raises UsageError."""
    folders = [catalog.find(model) for model in work.models]
    known = dict(zip(labels([folder.resolve() for folder in folders]), folders, strict=True))
    configs_of = {name: read_config(folder) for name, folder in known.items()}
    scales = {name: config.factor for name, config in configs_of.items()}
    if len(set(scales.values())) > 1:
        listed = ", ".join(f"{name} x{scale}" for name, scale in scales.items())
        raise UsageError(f"Models of different scales cannot be compared ({listed}).")
    pictures = _stamp_of_pairs(work.folder)
    found: dict[str, Job] = {}
    for model, (name, folder) in zip(work.models, known.items(), strict=True):
        [own] = labels([folder.resolve()])
        lacks = ""
        for cell in sweep.cells:
            options = [*_common(sweep, work), *cell.options]
            if "{captioner}" in options:
                if work.captioner is None:
                    left_out.append(f"{cell.name} is left out: it needs --captioner FOLDER.")
                    continue
                options = [str(work.captioner) if word == "{captioner}" else word for word in options]
            try:
                options = _fitting(configs_of[name], options)
            except UsageError as error:
                lacks = f"{name} is left out: {error}"
                continue
            label = f"{name} {cell.name}"
            kept = str(work.out / "cells" / slug(label) / "pictures")
            words = ["evaluate", model, *work.pairs, *options, "--no-baseline", "--save", kept]
            found[label] = Job([_results(work, label, words, pictures, model)], own, name)
        if lacks and not any(job.called == name for job in found.values()):
            left_out.append(lacks)
    left_out[:] = dict.fromkeys(left_out)
    if not found:
        why = " ".join(left_out)
        raise UsageError(f"None of these models has the settings of the experiment {sweep.name}. {why}")
    metrics = list(_common(sweep, work)) if "--metrics" in sweep.common else []
    [scale] = set(scales.values())
    return {BICUBIC: _bicubic(work, scale, pictures, metrics), **found}


def _stamp_of_pairs(folder: Path) -> str:
    """Of what is evaluated alone: results may be written beside it."""
    parts = [part for part in folders_of(folder) if part is not None] if folder.is_dir() else []
    return stamp(*(parts or [folder]))


def _bicubic(work: Work, scale: int, pictures: str, more: Sequence[str] = ()) -> Job:
    """The cell of the baseline, as many times larger as the models' where the pairs do not say it."""
    enlarged = ["--scale", str(scale)] if "--pairs" in work.on else []
    words = ["evaluate", BICUBIC, *work.pairs, *more, *enlarged]
    return Job([_results(work, BICUBIC, words, pictures)])


def _common(sweep: Sweep, work: Work) -> list[str]:
    """The options of every cell, without metrics where the user has named some."""
    words = list(sweep.common)
    if "--metrics" in words and "--metrics" in work.pairs:
        place = words.index("--metrics")
        del words[place : place + 2]
    return words


def _fitting(config: ModelConfig, options: Sequence[str]) -> list[str]:
    """The options, with those positions of the dial that a model has.

    Raises UsageError where it has none of them, or not what the other options say.
    """
    from ..methods.restore import Solver, check

    asked = dict(zip(options[::2], options[1::2], strict=True))
    if {"--caption", "--captioner"} & asked.keys() and config.prompts is None:
        raise UsageError("This model reads no text.")
    solver: Solver | None = asked.get("--solver")  # type: ignore[assignment]
    positions = []
    lacks = UsageError()
    for fidelity in asked.get("--fidelity", str(config.fidelity)).split(","):
        try:
            check(config.region, int(asked.get("--steps", "1")), float(fidelity), solver)
            positions.append(fidelity)
        except UsageError as error:
            lacks = error
    if not positions:
        raise lacks
    if "--fidelity" in asked:
        asked["--fidelity"] = ",".join(positions)
    return [word for option in asked.items() for word in option]


def _trainings(sweep: Sweep, work: Work, first: list[Step]) -> dict[str, Job]:
    """Each cell. first: gets the trainings that all begin with. Raises UsageError, DataError."""
    assert work.photos is not None
    recipe = work.recipe or f"{sweep.recipe}_{work.scale}"
    learnt = recipes.get(recipe)
    network = ["network.quality=true"] if sweep.labels and not learnt.network.reads_labels else []
    shared = [*network, *work.settings, *sweep.common]
    scale = configs.override(learnt, shared).factor
    of_teachers = [field for field in work.settings if not field.startswith("method.")]
    if sweep.labels:
        of_teachers += [*network, *([] if learnt.data.bad else ["data.bad=0.05", "data.unlabelled=0.1"])]
    learnt_from, pictures = stamp(work.photos), _stamp_of_pairs(work.folder)
    device = _device(work)

    def training(
        verb: str,
        name: str,
        out: str | Path,
        settings: Sequence[str],
        more: Mapping[str, str] = {},
        photos: Path = work.photos,
    ) -> Step:
        fields = [word for setting in settings for word in ("--set", setting)]
        begun = [word for option in more.items() for word in option]
        words = [verb, name, str(photos), "-o", str(out), *begun, "--resume", "auto", *device, *fields]
        return Step(Path(out) / "done", words, [*more.values()], learnt_from)

    teacher, start = work.teacher, work.start
    if teacher is None and not all(cell.of == "teacher" for cell in sweep.cells):
        teacher = str(work.out / "teacher")
        first.append(training("train", f"teacher_{work.scale}", teacher, of_teachers))
    if sweep.begins is not None and start is None:
        start = str(work.out / "start")
        begins = f"{sweep.begins}_{work.scale}"
        first.append(
            training("distill", begins, start, [*of_teachers, *network], {"--teacher": str(teacher)})
        )
    found: dict[str, Job] = {}
    for cell in sweep.cells:
        place = work.out / "cells" / slug(cell.name)
        photos = work.photos if cell.share == 1 else _part(work.photos, cell.share, place / "photos")
        steps: list[Step] = []
        guide = str(teacher)
        if cell.of == "teacher":
            guide = str(place / "teacher")
            changed = [*of_teachers, *cell.set]
            steps.append(training("train", f"teacher_{work.scale}", guide, changed, photos=photos))
        if cell.verb == "train":
            more = {"--from": guide}
        else:
            more = {"--teacher": guide, **({} if start is None else {"--from": start})}
        steps.append(training(cell.verb, recipe, place / "run", [*shared, *cell.set], more, photos))
        run = str(place / "run")
        words = ["evaluate", run, *work.pairs, "--fidelity", "0", "--no-baseline"]
        found[cell.name] = Job([*steps, _results(work, cell.name, words, pictures, run)], "run", cell.name)
    return {BICUBIC: _bicubic(work, scale, pictures), **found}


def _device(work: Work) -> list[str]:
    """What says to `leapsr train` to run where evaluations do. Raises UsageError where it cannot."""
    asked = work.on.get("--device", "auto")
    if asked == "auto":
        return []
    device, usual = choose_device(asked), choose_device("auto")
    if device.type == "cpu":
        return ["--cpu"]
    if (device.type, device.index or 0) != (usual.type, 0):
        raise UsageError(
            f"Trainings run on {usual} here, or with --device cpu, and not on {asked}. Among several GPUs "
            "CUDA_VISIBLE_DEVICES chooses."
        )
    return []


def _results(work: Work, name: str, words: Sequence[str], pictures: str, *models: str) -> Step:
    place = work.out / "cells" / slug(name)
    return Step(place / RESULTS, [*words, "--out", str(place)], models, pictures)


def _part(photos: Path, share: float, place: Path) -> Path:
    """A folder with links to the first photos by name, so many that they are this share."""
    files = picture_files(photos)
    place.mkdir(parents=True, exist_ok=True)
    for path in files[: max(1, round(share * len(files)))]:
        link = place / "_".join(path.relative_to(photos).parts)
        if not link.is_symlink():
            link.symlink_to(path.resolve())
    return place


def merged(tables: Mapping[str, Table], cells: Mapping[str, Job]) -> Table:
    """The lines of all, in one table.

    Each is called as its cell says; where another line is called so, too, as the cell. What all tables note
    is said once, and else with the cell's name where its lines are renamed. Metrics are those that any table
    has; a line of another one lacks them.
    """
    metrics = {name: metric for table in tables.values() for name, metric in table.metrics.items()}
    rows: list[Row] = []
    planned: list[Setting] = []
    notes: list[str] = []
    failures: list[str] = []
    sets: dict[tuple[Setting, int], dict[str, float]] = {}

    def renamed(setting: Setting, cell: str, name: str) -> Setting:
        return setting._replace(restorer=name + setting.restorer.removeprefix(cells[cell].own))

    every = [(cell, setting) for cell, table in tables.items() for setting in table.settings]
    alike = Counter(renamed(setting, cell, cells[cell].called) for cell, setting in every)
    told = Counter(words for table in tables.values() for words in {*table.notes, *table.failures})
    for cell, table in tables.items():
        own, name = cells[cell].own, cells[cell].called

        def called(setting: Setting, cell: str = cell, name: str = name) -> Setting:
            usual = renamed(setting, cell, name)
            return usual if alike[usual] == 1 else renamed(setting, cell, cell)

        def said(words: Iterable[str], cell: str = cell, plain: bool = own == name) -> list[str]:
            return [each if plain or told[each] == len(tables) > 1 else f"{cell}: {each}" for each in words]

        none = dict.fromkeys(metrics, math.nan)
        rows += [row._replace(setting=called(row.setting), scores=none | row.scores) for row in table.rows]
        planned += map(called, table.settings)
        notes += said(table.notes)
        failures += said(table.failures)
        sets |= {(called(setting), seed): none | scores for (setting, seed), scores in table.sets.items()}
    once = list(dict.fromkeys(notes))
    return Table(metrics, rows, once, tuple(dict.fromkeys(planned)), tuple(dict.fromkeys(failures)), sets)
