"""leapsr upscale."""

import json
import logging
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..catalog import CONFIG
from ..errors import LeapsrError, UsageError

if TYPE_CHECKING:
    from ..upscale.batch import Existing, Outcome
    from ..upscale.jobs import Job
    from ..upscale.upscaler import Progress as TileProgress

    Begin = Callable[[Job], TileProgress]

SIZE, MODEL, LOOK, FILES = "Size", "Model", "Look", "Files"

Inputs = Annotated[list[Path], typer.Argument(metavar="IN", help="Pictures and folders of pictures.")]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="File or folder of the results; beside the source by default."),
]
Scale = Annotated[
    float | None, typer.Option("-s", "--scale", help="Factor, such as 4 or 2.5.", rich_help_panel=SIZE)
]
Width = Annotated[int | None, typer.Option("--width", help="Pixels.", rich_help_panel=SIZE)]
Height = Annotated[int | None, typer.Option("--height", help="Pixels.", rich_help_panel=SIZE)]
LongSide = Annotated[int | None, typer.Option("--long-side", help="Pixels.", rich_help_panel=SIZE)]
ShortSide = Annotated[int | None, typer.Option("--short-side", help="Pixels.", rich_help_panel=SIZE)]
Megapixels = Annotated[float | None, typer.Option("--megapixels", help="Area.", rich_help_panel=SIZE)]
Model = Annotated[
    str | None, typer.Option("-n", "--model", help="Name or folder of a model.", rich_help_panel=MODEL)
]
ModelDir = Annotated[
    Path | None,
    typer.Option("-m", "--model-dir", help="Folder of model folders, or one.", rich_help_panel=MODEL),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.", rich_help_panel=MODEL)]
Dtype = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"], typer.Option("--dtype", help="Precision.", rich_help_panel=MODEL)
]
Tile = Annotated[
    str, typer.Option("-t", "--tile", help="auto, pixels, or 0 for the whole picture.", rich_help_panel=MODEL)
]
Steps = Annotated[int, typer.Option("--steps", help="Network evaluations.", rich_help_panel=LOOK)]
Fidelity = Annotated[
    float | None, typer.Option("--fidelity", help="0 most detail ... 1 most faithful.", rich_help_panel=LOOK)
]
Seed = Annotated[
    int, typer.Option("--seed", help="Another number, other invented detail.", rich_help_panel=LOOK)
]
ColorFix = Annotated[
    Literal["auto", "wavelet", "adain", "none"],
    typer.Option("--color-fix", help="Give the result the source's colours.", rich_help_panel=LOOK),
]
Format = Annotated[
    Literal["auto", "png", "jpg", "webp", "avif", "tiff"],
    typer.Option("-f", "--format", help="auto keeps the source's.", rich_help_panel=FILES),
]
Quality = Annotated[
    int, typer.Option("-q", "--quality", min=1, max=100, help="Of JPEG, WebP, AVIF.", rich_help_panel=FILES)
]
BitDepth = Annotated[
    Literal["auto", "8", "16"],
    typer.Option("--bit-depth", help="auto keeps the source's.", rich_help_panel=FILES),
]
Strip = Annotated[
    bool,
    typer.Option("--strip-metadata", help="Keep the colour profile only.", rich_help_panel=FILES),
]
Recursive = Annotated[bool, typer.Option("--recursive", help="Sub-folders too.", rich_help_panel=FILES)]
Skip = Annotated[
    bool, typer.Option("--skip-existing", help="Leave results that are there.", rich_help_panel=FILES)
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that are there.", rich_help_panel=FILES)
]
Json = Annotated[
    bool, typer.Option("--json", help="Report as JSON on standard output.", rich_help_panel=FILES)
]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say more.", rich_help_panel=FILES)]


_DEPTHS: dict[str, Literal[8, 16] | None] = {"auto": None, "8": 8, "16": 16}


def upscale(
    inputs: Inputs,
    out: Out = None,
    scale: Scale = None,
    width: Width = None,
    height: Height = None,
    long_side: LongSide = None,
    short_side: ShortSide = None,
    megapixels: Megapixels = None,
    model: Model = None,
    model_dir: ModelDir = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    tile: Tile = "auto",
    steps: Steps = 1,
    fidelity: Fidelity = None,
    seed: Seed = 0,
    color_fix: ColorFix = "auto",
    file_format: Format = "auto",
    quality: Quality = 95,
    bit_depth: BitDepth = "auto",
    strip_metadata: Strip = False,
    recursive: Recursive = False,
    skip_existing: Skip = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make pictures larger and cleaner; results are called NAME_x4 and never replace their source."""
    console = Console(stderr=True)
    _log_to(console, verbose)
    from ..upscale import batch, jobs
    from ..upscale.sizes import Target
    from ..upscale.upscaler import Settings, Upscaler

    target = Target(scale, width, height, long_side, short_side, megapixels)
    settings = Settings(steps, fidelity, seed, _tile(tile), color_fix)
    depth = _DEPTHS[bit_depth]
    options = batch.Options(
        target, settings, _existing(skip_existing, overwrite), quality, depth, strip_metadata
    )
    name, place = _model(model, model_dir)
    upscaler = Upscaler.from_pretrained(name, device, dtype, place)
    plan = jobs.plan(
        inputs, out, target.label(upscaler.restorer.scale), jobs.FORMATS.get(file_format), recursive
    )
    for path in plan.ours:
        _say(console, f"{path}: left out, because its name says that leapsr made it.")
    _work_through(console, plan.jobs, partial(batch.run, plan.jobs, upscaler, options), as_json, verbose)


def _existing(skip: bool, overwrite: bool) -> "Existing":
    if skip and overwrite:
        raise UsageError("Give --skip-existing or --overwrite, not both.")
    return "skip" if skip else "overwrite" if overwrite else "refuse"


def _tile(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise UsageError(f"--tile is auto, 0 for the whole picture, or a number of pixels, not '{text}'.")
    return int(text)


def _model(name: str | None, model_dir: Path | None) -> tuple[str | Path | None, Path | None]:
    """The model, and where to look for its name: -m without -n may be a model folder itself."""
    if name is None and model_dir is not None and (model_dir / CONFIG).is_file():
        return model_dir, None
    return name, model_dir


class _ToConsole(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        _say(self.console, record.getMessage())


def _log_to(console: Console, verbose: bool) -> None:
    """Notices of the library pass by the progress bar; those of Pillow about odd EXIF data are dropped."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logger = logging.getLogger("leapsr")
    logger.handlers = [_ToConsole(console)]
    logger.setLevel(logging.INFO if verbose else logging.WARNING)


@contextmanager
def _bar(console: Console, files: int) -> Iterator["Begin"]:
    """A bar over all files, on terminals only. Yields what gives each job the callback for its tiles."""
    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=files)
        begun = -1

        def begin(job: "Job") -> "TileProgress":
            nonlocal begun
            begun += 1
            bar.update(task, description=job.source.name, completed=begun)
            return lambda done, total: bar.update(task, completed=begun + done / total)

        yield begin


def _work_through(
    console: Console,
    jobs: "Sequence[Job]",
    run: "Callable[[Begin], Iterable[Outcome]]",
    as_json: bool,
    verbose: bool,
) -> None:
    """Let the work happen and report it, also when it is interrupted. Exits with 1 when some of it failed."""
    outcomes: list[Outcome] = []
    try:
        with _bar(console, len(jobs)) as begin:
            for outcome in run(begin):
                outcomes.append(outcome)
                _tell(console, outcome, verbose)
    finally:
        if outcomes or not isinstance(sys.exception(), LeapsrError):  # the error says it all otherwise
            _report(console, outcomes, as_json)
    if any(outcome.status == "failed" for outcome in outcomes):
        raise typer.Exit(1)


def _tell(console: Console, outcome: "Outcome", verbose: bool) -> None:
    if outcome.status == "failed":
        _say(console, f"error: {outcome.message}", style="red")
    elif outcome.status == "copied" or (verbose and outcome.message):
        _say(console, outcome.message)
    elif verbose:
        _say(console, f"{outcome.job.source} -> {outcome.job.output}  {outcome.seconds:.1f} s")


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _report(console: Console, outcomes: list["Outcome"], as_json: bool) -> None:
    counts = Counter(outcome.status for outcome in outcomes)
    parts = [
        f"{counts[status]} {status}" for status in ("done", "copied", "skipped", "failed") if counts[status]
    ]
    seconds = sum(outcome.seconds for outcome in outcomes)
    only = f": {outcomes[0].job.output}" if [outcome.status for outcome in outcomes] == ["done"] else ""
    _say(console, f"{', '.join(parts) or 'nothing done'} in {seconds:.1f} s{only}")
    if as_json:
        typer.echo(
            json.dumps({"counts": counts, "results": [_as_dict(outcome) for outcome in outcomes]}, indent=2)
        )


def _as_dict(outcome: "Outcome") -> dict[str, str | float]:
    return {
        "source": str(outcome.job.source),
        "output": str(outcome.job.output),
        "status": outcome.status,
        "message": outcome.message,
        "seconds": round(outcome.seconds, 3),
    }
