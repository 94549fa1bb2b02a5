"""The metrics of a restored picture, by name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor

from ..errors import MissingExtra, UnknownName, UsageError, WeightsError
from . import frechet, iqa, perceptual
from .color_shift import color_shift
from .fidelity import crop_border, lr_psnr, psnr, ssim
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
    needs: Literal["hr", "lr", "none", "set", "seeds", "flow"]
    """What the result is compared with. "set": all results with all references; "seeds": with the results of
    other seeds; "flow": it is a teacher's, not a picture's."""
    function: Callable[..., Tensor]
    """(restored, target, border) -> (B,) scores.

    Both pictures are (B, 3, H, W) in [0, 1]; `target` is the one that `needs` names, or `restored` again when
    it needs none. `border` pixels of each side do not count, as is usual, but for lr_psnr, LPIPS and DISTS,
    which see the whole picture. Of a "set" the arguments are features, (n, D) and (m, D), the score is (). A
    metric that reads files also takes `weights`, the folder they are in (None: LEAPSR_WEIGHTS, torch's
    cache), or `features` does.
    """
    require: Callable[[Path | None], object] | None = None
    """Raises WeightsError or MissingExtra when its files are not here; None when it needs no file."""
    features: Callable[..., Tensor] = lambda image: image
    """Of a "set": a picture (1, 3, H, W) in [0, 1] to features (n, D)."""

    def badness(self, scores: Any) -> Any:
        """The best score has the least. Of numbers or arrays. Half as much and twice as much are as far from
        1."""
        if self.direction == "near 1":
            return np.abs(np.log(np.maximum(scores, 1e-9)))
        return scores if self.direction == "lower" else -scores


_pristine: Callable[[Path], Pristine] = lru_cache(read_pristine)


def _niqe(x: Tensor, _: Tensor, border: int, weights: Path | None = None) -> Tensor:
    return niqe(x, _pristine(pristine_file(weights)), border=border)


def _lpips(backbone: perceptual.Backbone) -> Metric:
    def function(x: Tensor, hr: Tensor, border: int, weights: Path | None = None) -> Tensor:
        return perceptual.lpips(x, hr, backbone=backbone, weights=weights)

    return Metric(f"lpips_{backbone}", "lower", "hr", function, partial(perceptual.require, backbone))


def _fid(name: str, kind: frechet.Kind) -> Metric:
    def distance(x: Tensor, hr: Tensor, border: int) -> Tensor:
        return frechet.frechet_distance(x, hr)

    features = partial(frechet.features, kind=kind)
    return Metric(name, "lower", "set", distance, frechet.inception_file, features)


def _diversity(backbone: perceptual.Backbone) -> Metric:
    apart = _lpips(backbone)
    return replace(apart, name=f"diversity_{backbone}", direction="higher", needs="seeds")


def _judged(name: str) -> Metric:
    def function(x: Tensor, _: Tensor, border: int, weights: Path | None = None) -> Tensor:
        return iqa.score(crop_border(x, border), name, weights)

    return Metric(name, "higher", "none", function, partial(iqa.require, name))


def _of_the_flow(*_: object) -> Tensor:
    raise TypeError("straightness is measured of a teacher, see Restorer.straightness")


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
        _fid("fid", "clean"),
        _fid("fid_legacy", "legacy"),
        _fid("fid_patch", "patch"),
        Metric("niqe", "lower", "none", _niqe, pristine_file),
        *map(_judged, iqa.JUDGES),
        _diversity("squeeze"),
        _diversity("alex"),
        Metric("straightness", "lower", "flow", _of_the_flow),
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
    def bound(metric: Metric) -> Metric:
        if metric.require is None:
            return metric
        reads = "features" if metric.needs == "set" else "function"
        changes: dict[str, Any] = {reads: partial(getattr(metric, reads), weights=weights)}
        return replace(metric, **changes)

    return {name: bound(metric) for name, metric in METRICS.items() if name not in absent}


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
    names: Iterable[str], weights: Path | None, has_reference: bool, seeds: int = 1
) -> tuple[dict[str, Metric], list[str]]:
    """Those of the wanted metrics that can run here, on these pictures.

    Args:
        names: of the wanted metrics.
        weights: folder of the files that metrics need, see `available`.
        has_reference: whether the pictures have one.
        seeds: how many results of each picture there are.

    Returns:
        The metrics, and a sentence for each wanted one that cannot run.

    Raises:
        UnknownName: there is no such metric.
        WeightsError: none can run; or UsageError if only a reference or seeds are missing.
    """
    wanted = select(names)
    absent = missing(weights)
    ready = _bound(absent, weights)
    notes = [f"{name} is skipped: {absent[name]}" for name in wanted if name in absent]
    chosen = {name: ready[name] for name in wanted if name in ready}
    lacking = {"hr": "these pictures have no reference.", "set": "these pictures have no reference."}
    if has_reference:
        lacking = {}
    if seeds < 2:
        lacking["seeds"] = "it compares the results of several seeds; give --seed 0,1 or more."
    notes += [
        f"{name} is skipped: {lacking[metric.needs]}"
        for name, metric in chosen.items()
        if metric.needs in lacking
    ]
    chosen = {name: metric for name, metric in chosen.items() if metric.needs not in lacking}
    if not chosen:
        kind = WeightsError if absent.keys() & wanted else UsageError
        raise kind(f"No metric can be computed. {notes[0]}")
    if judges := [name for name in chosen if name in iqa.JUDGES]:
        notes.append(f"{', '.join(judges)}: by pyiqa, whose licence and weights are not for commercial use.")
    return chosen, notes
