"""Sweeps: the table of the papers' experiments (sweeps.toml), and running one.

OUT/teacher, OUT/start          what every cell begins with, where it is not given
OUT/cells/NAME/                 of each cell its log, its run, and results.json when it is done
OUT/report.html, results.*      of all cells together

A cell that is done is not done again. The commands are those of `leapsr train`, `distill` and `evaluate`.
"""

import json
import math
import multiprocessing
import os
import runpy
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ..data.listing import picture_files
from ..errors import DataError, UnknownName, UsageError
from ..evaluation.report import write
from ..evaluation.saved import slug
from ..evaluation.subjects import labels
from ..hub import catalog
from ..metrics.report import read_json
from ..metrics.table import BICUBIC, Row, Setting, Table
from ..restorer import read_config
from ..train import recipes

FILE = Path(__file__).with_name("sweeps.toml")
RESULTS = "results.json"


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


def run(sweep: Sweep, work: Work) -> Table:
    """Do what is not done yet, and write the report of all cells.

    A cell that fails is a failure of the table, with the last line that its command said; the others are
    done. Raises UsageError, DataError.
    """
    cells = _trainings(sweep, work) if sweep.recipe is not None else _evaluations(sweep, work)
    failed: dict[str, str] = {}

    def attempt(name: str) -> None:
        try:
            _do(work.out / "cells" / slug(name), cells[name], work, name)
        except DataError as error:
            failed[name] = f"{name}: {error}"

    with ThreadPoolExecutor(work.jobs) as pool:
        list(pool.map(attempt, cells))
    done = {name: work.out / "cells" / slug(name) / RESULTS for name in cells if name not in failed}
    if not done:
        raise DataError(" ".join(failed.values()))
    table = merged({name: read_json(file) for name, file in done.items()}, sweep.recipe is not None)
    table = replace(table, failures=(*table.failures, *failed.values()))
    pictures = len({row.image for row in table.rows})
    seeds = sorted({row.seed for row in table.rows})
    on = dict(zip(work.pairs[::2], work.pairs[1::2], strict=True))
    place = on.get("--pairs", on.get("--benchmark"))
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


Commands = Sequence[tuple[Path, Sequence[str]]]
"""What a command leaves behind when it is done, and the command."""


def _evaluations(sweep: Sweep, work: Work) -> dict[str, Commands]:
    """The commands of each cell that a model has, by name. Raises UsageError."""
    if not work.models:
        raise UsageError(f"Name the models that the experiment {sweep.name} is of.")
    folders = [catalog.find(model) for model in work.models]
    known = dict(zip(labels([folder.resolve() for folder in folders]), work.models, strict=True))
    found: dict[str, Commands] = {}
    for name, model in known.items():
        for cell in sweep.cells:
            options = [*_common(sweep, work), *cell.options]
            if "{captioner}" in options:
                if work.captioner is None:
                    work.say(f"{cell.name} is left out: it needs --captioner FOLDER.")
                    continue
                options = [str(work.captioner) if word == "{captioner}" else word for word in options]
            if not _has(model, options):
                continue
            label = f"{name} {cell.name}"
            pictures = str(work.out / "pictures" / slug(label))
            words = ["evaluate", model, *work.pairs, *options, "--no-baseline", "--save", pictures]
            found[label] = [_results(work, label, words)]
    if not found:
        raise UsageError(f"None of these models has the settings of the experiment {sweep.name}.")
    words = ["evaluate", BICUBIC, *work.pairs]
    metrics = list(_common(sweep, work)) if "--metrics" in sweep.common else []
    return {BICUBIC: [_results(work, BICUBIC, [*words, *metrics])], **found}


def _common(sweep: Sweep, work: Work) -> list[str]:
    """The options of every cell, without metrics where the user has named some."""
    words = list(sweep.common)
    if "--metrics" in words and "--metrics" in work.pairs:
        place = words.index("--metrics")
        del words[place : place + 2]
    return words


def _has(model: str, options: Sequence[str]) -> bool:
    """Whether a model can do what the options say."""
    from ..methods.restore import Solver, check

    asked = dict(zip(options[::2], options[1::2], strict=True))
    config = read_config(catalog.find(model))
    if {"--caption", "--captioner"} & asked.keys() and config.prompts is None:
        return False
    solver: Solver | None = asked.get("--solver")  # type: ignore[assignment]
    try:
        for fidelity in asked.get("--fidelity", str(config.fidelity)).split(","):
            check(config.region, int(asked.get("--steps", "1")), float(fidelity), solver)
    except UsageError:
        return False
    return True


def _trainings(sweep: Sweep, work: Work) -> dict[str, Commands]:
    """The commands of each cell, after those that all begin with. Raises UsageError, DataError."""
    if work.photos is None:
        raise UsageError(f"The experiment {sweep.name} trains models: give --photos FOLDER.")
    recipe = work.recipe or f"{sweep.recipe}_{work.scale}"
    learnt = recipes.get(recipe)
    network = ["network.quality=true"] if sweep.labels and not learnt.network.reads_labels else []
    of_teachers = [field for field in work.settings if not field.startswith("method.")]
    if sweep.labels:
        of_teachers += [*network, *([] if learnt.data.bad else ["data.bad=0.05", "data.unlabelled=0.1"])]
    teacher, start = work.teacher, work.start
    before: list[tuple[Path, Sequence[str]]] = []
    if teacher is None and not all(cell.of == "teacher" for cell in sweep.cells):
        teacher = str(work.out / "teacher")
        before.append(
            _training(work, "train", f"teacher_{work.scale}", Path(teacher), work.photos, of_teachers)
        )
    if sweep.begins is not None and start is None:
        start = str(work.out / "start")
        own = [*of_teachers, *network]
        begins = f"{sweep.begins}_{work.scale}"
        before.append(
            _training(work, "distill", begins, Path(start), work.photos, own, ["--teacher", str(teacher)])
        )
    for done, words in before:
        _command(done, words, done.parent / "log.txt", work)
    found: dict[str, Commands] = {}
    for cell in sweep.cells:
        place = work.out / "cells" / slug(cell.name)
        photos = work.photos if cell.share == 1 else _part(work.photos, cell.share, place / "photos")
        own = [*network, *work.settings, *sweep.common, *cell.set]
        commands: list[tuple[Path, Sequence[str]]] = []
        guide = teacher
        if cell.of == "teacher":
            guide = str(place / "teacher")
            changed = [*of_teachers, *cell.set]
            commands.append(_training(work, "train", f"teacher_{work.scale}", Path(guide), photos, changed))
        if cell.verb == "train":
            more = ["--from", str(guide)]
        else:
            more = ["--teacher", str(guide), *(["--from", start] if start is not None else [])]
        commands.append(_training(work, cell.verb, recipe, place / "run", photos, own, more))
        words = ["evaluate", str(place / "run"), *work.pairs, "--fidelity", "0", "--no-baseline"]
        found[cell.name] = [*commands, _results(work, cell.name, words)]
    bicubic = ["evaluate", BICUBIC, *work.pairs]
    return {BICUBIC: [_results(work, BICUBIC, bicubic)], **found}


def _training(
    work: Work,
    verb: str,
    recipe: str,
    out: Path,
    photos: Path,
    settings: Sequence[str],
    more: Sequence[str] = (),
) -> tuple[Path, Sequence[str]]:
    fields = [word for setting in settings for word in ("--set", setting)]
    return out / "done", [verb, recipe, str(photos), "-o", str(out), *more, "--resume", "auto", *fields]


def _results(work: Work, name: str, words: Sequence[str]) -> tuple[Path, Sequence[str]]:
    place = work.out / "cells" / slug(name)
    return place / RESULTS, [*words, "--out", str(place)]


def _part(photos: Path, share: float, place: Path) -> Path:
    """A folder with links to the first photos by name, so many that they are this share."""
    files = picture_files(photos)
    place.mkdir(parents=True, exist_ok=True)
    for path in files[: max(1, round(share * len(files)))]:
        link = place / "_".join(path.relative_to(photos).parts)
        if not link.is_symlink():
            link.symlink_to(path.resolve())
    return place


def _do(place: Path, commands: Commands, work: Work, name: str) -> None:
    """Raises DataError where one of the commands fails."""
    place.mkdir(parents=True, exist_ok=True)
    for done, words in commands:
        _command(done, words, place / "log.txt", work, name)


def _command(done: Path, words: Sequence[str], log: Path, work: Work, name: str = "") -> None:
    """Raises DataError with the last line that it said; UsageError where another command has left what this
    one shall leave."""
    known, asked = done.with_name(f"{done.name}.command"), json.dumps([*words])
    if done.is_file():
        if known.is_file() and known.read_text(encoding="utf-8") != asked:
            raise UsageError(f"{done} was made by another command: give another -o, or remove that folder.")
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    work.say(f"{name or words[1]}: leapsr {' '.join(words)}")
    process = _process()(target=_leapsr, args=(words, log))
    process.start()
    process.join()
    code = process.exitcode
    if code and not (done.is_file() and code == 1):  # an evaluation with failures has results and lists them
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise DataError(f"'leapsr {words[0]}' ended with code {code}: {said[-1]}")
    if done.name != RESULTS:
        done.write_text("", encoding="utf-8")
    known.write_text(asked, encoding="utf-8")


@cache
def _process() -> Callable[..., BaseProcess]:
    """Each command is a process of its own; where the system can, it begins with torch loaded already."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn").Process
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "leapsr.evaluation.run", "leapsr.train.api"])
    return context.Process


def _leapsr(words: Sequence[str], log: Path) -> None:
    """A command in this process. What it says goes to the end of `log`."""
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ leapsr {' '.join(words)}\n")
        file.flush()
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.argv = ["leapsr", *words]
    runpy.run_module("leapsr", run_name="__main__", alter_sys=False)


def merged(tables: Mapping[str, Table], rename: bool) -> Table:
    """The lines of all, in one table. rename: each is called by its name here; else by its own, if
    no other line is called so.

    Metrics are those that any table has; a line of another one lacks them.
    """
    metrics = {name: metric for table in tables.values() for name, metric in table.metrics.items()}
    rows: list[Row] = []
    planned: list[Setting] = []
    notes: list[str] = []
    failures: list[str] = []
    sets: dict[tuple[Setting, int], dict[str, float]] = {}
    alike = Counter(setting for table in tables.values() for setting in table.settings)
    for name, table in tables.items():

        def called(setting: Setting, name: str = name) -> Setting:
            return setting._replace(restorer=name) if rename or alike[setting] > 1 else setting

        none = dict.fromkeys(metrics, math.nan)
        rows += [row._replace(setting=called(row.setting), scores=none | row.scores) for row in table.rows]
        planned += map(called, table.settings)
        notes += table.notes
        failures += table.failures
        sets |= {(called(setting), seed): none | scores for (setting, seed), scores in table.sets.items()}
    once = list(dict.fromkeys(notes))
    return Table(metrics, rows, once, tuple(dict.fromkeys(planned)), tuple(dict.fromkeys(failures)), sets)
