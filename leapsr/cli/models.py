"""leapsr models list | info | verify."""

from pathlib import Path
from typing import Annotated

import typer

from .. import catalog

app = typer.Typer(help="Show and check the models that are installed.", no_args_is_help=True)

Name = Annotated[str | None, typer.Argument(help="A model's name or folder; the default model if missing.")]
ModelDir = Annotated[
    Path | None, typer.Option("-m", "--model-dir", help="Look in this folder of model folders first.")
]


@app.command("list")
def list_models(model_dir: ModelDir = None) -> None:
    """List the models known by name; * is the default."""
    known = catalog.names(model_dir)
    default = catalog.default_name(model_dir) if known else None
    for name in known:
        typer.echo(f"{'*' if name == default else ' '} {name}  {catalog.find(name, model_dir)}")


@app.command()
def info(name: Name = None, model_dir: ModelDir = None) -> None:
    """Show a model's folder, its configuration and its card."""
    folder = catalog.find(name or catalog.default_name(model_dir), model_dir)
    typer.echo(folder)
    for file in (catalog.CONFIG, catalog.CARD):
        if (folder / file).is_file():
            typer.echo((folder / file).read_text(encoding="utf-8").strip() + "\n")


@app.command()
def verify(name: Name = None, model_dir: ModelDir = None) -> None:
    """Compare a model's files (all models': no name) with the recorded SHA-256."""
    for chosen in [name] if name else catalog.names(model_dir):
        typer.echo(f"{chosen}: {', '.join(catalog.verify(chosen, model_dir))} as recorded")
