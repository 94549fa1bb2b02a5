"""leapsr models download | convert: published weights, from their hub or release to what upscale can use."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..errors import UnknownName, UsageError
from .shared import Device, enough_memory

if TYPE_CHECKING:
    from ..hub.releases import Release

NEEDLESS = {"Apache-2.0", "MIT License", "BSD-3-Clause"}
"""Licences that ask nothing of those who only use a model."""


def _published_names(incomplete: str) -> list[str]:
    from ..hub.published import PUBLISHED

    return [name for name in PUBLISHED if name.startswith(incomplete)]


def _downloadable_names(incomplete: str) -> list[str]:
    from ..hub.published import downloadable
    from ..hub.releases import RELEASES

    return [name for name in (*RELEASES, *downloadable()) if name.startswith(incomplete)]


LISTED = "From 'leapsr models list --published'."
Wanted = Annotated[str, typer.Argument(metavar="NAME", help=LISTED, autocompletion=_downloadable_names)]
Name = Annotated[str, typer.Argument(metavar="NAME", help=LISTED, autocompletion=_published_names)]
To = Annotated[
    Path | None, typer.Option("--to", metavar="FOLDER", help="Folder to fill; published/NAME by default.")
]
Accept = Annotated[bool, typer.Option("--accept-licence", help="Do not ask: you have read it.")]
Weights = Annotated[Path, typer.Argument(metavar="WEIGHTS", help="What was downloaded: a folder, or a file.")]
Out = Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Model folder to write.")]
Base = Annotated[
    Path | None, typer.Option("--base", metavar="FOLDER", help="The base model, if one is needed.")
]
Precision = Annotated[
    Literal["bf16", "fp16", "fp32"],
    typer.Option(metavar="NAME", help="Of the weights to write: bf16, fp16 or fp32."),
]


def download(name: Wanted, to: To = None, accept_licence: Accept = False) -> None:
    """Download published weights, a base model or a captioner, once you accept its licence."""
    from ..hub.download import download
    from ..hub.published import PUBLISHED, downloadable
    from ..hub.releases import RELEASES

    folder = Path("published") / name if to is None else to
    if name in RELEASES:
        _fetch(RELEASES[name], folder, accept_licence)
        return
    known, place = PUBLISHED.get(name), ""
    if known is not None:
        place = known.place
        if known.repository is None:
            raise UsageError(f"{name} is not on the hub: take its weights from {known.origin}.")
    repositories = downloadable()
    if name not in repositories:
        raise UnknownName("download", name, [*repositories, *RELEASES])
    repository = repositories[name]
    _accept(repository.name, repository.licence, repository.page, accept_licence)
    download(repository, folder, place)
    typer.echo(folder)
    for line in _next_steps(name, folder):
        typer.echo(line, err=True)


def _fetch(release: "Release", folder: Path, accepted: bool) -> None:
    from ..hub.releases import fetch

    _accept(f"{release.name} ({release.size / 1e6:.0f} MB)", release.licence, release.page, accepted)
    path = fetch(release, folder)
    typer.echo(path)
    typer.echo(f"next:\n  leapsr upscale photo.jpg -n {shlex.quote(str(path))}", err=True)


def _accept(name: str, licence: str, page: str, accepted: bool) -> None:
    """Show the licence and where it is stated, and ask. Raises UsageError if it is not accepted."""
    typer.echo(f"{name}: {licence}, stated on {page}", err=True)
    if accepted or licence in NEEDLESS:
        return
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on: read the licence and add --accept-licence.")
    if not typer.confirm("Have you read it, and do you accept it?", err=True):
        raise UsageError("Nothing was downloaded, because the licence was not accepted.")


def _next_steps(name: str, folder: Path) -> list[str]:
    """The commands that lead from what was downloaded to a picture."""
    from ..hub.published import PUBLISHED

    known = PUBLISHED.get(name)
    if known is None:
        return []
    words = ["leapsr", "models", "convert", name, str(folder), "-o", f"models/{name}"]
    steps = []
    if known.base and known.base != name:
        base = Path("published") / known.base
        words += ["--base", str(base)]
        if not base.is_dir():
            steps.append(f"leapsr models download {known.base}")
    return ["next:", *(f"  {step}" for step in [*steps, shlex.join(words)])]


@enough_memory()
def convert(
    name: Name,
    weights: Weights,
    output: Out,
    base: Base = None,
    dtype: Precision = "bf16",
    device: Device = "auto",
) -> None:
    """Make a model folder from published weights; its texts are encoded once."""
    from ..devices import DTYPES, choose_device
    from ..hub.convert import convert

    config = convert(name, weights, output, base, DTYPES[dtype], choose_device(device))
    typer.echo(output)
    typer.echo(f"licence of the weights: {config.licence}", err=True)
    typer.echo(f"next:\n  leapsr upscale photo.jpg -n {shlex.quote(str(output))}", err=True)


def listing() -> list[str]:
    """What can be had: name, what it is, licence, command. Upscalers of one file, then what can be converted,
    then the base models and captioners."""
    from ..hub.published import BASES, CAPTIONERS, PUBLISHED
    from ..hub.releases import RELEASES

    lines = []
    for name, release in RELEASES.items():
        lines += [f"{name}  {release.what}", f"    licence: {release.licence}"]
        lines.append(f"    leapsr models download {name}")
    for name, known in PUBLISHED.items():
        needs = f"; needs {known.base}" if known.base and known.base != name else ""
        how = f"leapsr models download {name}" if known.repository is not None else known.origin
        lines += [f"{name}  {known.what}{needs}", f"    licence: {known.licence}", f"    {how}"]
    for name, repository in (BASES | CAPTIONERS).items():
        if name not in PUBLISHED:
            lines += [f"{name}  {repository.name}", f"    licence: {repository.licence}"]
            lines.append(f"    leapsr models download {name}")
    return lines
