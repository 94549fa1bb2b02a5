"""leapsr evaluate."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..errors import UsageError
from .scoring import (
    DEFAULT,
    Border,
    Device,
    Dtype,
    Limit,
    Seed,
    Weights,
    check_out,
    enough_memory,
    load,
    numbers,
    read_pairs,
    say,
    show,
    usable,
    watched,
)

if TYPE_CHECKING:
    from ..data.pairs import PairFolder
    from ..methods.restore import Solver
    from ..metrics.choose import Choice
    from ..metrics.trial import Trial
    from ..restorer import Restorer

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
    float | None,
    typer.Option(
        min=0,
        help="Of a teacher with labels: how far away from bad images. 1 is none.",
        show_default="the model's own",
    ),
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
    str, typer.Option(help="As psnr_y,niqe; 'default': PSNR, SSIM, LR-PSNR, LPIPS, NIQE, mesh; or 'all'.")
]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Folder for the table, sheet and plot.")]
Scale = Annotated[int, typer.Option("-s", "--scale", min=1, help="For 'bicubic'; a model knows its own.")]
Baseline = Annotated[
    bool, typer.Option("--baseline/--no-baseline", help="Evaluate bicubic beside the model.")
]


@enough_memory()
def evaluate(
    model: Model,
    pairs: Pairs,
    fidelity: Fidelity = None,
    steps: Steps = "1",
    solver: SolverOption = None,
    guidance: Guidance = None,
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
    from ..metrics import trial as trials
    from ..metrics.default_fidelity import check_writable, write_default
    from ..metrics.sheet import Sheet

    positions = None if fidelity is None else numbers(fidelity, float, "--fidelity")
    counts = numbers(steps, int, "--steps")
    _check_options(choose, write, counts, positions, guidance)
    folder, restorer = (None, None) if model == trials.BICUBIC else load(model, device, dtype)
    trial = _trial(
        folder, restorer, read_pairs(pairs, restorer, scale, limit), border, seed, solver, guidance
    )
    chosen, notes = usable(metrics, weights, trial.pairs)
    trial.check(counts, positions, straightness, dial=choose is not None)
    if write and folder is not None:
        check_writable(folder)
    check_out(out, plot=positions is not None and len(positions) > 1)
    choice = None if choose is None else trial.choice(choose, counts[0], weights)
    positions = positions if choice is None else [choice.fidelity]
    straight = trial.straightness() if straightness else None
    sheet = Sheet()
    table = trial.run(trial.restorers(counts, positions, baseline), chosen, notes, sheet.observe)
    if out is not None:
        asked = {"model": model, "pairs": str(pairs), "fidelity": positions, "steps": counts}
        found = {"choose": choose, "tried": choice and choice.tried, "straightness": straight}
        trials.write(table, sheet, out, asked | trial.as_dict() | found)
    if write and folder is not None and choice is not None:
        write_default(folder, choice.fidelity)
    show(table)
    _conclude(choose, choice, straight, counts[0])
    if write:
        say(f"It is now the default of {folder}.")


def _trial(
    folder: Path | None,
    restorer: "Restorer | None",
    pairs: "PairFolder",
    border: int | None,
    seed: int,
    solver: "Solver | None",
    guidance: float | None,
) -> "Trial":
    from ..metrics.comparison import labels
    from ..metrics.trial import BICUBIC, Trial

    name = BICUBIC if folder is None else labels([folder])[0]
    margin = pairs.scale if border is None else border
    return Trial(name, restorer, pairs, margin, seed, solver, guidance, watched)


def _check_options(
    choose: str | None, write: bool, counts: list[int], positions: list[float] | None, guidance: float | None
) -> None:
    """Raises UsageError for options that exclude each other and for values that are none."""
    from ..metrics.choose import parse

    if guidance is not None and not math.isfinite(guidance):
        raise UsageError(f"--guidance takes a finite number, as 3, not {guidance}.")
    if choose is None and write:
        raise UsageError("--write needs --choose, which finds the position to write.")
    if choose is not None:
        parse(choose)
        if positions is not None:
            raise UsageError("Give --choose or --fidelity, not both: --choose finds the fidelity.")
        if len(counts) > 1:
            raise UsageError("--choose takes one number of --steps, because each has a dial of its own.")


def _conclude(goal: str | None, choice: "Choice | None", straight: float | None, steps: int) -> None:
    """Say what was found and how to use it."""
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
