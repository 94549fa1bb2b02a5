"""Subjects on one folder of pairs: what `leapsr evaluate` does, without its command line."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import JsonValue
from torch import Tensor, nn

from .. import __version__
from ..data.captions import read_captions
from ..data.pairs import Pair, PairFolder
from ..errors import DataError, UsageError
from ..methods.restore import Region, check, check_teacher
from ..metrics import Metric, select
from ..metrics.runs import trained_with
from ..metrics.table import BICUBIC, Observe, Restore, Setting, Table, evaluate
from ..ops.noise import position_noise
from ..restorer import Restorer
from ..upscaling.settings import DEFAULTS, Settings
from .saved import Saved, folder_of
from .subjects import Command, Interpolation, Model, Outputs, Subject, at

Plan = dict[Setting, Restore | Mapping[int, Restore] | None]
"""The lines of a table: a restorer, or one for each seed. None: the subject does not have this setting, and
its line stays empty."""
Watch = Callable[[Iterable[Any], str, int], Iterable[Any]]
"""(things, what is done with them, how many) -> the same, shown as progress while they are walked."""


@dataclass(frozen=True)
class Evaluation:
    subjects: Mapping[str, Subject]
    """By the name that the table shows."""
    pairs: PairFolder
    border: int
    seeds: Sequence[int] = (0,)
    settings: Settings = DEFAULTS
    """Of all models: what `leapsr upscale` takes. Steps, fidelity and seed are those of the line."""
    captions: Path | None = None
    """A caption for each picture, for models that read text, see `data.captions`; None: see `settings`."""
    save: Path | None = None
    """Where pictures are kept and looked for, see `saved`; None: nowhere."""
    limited: bool = False
    """Whether `pairs` are a part of the pictures, so that folders of outputs hold more."""
    watch: Watch = field(default=lambda things, doing, total: things)
    _calls: list[None] = field(default_factory=list, init=False, repr=False)
    """One for each time that a network ran and nobody asked yet."""

    @property
    def models(self) -> dict[str, Model]:
        return {name: subject for name, subject in self.subjects.items() if isinstance(subject, Model)}

    def as_dict(self) -> dict[str, Any]:
        """What is needed to do it again."""
        first = next((model.upscaler for model in self.models.values()), None)
        return {
            "pictures": len(self.pairs),
            "scale": self.pairs.scale,
            "border": self.border,
            "seeds": list(self.seeds),
            "upscale": {
                name: value
                for name, value in asdict(self.settings).items()
                if name not in ("steps", "fidelity", "seed")
            },
            "captions": None if self.captions is None else str(self.captions),
            "guidance": {name: self._guided(model.restorer) for name, model in self.models.items()},
            "subjects": {name: subject.identity() for name, subject in self.subjects.items()},
            "device": str(first.device) if first else "cpu",
            "dtype": str(first.dtype) if first else "torch.float32",
        }

    def plan(
        self,
        counts: Sequence[int] | None = None,
        positions: Sequence[float] | None = None,
        baseline: bool = True,
    ) -> Plan:
        """The lines: bicubic as a baseline, then every subject.

        counts, positions: numbers of steps and positions of the dial. Of one model every pair of them; of
        several each number at fidelity 0 and each position in one step, where a model has it. None: one step,
        and each model's own position.
        Raises UsageError for a setting that the only model does not have, or that none could have; DataError
        for outputs that do not fit the pictures.
        """
        self._check_models_are_asked(counts, positions)
        several = len(self.models) > 1 and (counts is not None or positions is not None)
        places: list[float | None] = [None] if positions is None else [*positions]
        wanted = list(product([1] if counts is None else counts, places))
        if several:
            wanted = [*((steps, 0.0) for steps in counts or []), *((1, place) for place in positions or [])]
            for steps, position in wanted:
                check(Region.TRIANGLE, steps, position or 0.0)  # the region that holds most
        captions = None if self.captions is None else read_captions(self.captions)
        plan: Plan = {}
        if baseline and BICUBIC not in self.subjects:
            plan |= self._line(BICUBIC, Interpolation(BICUBIC))
        for name, subject in self.subjects.items():
            if not isinstance(subject, Model):
                plan |= self._line(name, subject)
                continue
            for steps, position in wanted:
                place = subject.restorer.default_fidelity if position is None else position
                setting = self.setting(name, steps, place)
                try:
                    self._check(subject.restorer, steps, place)
                except UsageError:
                    if not several:
                        raise
                    plan[setting] = None
                    continue
                plan[setting] = {
                    seed: self._kept(
                        setting,
                        subject,
                        subject.restore(at(self._settings_of(subject), steps, place, seed), captions),
                        seed,
                    )
                    for seed in self.seeds
                }
        return plan

    def setting(self, name: str, steps: int, fidelity: float) -> Setting:
        restorer, solver = self.models[name].restorer, self.settings.solver
        guided = self._guided(restorer)
        if solver is None and restorer.region is Region.DIAGONAL:
            solver = "euler"
        shown = name if guided == 1 else f"{name} guidance {guided:g}"
        adaptive = solver == "rk45" and steps == 1  # it takes as many steps as it needs
        return Setting(shown, None if adaptive else steps, fidelity, solver)

    def run(
        self,
        plan: Plan,
        metrics: Mapping[str, Metric],
        notes: Sequence[str] = (),
        observe: Observe | None = None,
    ) -> Table:
        """The table, `notes` before its own. Network evaluations are counted as they happen.

        A picture that cannot be decoded is a failure, and no line counts it.
        """
        ready = {setting: restore for setting, restore in plan.items() if restore is not None}
        unreadable: list[str] = []
        shown = self.watch(self._readable(unreadable), "evaluating", len(self.pairs))
        self._calls.clear()
        with _counting(self._calls, (model.restorer.network for model in self.models.values())):
            table = evaluate(ready, shown, metrics, self.border, observe, self._called, self.pairs.scale)
        if "straightness" in metrics:
            self._measure_flows(table)
        if unreadable and not table.rows:
            raise DataError(" ".join(unreadable))
        said = [*notes, *self._trained_on(metrics), *table.notes]
        return replace(table, notes=said, planned=tuple(plan), failures=(*unreadable, *table.failures))

    def _called(self) -> int:
        """How often networks ran since this was last asked."""
        called = len(self._calls)
        self._calls.clear()
        return called

    def _line(self, name: str, subject: Subject) -> Plan:
        assert isinstance(subject, Interpolation | Outputs | Command)
        if isinstance(subject, Outputs):
            return {Setting(name): subject.restore(self.pairs, self.limited)}
        setting = Setting(name)
        return {setting: self._kept(setting, subject, subject.restore(self.pairs), 0)}

    def _kept(self, setting: Setting, subject: Subject, restore: Restore, seed: int) -> Restore:
        if self.save is None:
            return restore
        made_with: dict[str, JsonValue] = {"leapsr": __version__, "scale": self.pairs.scale}
        made_with |= subject.identity()
        if self.captions is not None:
            texts = [self.captions] if self.captions.is_file() else sorted(self.captions.rglob("*.txt"))
            each = [(str(text.relative_to(self.captions)), text.read_bytes()) for text in texts]
            made_with["captions"] = sha256(repr(each).encode()).hexdigest()
        if isinstance(subject, Model):
            made_with |= {**self.as_dict()["upscale"], **setting._asdict()}
        saved = Saved(folder_of(self.save, setting), made_with, self.pairs.scale)
        saved.open()
        several = isinstance(subject, Model) and len(self.seeds) > 1
        return saved.keeping(restore, seed, several, self._called)

    def _readable(self, unreadable: list[str]) -> Iterator[Pair]:
        for files in self.pairs.files:
            try:
                yield self.pairs.read(files)
            except DataError as error:
                unreadable.append(str(error))

    def _guided(self, restorer: Restorer) -> float:
        return restorer.config.guidance if self.settings.guidance is None else self.settings.guidance

    def _check(self, restorer: Restorer, steps: int, fidelity: float) -> None:
        """Raises UsageError for what the model does not have."""
        settings = self.settings
        check(restorer.region, steps, fidelity, settings.solver)
        restorer.check_guidance(self._guided(restorer))
        if settings.denoise != "auto" and not restorer.reads_damage:
            raise UsageError("This model has no control over noise: leave denoise out, or take leap-small.")

    def _check_models_are_asked(
        self, counts: Sequence[int] | None, positions: Sequence[float] | None
    ) -> None:
        """Raises UsageError for options that only models have, where there is none."""
        if self._is_captioned and not any(each.restorer.space.prompts for each in self.models.values()):
            raise UsageError("No model here reads text: leave captions and captioner out.")
        given = {
            f"the solver {self.settings.solver}": self.settings.solver is not None,
            "guidance": self.settings.guidance not in (None, 1),
            "fidelity": positions is not None,
            "a number of steps": counts not in (None, [1]),
        }
        for control, asked in given.items():
            if asked and not self.models:
                names = ", ".join(self.subjects)
                raise UsageError(f"{names} is no model, so {control} cannot be had of it.")

    @property
    def _is_captioned(self) -> bool:
        return (self.captions, self.settings.caption, self.settings.captioner) != (None, None, None)

    def _settings_of(self, model: Model) -> Settings:
        """Without captions where it reads none."""
        if model.restorer.space.prompts:
            return self.settings
        return replace(self.settings, caption=None, captioner=None, text_encoder=None, suffix=None)

    def _measure_flows(self, table: Table) -> None:
        """Write the straightness of every teacher's flow, without guidance, into its rows."""
        for name, model in self._teachers().items():
            shown, restorer = self.setting(name, 1, 0.0).restorer, model.restorer
            for pair in self.watch(self._readable([]), "straightness", len(self.pairs)):
                value = restorer.straightness(pair.lr, noise_for(restorer, pair.lr, self.seeds[0])).item()
                for row in table.rows:
                    if row.image == pair.name and row.setting.restorer == shown:
                        row.scores["straightness"] = value

    def _teachers(self) -> dict[str, Model]:
        """Raises UsageError without one."""
        found = {
            name: model for name, model in self.models.items() if model.restorer.region is Region.DIAGONAL
        }
        if not found:
            for model in self.models.values():
                check_teacher(model.restorer.region, "straightness")
            raise UsageError("straightness is of a teacher's flow, and there is no model here.")
        return found

    def check_flows(self) -> None:
        """Raises UsageError where straightness cannot be had: without a teacher, or where guidance would
        change its flow."""
        if any(self._guided(model.restorer) != 1 for model in self._teachers().values()):
            raise UsageError("straightness is of the flow without guidance; ask for one of them at a time.")

    def wanted(self, names: Sequence[str]) -> tuple[list[str], list[str]]:
        """The metrics with these names, and a note where "all" is among them and straightness cannot be had.

        Raises UnknownName; UsageError where straightness itself is named, see `check_flows`.
        """
        chosen = list(select(names))
        if "straightness" not in chosen:
            return chosen, []
        try:
            self.check_flows()
        except UsageError as error:
            if "straightness" in names:
                raise
            chosen.remove("straightness")
            return chosen, [f"straightness is skipped: {error}"]
        return chosen, []

    def _trained_on(self, metrics: Mapping[str, Metric]) -> list[str]:
        """Which of these metrics a model learnt to please, as far as is known."""
        learnt = {name: trained_with(model.folder) for name, model in self.models.items()}
        notes = [
            f"{name} was trained on {metric}, which says too much good of it: choose by another."
            for name, metric in learnt.items()
            if metric in metrics or (metric or "").replace("lpips", "diversity") in metrics
        ]
        unknown = [
            name
            for name, subject in self.subjects.items()
            if isinstance(subject, Outputs | Command)
            or (isinstance(subject, Model) and subject.restorer.config.network.is_foreign)
        ]
        if unknown:
            notes.append(f"What {', '.join(unknown)} was trained on is not known here.")
        return notes


@contextmanager
def _counting(calls: list[None], networks: Iterable[nn.Module]) -> Iterator[None]:
    """Inside, an item is added to `calls` each time that one of the networks runs."""
    hooks = [network.register_forward_hook(lambda *_: calls.append(None)) for network in networks]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def noise_for(restorer: Restorer, lr: Tensor, seed: int) -> Tensor:
    """(1, C, h, w), the same for a picture wherever and whenever it is restored. lr: (1, 3, H, W)."""
    channels, height, width = restorer.space.state_shape(*lr.shape[-2:])
    return position_noise(seed, 0, 0, height, width, channels, restorer.device)[None]
