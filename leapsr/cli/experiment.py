"""leapsr experiment."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import UsageError
from . import terminal
from .shared import Device, Dtype

COMPLEXITY = "complexity"

Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="Of an experiment; without it they are listed.")
]
Models = Annotated[
    list[str] | None, typer.Argument(metavar="MODEL", help="Names, folders or files of models.")
]
Pairs = Annotated[Path | None, typer.Option(metavar="FOLDER", help="What is evaluated on: HR and LR.")]
BenchmarkName = Annotated[
    str | None, typer.Option("--benchmark", metavar="NAME", help="Or a test set by name.")
]
Root = Annotated[
    Path | None, typer.Option(envvar="LEAPSR_BENCHMARKS", metavar="FOLDER", help="Where benchmarks lie.")
]
Photos = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Clean photos, where models are trained.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "-o", "--out", metavar="FOLDER", help="Of all cells; a second run goes on.", show_default="out/NAME"
    ),
]
Scale = Annotated[
    str, typer.Option(metavar="NAME", help="Of recipes: tiny, small, or sd35 of the papers' own.")
]
Recipe = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Whole name, such as smfsr_sd35_refine, of what cells train."),
]
Teacher = Annotated[
    str | None, typer.Option(metavar="MODEL", help="Of all students.", show_default="trained first")
]
Start = Annotated[
    str | None, typer.Option("--from", metavar="MODEL", help="Student that second stages begin with.")
]
Setting = Annotated[list[str] | None, typer.Option("--set", help="A field of every training: path=value.")]
Jobs = Annotated[int, typer.Option(min=1, metavar="N", help="Cells at a time.")]
Metrics = Annotated[str | None, typer.Option(metavar="LIST", help="As of leapsr evaluate.")]
Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first N pictures.")]
Weights = Annotated[
    Path | None,
    typer.Option(envvar="LEAPSR_WEIGHTS", metavar="FOLDER", help="Where the files are that metrics need."),
]
Captioner = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Of the experiment 'prompts'.")]
Side = Annotated[int, typer.Option(min=1, metavar="N", help="Of the small picture of 'complexity'.")]


def experiment(
    name: Name = None,
    models: Models = None,
    pairs: Pairs = None,
    benchmark: BenchmarkName = None,
    root: Root = None,
    photos: Photos = None,
    out: Out = None,
    scale: Scale = "tiny",
    recipe: Recipe = None,
    teacher: Teacher = None,
    start: Start = None,
    settings: Setting = None,
    jobs: Jobs = 1,
    metrics: Metrics = None,
    limit: Limit = None,
    weights: Weights = None,
    captioner: Captioner = None,
    side: Side = 128,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Do an experiment of the papers: every training and evaluation of it, resumed, in one report.

    Evaluations are of the models that are named; trainings make their own, from photos, at any scale.
    """
    with terminal.starting():
        from ..experiments import sweeps

    console, errors = Console(), Console(stderr=True)
    if name is None:
        rows = [
            (each.name, "evaluates" if each.recipe is None else "trains", each.title, each.papers)
            for each in map(sweeps.find, sweeps.names())
        ]
        facts = ("parameters, MACs, seconds, memory", "SMFSR, table 2; OFTSR, tables 9 and 10")
        rows.append((COMPLEXITY, "measures", *facts))
        console.print(terminal.table(("name", "kind", "what", "as in"), rows))
        return
    if name == COMPLEXITY:
        _complexity(models or [], side, device, dtype)
        return
    sweep = sweeps.find(name)
    if (pairs is None) == (benchmark is None):
        raise UsageError("Give --pairs FOLDER or --benchmark NAME, what to evaluate on.")
    given = {
        "--pairs": pairs, "--benchmark": benchmark, "--root": root, "--metrics": metrics, "--limit": limit,
        "--weights": weights, "--device": None if device == "auto" else device,
        "--dtype": None if dtype == "auto" else dtype,
    }  # fmt: skip
    on = [word for option, value in given.items() if value is not None for word in (option, str(value))]
    said: list[str] = []

    def say(sentence: str) -> None:
        said.append(sentence)
        terminal.say(errors, sentence)

    work = sweeps.Work(
        out or Path("out") / name,
        on,
        models or [],
        photos,
        teacher,
        start,
        scale,
        recipe,
        settings or [],
        jobs,
        captioner,
        say,
    )
    table = sweeps.run(sweep, work)
    from .evaluate import show

    show(table, said, [f"written: {work.out / 'report.html'}"])


def _complexity(models: list[str], side: int, device: str, dtype: str) -> None:
    from ..experiments.complexity import measure

    if not models:
        raise UsageError("Name the models that are to be measured.")
    rows = []
    for model in models:
        cost = measure(model, side, device=device, dtype=dtype)
        millions = (f"{count / 1e6:.2f}" for count in (cost.parameters, cost.trainable, cost.autoencoder))
        amounts = (f"{cost.macs / 1e9:.2f}", f"{cost.seconds:.3f}", f"{cost.memory / 2**20:.0f}")
        rows.append((model, *millions, *amounts, cost.device))
    numbers = ("parameters, M", "trainable, M", "autoencoder, M", "GMACs", "s", "MiB")
    Console().print(terminal.table(("model", *numbers, "device"), rows, numbers))
    terminal.say(
        Console(stderr=True), f"One picture from {side} x {side} pixels, in one step; median of three."
    )
