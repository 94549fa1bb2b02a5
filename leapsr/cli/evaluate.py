"""leapsr evaluate."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console
from rich.progress import track

from ..errors import UsageError, optional

if TYPE_CHECKING:
    from ..data.pairs import Pair, PairFolder
    from ..methods.restore import Solver
    from ..metrics import Metric
    from ..metrics.choose import Choice
    from ..metrics.evaluate import Table
    from ..metrics.sheet import Sheet
    from ..metrics.trial import Trial
    from ..restorer import Restorer

BICUBIC = "bicubic"
DEFAULT = "default"

Number = TypeVar("Number", int, float)

Model = Annotated[str, typer.Argument(help="Name or folder of a model, or 'bicubic'.")]
Pairs = Annotated[Path, typer.Argument(help="Folder with HR and LR, or pictures without reference.")]
Fidelity = Annotated[
    str | None, typer.Option(help="Positions of the dial, as 0,0.5,1. Default: the model's.")
]
Steps = Annotated[
    str, typer.Option(help="Numbers of steps, as 1,8,32; one evaluation each, or the solver's.")
]
SolverOption = Annotated[
    Literal["euler", "heun", "midpoint", "ralston", "rk45"] | None,
    typer.Option("--solver", help="How a teacher's flow is followed. Default: euler."),
]
Guidance = Annotated[
    float, typer.Option(min=0, help="Of a teacher with labels: how far away from bad images. 1 is none.")
]
Straightness = Annotated[
    bool, typer.Option("--straightness", help="Say how far a teacher's flow is from straight lines.")
]
Choose = Annotated[
    str | None,
    typer.Option(
        help="Find the position of the dial: a target, as psnr_y=25 or lpips_squeeze=0.3, or 'best'."
    ),
]
Write = Annotated[bool, typer.Option("--write", help="Make what --choose finds the model's default.")]
Metrics = Annotated[
    str, typer.Option(help="As psnr_y,niqe; 'default': PSNR, SSIM, LR-PSNR, LPIPS, NIQE; or 'all'.")
]
Border = Annotated[
    int | None, typer.Option(min=0, help="Pixels of each side that do not count. Default: the scale.")
]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Folder for the table, sheet and plot.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many pictures.")]
Scale = Annotated[int, typer.Option("-s", "--scale", min=1, help="For 'bicubic'; a model knows its own.")]
Weights = Annotated[
    Path | None, typer.Option(envvar="LEAPSR_WEIGHTS", help="Folder of the files that metrics need.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Dtype = Annotated[Literal["auto", "fp32", "bf16", "fp16"], typer.Option(help="Precision.")]
Seed = Annotated[int, typer.Option(help="Of the noise that results start from.")]
Baseline = Annotated[
    bool, typer.Option("--baseline/--no-baseline", help="Evaluate bicubic beside the model.")
]


def evaluate(
    model: Model,
    pairs: Pairs,
    fidelity: Fidelity = None,
    steps: Steps = "1",
    solver: SolverOption = None,
    guidance: Guidance = 1.0,
    straightness: Straightness = False,
    choose: Choose = None,
    write: Write = False,
    metrics: Metrics = DEFAULT,
    border: Border = None,
    out: Out = None,
    limit: Limit = None,
    scale: Scale = 4,
    weights: Weights = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    seed: Seed = 0,
    baseline: Baseline = True,
) -> None:
    """Score a model on pairs of pictures, at every position of its dial and number of steps asked for."""
    positions = None if fidelity is None else numbers(fidelity, float, "--fidelity")
    counts = numbers(steps, int, "--steps")
    _check_goal(choose, write, counts, positions)
    folder, restorer = (None, None) if model == BICUBIC else load(model, device, dtype)
    trial = _trial(
        folder, restorer, read_pairs(pairs, restorer, scale, limit), border, seed, solver, guidance
    )
    chosen, notes = usable(metrics, weights, trial.pairs)
    _check_work(trial, folder, counts, positions, straightness, choose, write)
    check_out(out, plot=positions is not None and len(positions) > 1)
    choice = None if choose is None else trial.choice(choose, counts[0], weights)
    positions = positions if choice is None else [choice.fidelity]
    straight = trial.straightness() if straightness else None
    sheet = _sheet()
    table = trial.run(trial.restorers(counts, positions, baseline), chosen, notes, sheet.observe)
    show(table)
    _conclude(choose, choice, straight, counts[0], folder if write else None)
    if out is not None:
        asked = {"model": model, "pairs": str(pairs), "fidelity": positions, "steps": counts}
        found = {"choose": choose, "tried": choice and choice.tried, "straightness": straight}
        _write(table, sheet, out, asked | trial.as_dict() | found)


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
    from .. import catalog
    from ..restorer import Restorer
    from ..upscale.devices import choose_device, choose_dtype

    folder, where = catalog.find(model), choose_device(device)
    return folder, Restorer.from_pretrained(folder, where, choose_dtype(dtype, where))


def read_pairs(folder: Path, restorer: "Restorer | None", scale: int, limit: int | None) -> "PairFolder":
    from ..data import pairs

    return pairs.read_pairs(folder, scale if restorer is None else restorer.scale, limit)


def usable(listed: str, weights: Path | None, pairs: "PairFolder") -> "tuple[dict[str, Metric], list[str]]":
    """See `metrics.selection.usable`."""
    from ..metrics import DEFAULT_METRICS, selection

    parts = (DEFAULT_METRICS if part == DEFAULT else [part] for part in listed.split(","))
    names = [name for part in parts for name in part]
    return selection.usable(names, weights, pairs.has_reference)


def check_out(out: Path | None, plot: bool) -> None:
    """Before the work. Raises OutputError, and MissingExtra where a plot needs a library."""
    from ..upscale.saving import check_place

    if out is not None:
        check_place(out / "results.csv")
        if plot:
            optional("matplotlib.figure", "plots")


def watched(pairs: "Iterable[Pair]", doing: str) -> "Iterable[Pair]":
    """The same pairs, with a bar on terminals while they are walked."""
    console = Console(stderr=True)
    return track(pairs, doing, console=console, transient=True, disable=not console.is_terminal)


def show(table: "Table") -> None:
    """The summary, and on standard error what it lacks."""
    from ..metrics.report import text

    summary, console = text(table), Console()
    needed = Console(width=1000).measure(summary).maximum
    # On a narrow terminal, lines that wrap are better than the numbers that rich would cut.
    Console(width=max(console.width, needed)).print(summary)
    for note in table.notes:
        say(note, error=True)


def say(line: str, error: bool = False) -> None:
    Console(stderr=error).print(line, markup=False, highlight=False, soft_wrap=True)


def _trial(
    folder: Path | None,
    restorer: "Restorer | None",
    pairs: "PairFolder",
    border: int | None,
    seed: int,
    solver: "Solver | None",
    guidance: float,
) -> "Trial":
    from ..metrics.comparison import labels
    from ..metrics.trial import Trial

    name = BICUBIC if folder is None else labels([folder])[0]
    margin = pairs.scale if border is None else border
    return Trial(name, restorer, pairs, margin, seed, solver, guidance, watched)


def _check_goal(choose: str | None, write: bool, counts: list[int], positions: list[float] | None) -> None:
    """Raises UsageError for options that exclude each other and for a goal that is none."""
    from ..metrics.choose import parse

    if choose is None and write:
        raise UsageError("--write needs --choose, which finds the position to write.")
    if choose is not None:
        parse(choose)
        if positions is not None:
            raise UsageError("Give --choose or --fidelity, not both: --choose finds the fidelity.")
        if len(counts) > 1:
            raise UsageError("--choose takes one number of --steps, because each has a dial of its own.")


def _check_work(
    trial: "Trial",
    folder: Path | None,
    counts: list[int],
    positions: list[float] | None,
    straightness: bool,
    choose: str | None,
    write: bool,
) -> None:
    """Raises UsageError for what this model cannot do, and what may not be done to it."""
    from ..metrics.default_fidelity import check_writable

    trial.restorers(counts, positions, baseline=False)
    if trial.solver is not None:
        trial.model(f"the solver {trial.solver}")
    if straightness:
        trial.check_flow()
    if choose is not None:
        trial.check_dial(counts[0])
    if write and folder is not None:
        check_writable(folder)


def _sheet() -> "Sheet":
    from ..metrics.sheet import Sheet

    return Sheet()


def _conclude(
    goal: str | None, choice: "Choice | None", straight: float | None, steps: int, folder: Path | None
) -> None:
    """Say what was found and how to use it; make it the default of `folder`, if any. Raises OutputError."""
    from ..metrics.default_fidelity import write_default
    from ..metrics.report import printed

    if straight is not None:
        say(f"straightness {straight:.4g} (0: one step equals many)")
    if choice is None:
        return
    scores = ", ".join(f"{name} {printed(score)}" for name, score in choice.scores.items())
    options = (
        f"--fidelity {choice.fidelity:g}" if steps == 1 else f"--steps {steps} --fidelity {choice.fidelity:g}"
    )
    say(f"{goal}: fidelity {choice.fidelity:g} ({scores}). Use it with {options}.")
    if folder is not None:
        write_default(folder, choice.fidelity)
        say(f"It is now the default of {folder}.")


def _write(table: "Table", sheet: "Sheet", out: Path, settings: dict[str, Any]) -> None:
    """Raises OutputError."""
    from ..metrics.dial import save_dial
    from ..metrics.report import all_or_nothing, write_csv, write_json

    with all_or_nothing(out / "sheet.png"):
        out.mkdir(parents=True, exist_ok=True)
        sheet.draw().save(out / "sheet.png")
    write_csv(table, out / "results.csv")
    write_json(table, out / "results.json", settings)
    if len({setting.fidelity for setting in table.settings} - {None}) > 1:
        save_dial(table, out / "dial.png")
