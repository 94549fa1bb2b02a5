"""leapsr evaluate."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console
from rich.progress import track

from ..errors import UsageError
from . import terminal
from .shared import Device, Dtype, Suffix, enough_memory

if TYPE_CHECKING:
    from ..data.pairs import PairFolder
    from ..evaluation.benchmarks import Benchmark
    from ..metrics.table import Table
    from ..upscaling.settings import Settings

Number = TypeVar("Number", int, float)

What = Annotated[
    list[str],
    typer.Argument(
        metavar="WHAT",
        help="Names, folders or files of models, 'bicubic', 'lanczos', folders of results, or command lines "
        "with {in} and {out}.",
    ),
]
Pairs = Annotated[
    Path | None,
    typer.Option("--pairs", metavar="FOLDER", help="HR and LR, or pictures without reference."),
]
BenchmarkName = Annotated[
    str | None,
    typer.Option(
        "--benchmark",
        metavar="NAME",
        help="A test set of the papers, with its protocol; see leapsr benchmarks.",
    ),
]
Root = Annotated[
    Path | None,
    typer.Option(envvar="LEAPSR_BENCHMARKS", metavar="FOLDER", help="Where benchmarks lie."),
]
Fidelity = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Positions of the dial, as 0,0.5,1. Default: the model's own."),
]
Steps = Annotated[str | None, typer.Option(metavar="LIST", help="Numbers of steps, as 1,8,32. Default: 1.")]
Seeds = Annotated[
    str,
    typer.Option(
        "--seed", metavar="LIST", help="Of the noise, as 0, or 0-19: several give deviations and diversity."
    ),
]
SolverOption = Annotated[
    Literal["euler", "heun", "midpoint", "ralston", "rk45"] | None,
    typer.Option(
        "--solver",
        metavar="NAME",
        help="How a teacher's flow is followed: euler, heun, midpoint, ralston or rk45.",
        show_default="euler",
    ),
]
Guidance = Annotated[
    float | None,
    typer.Option(
        metavar="W",
        help="Of a teacher with labels: how far away from bad images. 1 is none.",
        show_default="the model's own",
    ),
]
Caption = Annotated[
    str | None, typer.Option(metavar="TEXT|none", help="What the photos show, for models that read text.")
]
Captioner = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="LLaVA 1.5 or Qwen2-VL, to caption each photo.")
]
TextEncoder = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="What encodes captions, if not the model's own base.")
]
Denoise = Annotated[str, typer.Option(metavar="auto|0..3", help="Noise to remove, as of 'leapsr upscale'.")]
Tile = Annotated[
    str,
    typer.Option("-t", "--tile", metavar="auto|PIXELS", help="Size of tiles, in source pixels; 0: no tiles."),
]
ColorFix = Annotated[
    Literal["auto", "wavelet", "adain", "none"],
    typer.Option("--color-fix", metavar="HOW", help="Colours of the source: auto, wavelet, adain, none."),
]
Offload = Annotated[
    bool, typer.Option("--offload", help="For small GPUs: hold only the part of the model in use.")
]
Metrics = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="As psnr_y,niqe; 'all'; 'default' is PSNR, SSIM, LR-PSNR, LPIPS, NIQE and grid artifact.",
    ),
]
Border = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="Pixels at each side that do not count.", show_default="the scale"),
]
Save = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Keep the pictures here; a second run makes only what is missing."),
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="FOLDER", help="Write tables, a sheet and plots into it."),
]
Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first N pictures.")]
Scale = Annotated[
    int | None,
    typer.Option(
        "-s",
        "--scale",
        min=1,
        metavar="N",
        help="Where no model says it.",
        show_default="the pairs' own, or 4",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(envvar="LEAPSR_WEIGHTS", metavar="FOLDER", help="Where the files are that metrics need."),
]
CaptionsOption = Annotated[
    Path | None,
    typer.Option(
        "--captions",
        metavar="FILE|FOLDER",
        help="A caption for each picture: .jsonl, .csv or .json, or a folder of .txt files.",
    ),
]
Baseline = Annotated[
    bool, typer.Option("--baseline/--no-baseline", help="Evaluate bicubic beside the others.")
]


@enough_memory()
def evaluate(
    what: What,
    pairs: Pairs = None,
    benchmark: BenchmarkName = None,
    root: Root = None,
    fidelity: Fidelity = None,
    steps: Steps = None,
    seed: Seeds = "0",
    solver: SolverOption = None,
    guidance: Guidance = None,
    caption: Caption = None,
    captioner: Captioner = None,
    captions: CaptionsOption = None,
    suffix: Suffix = "auto",
    text_encoder: TextEncoder = None,
    denoise: Denoise = "auto",
    tile: Tile = "auto",
    color_fix: ColorFix = "auto",
    metrics: Metrics = None,
    border: Border = None,
    save: Save = None,
    out: Out = None,
    limit: Limit = None,
    scale: Scale = None,
    weights: Weights = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    offload: Offload = False,
    baseline: Baseline = True,
) -> None:
    """Score models, folders of results and other programs on pairs of pictures.

    Models make what 'leapsr upscale' makes with the same options.
    One model: every number of steps at every position of its dial.
    Several models: each number of steps at fidelity 0, and each position
    in one step. The lines of what a model does not have stay empty.
    """
    counts = None if steps is None else numbers(steps, int, "--steps")
    positions = None if fidelity is None else numbers(fidelity, float, "--fidelity")
    seeds = numbers(seed, int, "--seed")
    if (pairs is None) == (benchmark is None):
        raise UsageError("Give --pairs FOLDER or --benchmark NAME, what to evaluate on.")
    with terminal.starting():
        from ..evaluation import benchmarks
        from ..evaluation.report import Look, write
        from ..evaluation.run import Evaluation
        from ..evaluation.subjects import Model, common_scale, named, read_subject
        from ..metrics import DEFAULT_METRICS, select, usable
        from ..metrics.runs import training
        from ..pictures.save_file import check_place
        from .upscale_options import LookOptions, ModelOptions

    options = LookOptions(
        steps=1, fidelity=None, seed=seeds[0], denoise=denoise, color_fix=color_fix, seamless=False,
        guidance=guidance, solver=solver, caption=caption, captioner=captioner, captions=captions,
        suffix=suffix, text_encoder=text_encoder,
    )  # fmt: skip
    settings: Settings = options.settings(ModelOptions(tile=tile).tile_side())
    known = None if benchmark is None else benchmarks.find(benchmark)
    usual = DEFAULT_METRICS if known is None else known.metrics
    asked_for = [name for part in (metrics or "default").split(",") for name in _listed(part, usual)]
    select(asked_for)  # a name that is none is said before models are loaded
    errors = Console(stderr=True)
    with errors.status("Loading"):
        subjects = named([read_subject(each, device, dtype, offload) for each in what])
    models = {name: subject for name, subject in subjects.items() if isinstance(subject, Model)}
    place, folder = _pictures(pairs, known, root, limit, common_scale(models), scale)
    if border is None:
        border = folder.scale if known is None else known.border
    evaluation = Evaluation(
        subjects, folder, border, seeds, settings, captions, save, limit is not None, watched
    )
    wanted, lacking = evaluation.wanted(asked_for)
    chosen, notes = usable(wanted, weights, folder.has_reference, len(seeds))
    notes = [*lacking, *notes]
    for note in notes:  # before the minutes that the rest takes
        terminal.say(errors, note)
    if out is not None:
        check_place(out / "results.csv")
    plan = evaluation.plan(counts, positions, baseline)
    look = Look()
    table = evaluation.run(plan, chosen, notes, look.observe)
    written: list[str] = []
    if out is not None:
        asked: dict[str, Any] = {"what": what, "pairs": str(place), "benchmark": benchmark}
        asked |= {"fidelity": positions, "steps": counts, **evaluation.as_dict()}
        runs = filter(None, (training(name, model.folder) for name, model in models.items()))
        unsaid = write(table, list(runs), out, asked, look, [] if known is None else known.published())
        written = [f"written: {', '.join(sorted(path.name for path in out.iterdir()))} in {out}", *unsaid]
    show(table, notes, written)


def _pictures(
    pairs: Path | None,
    known: "Benchmark | None",
    root: Path | None,
    limit: int | None,
    of_models: int | None,
    given: int | None,
) -> "tuple[Path, PairFolder]":
    """The folder and what lies in it. of_models, given: scales. Raises UsageError, DataError."""
    from ..data.pairs import read_pairs
    from ..evaluation.benchmarks import root_folder

    if known is None:
        assert pairs is not None
        return pairs, read_pairs(pairs, of_models or given, limit)
    if of_models not in (None, known.scale):
        raise UsageError(f"{known.name} is x{known.scale}, and the models are x{of_models}.")
    place = root_folder(root)
    return known.place(place), known.pairs(place, limit)


def _listed(part: str, defaults: Sequence[str]) -> Sequence[str]:
    return defaults if part == "default" else [part]


def numbers(listed: str, kind: Callable[[str], Number], option: str) -> list[Number]:
    """Whole numbers may be a range, as 0-19. Raises UsageError for anything else with commas between."""
    found: list[Number] = []
    try:
        for part in listed.split(","):
            span = re.fullmatch(r"(\d+)-(\d+)", part.strip()) if kind is int else None
            if span is None:
                found.append(kind(part))
            else:
                found += map(kind, map(str, range(int(span[1]), int(span[2]) + 1)))
    except ValueError:
        found = []
    if not found:
        raise UsageError(f"{option} takes numbers with commas between them, as 0,1, not '{listed}'.")
    return list(dict.fromkeys(found))


def watched(things: Iterable[Any], doing: str, total: int) -> Iterable[Any]:
    """The same, with a bar on terminals while they are walked."""
    console = Console(stderr=True)
    return track(things, doing, total, console=console, transient=True, disable=not console.is_terminal)


def show(table: "Table", said: Sequence[str] = (), after: Sequence[str] = ()) -> None:
    """The summary, and on standard error what it lacks; with failures it ends the command with code 1.

    said: notes that have been told before. after: sentences to follow them.
    """
    from ..metrics.report import differences, text

    summary, console, errors = text(table), Console(), Console(stderr=True)
    needed = Console(width=1000).measure(summary).maximum
    # On a narrow terminal, lines that wrap are better than the numbers that rich would cut.
    Console(width=max(console.width, needed)).print(summary)
    for line in differences(table):
        terminal.say(console, line)
    for note in [*(note for note in table.notes if note not in said), *after]:
        terminal.say(errors, note)
    if table.failures:
        terminal.say(errors, f"{len(table.failures)} failed:", "bold red")
        for failure in table.failures:
            terminal.say(errors, failure)
        raise typer.Exit(1)
