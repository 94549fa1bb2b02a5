"""Completion of model names with the Tab key."""

from pathlib import Path

import typer

from ..errors import LeapsrError
from ..hub import catalog


def model_names(context: typer.Context, incomplete: str) -> list[str]:
    """Names of models that begin with `incomplete`, also of those in the folder given with -m."""
    given = context.params.get("model_dir")
    try:
        known = catalog.names(None if given is None else Path(given))
    except LeapsrError:  # a shell shows nothing of it
        return []
    return [name for name in known if name.startswith(incomplete)]
