"""Models and bicubic on one folder of pairs: what `leapsr evaluate` does, without its command line."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, product
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn

from ..data.captions import read_captions
from ..data.pairs import Pair, PairFolder
from ..errors import UsageError
from ..files import atomic_write
from ..frozen import STANDARDS, describe, text_encoder
from ..methods.restore import Region, Solver, check, check_teacher
from ..networks import Prompt
from ..ops.noise import position_noise
from ..restorer import Restorer
from . import Metric, plots
from .report import write_csv, write_json, write_markdown, write_means
from .runs import Training
from .sheet import Sheet
from .table import BICUBIC, Observe, Restore, Setting, Table, bicubic, evaluate

MODEL = "model"  # the name that every run gives to the folder of its model

Plan = dict[Setting, Restore | None]
"""The lines of a table. None: the model does not have this setting, and its line stays empty."""
Watch = Callable[[Iterable[Pair], str], Iterable[Pair]]
"""(pairs, what is done with them) -> the same pairs, shown as progress while they are walked."""


@dataclass(frozen=True)
class Evaluation:
    models: Mapping[str, Restorer]
    """By the name that the table shows. Empty for bicubic alone, which has no fidelity, steps or flow."""
    pairs: PairFolder
    border: int
    seed: int = 0
    solver: Solver | None = None
    guidance: float | None = None
    """None: each model's own."""
    watch: Watch = lambda pairs, doing: pairs
    captions: "Captioned | None" = None
    """None: each model's own prompts."""

    def __post_init__(self) -> None:
        """Raises UsageError for captions that no model reads, DataError and WeightsError."""
        reads = any(restorer.space.prompts for restorer in self.models.values())
        if self.captions is not None and not reads:
            raise UsageError("No model here reads text: leave --captions out.")

    def as_dict(self) -> dict[str, Any]:
        """What is needed to do it again."""
        first = next(iter(self.models.values()), None)
        return {
            "pictures": len(self.pairs),
            "scale": self.pairs.scale,
            "border": self.border,
            "seed": self.seed,
            "solver": self.solver,
            "guidance": {name: self._guided(restorer) for name, restorer in self.models.items()},
            "device": str(first.device) if first else "cpu",
            "dtype": str(first.dtype) if first else "torch.float32",
            "captions": self.captions and self.captions.as_dict(),
        }

    def combinations(
        self, counts: Sequence[int], positions: Sequence[float] | None, baseline: bool = True
    ) -> Plan:
        """Every number of steps at every position (None: the model's own), after bicubic as a baseline.

        Raises UsageError for a setting that a model does not have.
        """
        plan: Plan = {Setting(BICUBIC): bicubic(self.pairs.scale)} if baseline or not self.models else {}
        for name, restorer in self.models.items():
            prompts = self._prompts(restorer)
            for steps, position in product(counts, positions or [restorer.default_fidelity]):
                setting = self.setting(name, steps, position)
                plan[setting] = restore_at(restorer, setting, self.seed, self.guidance, prompts)
        return plan

    def comparison(self, counts: Sequence[int], positions: Sequence[float], baseline: bool = True) -> Plan:
        """Each number of steps at fidelity 0, and each position in one step, of every model that has it.

        Raises UsageError for numbers that no model could have.
        """
        wanted = [*((steps, 0.0) for steps in counts), *((1, position) for position in positions)]
        for steps, position in wanted:
            check(Region.TRIANGLE, steps, position)  # the region that holds most
        plan: Plan = {Setting(BICUBIC): bicubic(self.pairs.scale)} if baseline else {}
        for name, restorer in self.models.items():
            prompts = self._prompts(restorer)
            for steps, position in wanted:
                setting = self.setting(name, steps, position)
                has = self._has(restorer, steps, position)
                plan[setting] = (
                    restore_at(restorer, setting, self.seed, self.guidance, prompts) if has else None
                )
        return plan

    def _prompts(self, restorer: Restorer) -> "Prompts | None":
        return self.captions.prompts(restorer) if self.captions and restorer.space.prompts else None

    def setting(self, name: str, steps: int, fidelity: float) -> Setting:
        restorer, solver = self.models[name], self.solver
        guided = self._guided(restorer)
        if solver is None and restorer.region is Region.DIAGONAL:
            solver = "euler"
        shown = name if guided == 1 else f"{name} guidance {guided:g}"
        adaptive = solver == "rk45" and steps == 1  # it takes as many steps as it needs
        return Setting(shown, None if adaptive else steps, fidelity, solver)

    def _guided(self, restorer: Restorer) -> float:
        return restorer.config.guidance if self.guidance is None else self.guidance

    def _has(self, restorer: Restorer, steps: int, fidelity: float) -> bool:
        """Whether the model has this setting."""
        try:
            check(restorer.region, steps, fidelity, self.solver)
        except UsageError:
            return False
        return True

    def check(self, counts: Sequence[int], positions: Sequence[float] | None, straightness: bool) -> None:
        """Raises UsageError, before the work, for options that bicubic or the model does not have."""
        controls = {
            f"the solver {self.solver}": (self.solver, None),
            "guidance": (1 if self.guidance is None else self.guidance, 1),
            "fidelity": (positions, None),
            "a number of steps": (list(counts), [1]),
        }
        for control, (value, default) in controls.items():
            if value != default and not self.models:
                raise UsageError(f"bicubic is no model, so {control} cannot be had of it.")
        if straightness:
            self.check_flow()

    def check_flow(self) -> Restorer:
        """The one teacher whose straightness is to be measured.

        Raises UsageError if there is no such teacher, or guidance would change its flow.
        """
        if not self.models:
            raise UsageError("bicubic is no model, so straightness cannot be had of it.")
        if len(self.models) > 1:
            raise UsageError("straightness is of one model at a time.")
        [restorer] = self.models.values()
        check_teacher(restorer.region, "straightness")
        if self.guidance not in (None, 1):
            raise UsageError("straightness is of the flow without guidance; ask for one of them at a time.")
        return restorer

    def straightness(self) -> float:
        """Mean over the pictures, see `Restorer.straightness`. Raises UsageError, see `check_flow`."""
        restorer = self.check_flow()
        shown = self.watch(self.pairs, "straightness")
        return fmean(
            restorer.straightness(pair.lr, noise_for(restorer, pair.lr, self.seed)).item() for pair in shown
        )

    def run(
        self,
        plan: Plan,
        metrics: Mapping[str, Metric],
        notes: Sequence[str] = (),
        observe: Observe | None = None,
    ) -> Table:
        """The table, `notes` before its own. Network evaluations are counted as they happen."""
        ready = {setting: restore for setting, restore in plan.items() if restore is not None}
        shown = self.watch(self.pairs, "evaluating")
        with count_calls(restorer.network for restorer in self.models.values()) as calls:
            table = evaluate(ready, shown, metrics, self.border, observe, calls)
        left_out = [each for name, restorer in self.models.items() for each in caveats(name, restorer)]
        return Table(table.metrics, table.rows, [*notes, *left_out, *table.notes], tuple(plan))


@contextmanager
def count_calls(networks: Iterable[nn.Module]) -> Iterator[Callable[[], int]]:
    """Yield a function that says how often the networks ran since it was last called."""
    calls: list[None] = []

    def read() -> int:
        count = len(calls)
        calls.clear()
        return count

    hooks = [network.register_forward_hook(lambda *_: calls.append(None)) for network in networks]
    try:
        yield read
    finally:
        for hook in hooks:
            hook.remove()


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


def common_scale(models: Mapping[str, Restorer]) -> int:
    """Raises UsageError when there is none."""
    if not models:
        raise UsageError("There is no model to evaluate; give at least one.")
    scales = {name: restorer.scale for name, restorer in models.items()}
    if len(set(scales.values())) > 1:
        listed = ", ".join(f"{name} x{scale}" for name, scale in scales.items())
        raise UsageError(f"Models of different scales cannot be compared ({listed}).")
    return next(iter(scales.values()))


Prompts = Callable[[str], Prompt]
"""Name of a picture -> its text, encoded."""


@dataclass(frozen=True)
class Captioned:
    """A caption for each picture, for the models that read text."""

    source: Path
    """See `data.captions`. Names are those of the pairs, and of files in the folder of small pictures."""
    text_encoder: Path | None = None
    """Folder; None: each model's base."""
    suffix: str | None = None
    """What follows each caption; None: the words of the model's family."""

    def as_dict(self) -> dict[str, str | None]:
        return {"source": str(self.source), "suffix": self.suffix}

    def prompts(self, restorer: Restorer) -> Prompts:
        """For one model; the last picture's is kept, for its other settings.

        Raises DataError and WeightsError for what cannot be read, UsageError without an encoder.
        """
        folder = self.text_encoder or restorer.config.autoencoder
        if folder is None:
            raise UsageError("This model names no base model; give the folder of a text encoder.")
        half = torch.bfloat16 if restorer.dtype == torch.float16 else restorer.dtype  # T5 overflows in fp16
        encoder = text_encoder(folder, dtype=half, after="cpu")
        captions = read_captions(self.source)
        suffix = STANDARDS[encoder.kind].suffix if self.suffix is None else self.suffix

        @lru_cache(maxsize=1)
        def prompt(name: str) -> Prompt:
            return encoder.encode([describe(captions(name), suffix)], restorer.device).to("cpu")

        return prompt


def restore_at(
    restorer: Restorer,
    setting: Setting,
    seed: int,
    guidance: float | None = None,
    prompts: Prompts | None = None,
) -> Restore:
    """The restorer at that setting. guidance, prompts: None is the model's own.

    Raises UsageError for what the model does not have.
    """
    steps = 1 if setting.steps is None else setting.steps
    fidelity = restorer.default_fidelity if setting.fidelity is None else setting.fidelity
    check(restorer.region, steps, fidelity, setting.solver)
    restorer.check_guidance(restorer.config.guidance if guidance is None else guidance)

    def restore(lr: Tensor, name: str) -> Tensor:
        noise = noise_for(restorer, lr, seed)
        return restorer.restore(
            lr,
            noise,
            steps=steps,
            fidelity=fidelity,
            solver=setting.solver,
            guidance=guidance,
            prompt=None if prompts is None else prompts(name),
        )

    return restore


def noise_for(restorer: Restorer, lr: Tensor, seed: int) -> Tensor:
    """(1, C, h, w), the same for a picture wherever and whenever it is restored. lr: (1, 3, H, W)."""
    channels, height, width = restorer.space.state_shape(*lr.shape[-2:])
    return position_noise(seed, 0, 0, height, width, channels, restorer.device)[None]


def caveats(name: str, restorer: Restorer) -> list[str]:
    """How the scores differ from what `leapsr upscale` does."""
    fix = restorer.config.color_fix
    if fix == "none":
        return []
    return [f"{name}: scored without {fix}, the colour correction of 'leapsr upscale'."]


def write(
    table: Table,
    trainings: Sequence[Training],
    out: Path,
    settings: Mapping[str, Any],
    sheet: Sheet | None = None,
) -> list[str]:
    """Write an evaluation into the folder `out`.

    Files: results.csv and results.json (each picture), means.csv, results.md, sheet.png if there is a sheet;
    of one model whose dial was turned dial.png, of several pd_plot.png.

    Args:
        table: what was found.
        trainings: what the training of the models cost, as far as known.
        out: it is made if need be.
        settings: what is needed to do it again; at least `pictures`, `pairs` and `seed`.
        sheet: that observed the evaluation.

    Returns:
        A sentence if the plot could not be drawn: the tables are worth having without it.

    Raises:
        OutputError: a file cannot be written.
    """
    if sheet is not None:
        with atomic_write(out / "sheet.png") as part:
            sheet.draw().save(part, "PNG")
    many = "picture" if settings["pictures"] == 1 else "pictures"
    heading = f"{settings['pictures']} {many} of {Path(settings['pairs']).name}, seed {settings['seed']}"
    write_markdown(table, trainings, out / "results.md", heading)
    write_csv(table, out / "results.csv")
    write_means(table, out / "means.csv")
    costs = {"training": [each._asdict() for each in trainings]}
    write_json(table, out / "results.json", {**settings, **costs})
    return plots.save(table, out)
