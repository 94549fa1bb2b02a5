"""A report as one HTML file that asks nothing of the network: table, plots, and regions to look at."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..files import atomic_write
from ..metrics.intervals import bootstrap
from ..metrics.report import ARROWS, differences, plain, ranks
from ..metrics.table import Setting, Table
from .crops import Crops
from .published import PublishedTable

PAGE = Path(__file__).with_name("page.html")


def write_html(
    table: Table,
    crops: Crops,
    path: Path,
    heading: str,
    asked: Mapping[str, Any],
    published: Sequence[PublishedTable] = (),
) -> None:
    """Raises OutputError.

    heading: what the pictures were. asked: what is needed to do it again. published: shown apart.
    """
    best = {name: ranks(table, name) for name in table.metrics}
    data = {
        "heading": heading,
        "made": f"leapsr {__version__}",
        "pictures": table.pictures,
        "metrics": [
            {"name": m.name, "arrow": ARROWS[m.direction], "direction": m.direction}
            for m in table.metrics.values()
        ],
        "settings": [_line(table, setting, best) for setting in table.settings],
        "differences": differences(table),
        "notes": table.notes,
        "failures": list(table.failures),
        "crops": crops.regions,
        "published": [each._asdict() for each in published],
        "asked": asked,
    }
    # "<" could end the element that holds the data, or begin a comment; JSON may spell it otherwise.
    text = json.dumps(plain(data), allow_nan=False, ensure_ascii=False).replace("<", "\\u003c")
    with atomic_write(path) as part:
        part.write_text(
            PAGE.read_text(encoding="utf-8").replace("@DATA@", text),
            encoding="utf-8",
            errors="backslashreplace",
        )


def _line(table: Table, setting: Setting, best: Mapping[str, Mapping[Setting, int]]) -> dict[str, Any]:
    mean = table.mean(setting)
    intervals: dict[str, list[float]] = {}
    for name in table.metrics:
        values = list(table.by_image(setting, name).values())
        if mean.usable and values and all(map(math.isfinite, values)):
            low, high = bootstrap(values)[1:]
            intervals |= {name: [low, high]} if math.isfinite(high - low) else {}
    return {
        **setting._asdict(),
        "label": setting.label,
        "means": mean.scores,
        "intervals": intervals,
        "deviations": table.deviations(setting),
        "ranks": {name: ranked[setting] for name, ranked in best.items() if setting in ranked},
        "counts": {name: table.counted(setting, name) for name in table.metrics},
        "seconds": mean.seconds_per_megapixel,
        "evaluations": 0.0 if math.isnan(mean.evaluations) else mean.evaluations,
    }
