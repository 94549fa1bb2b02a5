"""What the training of a model cost, from the folder of its run."""

import json
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from ..hub import catalog

LOG, STATES = "log.jsonl", "checkpoints/step-*/progress.json"


class Training(NamedTuple):
    """Of this run alone, without a student's teacher. None: not recorded."""

    model: str
    recipe: str | None
    samples: int | None
    hours: float | None
    """Wall time up to the newest checkpoint, with validation."""
    samples_per_s: float | None
    """Median of the log, without validation; without a log the mean over all hours."""


def training(model: str, folder: Path) -> Training | None:
    """Of the model folder RUN/model; None if its parent is no run. Damaged files count as missing."""
    run = folder.resolve().parent
    states = [path for path in run.glob(STATES) if path.parent.suffix != ".part"]
    if not states and not (run / LOG).is_file():
        return None
    progress = max(
        (_parsed(_text(path)) for path in states), key=lambda state: state.get("step", 0), default={}
    )
    samples, seconds = progress.get("samples"), progress.get("seconds")
    lines = map(_parsed, _text(run / LOG).splitlines())
    speeds = [line["samples_per_s"] for line in lines if "samples_per_s" in line]
    speed = median(speeds) if speeds else samples / seconds if samples and seconds else None
    hours = None if seconds is None else seconds / 3600
    recipe = _parsed(_text(run / "config.json")).get("recipe")
    return Training(model, recipe, samples, hours, speed)


def trained_with(folder: Path) -> str | None:
    """The metric in the loss that a model was trained with, as lpips_squeeze; None without one, or where that
    is not known. folder: of the model."""
    if folder.resolve().parent == catalog.PACKAGED.resolve():
        return catalog.TRAINED_WITH.get(folder.name)
    backbone = _parsed(_text(folder.resolve().parent / "config.json")).get("perceptual")
    return f"lpips_{backbone}" if backbone in ("squeeze", "alex", "vgg") else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _parsed(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
