"""leapsr models list | info | verify | card | embed; download and convert have a file of their own."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError, WeightsError
from ..hub import cards, catalog
from . import download
from .completion import model_names
from .shared import Device, Dtype, enough_memory

app = typer.Typer(help="Show, check, download and convert models.", no_args_is_help=True)
app.command()(download.download)
app.command()(download.convert)

Name = Annotated[
    str | None,
    typer.Argument(
        help="A model's name, folder or file; the default model if missing.", autocompletion=model_names
    ),
]
ModelDir = Annotated[
    Path | None,
    typer.Option("-m", "--model-dir", metavar="FOLDER", help="Look in this folder of model folders first."),
]
Published = Annotated[
    bool, typer.Option("--published", help="Also the published weights that can be downloaded.")
]
Encoders = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Downloaded folder of Stable Diffusion 3.5 or 2.1.")
]
Book = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="File to write.")]
Caption = Annotated[
    str, typer.Option(metavar="TEXT", help="What is in the pictures; put before the default prompt.")
]
T5 = Annotated[bool, typer.Option("--t5/--no-t5", help="SD3.5: with T5-XXL, or zeros in its place.")]
Length = Annotated[int, typer.Option(min=1, metavar="N", help="SD3.5: number of tokens that T5 reads.")]


Exported = Annotated[
    Path | None,
    typer.Option("--openmodeldb", metavar="FILE", help="Of this file of `leapsr export`, for OpenModelDB."),
]
Author = Annotated[str | None, typer.Option(metavar="ID", help="Of OpenModelDB's authors.")]
Url = Annotated[list[str] | None, typer.Option(metavar="URL", help="Where the file can be had; repeatable.")]


@app.command("list")
def list_models(model_dir: ModelDir = None, every: Published = False) -> None:
    """List the models known by name, and what each is for; * is the default.

    dial: where --fidelity stands by default. s/MP: seconds for a megapixel of the result on two CPU threads.
    """
    known = catalog.names(model_dir)
    default = catalog.default_name(model_dir) if known else None
    width = max(map(len, known), default=0)
    if known:
        typer.echo(f"  {'name':<{width}}  scale  dial  s/MP  for")
    for name in known:
        typer.echo(f"{'*' if name == default else ' '} {name:<{width}}  {_in_brief(name, model_dir)}")
    if every:
        for line in ["", "published weights, to download, and to convert or use:", *download.listing()]:
            typer.echo(line)


def _in_brief(name: str, model_dir: Path | None) -> str:
    """Scale, dial, time and purpose of a model, in columns; or what is missing of it. Of a model that is not
    packaged: its method, size and folder."""
    try:
        folder = catalog.find(name, model_dir)
    except WeightsError as error:
        return str(error)
    found = catalog.summary(folder)
    scale = "" if found.scale is None else f"x{found.scale}"
    dial = "" if found.fidelity is None else f"{found.fidelity:g}"
    own = "", f"{found.method}, {found.size / 1e6:.1f} MB, {folder}"
    seconds, purpose = catalog.PURPOSES.get(name, own) if folder.parent == catalog.PACKAGED else own
    return f"{scale:<5}  {dial:<4}  {seconds:<4}  {purpose}"


@app.command()
def info(name: Name = None, model_dir: ModelDir = None) -> None:
    """Show a model's folder, configuration and card, and its licence if it differs."""
    folder = catalog.find(name or catalog.default_name(model_dir), model_dir)
    if folder.is_file():
        from ..restorer import read_config

        config = read_config(folder)
        typer.echo(f"licence of the weights: {config.licence}\n{folder}\n{config.network.model_dump_json()}")
        return
    if (licence := catalog.summary(folder).licence) not in (None, catalog.LICENCE):
        typer.echo(f"licence of the weights: {licence}")
    typer.echo(folder)
    for file in (catalog.CONFIG, catalog.CARD):
        if (folder / file).is_file():
            typer.echo((folder / file).read_text(encoding="utf-8", errors="replace").strip() + "\n")


@app.command()
def verify(name: Name = None, model_dir: ModelDir = None) -> None:
    """Compare the files of a model, or of all, with their recorded SHA-256."""
    if name is not None:
        typer.echo(_verified(name, model_dir))
        return
    bad = False
    for each in catalog.names(model_dir):
        try:
            recorded = catalog.is_recorded(each, model_dir)
            typer.echo(_verified(each, model_dir) if recorded else f"{each}: no {catalog.CHECKSUMS}")
        except WeightsError as error:
            bad = True
            typer.echo(f"{each}: {error}", err=True)
    if bad:
        raise typer.Exit(WeightsError.exit_code)


def _verified(name: str, model_dir: Path | None) -> str:
    return f"{name}: {', '.join(catalog.verify(name, model_dir))} as recorded"


@app.command()
def card(
    name: Name = None,
    model_dir: ModelDir = None,
    exported: Exported = None,
    author: Author = None,
    url: Url = None,
) -> None:
    """Print a card for the hub; or, of an exported FILE, an entry for OpenModelDB."""
    folder = catalog.find(name or catalog.default_name(model_dir), model_dir)
    if (exported is None) != (author is None):
        raise UsageError(
            "An entry for OpenModelDB needs --openmodeldb FILE and --author ID; the hub's neither."
        )
    if exported is None or author is None:
        typer.echo(cards.hub_card(folder), nl=False)
    else:
        typer.echo(cards.openmodeldb_entry(folder, author, exported, url or []), nl=False)


@app.command()
@enough_memory()
def embed(
    folder: Encoders,
    output: Book = Path("prompts.safetensors"),
    caption: Caption = "",
    t5: T5 = True,
    length: Length = 256,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Encode the standard prompts once, so that upscaling needs no text encoders."""
    from ..devices import choose_device, choose_dtype
    from ..frozen import save_book, standard_texts, text_encoder, write_book

    place = choose_device(device)
    precision = choose_dtype(dtype, place)
    encoder = text_encoder(folder, t5=t5, length=length, dtype=precision, after="release")
    book = write_book(encoder, standard_texts(caption), place)
    save_book(book, output)
    for name, prompt in book.prompts.items():
        typer.echo(f"{name}: {prompt.tokens.shape[1]} tokens of {book.encoders}")
    typer.echo(output)
