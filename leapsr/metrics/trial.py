"""One model (or bicubic) on one folder of pairs: what `leapsr evaluate` does, without its command line."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from ..data.pairs import Pair, PairFolder
from ..errors import UsageError
from ..files import atomic_write
from ..methods.restore import Solver, check_dial, check_teacher
from ..restorer import Restorer
from . import Metric, choose, restorers
from .dial import save_dial
from .evaluate import Observe, Restore, Setting, Table, bicubic, compare
from .report import write_csv, write_json
from .selection import usable
from .sheet import Sheet

BICUBIC = "bicubic"

Watch = Callable[[Iterable[Pair], str], Iterable[Pair]]
"""(pairs, what is done with them) -> the same pairs, shown as progress while they are walked."""


@dataclass(frozen=True)
class Trial:
    name: str
    restorer: Restorer | None
    """None is bicubic, which has no dial, steps or flow."""
    pairs: PairFolder
    border: int
    seed: int = 0
    solver: Solver | None = None
    guidance: float | None = None
    """None is the model's own."""
    watch: Watch = lambda pairs, doing: pairs

    def as_dict(self) -> dict[str, Any]:
        """What is needed to do it again."""
        made = {"pictures": len(self.pairs), "scale": self.pairs.scale, "border": self.border}
        device, dtype = (
            (self.restorer.device, self.restorer.dtype) if self.restorer else ("cpu", "torch.float32")
        )
        return {
            **made,
            "seed": self.seed,
            "solver": self.solver,
            "guidance": self._guided,
            "device": str(device),
            "dtype": str(dtype),
        }

    def restorers(
        self, counts: Sequence[int], positions: Sequence[float] | None, baseline: bool
    ) -> dict[Setting, Restore]:
        """Every number of steps at every position (None: the model's default), after bicubic as a baseline.

        Raises UsageError for a setting that the model does not have.
        """
        made: dict[Setting, Restore] = {}
        if baseline or self.restorer is None:
            made[Setting(BICUBIC)] = bicubic(self.pairs.scale)
        if self.restorer is not None:
            for steps, position in product(counts, [None] if positions is None else positions):
                setting = self.setting(steps, position)
                made[setting] = restorers.at(self.restorer, setting, self.seed, self.guidance)
        return made

    @property
    def _guided(self) -> float:
        own = 1.0 if self.restorer is None else self.restorer.config.guidance
        return own if self.guidance is None else self.guidance

    def setting(self, steps: int, fidelity: float | None) -> Setting:
        own = self.solver == "rk45" and steps == 1  # it takes as many as it needs
        guided = "" if self._guided == 1 else f" guidance {self._guided:g}"
        return Setting(self.name + guided, None if own else steps, fidelity, self.solver)

    def model(self, wanted: str) -> Restorer:
        """Raises UsageError for bicubic."""
        if self.restorer is None:
            raise UsageError(f"bicubic is no model, so {wanted} cannot be had of it.")
        return self.restorer

    def check(
        self,
        counts: Sequence[int],
        positions: Sequence[float] | None,
        straightness: bool = False,
        dial: bool = False,
    ) -> None:
        """Before the work. Raises UsageError for what the model cannot do.

        dial: whether a position of it is to be chosen.
        """
        controls = {
            f"the solver {self.solver}": (self.solver, None),
            "guidance": (1 if self.guidance is None else self.guidance, 1),
            "fidelity": (positions, None),
            "a number of steps": (list(counts), [1]),
        }
        for control, (value, default) in controls.items():
            if value != default:
                self.model(control)
        self.restorers(counts, positions, baseline=False)
        if straightness:
            self.check_flow()
        if dial:
            self.check_dial(counts[0])

    def check_flow(self) -> None:
        """Raises UsageError when there is no teacher's flow to measure, or guidance would change it."""
        check_teacher(self.model("straightness").region, "straightness")
        if self.guidance not in (None, 1):
            raise UsageError("straightness is of the flow without guidance; ask for one of them at a time.")

    def check_dial(self, steps: int) -> None:
        """Raises UsageError when there is no dial to choose on."""
        check_dial(self.model("a position of the dial").region, steps, self.solver)

    def run(
        self,
        settings: Mapping[Setting, Restore],
        metrics: Mapping[str, Metric],
        notes: Sequence[str],
        observe: Observe | None = None,
    ) -> Table:
        """The table, `notes` before its own. Network evaluations are counted as they happen."""
        shown = self.watch(self.pairs, "evaluating")
        with restorers.Counter([] if self.restorer is None else [self.restorer.network]) as counter:
            table = compare(settings, shown, metrics, self.border, observe, counter.read)
        left_out = [] if self.restorer is None else restorers.remarks(self.name, self.restorer)
        return Table(table.metrics, table.rows, [*notes, *left_out, *table.notes])

    def straightness(self) -> float:
        """Mean over the pictures. Raises UsageError, see `check_flow`."""
        self.check_flow()
        shown = self.watch(self.pairs, "straightness")
        return restorers.straightness(self.model("straightness"), shown, self.seed)

    def choice(self, goal: str, steps: int, weights: Path | None) -> choose.Choice:
        """Where the dial should stand. goal: "best", or a target as psnr_y=25; weights: see `usable`.

        Raises what `choose.reach` and `choose.best` do, and what `usable` does for the metrics they need.
        """
        target = choose.parse(goal)
        names = (choose.DISTORTION, *choose.PERCEPTION) if target is None else [target.metric.name]
        metrics, _ = usable(names, weights, self.pairs.has_reference)
        if target is None:
            parts = choose.weights(metrics)
            return choose.best(self._score({name: metrics[name] for name in parts}, steps), parts)
        return choose.reach(self._score(metrics, steps), target)

    def _score(self, metrics: Mapping[str, Metric], steps: int) -> choose.Score:
        restorer = self.model("a position of the dial")

        def score(fidelity: float) -> Mapping[str, float]:
            setting = self.setting(steps, fidelity)
            restore = {setting: restorers.at(restorer, setting, self.seed, self.guidance)}
            shown = self.watch(self.pairs, f"fidelity {fidelity:g}")
            return compare(restore, shown, metrics, self.border).mean(setting).scores

        return score


def write(table: Table, sheet: Sheet, out: Path, settings: Mapping[str, Any]) -> None:
    """Write sheet.png, results.csv, .json and, if the dial was turned, dial.png into the folder `out`.

    settings: what is needed to do it again. Raises MissingExtra without matplotlib, OutputError.
    """
    with atomic_write(out / "sheet.png") as part:
        sheet.draw().save(part, "PNG")
    write_csv(table, out / "results.csv")
    write_json(table, out / "results.json", settings)
    if len({setting.fidelity for setting in table.settings} - {None}) > 1:
        save_dial(table, out / "dial.png")
