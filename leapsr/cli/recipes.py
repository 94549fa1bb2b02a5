"""leapsr recipes."""

from typing import Annotated

import typer

from .terminal import starting

Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="A recipe, to be shown whole; without it all are listed.")
]


def recipes(name: Name = None) -> None:
    """List the recipes of leapsr train and distill, or show one with every field."""
    with starting():
        import inspect

        from ..train import recipes as known

    for listed in known.RECIPES if name is None else ():
        verb = "distill" if known.get(listed).method.needs_teacher else "train"
        typer.echo(f"{listed:22}  {verb:7}  {known.describe(listed)}")
    if name is None:
        typer.echo(
            "\n*_tiny: seconds, to try a command. *_small, *_medium: a CPU. "
            "*_base, *_large: minutes of a large GPU."
        )
        typer.echo("The others: the papers' own runs. 'leapsr recipes NAME' shows one whole.")
        return
    config = known.get(name)
    teacher = " --teacher MODEL" if config.method.needs_teacher else ""
    typer.echo(inspect.getdoc(known.RECIPES[name]))
    typer.echo(f"\nleapsr {'distill' if teacher else 'train'} {name} PHOTOS{teacher}")
    if config.method.takes_answers:
        typer.echo(f"leapsr distill {name} PHOTOS --teacher FILE    (a fast dial of any upscaler)")
    typer.echo("\nFields, to be changed with --set path.to.field=value:")
    typer.echo(config.model_dump_json(indent=2))
