"""What leapsr upscale prints: messages while it works, the report at the end, and a dry run."""

import json
import logging
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from ..errors import ImageError, LeapsrError, OutputError
from ..hub import catalog
from .signals import interruptible
from .terminal import printable, say
from .upscale_bar import Bar

if TYPE_CHECKING:
    import torch

    from ..batch.existing import ExistingPolicy, Recipe
    from ..batch.jobs import Job, Plan
    from ..batch.options import Options
    from ..batch.pipeline import Watch
    from ..batch.stages import Examined, Outcome, Status
    from ..restorer import ModelConfig

    Run = Callable[[Watch], Iterable[Outcome]]

_STATUSES: "tuple[Status, ...]" = ("done", "copied", "skipped", "failed")


@dataclass(frozen=True)
class Report:
    """jobs: those of the plan that this run works on."""

    console: Console
    plan: "Plan"
    jobs: "Sequence[Job]"
    recipe: "Recipe"
    devices: Sequence[str]
    as_json: bool
    verbose: bool

    def begin(self) -> None:
        """Say what is left out, in one line for each reason; -v lists what leapsr made."""
        from ..pictures import raw_kinds, unsupported

        own = self.plan.own_results
        if len(own) == 1 or self.verbose:
            for path in own:
                self.say(f"{path}: left out, because leapsr made it.")
        elif own:
            self.say(f"{len(own)} files left out, because leapsr made them ({unsupported.some_names(own)}).")
        for sentence in unsupported.advice(self.plan.unreadable, raw_kinds.HINT):
            self.say(sentence)
        if folders := self.plan.folders:
            some = "1 sub-folder" if len(folders) == 1 else f"{len(folders)} sub-folders"
            self.say(f"{some} with pictures left out ({unsupported.some_names(folders)}): add --recursive.")

    def say(self, text: str, style: str | None = None) -> None:
        say(self.console, text, style)

    def tell(self, outcome: "Outcome") -> None:
        if outcome.status == "failed":
            self.say(f"error: {outcome.message}", style="red")
        elif outcome.status == "copied" or (self.verbose and outcome.message):
            self.say(outcome.message)
        if outcome.sidecars.paths:
            beside = ", ".join(path.name for path in outcome.sidecars.paths)
            self.say(f"{outcome.job.output}, and beside it {beside}")
        if outcome.sidecars.invented is not None:
            share = f"{outcome.sidecars.invented:.0%}"
            self.say(
                f"{outcome.job.output}: {share} of the fine detail is invented: it changes with the seed."
            )
        if self.verbose and outcome.status == "done":
            self.say(f"{outcome.job.source} -> {outcome.job.output}  {outcome.seconds.total:.1f} s")

    def end(self, outcomes: "Sequence[Outcome]", seconds: float, interrupted: bool) -> None:
        """Say how it ended, in one line, and print the JSON report if wanted."""
        uncertain = [outcome for outcome in outcomes if outcome.is_uncertain]
        if uncertain and not self.verbose:
            more = f" And {len(uncertain) - 1} more like it; -v lists them." if len(uncertain) > 1 else ""
            self.say(uncertain[0].message + more)
        counts = Counter(outcome.status for outcome in outcomes)
        parts = [f"{count} {status}" for status in _STATUSES if (count := counts[status])]
        if left := len(self.jobs) - len(outcomes):
            parts.append(f"{left} left")
        only = f": {outcomes[0].job.output}" if [outcome.status for outcome in outcomes] == ["done"] else ""
        self.say(f"{', '.join(parts) or 'nothing done'} in {seconds:.1f} s{only}")
        if self.as_json:
            place = {job: index for index, job in enumerate(self.jobs)}
            in_order = sorted(outcomes, key=lambda outcome: place[outcome.job])
            results = [_as_dict(outcome) for outcome in in_order]
            self.print_json(
                {"counts": counts, "seconds": round(seconds, 3), "interrupted": interrupted}, results
            )

    def print_json(self, facts: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> None:
        from .. import __version__
        from ..pictures import unsupported

        settings = {"settings": self.recipe, "devices": self.devices, "version": __version__}
        left_out = [{"source": str(path), "reason": "made by leapsr"} for path in self.plan.own_results]
        left_out += [
            {"source": str(path), "reason": f"not read ({kind.name})"}
            for path in self.plan.unreadable
            if (kind := unsupported.kind_of(path))
        ]
        report = {**facts, **settings, "jobs": len(self.jobs), "left_out": left_out, "results": results}
        typer.echo(json.dumps(report, indent=2))


def log_to(console: Console, verbose: bool) -> None:
    """Print log messages above the progress bar, and no warnings of Pillow about odd EXIF data."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logger = logging.getLogger("leapsr")
    logger.handlers = [_ToConsole(console)]
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)


class _ToConsole(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        say(self.console, record.getMessage())


def say_of_model(console: Console, name: str, config: "ModelConfig", steps: int, verbose: bool) -> None:
    """What is to be known of a model before it is used."""
    if verbose and config.licence != catalog.LICENCE:
        say(console, f"{name}: the licence of its weights is {config.licence}.")
    if config.method == "teacher" and steps == 1:
        say(console, f"{name} is a teacher, which blurs in one step; it is made for --steps 20 or 40.")


def say_how(console: Console, name: str, devices: Sequence[str], dtype: "torch.dtype") -> None:
    """The first line of a run: model, devices, precision, threads."""
    import torch

    from ..devices import DTYPES

    precision = next((known for known, kind in DTYPES.items() if kind == dtype), str(dtype))
    threads = torch.get_num_threads()
    count = f", {threads} thread{'s' if threads > 1 else ''}" if set(devices) == {"cpu"} else ""
    say(console, f"{name} on {', '.join(devices)}, {precision}{count}")


def work_through(report: Report, run: "Run") -> None:
    """Do the work and report it, also when it is interrupted. Exits with 1 when some of it failed."""
    outcomes: list[Outcome] = []
    begun = time.monotonic()
    report.begin()
    try:
        with interruptible(), Bar(report.console, report.jobs) as bar:
            for outcome in run(bar.watch):
                outcomes.append(outcome)
                bar.finish(outcome)
                report.tell(outcome)
    finally:
        error = sys.exception()
        if outcomes or not isinstance(error, LeapsrError):  # the error says it all otherwise
            report.end(outcomes, time.monotonic() - begun, interrupted=error is not None)
    if any(outcome.status == "failed" for outcome in outcomes):
        raise typer.Exit(1)


def preview(report: Report, scale: int, options: "Options", existing: "ExistingPolicy") -> None:
    """Print what would be done, from the headers of files: nothing is written. scale: the model's.

    Exits with 1 when some of it would fail.
    """
    report.begin()
    found = [_preview_of(job, scale, options, existing) for job in report.jobs]
    counts = Counter(str(item["status"]) for item in found)
    if report.as_json:
        report.print_json({"dry_run": True, "counts": counts}, found)
    else:
        for item in found:
            typer.echo(printable(_preview_line(item)))
    parts = [f"{count} to {status}" for status, count in counts.items()]
    how = ", ".join(
        f"{name} {value}" for name, value in report.recipe.items() if _is_worth_saying(name, value)
    )
    report.say(f"dry run: {', '.join(parts) or 'nothing to do'}; {how}, on {', '.join(report.devices)}")
    if counts["fail"]:
        raise typer.Exit(1)


def _preview_of(job: "Job", scale: int, options: "Options", existing: "ExistingPolicy") -> dict[str, Any]:
    from ..batch import stages

    paths = {"source": str(job.source), "output": str(job.output)}
    try:
        item = stages.examine(job, scale, options, existing)
    except (ImageError, OutputError) as error:
        return {**paths, "status": "fail", "message": str(error)}
    if isinstance(item, stages.Outcome):
        return {**paths, "status": "skip", "message": item.message}
    status = "copy" if item.copied else "make"
    return {**paths, "status": status, "message": item.decision.reason, **_sizes(item)}


def _preview_line(item: Mapping[str, Any]) -> str:
    line = f"{item['status']}  {item['source']} -> {item['output']}"
    if "source_size" in item:
        before, after = ("{} x {}".format(*item[name]) for name in ("source_size", "output_size"))
        line += f"  {before} -> {after}"
    return f"{line}  ({item['message']})" if item["message"] else line


def _is_worth_saying(name: str, value: object) -> bool:
    return name not in ("leapsr", "model_sha256") and value is not None and value is not False


def _as_dict(outcome: "Outcome") -> dict[str, Any]:
    seconds, sidecars = outcome.seconds, outcome.sidecars
    return {
        "source": str(outcome.job.source),
        "output": str(outcome.job.output),
        "status": outcome.status,
        "message": outcome.message,
        "seconds": round(seconds.total, 3),
        "seconds_reading": round(seconds.reading, 3),
        "seconds_restoring": round(seconds.restoring, 3),
        "seconds_writing": round(seconds.writing, 3),
        **_sizes(outcome),
        **({"beside": [str(path) for path in sidecars.paths]} if sidecars.paths else {}),
        **({} if sidecars.invented is None else {"invented": round(sidecars.invented, 4)}),
    }


def _sizes(item: "Outcome | Examined") -> dict[str, list[int]]:
    """As people say them, [width, height]."""
    sizes = {"source_size": item.size, "output_size": item.result}
    return {name: [size[1], size[0]] for name, size in sizes.items() if size is not None}
