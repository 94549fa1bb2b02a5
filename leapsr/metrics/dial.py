"""What the fidelity dial trades: scores against its position, one panel for each metric."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from ..errors import optional
from ..files import atomic_write
from .evaluate import Table
from .report import ARROWS

PLOTTED = ("psnr_y", "lpips_alex", "lpips_squeeze", "niqe")

Curve = tuple[list[float], list[float]]
"""Positions of the dial, ascending, and the mean score at each."""


def curves(table: Table, metric: str) -> dict[str, Curve]:
    """A curve for each restorer and number of steps that was evaluated at two positions or more."""
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for setting in table.settings:
        if setting.fidelity is not None:
            label = setting._replace(fidelity=None).label
            points[label].append((setting.fidelity, table.mean(setting).scores[metric]))
    return {label: _unzip(sorted(curve)) for label, curve in points.items() if len(curve) > 1}


def save_dial(table: Table, path: Path) -> None:
    """Draw psnr_y, LPIPS and NIQE, those the table has, into a PNG. Raises MissingExtra, OutputError."""
    figures = optional("matplotlib.figure", "plots")
    names = [name for name in PLOTTED if name in table.metrics] or list(table.metrics)
    figure = figures.Figure(figsize=(4 * len(names), 3.4), layout="constrained")
    for panel, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        _draw(panel, table, name)
    with atomic_write(path) as part:
        figure.savefig(part, format="png", dpi=120)


def _draw(panel: Any, table: Table, name: str) -> None:
    for label, (positions, scores) in curves(table, name).items():
        panel.plot(positions, scores, marker="o", label=label)
    for setting in table.settings:
        if setting.fidelity is None:
            level = table.mean(setting).scores[name]
            panel.axhline(level, linestyle=":", color="grey", label=setting.label)
    panel.set_title(f"{name} {ARROWS[table.metrics[name].direction]}")
    panel.set_xlabel("fidelity")
    panel.legend(fontsize="small")


def _unzip(points: list[tuple[float, float]]) -> Curve:
    return [x for x, _ in points], [y for _, y in points]
