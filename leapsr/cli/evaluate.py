"""leapsr evaluate."""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer
from rich.console import Console
from rich.progress import track

from ..errors import UsageError
from . import terminal
from .shared import Device, Dtype, Suffix, enough_memory, suffix_of

if TYPE_CHECKING:
    from ..data.pairs import Pair
    from ..metrics.table import Table
    from ..restorer import Restorer

Number = TypeVar("Number", int, float)

Models = Annotated[
    list[str], typer.Argument(metavar="MODEL", help="Names, folders or files of models, or 'bicubic'.")
]
Pairs = Annotated[
    Path, typer.Argument(metavar="PAIRS", help="Folder with HR and LR, or pictures without reference.")
]
Fidelity = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="Positions of the dial, as 0,0.5,1. Default: the model's own, or quarters for several models.",
    ),
]
Steps = Annotated[
    str | None,
    typer.Option(
        metavar="LIST", help="Numbers of steps, as 1,8,32. Default: 1, or 1,2,4,8 for several models."
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
        min=0,
        metavar="W",
        help="Of a teacher with labels: how far away from bad images. 1 is none.",
        show_default="the model's own",
    ),
]
Straightness = Annotated[
    bool, typer.Option("--straightness", help="Measure how far a teacher's flow is from straight lines.")
]
Metrics = Annotated[
    str,
    typer.Option(
        metavar="LIST",
        help="As psnr_y,niqe; 'all'; 'default' is PSNR, SSIM, LR-PSNR, LPIPS, NIQE and grid artifact.",
    ),
]
Border = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="Pixels at each side that do not count.", show_default="the scale"),
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="FOLDER", help="Write tables, a sheet and a plot into it."),
]
Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first N pictures.")]
Scale = Annotated[
    int,
    typer.Option("-s", "--scale", min=1, metavar="N", help="Of bicubic alone; a model knows its own."),
]
Weights = Annotated[
    Path | None,
    typer.Option(envvar="LEAPSR_WEIGHTS", metavar="FOLDER", help="Where the files are that metrics need."),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Of the noise that results start from.")]
CaptionsOption = Annotated[
    Path | None,
    typer.Option(
        "--captions",
        metavar="FILE|FOLDER",
        help="A caption for each picture: .jsonl, .csv or .json, or a folder of .txt files.",
    ),
]
TextEncoder = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Base model that encodes captions, if not the model's own."),
]
Baseline = Annotated[
    bool, typer.Option("--baseline/--no-baseline", help="Evaluate bicubic beside the models.")
]


@enough_memory()
def evaluate(
    models: Models,
    pairs: Pairs,
    fidelity: Fidelity = None,
    steps: Steps = None,
    solver: SolverOption = None,
    guidance: Guidance = None,
    straightness: Straightness = False,
    metrics: Metrics = "default",
    border: Border = None,
    out: Out = None,
    limit: Limit = None,
    scale: Scale = 4,
    weights: Weights = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    seed: Seed = 0,
    baseline: Baseline = True,
    captions: CaptionsOption = None,
    suffix: Suffix = "auto",
    text_encoder: TextEncoder = None,
) -> None:
    """Score models on pairs of pictures and show the means in one table.

    One model: every number of steps at every position of its dial.
    Several models: each number of steps at fidelity 0, and each position
    in one step. The lines of what a model does not have stay empty.
    """
    with terminal.starting():
        from ..data.pairs import read_pairs
        from ..metrics import DEFAULT_METRICS, usable
        from ..metrics.evaluation import Captioned, Evaluation, common_scale, labels, write
        from ..metrics.runs import training
        from ..metrics.sheet import Sheet
        from ..metrics.table import BICUBIC
        from ..pictures.save_file import check_place

    named = [model for model in models if model != BICUBIC]
    several = len(named) > 1
    counts = numbers(steps or ("1,2,4,8" if several else "1"), int, "--steps")
    if fidelity is None and several:
        fidelity = "0,0.25,0.5,0.75,1"
    positions = None if fidelity is None else numbers(fidelity, float, "--fidelity")
    if guidance is not None and not math.isfinite(guidance):
        raise UsageError(f"--guidance takes a finite number, as 3, not {guidance}.")
    loaded = [load(model, device, dtype) for model in named]
    names = labels([folder for folder, _ in loaded])
    restorers = {name: restorer for name, (_, restorer) in zip(names, loaded, strict=True)}
    folder = read_pairs(pairs, common_scale(restorers) if restorers else scale, limit)
    border = folder.scale if border is None else border
    if captions is None and (suffix != "auto" or text_encoder is not None):
        raise UsageError("--suffix and --text-encoder are for captions: give --captions too.")
    asked = None if captions is None else Captioned(captions, text_encoder, suffix_of(suffix))
    evaluation = Evaluation(restorers, folder, border, seed, solver, guidance, watched, asked)
    wanted = (DEFAULT_METRICS if part == "default" else [part] for part in metrics.split(","))
    chosen, notes = usable([name for part in wanted for name in part], weights, folder.has_reference)
    evaluation.check(counts, positions, straightness)
    for note in notes:  # before the minutes that the rest takes
        terminal.say(Console(stderr=True), note)
    if out is not None:
        check_place(out / "results.csv")
    if several:
        plan = evaluation.comparison(counts, positions or [], baseline)
    else:
        plan = evaluation.combinations(counts, positions, baseline)
    straight = evaluation.straightness() if straightness else None
    sheet = Sheet()
    table = evaluation.run(plan, chosen, notes, sheet.observe)
    unsaid: list[str] = []
    if out is not None:
        given = {"models": models, "pairs": str(pairs), "fidelity": positions, "steps": counts}
        runs = [training(name, place) for name, (place, _) in zip(names, loaded, strict=True)]
        settings = given | evaluation.as_dict() | {"straightness": straight}
        unsaid = write(table, [run for run in runs if run is not None], out, settings, sheet)
    show(table, notes)
    if out is not None:
        terminal.say(
            Console(stderr=True),
            f"written: {', '.join(sorted(path.name for path in out.iterdir()))} in {out}",
        )
    for note in unsaid:
        terminal.say(Console(stderr=True), note)
    if straight is not None:
        terminal.say(Console(), f"straightness {straight:.4g} (0: one step equals many)")


def numbers(listed: str, kind: Callable[[str], Number], option: str) -> list[Number]:
    """Raises UsageError for anything but numbers with commas between them."""
    try:
        return list(dict.fromkeys(kind(part) for part in listed.split(",")))
    except ValueError:
        raise UsageError(
            f"{option} takes numbers with commas between them, as 0,1, not '{listed}'."
        ) from None


def load(model: str, device: str, dtype: str) -> "tuple[Path, Restorer]":
    """A model by name or folder, and that folder."""
    from ..hub import catalog
    from ..upscaling.upscaler import Upscaler

    folder = catalog.find(model)
    return folder, Upscaler.from_pretrained(folder, device, dtype).restorer


def watched(pairs: "Iterable[Pair]", doing: str) -> "Iterable[Pair]":
    """The same pairs, with a bar on terminals while they are walked."""
    console = Console(stderr=True)
    return track(pairs, doing, console=console, transient=True, disable=not console.is_terminal)


def show(table: "Table", said: Sequence[str] = ()) -> None:
    """The summary, and on standard error what it lacks. said: notes that have been told before."""
    from ..metrics.report import text

    summary, console = text(table), Console()
    needed = Console(width=1000).measure(summary).maximum
    # On a narrow terminal, lines that wrap are better than the numbers that rich would cut.
    Console(width=max(console.width, needed)).print(summary)
    for note in table.notes:
        if note not in said:
            terminal.say(Console(stderr=True), note)
