"""leapsr doctor."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

ModelDir = Annotated[
    Path | None, typer.Option("-m", "--model-dir", help="Look in this folder of model folders first.")
]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]

_MARKS = {True: "ok", False: "BAD", None: ""}


def doctor(model_dir: ModelDir = None, as_json: Json = False) -> None:
    """Check the installation; exit with 1 when something does not work."""
    from .doctor_checks import diagnose

    found = []
    for finding in diagnose(model_dir):
        found.append(finding)
        if not as_json:
            typer.echo(f"{_MARKS[finding.good]:3}  {finding.topic:12}  {finding.text}")
    bad = [finding for finding in found if finding.good is False]
    if as_json:
        listed = [asdict(finding) for finding in found]
        typer.echo(json.dumps({"good": not bad, "findings": listed}, indent=2))
    if bad:
        raise typer.Exit(1)
