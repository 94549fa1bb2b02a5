"""Several models on the same pictures, each at every number of steps and every position of its dial."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from ..data.pairs import Pair
from ..errors import MissingExtra, UsageError
from ..methods.restore import Region, check, check_dial
from ..restorer import Restorer
from . import Metric
from .choose import DISTORTION
from .evaluate import Restore, Setting, Table, bicubic, compare
from .markdown import write_markdown
from .plane import points, save_plane
from .report import write_json, write_means
from .restorers import Counter, at
from .runs import Training
from .trial import BICUBIC

MODEL = "model"  # what a run calls the folder of its model, which names nothing


class Plan(NamedTuple):
    settings: tuple[Setting, ...]
    """The lines of the table, model by model, the baseline first."""
    restorers: dict[Setting, Restore]
    """Of those settings that the models have."""
    counter: Counter


def labels(folders: Sequence[Path]) -> list[str]:
    """A short name for each model folder: as few of its last parts as tell it from the others.

    A run's folder stands for the folder `model` in it. Raises UsageError when a folder is given twice.
    """
    paths = [folder.resolve() for folder in folders]
    if len(set(paths)) < len(paths):
        raise UsageError(f"{next(p for p in paths if paths.count(p) > 1)} is given twice; give it once.")
    named = [path.parent if path.name == MODEL else path for path in paths]
    if len(set(named)) < len(named):
        named = paths
    depths = (["/".join(path.parts[-depth:]) for path in named] for depth in count(1))
    return next(short for short in depths if len(set(short)) == len(short))


def plan(
    restorers: Mapping[str, Restorer], steps: Sequence[int], positions: Sequence[float], seed: int
) -> Plan:
    """Each model with each number of steps at fidelity 0, and in one step at each position of its dial.

    Raises UsageError for numbers that no model could have, and for models of different scales.
    """
    scale = common_scale(restorers)
    for number in steps:
        check(Region.TRIANGLE, number, 0.0)  # the region that holds most
    for position in positions:
        check(Region.TRIANGLE, 1, position)
    settings, ready = [Setting(BICUBIC)], {Setting(BICUBIC): bicubic(scale)}
    for name, restorer in restorers.items():
        wanted = [Setting(name, each, 0.0) for each in steps] + [Setting(name, 1, each) for each in positions]
        settings += wanted
        ready |= {each: at(restorer, each, seed) for each in wanted if _has(restorer, each)}
    counter = Counter(restorer.network for restorer in restorers.values())
    return Plan(tuple(dict.fromkeys(settings)), ready, counter)


def common_scale(restorers: Mapping[str, Restorer]) -> int:
    """Raises UsageError when there is none."""
    scales = {name: restorer.scale for name, restorer in restorers.items()}
    if len(set(scales.values())) > 1:
        listed = ", ".join(f"{name} x{scale}" for name, scale in scales.items())
        raise UsageError(f"Models of different scales cannot be compared ({listed}).")
    return next(iter(scales.values()))


def run(
    planned: Plan,
    pairs: Iterable[Pair],
    metrics: Mapping[str, Metric],
    border: int,
    notes: Sequence[str] = (),
) -> Table:
    """Score what was planned. Settings that a model does not have are in the table without rows.

    notes: sentences that come before the table's own.
    """
    with planned.counter as counter:
        table = compare(planned.restorers, pairs, metrics, border, evaluations=counter.read)
    return Table(table.metrics, table.rows, [*notes, *table.notes], planned.settings)


def write(table: Table, trainings: Sequence[Training], out: Path, settings: Mapping[str, Any]) -> list[str]:
    """Write comparison.md, .csv (means), .json (each picture too) and plane.png into the folder `out`.

    settings: what is needed to do it again. Returns a sentence for what could not be drawn; the tables are
    worth having without it. Raises OutputError.
    """
    many = "picture" if settings["pictures"] == 1 else "pictures"
    pictures = f"{settings['pictures']} {many} of {Path(settings['pairs']).name}, seed {settings['seed']}"
    write_markdown(table, trainings, out / "comparison.md", pictures)
    write_means(table, out / "comparison.csv")
    costs = {"training": [each._asdict() for each in trainings]}
    write_json(table, out / "comparison.json", {**settings, **costs})
    return _draw(table, out / "plane.png")


def _draw(table: Table, path: Path) -> list[str]:
    if not points(table):
        return [f"{path.name} is not drawn: it needs {DISTORTION} and LPIPS."]
    try:
        save_plane(table, path)
    except MissingExtra as error:
        return [f"{path.name} is not drawn. {error}"]
    return []


def _has(restorer: Restorer, setting: Setting) -> bool:
    """Whether the model has this setting, and the setting is not another's under a second name."""
    steps, fidelity = setting.steps or 1, setting.fidelity or 0.0
    return _passes(lambda: check(restorer.region, steps, fidelity)) and (
        fidelity == 0 or _passes(lambda: check_dial(restorer.region, steps))
    )


def _passes(test: Callable[[], None]) -> bool:
    try:
        test()
    except UsageError:
        return False
    return True
