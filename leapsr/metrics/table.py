"""Scores of restorers at several settings on a list of pairs, in one table."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, median
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor

from ..data.pairs import Pair
from ..errors import DataError
from ..methods.restore import Solver
from ..ops.color import round_to_8_bits
from ..ops.upsample import bicubic_upsample
from . import Metric

BICUBIC = "bicubic"

Restore = Callable[[Tensor, str], Tensor]
"""(lr (1, 3, H, W) in [0, 1], name of the picture) -> (1, 3, sH, sW), about [0, 1]."""


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
    """One for each metric of the table; NaN if the picture has no such score or is not finite."""
    seconds_per_megapixel: float
    """Of output, with the transfer to and from the device, without decoding."""
    evaluations: float = 0
    """How often a network ran; the mean in a row of means."""
    finite: bool = True
    """Whether all values of the picture were finite; in a row of means, of every picture."""


@dataclass(frozen=True)
class Table:
    metrics: dict[str, Metric]
    rows: list[Row]
    """Setting by setting, pictures in the order of the pairs."""
    notes: list[str]
    """What could not be scored, and why, a sentence each."""
    planned: tuple[Setting, ...] = ()
    """The lines of the summary, also those that a restorer does not have. Empty: the rows' settings."""

    @property
    def settings(self) -> list[Setting]:
        return list(dict.fromkeys(self.planned or (row.setting for row in self.rows)))

    def mean(self, setting: Setting) -> Row:
        """Mean scores over the pictures that have them, and the median time, because a first call is slow.

        All are NaN without rows. If one picture was not finite there are no scores either: it was probably
        hard to restore, and the mean of the others would look too good.
        """
        rows = [row for row in self.rows if row.setting == setting]
        finite = all(row.finite for row in rows)
        scores = {
            name: _mean(row.scores[name] for row in rows) if finite else math.nan for name in self.metrics
        }
        seconds = median(row.seconds_per_megapixel for row in rows) if rows else math.nan
        return Row(setting, "mean", scores, seconds, _mean(row.evaluations for row in rows), finite)


Observe = Callable[[Pair, Setting, Tensor], None]


def evaluate(
    restorers: Mapping[Setting, Restore],
    pairs: Iterable[Pair],
    metrics: Mapping[str, Metric],
    border: int,
    observe: Observe | None = None,
    evaluations: Callable[[], int] = lambda: 0,
) -> Table:
    """Restore each pair with each restorer and score the results as they would be in files: clamped, 8 bits.

    A picture that a metric cannot score (too small, say) gets NaN and a note. So does one with values that
    are not finite, and its setting then has no means. An error of a restorer is raised.

    Args:
        restorers: by their settings.
        pairs: walked once.
        metrics: by name.
        border: pixels at each side that all metrics but lr_psnr, LPIPS and DISTS leave out.
        observe: gets every result, (1, 3, sH, sW) in [0, 1].
        evaluations: asked after each restoration how often networks ran.
    """
    rows: list[Row] = []
    notes: list[str] = []
    for pair in pairs:
        for setting, restore in restorers.items():
            raw, seconds = _timed(restore, pair)
            finite = bool(raw.isfinite().all())  # before rounding, which makes infinity white
            if not finite:
                notes.append(
                    f"{pair.name}: {setting.label} gave values that are not finite, so it has no means;"
                    " fp32 helps where half precision overflowed."
                )
            restored = round_to_8_bits(raw)
            scores = {
                name: _score(metric, restored, pair, border, notes) if finite else math.nan
                for name, metric in metrics.items()
            }
            speed = seconds * 1e6 / restored[0, 0].numel()
            rows.append(Row(setting, pair.name, scores, speed, evaluations(), finite))
            if observe is not None:
                observe(pair, setting, restored)
    order = list(restorers)
    rows.sort(key=lambda row: order.index(row.setting))
    return Table(dict(metrics), rows, list(dict.fromkeys(notes)))


def bicubic(scale: int) -> Restore:
    """The baseline: Keys' cubic with a = -0.5, MATLAB's. Published tables of "bicubic" mean this one."""
    return lambda lr, _: bicubic_upsample(lr, scale)


@torch.inference_mode()
def _timed(restore: Restore, pair: Pair) -> tuple[Tensor, float]:
    begin = perf_counter()
    restored = restore(pair.lr, pair.name).float().cpu()  # waits for the device
    return restored, perf_counter() - begin


def _score(metric: Metric, restored: Tensor, pair: Pair, border: int, notes: list[str]) -> float:
    target = {"hr": pair.hr, "lr": pair.lr, "none": restored}[metric.needs]
    if target is None:
        notes.append(f"{pair.name}: no {metric.name} without a reference.")
        return math.nan
    try:
        return metric.function(restored, target, border).item()
    except DataError as error:
        notes.append(f"{pair.name}: no {metric.name}. {error}")
        return math.nan


def _mean(scores: Iterable[float]) -> float:
    known = [score for score in scores if not math.isnan(score)]
    return fmean(known) if known else math.nan
