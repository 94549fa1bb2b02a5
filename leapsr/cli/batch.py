"""leapsr batch."""

import json
import os
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..errors import UsageError, first_line
from ..files import atomic_write, remove_stale_parts
from ..hub import catalog
from .completion import model_names
from .signals import interruptible
from .terminal import say, starting
from .upscale_options import (
    FormatOptions,
    LookOptions,
    SizeOptions,
    _option,
    batch_options,
    option_groups,
    tile_side,
)
from .upscale_report import log_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cluster.ledger import Ledger, Result
    from ..cluster.plan import Task
    from ..cluster.worker import WorkerConfig

TOLD = 20
"""Failures that are printed; the report lists all."""
PANEL = "Cluster"


@dataclass(frozen=True)
class ClusterOptions:
    ray: str | None = _option(
        PANEL, None, "--ray ADDRESS", "Of a running cluster, or auto. Default: this machine alone."
    )
    workers: int | None = _option(
        PANEL, None, "--workers N", "Default: as many as the cluster has room for.", min=1
    )
    cpus: float = _option(PANEL, 1.0, "--cpus N", "Of each worker; its threads.", min=0)
    gpus: float = _option(
        PANEL, 0.0, "--gpus N", "Of each worker, such as 1 or 0.25; 0: the CPU alone.", min=0
    )
    retries: int = _option(
        PANEL, 1, "--retries N", "How often a photo may take its process down before it has failed.", min=0
    )
    storage_options: str | None = _option(
        PANEL, None, "--storage-options JSON", 'For fsspec, such as {"endpoint_url": "http://..."}.'
    )


@dataclass(frozen=True)
class BatchModelOptions:
    model: str | None = _option(
        "Model", None, "-n --model NAME|FOLDER", "As of leapsr upscale.", autocompletion=model_names
    )
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = _option(
        "Model", "auto", "--dtype TYPE", "auto, fp32, bf16 or fp16."
    )
    offload: bool = _option("Model", False, "--offload", "Hold only the part of the model in use on the GPU.")
    tile: str = _option(
        "Model", "auto", "-t --tile auto|PIXELS", "Size of tiles, in source pixels; 0: no tiles."
    )


Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="IN",
        help="Folders, photos, webdataset archives (.tar), lists (.parquet, .csv, .txt); also s3://...",
    ),
]
Out = Annotated[str, typer.Option("-o", "--output", metavar="FOLDER", help="Where results go; also s3://...")]
Column = Annotated[
    str | None, typer.Option("--column", metavar="NAME", help="Of a list: where the paths are.")
]
Recursive = Annotated[bool, typer.Option("--recursive", help="Take sub-folders too.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that are there.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how much is to be done; upscale nothing.")]
ReportFile = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write counts and failures as JSON.")
]


@option_groups
def batch(
    sources: Sources,
    *,
    out: Out,
    column: Column = None,
    recursive: Recursive = False,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    report: ReportFile = None,
    cluster: ClusterOptions,
    size: SizeOptions,
    model: BatchModelOptions,
    look: LookOptions,
    formats: FormatOptions,
) -> None:
    """Upscale millions of photos on a cluster, by Ray. The same command goes on with a run that ended."""
    console = Console(stderr=True)
    log_to(console, verbose=False)
    size.target()
    if look.captions is not None:
        raise UsageError("A caption for each photo is read by 'leapsr upscale'; leave --captions out.")
    with starting():
        import torch

        from ..batch import naming
        from ..batch.options import recipe, result_label
        from ..cluster import listing, plan
        from ..cluster.ledger import Ledger, Result
        from ..cluster.store import Store, parse_options
        from ..cluster.worker import WorkerConfig
        from ..devices import choose_dtype
        from ..pictures import raw_kinds, unsupported
        from ..restorer import read_config

    options = batch_options(size, tile_side(model.tile), look, formats)
    folder = catalog.find_or_default(model.model, None, size.scale)
    config = read_config(folder)
    on_cpu = choose_dtype(model.dtype, torch.device("cpu"), config.preferred_half)
    dtype = model.dtype if cluster.gpus else str(on_cpu)
    storage = parse_options(cluster.storage_options)
    destination = Store.open(_absolute(out), storage)
    suffix = naming.FORMATS.get(formats.file_format)
    made_by = {**recipe(options, folder, torch.float32), "dtype": dtype}
    books = Ledger(destination, made_by, map(_absolute, sources))
    with console.status("Looking for photos"):
        found = listing.find([*map(_absolute, sources)], recursive, column, storage, destination.url())
        label = result_label(options, config.factor)
        todo = plan.plan(found.photos, destination, books, label, suffix, overwrite, options)
    for sentence in unsupported.advice(found.unreadable, raw_kinds.HINT):
        say(console, sentence)
    closed = [
        Result("", str(error.filename), "", "failed", f"A folder may not be listed: {first_line(error)}.")
        for error in found.closed
    ]
    tally = Tally([*todo.refused, *closed], found.unreadable, todo.done)
    photos = "1 photo" if len(todo.tasks) == 1 else f"{len(todo.tasks)} photos"
    say(console, f"{photos} to do, {todo.done} done before, {len(todo.refused)} refused")
    if dry_run:
        tally.tell_failures(console, report)
        tally.write(report)
        return
    if todo.tasks:
        worker = WorkerConfig(
            model=folder.name if folder.parent == catalog.PACKAGED else str(folder.resolve()),
            dtype=model.dtype,
            options=options,
            destination=destination.url(),
            storage=storage,
            threads=max(1, round(cluster.cpus)),
            retries=cluster.retries,
            suffix=suffix,
            offload=model.offload,
            device="cuda" if cluster.gpus else "cpu",  # Ray hides none from workers that asked for none
        )
        _work(console, todo.tasks, worker, cluster, books, tally)
    tally.end(console, report)


def _absolute(place: str) -> str:
    return place if "://" in place else os.path.abspath(place)  # noqa: PTH100  of a URL too


def _work(
    console: Console,
    tasks: "Sequence[Task]",
    worker: "WorkerConfig",
    cluster: ClusterOptions,
    books: "Ledger",
    tally: "Tally",
) -> None:
    """Results into the books and the tally as they come, with a bar."""
    from ..cluster import run

    ray = run.connect(cluster.ray)
    resources = run.Resources(cluster.workers, cluster.cpus, cluster.gpus)
    run.room(ray, resources)  # told before the books say that a run has begun
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    bar = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
    if "://" not in worker.destination:
        for place in {Path(worker.destination, task.output).parent for task in tasks}:
            remove_stale_parts(place)
    books.begin()
    try:
        with interruptible(), bar:
            shown = bar.add_task("", total=len(tasks), rate="")
            for some in run.run(ray, tasks, worker, resources):
                books.add(some)
                tally.add(some)
                bar.update(shown, completed=tally.ended, rate=f"{tally.speed:.2f} MP/s")
        books.end()
    finally:
        books.flush()
        ray.shutdown()


@dataclass
class Tally:
    """failed: with what was refused. left_out: kinds that are not read. before: done by other runs. ended:
    results of this one."""

    failed: "list[Result]"
    left_out: list[Path]
    before: int
    counts: Counter[str] = field(default_factory=Counter)
    megapixels: float = 0.0
    ended: int = 0
    begun: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.counts["failed"] = len(self.failed)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    @property
    def speed(self) -> float:
        """Megapixels of results a second."""
        return self.megapixels / self.seconds

    def add(self, results: "list[Result]") -> None:
        self.failed += [each for each in results if each.status == "failed"]
        self.counts.update(each.status for each in results)
        self.megapixels += sum(each.pixels for each in results) / 1e6
        self.ended += len(results)

    def tell_failures(self, console: Console, report: Path | None) -> None:
        for each in self.failed[:TOLD]:
            say(console, f"error: {each.message}", style="red")
        if (more := len(self.failed) - TOLD) > 0:
            say(console, f"And {more} more" + ("." if report else "; --report FILE lists them all."))

    def end(self, console: Console, report: Path | None) -> None:
        """Exits with 1 where some failed."""
        self.tell_failures(console, report)
        parts = [f"{count} {status}" for status, count in self.counts.items() if count]
        parts += [f"{self.before} done before"] if self.before else []
        speed = f", {self.speed:.2f} megapixels a second" if self.megapixels else ""
        say(console, f"{', '.join(parts) or 'nothing done'} in {self.seconds:.1f} s{speed}")
        self.write(report)
        if self.failed:
            raise typer.Exit(1)

    def write(self, report: Path | None) -> None:
        """Raises OutputError."""
        if report is not None:
            facts = {
                "counts": self.counts,
                "done_before": self.before,
                "seconds": round(self.seconds, 3),
                "megapixels": round(self.megapixels, 3),
                "failed": [asdict(each) for each in self.failed],
                "left_out": [path.as_posix() for path in self.left_out],
            }
            with atomic_write(report) as part:
                part.write_text(json.dumps(facts, indent=1) + "\n")
