"""A progress bar over all pictures of a batch. It counts pixels, so that the time left fits mixed sizes."""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .terminal import printable

if TYPE_CHECKING:
    from ..batch.jobs import Job
    from ..batch.stages import Outcome

_SPEED_OVER_SECONDS = 600.0


class Bar:
    """Shown on terminals only. Pictures that are skipped or fail are taken off the total."""

    def __init__(self, console: Console, jobs: "Sequence[Job]") -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        shown = console.is_terminal
        self._progress = Progress(
            *columns,
            console=console,
            disable=not shown,
            transient=True,
            speed_estimate_period=_SPEED_OVER_SECONDS,
        )
        self._pixels = _pixels(jobs) if shown else dict.fromkeys(jobs, 1.0)
        self._in_progress: dict[Job, float] = {}
        self._total, self._done, self._ended = sum(self._pixels.values()), 0.0, 0
        self._task = self._progress.add_task("", total=self._total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def watch(self, job: "Job", done: float, total: int) -> None:
        """`done` of the `total` tiles of a picture are restored."""
        self._in_progress[job] = self._pixels[job] * done / total
        self._show(job)

    def finish(self, outcome: "Outcome") -> None:
        self._ended += 1
        self._in_progress.pop(outcome.job, None)
        if outcome.status == "done":
            self._done += self._pixels[outcome.job]
        else:
            self._total -= self._pixels[outcome.job]
        self._show(outcome.job)

    def _show(self, job: "Job") -> None:
        completed = self._done + sum(self._in_progress.values())
        text = f"{self._ended}/{len(self._pixels)} {printable(job.source.name)}"
        self._progress.update(self._task, description=text, completed=completed, total=self._total)


def _pixels(jobs: "Sequence[Job]") -> "dict[Job, float]":
    """Of each source; the mean of the others where the header does not quickly say."""
    from ..pictures.open_file import pixel_count

    known = {job: pixel_count(job.source) for job in jobs}
    counts = [count for count in known.values() if count]
    mean = sum(counts) / len(counts) if counts else 1.0
    return {job: float(count or mean) for job, count in known.items()}
