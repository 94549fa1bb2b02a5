"""Scores of restorers at several settings on a list of pairs, in one table."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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

    def rows_of(self, setting: Setting) -> list[Row]:
        return [row for row in self.rows if row.setting == setting]

    def seeds(self, setting: Setting) -> list[int]:
        return list(dict.fromkeys(row.seed for row in self.rows_of(setting)))

    def mean(self, setting: Setting, seed: int | None = None) -> Row:
        """Mean scores over the pictures that have them, and the median time, because a first call is slow.

        seed: only of that one; None is all of them.
        All are NaN without rows. If one picture was not usable there are no scores either: it was probably
        hard to restore, and the mean of the others would look too good.
        """
        rows = [row for row in self.rows_of(setting) if seed in (None, row.seed)]
        usable = all(row.usable for row in rows)
        whole = [scores for (of, at), scores in self.sets.items() if of == setting and seed in (None, at)]
        scores = {
            name: mean_of(
                each[name] for each in (whole if metric.needs == "set" else [r.scores for r in rows])
            )
            if usable
            else math.nan
            for name, metric in self.metrics.items()
        }
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
        """The score of each picture that has one, the mean over the seeds."""
        found: dict[str, list[float]] = {}
        for row in self.rows_of(setting):
            if not math.isnan(row.scores.get(metric, math.nan)):
                found.setdefault(row.image, []).append(row.scores[metric])
        return {image: fmean(scores) for image, scores in found.items()}

    def difference(self, one: Setting, other: Setting, metric: str) -> Interval | None:
        """Mean of one minus other over the pictures that both have, with its 95 % interval; None without
        finite differences, as of the scores of whole sets."""
        ours, theirs = self.by_image(one, metric), self.by_image(other, metric)
        pairs = [ours[image] - theirs[image] for image in ours if image in theirs]
        known = [each for each in pairs if math.isfinite(each)]
        return bootstrap(known) if known and len(known) == len(pairs) else None


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

    A picture that a metric cannot score (too small, say) gets NaN and a note. A result that cannot be had
    (DataError, ImageError), has another size than it should, or has values or scores that are not numbers is
    a failure, and its setting then has no means. Any other error of a restorer is raised.

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
    notes: list[str] = []
    failures: list[str] = []
    of_sets = {name: metric for name, metric in metrics.items() if metric.needs == "set"}
    truth: dict[str, list[Tensor]] = {name: [] for name in of_sets}
    seen: dict[tuple[Setting, int, str], list[Tensor]] = defaultdict(list)
    for pair in pairs:
        for name, metric in of_sets.items():
            if pair.hr is not None:
                truth[name].append(metric.features(pair.hr))
        for setting, given in restorers.items():
            results: dict[int, Tensor] = {}
            for seed, restore in ({0: given} if callable(given) else given).items():
                where = f"{pair.name}: {setting.label}{'' if callable(given) else f' seed {seed}'}"
                made, problem = _attempt(restore, pair, scale)
                restored = round_to_8_bits(made.image)
                if problem is not None:
                    failures.append(f"{where} {problem}")
                scores = {
                    name: _score(metric, restored, pair, border, notes) if problem is None else math.nan
                    for name, metric in metrics.items()
                }
                speed = made.seconds * 1e6 / restored[0, 0].numel()
                ran = evaluations() or made.evaluations
                rows.append(Row(setting, pair.name, scores, speed, ran, problem is None, seed))
                if problem is not None:
                    continue
                results[seed] = restored
                for name, metric in of_sets.items():
                    seen[setting, seed, name].append(metric.features(restored))
                if observe is not None and len(results) == 1:
                    observe(pair, setting, restored)
            own = rows[-1 if callable(given) else -len(given) :]
            _score_seeds(metrics, list(results.values()), own, pair.name, notes)
            failures += [
                f"{pair.name}: {name} of {setting.label} is not a number."
                for row in own
                for name, score in row.scores.items()
                if row.usable
                and math.isnan(score)
                and metrics[name].needs in ("hr", "lr", "none")
                and not any(note.startswith(f"{pair.name}: no {name}") for note in notes)
            ]
    sets = {
        (setting, seed): {
            name: _score_set(of_sets[name], seen[setting, seed, name], truth[name], notes) for name in of_sets
        }
        for setting, seed, _ in seen
    }
    order = list(restorers)
    rows.sort(key=lambda row: order.index(row.setting))
    return Table(dict(metrics), rows, list(dict.fromkeys(notes)), (), tuple(dict.fromkeys(failures)), sets)


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


def _score(metric: Metric, restored: Tensor, pair: Pair, border: int, notes: list[str]) -> float:
    if metric.needs in ("set", "seeds", "flow"):
        return math.nan
    target = {"hr": pair.hr, "lr": pair.lr, "none": restored}[metric.needs]
    if target is None:
        notes.append(f"{pair.name}: no {metric.name} without a reference.")
        return math.nan
    try:
        return metric.function(restored, target, border).item()
    except DataError as error:
        notes.append(f"{pair.name}: no {metric.name}. {error}")
        return math.nan


def _score_seeds(
    metrics: Mapping[str, Metric], results: Sequence[Tensor], rows: Sequence[Row], name: str, notes: list[str]
) -> None:
    """Write how far the results of the seeds are apart into the rows of a picture: the mean distance of the
    others from the first (SMFSR table 4)."""
    for metric in metrics.values():
        if metric.needs != "seeds" or len(results) < 2:
            continue
        try:
            apart = [metric.function(each, results[0], 0).item() for each in results[1:]]
        except DataError as error:
            notes.append(f"{name}: no {metric.name}. {error}")
            continue
        for row in rows:
            row.scores[metric.name] = fmean(apart)


def _score_set(metric: Metric, restored: list[Tensor], truth: list[Tensor], notes: list[str]) -> float:
    if len(restored) != len(truth):  # a result or a reference is missing
        return math.nan
    try:
        return metric.function(torch.cat(restored), torch.cat(truth), 0).item()
    except DataError as error:
        notes.append(f"no {metric.name}. {error}")
        return math.nan


def mean_of(scores: Iterable[float]) -> float:
    """Of those that are numbers; NaN without one."""
    known = [score for score in scores if not math.isnan(score)]
    return fmean(known) if known else math.nan
