"""leapsr benchmarks."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from . import terminal

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="Say all about this one.")]
Root = Annotated[
    Path | None,
    typer.Option(
        envvar="LEAPSR_BENCHMARKS", metavar="FOLDER", help="Where the sets lie, each under its name."
    ),
]
Make = Annotated[
    Path | None,
    typer.Option(
        "--make", metavar="FOLDER", help="Make it from these pictures: crops, damage, small pictures."
    ),
]


def benchmarks(name: Name = None, root: Root = None, make: Make = None) -> None:
    """List the test sets of the papers, check those that are here, and make what can be made."""
    with terminal.starting():
        from ..errors import UsageError
        from ..evaluation import benchmarks as table

    console = Console()
    if name is None:
        if make is not None:
            raise UsageError("Say which benchmark to make: leapsr benchmarks NAME --make FOLDER.")
        rows = []
        for each in map(table.find, table.names()):
            size = "any" if each.lr is None else f"{each.lr[0]}x{each.lr[1]}"
            state = table.state(each, root)
            rows.append((each.name, each.count, f"x{each.scale}", size, each.border, state, each.title))
        headings = ("name", "pictures", "scale", "size", "border", "here", "what")
        console.print(terminal.table(headings, rows, numbers=("pictures", "scale", "border")))
        if root is None:
            terminal.say(Console(stderr=True), "--root FOLDER (or LEAPSR_BENCHMARKS) says which are here.")
        return
    benchmark = table.find(name)
    lines = {
        "what": benchmark.title,
        "pictures": f"{benchmark.count}, x{benchmark.scale}",
        "protocol": f"border {benchmark.border}; {', '.join(benchmark.metrics)}",
        "papers": benchmark.papers,
        "to be had": benchmark.source,
        "layout": benchmark.layout(),
        "to be made": f"leapsr benchmarks {name} --make FOLDER" if benchmark.make else "no: only as it is",
    }
    for key, value in lines.items():
        terminal.say(console, f"{key}: {value}")
    if root is None and make is None:
        return
    place = table.root_folder(root)
    if make is not None:
        errors = Console(stderr=True)
        bar = partial(track, description="making", console=errors, disable=not errors.is_terminal)
        table.make(benchmark, make, place, bar)
    wrong = benchmark.problems(place)
    for problem in wrong:
        terminal.say(Console(stderr=True), problem, "red")
    if wrong:
        raise typer.Exit(1)
    terminal.say(console, f"here: {benchmark.place(place)}, complete")
