"""leapsr compare."""

from pathlib import Path
from typing import Annotated

import typer

from .scoring import (
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

Models = Annotated[list[str], typer.Argument(metavar="MODEL...", help="Names or folders of models.")]
Pairs = Annotated[Path, typer.Option(help="Folder with HR and LR.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Folder for the tables and the plot.")]
Steps = Annotated[str, typer.Option(help="Numbers of steps, each at fidelity 0.")]
Fidelity = Annotated[str, typer.Option(help="Positions of the dial, each in one step.")]

METRICS = "default,dists"


@enough_memory()
def compare(
    models: Models,
    pairs: Pairs,
    out: Out,
    steps: Steps = "1,2,4,8",
    fidelity: Fidelity = "0,0.25,0.5,0.75,1",
    border: Border = None,
    limit: Limit = None,
    weights: Weights = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    seed: Seed = 0,
) -> None:
    """Put several models into one table, each at every number of steps and position of its dial."""
    from ..metrics import comparison
    from ..metrics.restorers import remarks
    from ..metrics.runs import training

    counts, positions = numbers(steps, int, "--steps"), numbers(fidelity, float, "--fidelity")
    check_out(out, plot=False)
    loaded = [load(model, device, dtype) for model in models]
    names = comparison.labels([folder for folder, _ in loaded])
    plan = comparison.plan(
        {name: restorer for name, (_, restorer) in zip(names, loaded, strict=True)}, counts, positions, seed
    )
    folder = read_pairs(pairs, loaded[0][1], 1, limit)
    chosen, notes = usable(METRICS, weights, folder)
    border = folder.scale if border is None else border
    notes += [each for name, (_, model) in zip(names, loaded, strict=True) for each in remarks(name, model)]
    table = comparison.run(plan, watched(folder, "comparing"), chosen, border, notes)
    runs = [training(name, place) for name, (place, _) in zip(names, loaded, strict=True)]
    first = loaded[0][1]
    asked = {
        "models": models, "pairs": str(pairs), "pictures": len(folder), "scale": folder.scale,
        "border": border, "steps": counts, "fidelity": positions, "seed": seed,
        "device": str(first.device), "dtype": str(first.dtype),
    }  # fmt: skip
    unsaid = comparison.write(table, [run for run in runs if run is not None], out, asked)
    show(table)
    for note in unsaid:
        say(note, error=True)
