"""Measures of a restored picture, in one table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

from torch import Tensor

from ..errors import LeapsrError, MissingExtra, UnknownName, WeightsError
from . import perceptual
from .fidelity import lr_psnr, psnr, ssim
from .mesh import mesh
from .naturalness import Pristine, niqe, read_pristine
from .weights import pristine_file

__all__ = ["DEFAULT_METRICS", "METRICS", "Metric", "available", "missing", "select"]


@dataclass(frozen=True)
class Metric:
    name: str
    direction: Literal["higher", "lower"]
    """Which scores are better."""
    needs: Literal["hr", "lr", "none"]
    """What the result is compared with."""
    function: Callable[..., Tensor]
    """(restored, target, border) -> (B,) scores.

    Both pictures are (B, 3, H, W) in [0, 1]; `target` is the one that `needs` names, or `restored` again when
    it needs none. `border` pixels of each side do not count in PSNR, SSIM, NIQE and mesh, as is usual; the
    others see the whole picture. A metric that reads files also takes `weights`, the folder they are in
    (None: LEAPSR_WEIGHTS, torch's cache).
    """
    require: Callable[[Path | None], object] | None = None
    """Raises WeightsError or MissingExtra when its files are not here; None when it needs no file."""


def _psnr_y(restored: Tensor, hr: Tensor, border: int) -> Tensor:
    return psnr(restored, hr, channels="y", border=border)


def _ssim_y(restored: Tensor, hr: Tensor, border: int) -> Tensor:
    return ssim(restored, hr, channels="y", border=border)


def _psnr_rgb(restored: Tensor, hr: Tensor, border: int) -> Tensor:
    return psnr(restored, hr, border=border)


def _ssim_rgb(restored: Tensor, hr: Tensor, border: int) -> Tensor:
    return ssim(restored, hr, border=border)


def _lr_psnr(restored: Tensor, lr: Tensor, border: int) -> Tensor:
    return lr_psnr(restored, lr)


def _niqe(restored: Tensor, _: Tensor, border: int, weights: Path | None = None) -> Tensor:
    return niqe(restored, _pristine(pristine_file(weights)), border=border)


def _mesh(restored: Tensor, _: Tensor, border: int) -> Tensor:
    return mesh(restored, border=border)


def _dists(restored: Tensor, hr: Tensor, border: int, weights: Path | None = None) -> Tensor:
    return perceptual.dists(restored, hr, weights=weights)


_pristine: Callable[[Path], Pristine] = lru_cache(read_pristine)


def _lpips_metric(backbone: perceptual.Backbone) -> Metric:
    def function(restored: Tensor, hr: Tensor, border: int, weights: Path | None = None) -> Tensor:
        return perceptual.lpips(restored, hr, backbone=backbone, weights=weights)

    require = partial(perceptual.require, backbone)
    return Metric(f"lpips_{backbone}", "lower", "hr", function, require)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("psnr_y", "higher", "hr", _psnr_y),
        Metric("ssim_y", "higher", "hr", _ssim_y),
        Metric("psnr_rgb", "higher", "hr", _psnr_rgb),
        Metric("ssim_rgb", "higher", "hr", _ssim_rgb),
        Metric("lr_psnr", "higher", "lr", _lr_psnr),
        _lpips_metric("squeeze"),
        _lpips_metric("alex"),
        _lpips_metric("vgg"),
        Metric("dists", "lower", "hr", _dists, partial(perceptual.require, "vgg")),
        Metric("niqe", "lower", "none", _niqe, pristine_file),
        Metric("mesh", "lower", "none", _mesh),
    )
}

DEFAULT_METRICS = ("psnr_y", "ssim_y", "lr_psnr", "lpips_squeeze", "niqe", "mesh")


def select(names: Iterable[str]) -> dict[str, Metric]:
    """The table's rows with these names, in this order; "all" stands for every one. Raises UnknownName."""
    chosen: dict[str, Metric] = {}
    for name in names:
        if name != "all" and name not in METRICS:
            raise UnknownName("metric", name, [*METRICS, "all"])
        chosen |= METRICS if name == "all" else {name: METRICS[name]}
    return chosen


def available(weights: Path | None = None) -> dict[str, Metric]:
    """The metrics that can run here, bound to the folder `weights` (None: LEAPSR_WEIGHTS, torch's cache)."""
    absent = missing(weights)
    return {name: _bind(metric, weights) for name, metric in METRICS.items() if name not in absent}


def missing(weights: Path | None = None) -> dict[str, str]:
    """The metrics that cannot run here, each with a sentence that says how to get what it lacks."""
    reasons = {name: _obstacle(metric, weights) for name, metric in METRICS.items()}
    return {name: str(reason) for name, reason in reasons.items() if reason is not None}


def _obstacle(metric: Metric, weights: Path | None) -> LeapsrError | None:
    if metric.require is None:
        return None
    try:
        metric.require(weights)
    except (WeightsError, MissingExtra) as error:
        return error
    return None


def _bind(metric: Metric, weights: Path | None) -> Metric:
    if metric.require is None:
        return metric
    return replace(metric, function=partial(metric.function, weights=weights))
