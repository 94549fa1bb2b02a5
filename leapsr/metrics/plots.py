"""Plots of an evaluation: scores along the dial, and perception against distortion (arXiv:1711.06077)."""

import math
from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import MissingExtra, optional
from ..files import atomic_write
from .report import ARROWS
from .table import BICUBIC, Setting, Table

DISTORTION = "psnr_y"
PERCEPTION = ("lpips_squeeze", "lpips_alex", "lpips_vgg", "dists")
"""Of the perception-distortion plot: the first that the table has."""
DIAL_METRICS = ("psnr_y", "lpips_alex", "lpips_squeeze", "niqe")

# Okabe and Ito's colours, which the colour-blind can tell apart, the yellow one left out: too pale for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
MARKERS = "osD^vP*X"  # one for each number of steps
INK = "#444444"

Curve = tuple[list[float], list[float]]
"""Positions of the dial, ascending, and the mean score at each."""


def save(table: Table, out: Path) -> list[str]:
    """Draw pd_plot.png of several models, or dial.png of one at several positions, into the folder `out`.

    Returns a sentence if that is not possible. Raises OutputError.
    """
    several = len({setting.restorer for setting in table.settings} - {BICUBIC}) > 1
    name, draw = ("pd_plot.png", save_pd_plot) if several else ("dial.png", save_dial)
    if several and not points(table):
        return [f"{name} is not drawn: it needs {DISTORTION} and LPIPS."]
    if not several and len({setting.fidelity for setting in table.settings} - {None}) < 2:
        return []
    try:
        draw(table, out / name)
    except MissingExtra as error:
        return [f"{name} is not drawn. {error}"]
    return []


def curves(table: Table, metric: str) -> dict[str, Curve]:
    """A curve for each restorer and number of steps that was evaluated at two positions or more."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for setting in table.settings:
        if setting.fidelity is not None:
            label = setting._replace(fidelity=None).label
            found[label].append((setting.fidelity, table.mean(setting).scores[metric]))
    ordered = {label: sorted(curve) for label, curve in found.items() if len(curve) > 1}
    return {label: ([x for x, _ in curve], [y for _, y in curve]) for label, curve in ordered.items()}


def save_dial(table: Table, path: Path) -> None:
    """Draw those of DIAL_METRICS that the table has, a panel each, into a PNG.

    Raises MissingExtra without matplotlib, OutputError.
    """
    figures = optional("matplotlib.figure", "plots")
    names = [name for name in DIAL_METRICS if name in table.metrics] or list(table.metrics)
    figure = figures.Figure(figsize=(4 * len(names), 3.4), layout="constrained")
    for panel, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for label, (positions, scores) in curves(table, name).items():
            panel.plot(positions, scores, marker="o", label=label)
        for setting in table.settings:
            if setting.fidelity is None:
                level = table.mean(setting).scores[name]
                panel.axhline(level, linestyle=":", color="grey", label=setting.label)
        panel.set_title(f"{name} {ARROWS[table.metrics[name].direction]}")
        panel.set_xlabel("fidelity")
        panel.legend(fontsize="small")
    with atomic_write(path) as part:
        figure.savefig(part, format="png", dpi=120)


class Point(NamedTuple):
    setting: Setting
    distortion: float
    perception: float


def axes(table: Table) -> tuple[str, str] | None:
    """The two metrics: PSNR and the first of PERCEPTION that the table has; None without such a pair."""
    perception = next((name for name in PERCEPTION if name in table.metrics), None)
    return (DISTORTION, perception) if perception and DISTORTION in table.metrics else None


def points(table: Table) -> list[Point]:
    """Every setting that has both scores. Empty without `axes`."""
    names = axes(table)
    if names is None:
        return []
    means = [(setting, table.mean(setting).scores) for setting in table.settings]
    every = [Point(setting, scores[names[0]], scores[names[1]]) for setting, scores in means]
    return [point for point in every if math.isfinite(point.distortion + point.perception)]


def save_pd_plot(table: Table, path: Path) -> None:
    """Draw a line for each model's dial and a marker for each number of steps into a PNG.

    Needs `axes`. Raises MissingExtra without matplotlib, OutputError.
    """
    figure = optional("matplotlib.figure", "plots").Figure(figsize=(9, 5.4), layout="constrained")
    panel, shown = figure.subplots(), points(table)
    counts = sorted({point.setting.steps for point in shown if point.setting.steps is not None})
    models = list(dict.fromkeys(point.setting.restorer for point in shown if point.setting.steps))
    for i, model in enumerate(models):
        own = [point for point in shown if point.setting.restorer == model]
        _draw_dial(panel, own, COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)])
        _draw_steps(panel, own, COLOURS[i % len(COLOURS)], counts)
    for point in shown:
        if point.setting.steps is None:
            panel.plot(*_coordinates([point]), marker="x", color=INK, markersize=8, markeredgewidth=2)
            _label(panel, point, point.setting.label, (8, -3), INK)
    _label_axes(panel, table)
    _draw_legends(figure, models, counts)
    with atomic_write(path) as part:
        figure.savefig(part, format="png", dpi=150)


def _draw_dial(panel: Any, own: Sequence[Point], colour: str, dashes: Any) -> None:
    """One-step settings in the order of the dial; its ends are labelled if there are several."""
    dial = sorted((point for point in own if point.setting.steps == 1), key=_fidelity)
    panel.plot(*_coordinates(dial), color=colour, linestyle=dashes, linewidth=1.8, marker=".", markersize=7)
    if len(dial) > 1:
        for end, offset in ((dial[0], (-16, 4)), (dial[-1], (8, -4))):
            _label(panel, end, f"{_fidelity(end):g}", offset, colour, fontweight="bold")


def _draw_steps(panel: Any, own: Sequence[Point], colour: str, counts: Sequence[int]) -> None:
    """A marker at the realistic end of the dial, joined by a thin line from few steps to many."""
    stepped = [(point.setting.steps, point) for point in own if _fidelity(point) == 0]
    walk = sorted(((steps, point) for steps, point in stepped if steps is not None), key=itemgetter(0))
    panel.plot(*_coordinates([point for _, point in walk]), color=colour, linewidth=0.7, alpha=0.6)
    for steps, point in walk:
        marker = MARKERS[counts.index(steps) % len(MARKERS)]
        panel.plot(
            *_coordinates([point]),
            marker=marker,
            markersize=9,
            markerfacecolor="white",
            markeredgecolor=colour,
            markeredgewidth=1.8,
        )


def _label(
    panel: Any, point: Point, words: str, offset: tuple[int, int], colour: str, **options: Any
) -> None:
    """offset: in typographic points, right and up."""
    place = (point.distortion, point.perception)
    panel.annotate(words, place, xytext=offset, textcoords="offset points", color=colour, **options)


def _label_axes(panel: Any, table: Table) -> None:
    """With a grid, and which direction is better."""
    distortion, perception = axes(table) or ("", "")
    panel.set_xlabel(f"{_metric_title(table, distortion)}, dB   (more faithful →)", fontsize=11)
    panel.set_ylabel(f"{_metric_title(table, perception)}   (← more realistic)", fontsize=11)
    panel.grid(color="#e6e6e6", linewidth=0.8)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    panel.margins(0.12)


def _metric_title(table: Table, metric: str) -> str:
    name, _, kind = metric.partition("_")
    words = f"{name.upper()}-{kind.upper()}" if len(kind) == 1 else f"{name.upper()} {kind}".strip()
    return f"{words} {ARROWS[table.metrics[metric].direction]}"


def _draw_legends(figure: Any, models: Sequence[str], counts: Sequence[int]) -> None:
    """Beside the panel, where they hide nothing: colours for models, shapes for numbers of steps."""
    line = optional("matplotlib.lines", "plots").Line2D
    lines = [
        line([], [], color=COLOURS[i % len(COLOURS)], linestyle=DASHES[i % len(DASHES)], linewidth=1.8)
        for i in range(len(models))
    ]
    shapes = [
        line([], [], linestyle="", marker=MARKERS[i % len(MARKERS)], markerfacecolor="white", color=INK)
        for i in range(len(counts))
    ]
    look = {"frameon": False, "alignment": "left"}
    dial = "lines: the dial in one step,\nfrom 0 (realism) to 1 (fidelity)"
    figure.legend(lines, models, title=dial, loc="outside right upper", **look)
    steps = [f"{count} step{'s' if count > 1 else ''}" for count in counts]
    figure.legend(shapes, steps, title="markers: steps at fidelity 0", loc="outside right lower", **look)


def _coordinates(own: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [point.distortion for point in own], [point.perception for point in own]


def _fidelity(point: Point) -> float:
    return point.setting.fidelity or 0.0
