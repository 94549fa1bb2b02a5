"""Which of the metrics that are wanted can be computed here, on these pictures."""

from collections.abc import Iterable
from pathlib import Path

from ..errors import UsageError, WeightsError
from . import Metric, available, missing, select


def usable(
    names: Iterable[str], weights: Path | None, has_reference: bool
) -> tuple[dict[str, Metric], list[str]]:
    """The metrics that can run, and a sentence for each that was asked for and cannot.

    weights: the folder of the files that metrics need, see `available`. has_reference: of the pictures.
    Raises UnknownName; when none is left WeightsError, or UsageError if a reference is all that is missing.
    """
    wanted = select(names)
    absent, ready = missing(weights), available(weights)
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
