"""Where a model's dial stands unless it is turned, in its folder's config.json."""

from pathlib import Path

from .. import catalog
from ..errors import UsageError
from ..restorer import read_config
from .report import all_or_nothing


def check_writable(folder: Path) -> None:
    """Raises UsageError for a packaged model."""
    if folder.resolve().is_relative_to(catalog.PACKAGED.resolve()):
        raise UsageError(
            f"{folder.name} is packaged with leapsr and is never changed: copy {folder} and give the copy,"
            " or turn the dial with --fidelity."
        )


def write_default(folder: Path, fidelity: float) -> None:
    """Change `fidelity` in config.json, and the checksums where the folder has them.

    Raises UsageError for a packaged model, WeightsError for a config that cannot be read, OutputError.
    """
    check_writable(folder)
    config = read_config(folder).model_copy(update={"fidelity": fidelity})
    part = folder / f"{catalog.CONFIG}.part"
    with all_or_nothing(part):
        part.write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")
        part.replace(folder / catalog.CONFIG)
        if (folder / catalog.CHECKSUMS).is_file():
            catalog.write_checksums(folder)
