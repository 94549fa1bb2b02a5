"""Who is told how a run is going, and asked whether to stop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..data.photos import Progress


class Reporter(Protocol):
    def __call__(self, step: int, values: Mapping[str, float]) -> None: ...


@dataclass(frozen=True)
class Callbacks:
    """Functions that a run calls; each does nothing unless it is given.

    degrading: (done, total) crops of a pool. answering: the same, when its teacher answers them. on_step:
    (done, total) steps, after each. notice: a sentence for the user. report: losses and scores of a step.
    stop: asked after each step; true saves and ends the run.
    """

    degrading: Progress = lambda done, total: None
    answering: Progress = lambda done, total: None
    on_step: Progress = lambda done, total: None
    notice: Callable[[str], None] = lambda text: None
    report: Reporter = lambda step, values: None
    stop: Callable[[], bool] = lambda: False


SILENT = Callbacks()
