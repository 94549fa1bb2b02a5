"""Where a model's dial stands unless it is turned, in its folder's config.json."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from ..errors import OutputError, UsageError
from ..files import atomic_write
from ..hub import catalog
from ..restorer import read_config


def check_writable(folder: Path) -> None:
    """Raises UsageError for a packaged model, OutputError without permission."""
    if folder.resolve().is_relative_to(catalog.PACKAGED.resolve()):
        raise UsageError(
            f"{folder.name} is packaged with leapsr and is never changed: copy {folder} and give the copy,"
            " or turn the dial with --fidelity."
        )
    if not os.access(folder, os.W_OK):
        raise OutputError(
            f"No permission to write {folder / catalog.CONFIG}: copy the folder and give the copy,"
            " or turn the dial with --fidelity."
        )


def write_default(folder: Path, fidelity: float) -> None:
    """Change `fidelity` in config.json, and its checksum where the folder has one that was right.

    The other files are not looked at, so that damage to them can still be seen. Raises what `check_writable`
    does, WeightsError for a config that cannot be read, OutputError.
    """
    check_writable(folder)
    config, sums = folder / catalog.CONFIG, folder / catalog.CHECKSUMS
    chosen = read_config(folder).model_copy(update={"fidelity": fidelity})
    new = {config: f"{chosen.model_dump_json(indent=2)}\n".encode()}
    if sums.is_file():
        old_sum, new_sum = (sha256(text).hexdigest().encode() for text in (config.read_bytes(), new[config]))
        new[sums] = sums.read_bytes().replace(old_sum, new_sum)
    _write_all(new)


def _write_all(contents: Mapping[Path, bytes]) -> None:
    """All of these files, which exist, or none of them. Raises OutputError."""
    before = {path: path.read_bytes() for path in contents}
    try:
        with ExitStack() as places:
            for path, content in contents.items():
                places.enter_context(atomic_write(path)).write_bytes(content)
    except BaseException:
        for path, content in before.items():
            if path.read_bytes() != content:  # it was in its place when another could not be put there
                with atomic_write(path) as part:
                    part.write_bytes(content)
        raise
