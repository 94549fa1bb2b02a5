"""Scores that the reference programs gave for stored pictures."""

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from leapsr.data.pairs import read_rgb

ORIGINALS = ("china", "flower", "synthetic")
DAMAGES = ("bicubic_x4", "jpeg_q30")


def scores(shared: Path, original: str) -> dict[str, Any]:
    results: dict[str, Any] = json.loads((shared / "golden/metrics.json").read_text())["results"]
    return dict(results[original])


def picture(shared: Path, name: str) -> Tensor:
    return read_rgb(shared / f"golden/metrics_images/{name}.png")
