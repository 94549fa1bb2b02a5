"""Scores of restorers at several settings on a list of pairs, in one table."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean, median, stdev
from time import perf_counter
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..data.pairs import Pair
from ..errors import DataError, ImageError
from ..methods.restore import Solver
from ..ops.color import round_to_8_bits, to_pil
from ..ops.upsample import bicubic_upsample
from . import Metric
from .intervals import Interval, bootstrap

BICUBIC, LANCZOS = "bicubic", "lanczos"


class Made(NamedTuple):
    """A result with what is known of how it came about."""

    image: Tensor
    """(1, 3, sH, sW), about [0, 1]"""
    seconds: float = math.nan
    """NaN: not known."""
    evaluations: float = 0


Restore = Callable[[Tensor, str], Tensor | Made]
"""(lr (1, 3, H, W) in [0, 1], name of the picture) -> (1, 3, sH, sW), about [0, 1], or that as `Made`."""


class Setting(NamedTuple):
    """One line of the summary: a restorer and its options. None: it has no such option, or the default."""

    restorer: str
    steps: int | None = None
    fidelity: float | None = None
    solver: Solver | None = None

    @property
    def label(self) -> str:
        solver = "" if self.solver is None else f" {self.solver}"
        steps = "" if self.steps in (None, 1) else f" {self.steps} steps"
        fidelity = "" if self.fidelity is None else f" fidelity {self.fidelity:g}"
        return f"{self.restorer}{solver}{steps}{fidelity}"


class Row(NamedTuple):
    setting: Setting
    image: str
    scores: dict[str, float]
    """One for each metric of the table; NaN if the picture has no such score or is not usable."""
    seconds_per_megapixel: float
    """Of output, with the transfer to and from the device, without decoding. NaN: not known."""
    evaluations: float = 0
    """How often a network ran; the mean in a row of means."""
    usable: bool = True
    """Whether there was a result and all its values were finite; in a row of means, of every picture."""
    seed: int = 0


@dataclass(frozen=True)
class Table:
    metrics: dict[str, Metric]
    rows: list[Row]
    """Setting by setting, pictures in the order of the pairs, seeds in theirs."""
    notes: list[str]
    """What could not be scored, and why, a sentence each."""
    planned: tuple[Setting, ...] = ()
    """The lines of the summary, also those that a restorer does not have. Empty: the rows' settings."""
    failures: tuple[str, ...] = ()
    """What went wrong with a picture or a result, a sentence each."""
    sets: Mapping[tuple[Setting, int], dict[str, float]] = field(default_factory=dict)
    """Scores of a whole set of pictures, such as FID, by setting and seed."""

    @property
    def settings(self) -> list[Setting]:
        return list(dict.fromkeys(self.planned or (row.setting for row in self.rows)))

    @cached_property
    def pictures(self) -> int:
        """How many there are."""
        return len({row.image for row in self.rows})

    @cached_property
    def _by_setting(self) -> dict[Setting, list[Row]]:
        found: dict[Setting, list[Row]] = defaultdict(list)
        for row in self.rows:
            found[row.setting].append(row)
        return dict(found)

    def rows_of(self, setting: Setting) -> list[Row]:
        return self._by_setting.get(setting, [])

    def seeds(self, setting: Setting) -> list[int]:
        return list(dict.fromkeys(row.seed for row in self.rows_of(setting)))

    def mean(self, setting: Setting, seed: int | None = None) -> Row:
        """Mean scores over the pictures that have them (see `counted`), and the median time, because a first
        call is slow.

        seed: only of that one; None is all of them.
        All are NaN without rows. If one picture was not usable there are no scores either: it was probably
        hard to restore, and the mean of the others would look too good.
        """
        rows = [row for row in self.rows_of(setting) if seed in (None, row.seed)]
        usable = all(row.usable for row in rows)
        whole = [scores for (of, at), scores in self.sets.items() if of == setting and seed in (None, at)]
        scores = {}
        for name, metric in self.metrics.items():
            known = self.by_image(setting, name)
            if metric.needs == "set":
                values = [each[name] for each in whole]
            elif seed is None:
                values = list(known.values())
            else:
                values = [row.scores[name] for row in rows if row.image in known]
            scores[name] = mean_of(values) if usable else math.nan
        times = [row.seconds_per_megapixel for row in rows if not math.isnan(row.seconds_per_megapixel)]
        seconds = median(times) if times else math.nan
        evaluations = mean_of(row.evaluations for row in rows)
        return Row(setting, "mean", scores, seconds, evaluations, usable)

    def deviations(self, setting: Setting) -> dict[str, float]:
        """Standard deviation of the means of several seeds, by metric; NaN of one seed (SMFSR table 3)."""
        seeds = self.seeds(setting)
        means = [self.mean(setting, seed).scores for seed in seeds]
        columns = {name: [each[name] for each in means] for name in self.metrics}
        return {
            name: stdev(each)
            if len(each) > 1
            and all(map(math.isfinite, each))
            and self.metrics[name].needs not in ("seeds", "flow")  # which are one number for all seeds
            else math.nan
            for name, each in columns.items()
        }

    def by_image(self, setting: Setting, metric: str) -> dict[str, float]:
        """The score of each picture that has one of every seed: their mean."""
        return self._by_image.get((setting, metric), {})

    @cached_property
    def _by_image(self) -> dict[tuple[Setting, str], dict[str, float]]:
        found: dict[tuple[Setting, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for row in self.rows:
            for name, score in row.scores.items():
                found[row.setting, name][row.image].append(score)
        return {
            of: {image: fmean(every) for image, every in scores.items() if not any(map(math.isnan, every))}
            for of, scores in found.items()
        }

    def counted(self, setting: Setting, metric: str) -> int:
        """How many pictures a mean is of."""
        if math.isnan(self.mean(setting).scores[metric]):
            return 0
        return self.pictures if self.metrics[metric].needs == "set" else len(self.by_image(setting, metric))

    def compared(self, metric: str) -> list[Setting]:
        """The settings whose means can be compared, the best first: those of the same pictures, as many as
        any has."""
        scores = {setting: self.mean(setting).scores[metric] for setting in self.settings}
        known = {
            setting: frozenset(self.by_image(setting, metric))
            for setting, score in scores.items()
            if not math.isnan(score)
        }
        most = max(known.values(), key=len, default=frozenset())
        badness = self.metrics[metric].badness
        return sorted((each for each in known if known[each] == most), key=lambda each: badness(scores[each]))

    def difference(self, one: Setting, other: Setting, metric: str) -> Interval | None:
        """Mean of one minus other over the pictures that both have, with its 95 % interval; None without
        finite differences, as of the scores of whole sets. Of a metric that is best at 1 it is not the means
        that are subtracted but the logarithms of how far they are from it."""
        ours, theirs = self.by_image(one, metric), self.by_image(other, metric)
        pairs = [(ours[image], theirs[image]) for image in ours if image in theirs]
        if not pairs or not all(math.isfinite(a - b) for a, b in pairs):
            return None
        known = self.metrics[metric]
        far = known.badness if known.direction == "near 1" else lambda means: means
        return bootstrap(pairs, lambda means: far(means[:, 0]) - far(means[:, 1]))


Observe = Callable[[Pair, Setting, Tensor], None]


def evaluate(
    restorers: Mapping[Setting, Restore | Mapping[int, Restore]],
    pairs: Iterable[Pair],
    metrics: Mapping[str, Metric],
    border: int,
    observe: Observe | None = None,
    evaluations: Callable[[], int] = lambda: 0,
    scale: int | None = None,
) -> Table:
    """Restore each pair with each restorer and score the results as they would be in files: clamped, 8 bits.

    A score that a picture cannot have (it is too small, say), or that is not a number, is NaN and a failure.
    A metric that can score no picture here, or not all where it needs the whole set, is a note instead. A
    result that cannot be had (DataError, ImageError), has another size than it should, or has values that are
    not numbers is a failure, and its setting then has no means. Any other error of a restorer is raised.

    Args:
        restorers: by their settings; where results depend on a seed, one for each seed.
        pairs: walked once.
        metrics: by name.
        border: pixels at each side that all metrics but lr_psnr, LPIPS, DISTS and FID leave out.
        observe: gets the result of every first seed, (1, 3, sH, sW) in [0, 1].
        evaluations: asked after each restoration how often networks ran.
        scale: how many times larger results must be; None does not check it.
    """
    rows: list[Row] = []
    lacks: Lacks = defaultdict(list)
    failures: list[str] = []
    sets = _Sets(metrics)
    for pair in pairs:
        if pair.hr is not None:
            sets.add(None, pair.name, pair.hr)
        for setting, given in restorers.items():
            results: dict[int, Tensor] = {}
            for seed, restore in ({0: given} if callable(given) else given).items():
                where = f"{pair.name}: {setting.label}{'' if callable(given) else f' seed {seed}'}"
                made, problem = _attempt(restore, pair, scale)
                restored = round_to_8_bits(made.image)
                if problem is not None:
                    failures.append(f"{where} {problem}")
                scores = {
                    name: math.nan if problem else _score(metric, restored, pair, border, setting, lacks)
                    for name, metric in metrics.items()
                }
                speed = made.seconds * 1e6 / restored[0, 0].numel()
                ran = evaluations() or made.evaluations
                rows.append(Row(setting, pair.name, scores, speed, ran, problem is None, seed))
                if problem is not None:
                    continue
                results[seed] = restored
                sets.add((setting, seed), pair.name, restored)
                if observe is not None and len(results) == 1:
                    observe(pair, setting, restored)
            own = rows[-1 if callable(given) else -len(given) :]
            _score_seeds(metrics, list(results.values()), own, pair.name, lacks)
    notes, lacking = _said(lacks, rows)
    found = sets.scores()
    order = list(restorers)
    rows.sort(key=lambda row: order.index(row.setting))
    failures = list(dict.fromkeys([*failures, *lacking]))
    return Table(dict(metrics), rows, [*sets.skipped.values(), *notes], (), tuple(failures), found)


def bicubic(scale: int) -> Restore:
    """The baseline: Keys' cubic with a = -0.5, MATLAB's. Published tables of "bicubic" mean this one."""
    return lambda lr, _: bicubic_upsample(lr, scale)


def lanczos(scale: int) -> Restore:
    """Lanczos with three lobes, Pillow's, on 8 bits as its users have them."""

    def enlarge(lr: Tensor, _: str) -> Tensor:
        small = to_pil(lr[0])
        large = small.resize((small.width * scale, small.height * scale), Image.Resampling.LANCZOS)
        return torch.from_numpy(np.array(large)).permute(2, 0, 1)[None].float() / 255

    return enlarge


@torch.inference_mode()
def _attempt(restore: Restore, pair: Pair, scale: int | None) -> tuple[Made, str | None]:
    """The result, and what is wrong with it."""
    begin = perf_counter()
    try:
        given = restore(pair.lr, pair.name)
        image = (given.image if isinstance(given, Made) else given).float().cpu()  # waits for the device
    except (DataError, ImageError) as error:
        return Made(torch.zeros(1, 3, 1, 1)), f"has no result: {error}"
    seconds = perf_counter() - begin
    made = given._replace(image=image) if isinstance(given, Made) else Made(image, seconds)
    if not bool(image.isfinite().all()):  # before rounding, which makes infinity white
        return made, (
            "gave values that are not finite, so it has no means; fp32 helps where half precision overflowed."
        )
    height, width = (side * (scale or 0) for side in pair.lr.shape[-2:])
    if scale is not None and image.shape[-2:] != (height, width):
        return made, f"is {image.shape[-1]}x{image.shape[-2]} but should be {width}x{height}."
    return made, None


Lacks = defaultdict[tuple[str, str, str | None], list[str]]
"""(metric, picture, reason) -> labels of the results without that score, again for each seed. None: it is not
a number."""


def _score(
    metric: Metric, restored: Tensor, pair: Pair, border: int, setting: Setting, lacks: Lacks
) -> float:
    if metric.needs in ("set", "seeds", "flow"):
        return math.nan
    target = {"hr": pair.hr, "lr": pair.lr, "none": restored}[metric.needs]
    reason = None
    try:
        if target is None:
            raise DataError("There is no reference.")
        score: float = metric.function(restored, target, border).item()
    except DataError as error:
        score, reason = math.nan, str(error)
    if math.isnan(score):
        lacks[metric.name, pair.name, reason].append(setting.label)
    return score


def _said(lacks: Lacks, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Notes on metrics that can score nothing here, and failures: scores that are lacking though others are
    there."""
    scored = {name for row in rows for name, score in row.scores.items() if not math.isnan(score)}
    results = Counter(row.image for row in rows if row.usable)
    notes: dict[str, str] = {}
    failures = []
    for (name, picture, reason), labels in lacks.items():
        if reason is not None and name not in scored:
            notes.setdefault(name, f"{name} is skipped: {picture}: {reason}")
            continue
        of = "" if len(labels) == results[picture] > 1 else f" of {', '.join(dict.fromkeys(labels))}"
        why = "is not a number." if reason is None else f"is lacking. {reason}"
        failures.append(f"{picture}: {name}{of} {why}")
    return list(notes.values()), failures


def _score_seeds(
    metrics: Mapping[str, Metric], results: Sequence[Tensor], rows: Sequence[Row], name: str, lacks: Lacks
) -> None:
    """Write how far the results of the seeds are apart into the rows of a picture: the mean distance of the
    others from the first (SMFSR table 4)."""
    for metric in metrics.values():
        if metric.needs != "seeds" or len(results) < 2:
            continue
        try:
            apart = fmean(metric.function(each, results[0], 0).item() for each in results[1:])
            reason = None
        except DataError as error:
            apart, reason = math.nan, str(error)
        for row in rows:
            row.scores[metric.name] = apart
            if math.isnan(apart) and row.usable:
                lacks[metric.name, name, reason].append(row.setting.label)


class _Sets:
    """Features of whole sets of pictures, for the metrics that compare sets, such as FID.

    skipped: a note for each metric that cannot have all pictures.
    """

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self._metrics = {name: metric for name, metric in metrics.items() if metric.needs == "set"}
        self._seen: dict[tuple[Setting, int] | None, dict[str, list[Tensor]]] = defaultdict(
            lambda: {name: [] for name in self._metrics}
        )
        self.skipped: dict[str, str] = {}

    def add(self, of: tuple[Setting, int] | None, picture: str, image: Tensor) -> None:
        """of: a setting and its seed; None is the references. image: (1, 3, H, W) in [0, 1]."""
        for name, metric in self._metrics.items():
            if name in self.skipped:
                continue
            try:
                self._seen[of][name].append(metric.features(image))
            except DataError as error:
                self.skipped[name] = f"{name} is skipped: {picture}: {error}"

    def scores(self) -> dict[tuple[Setting, int], dict[str, float]]:
        """NaN where a result or a reference is missing, or the metric is skipped."""
        truth = self._seen[None]
        return {
            of: {name: self._score(name, results, truth[name]) for name, results in seen.items()}
            for of, seen in self._seen.items()
            if of is not None
        }

    def _score(self, name: str, results: Sequence[Tensor], truth: Sequence[Tensor]) -> float:
        if name in self.skipped or len(results) != len(truth):
            return math.nan
        try:
            return self._metrics[name].function(torch.cat([*results]), torch.cat([*truth]), 0).item()
        except DataError as error:
            self.skipped[name] = f"{name} is skipped: {error}"
            return math.nan


def mean_of(scores: Iterable[float]) -> float:
    """Of those that are numbers; NaN without one."""
    known = [score for score in scores if not math.isnan(score)]
    return fmean(known) if known else math.nan
