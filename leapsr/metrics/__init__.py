"""The metrics of a restored picture, by name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

from torch import Tensor

from ..errors import MissingExtra, UnknownName, UsageError, WeightsError
from . import perceptual
from .color_shift import color_shift
from .fidelity import lr_psnr, psnr, ssim
from .fine_detail import fine_detail
from .grid_artifact import grid_artifact
from .naturalness import Pristine, niqe, read_pristine
from .weights import pristine_file

__all__ = ["DEFAULT_METRICS", "METRICS", "Metric", "available", "missing", "select", "usable"]


@dataclass(frozen=True)
class Metric:
    name: str
    direction: Literal["higher", "lower", "near 1"]
    """Which scores are better."""
    needs: Literal["hr", "lr", "none"]
    """What the result is compared with."""
    function: Callable[..., Tensor]
    """(restored, target, border) -> (B,) scores.

    Both pictures are (B, 3, H, W) in [0, 1]; `target` is the one that `needs` names, or `restored` again when
    it needs none. `border` pixels of each side do not count, as is usual, but for lr_psnr, LPIPS and DISTS,
    which see the whole picture. A metric that reads files also takes `weights`, the folder they
    are in (None: LEAPSR_WEIGHTS, torch's cache).
    """
    require: Callable[[Path | None], object] | None = None
    """Raises WeightsError or MissingExtra when its files are not here; None when it needs no file."""


_pristine: Callable[[Path], Pristine] = lru_cache(read_pristine)


def _niqe(x: Tensor, _: Tensor, border: int, weights: Path | None = None) -> Tensor:
    return niqe(x, _pristine(pristine_file(weights)), border=border)


def _lpips(backbone: perceptual.Backbone) -> Metric:
    def function(x: Tensor, hr: Tensor, border: int, weights: Path | None = None) -> Tensor:
        return perceptual.lpips(x, hr, backbone=backbone, weights=weights)

    return Metric(f"lpips_{backbone}", "lower", "hr", function, partial(perceptual.require, backbone))


def _dists(x: Tensor, hr: Tensor, border: int, weights: Path | None = None) -> Tensor:
    return perceptual.dists(x, hr, weights=weights)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("psnr_y", "higher", "hr", lambda x, hr, border: psnr(x, hr, channels="y", border=border)),
        Metric("ssim_y", "higher", "hr", lambda x, hr, border: ssim(x, hr, channels="y", border=border)),
        Metric("psnr_rgb", "higher", "hr", lambda x, hr, border: psnr(x, hr, border=border)),
        Metric("ssim_rgb", "higher", "hr", lambda x, hr, border: ssim(x, hr, border=border)),
        Metric("lr_psnr", "higher", "lr", lambda x, lr, border: lr_psnr(x, lr)),
        _lpips("squeeze"),
        _lpips("alex"),
        _lpips("vgg"),
        Metric("dists", "lower", "hr", _dists, partial(perceptual.require, "vgg")),
        Metric("niqe", "lower", "none", _niqe, pristine_file),
        Metric("fine_detail", "near 1", "hr", lambda x, hr, border: fine_detail(x, hr, border=border)),
        Metric("color_shift", "lower", "hr", lambda x, hr, border: color_shift(x, hr, border=border)),
        Metric("grid_artifact", "lower", "none", lambda x, _, border: grid_artifact(x, border=border)),
    )
}

DEFAULT_METRICS = ("psnr_y", "ssim_y", "lr_psnr", "lpips_squeeze", "niqe", "fine_detail", "grid_artifact")


def select(names: Iterable[str]) -> dict[str, Metric]:
    """The metrics with these names, in this order; "all" stands for every one. Raises UnknownName."""
    chosen: dict[str, Metric] = {}
    for name in names:
        if name != "all" and name not in METRICS:
            raise UnknownName("metric", name, [*METRICS, "all"])
        chosen |= METRICS if name == "all" else {name: METRICS[name]}
    return chosen


def available(weights: Path | None = None) -> dict[str, Metric]:
    """The metrics that can run here, bound to the folder `weights` (None: LEAPSR_WEIGHTS, torch's cache)."""
    return _bound(missing(weights), weights)


def _bound(absent: Mapping[str, str], weights: Path | None) -> dict[str, Metric]:
    return {
        name: metric
        if metric.require is None
        else replace(metric, function=partial(metric.function, weights=weights))
        for name, metric in METRICS.items()
        if name not in absent
    }


def missing(weights: Path | None = None) -> dict[str, str]:
    """The metrics that cannot run here, each with a sentence on how to get what is missing."""
    reasons = {}
    for name, metric in METRICS.items():
        try:
            if metric.require is not None:
                metric.require(weights)
        except (WeightsError, MissingExtra) as error:
            reasons[name] = str(error)
    return reasons


def usable(
    names: Iterable[str], weights: Path | None, has_reference: bool
) -> tuple[dict[str, Metric], list[str]]:
    """Those of the wanted metrics that can run here, on these pictures.

    Args:
        names: of the wanted metrics.
        weights: folder of the files that metrics need, see `available`.
        has_reference: whether the pictures have one.

    Returns:
        The metrics, and a sentence for each wanted one that cannot run.

    Raises:
        UnknownName: there is no such metric.
        WeightsError: none can run; or UsageError if only a reference is missing.
    """
    wanted = select(names)
    absent = missing(weights)
    ready = _bound(absent, weights)
    notes = [f"{name} is skipped: {absent[name]}" for name in wanted if name in absent]
    chosen = {name: ready[name] for name in wanted if name in ready}
    if not has_reference:
        without = [name for name, metric in chosen.items() if metric.needs == "hr"]
        notes += [f"{name} is skipped: these pictures have no reference." for name in without]
        chosen = {name: metric for name, metric in chosen.items() if name not in without}
    if not chosen:
        kind = WeightsError if absent.keys() & wanted else UsageError
        raise kind(f"No metric can be computed. {notes[0]}")
    return chosen, notes
