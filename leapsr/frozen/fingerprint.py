"""Whether two folders hold the same autoencoder, wherever they lie and without loading it."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from ..errors import WeightsError
from ..hub.repositories import SD35, read_json, require
from .codec import PARTS
from .taef2 import is_taef2, taef2_files

WEIGHTS = "diffusion_pytorch_model.safetensors"


def fingerprint(folder: Path | str) -> str:
    """SHA-256 over what decides an autoencoder's latents: its files of weights, and its configuration without
    the notes of the library that wrote it. Raises WeightsError where the folder lacks one of them."""
    folder = Path(folder)
    whole = hashlib.sha256()
    for part in _contents(folder):
        whole.update(part)
    return whole.hexdigest()


def _contents(folder: Path) -> Iterator[bytes]:
    """The digest of every file that counts."""
    if is_taef2(folder):
        files = taef2_files(folder)
    else:
        folder = folder / next((part for part in PARTS if (folder / part).is_dir()), "")
        require(folder / "config.json", folder, SD35)
        config = read_json(folder / "config.json")
        known = {name: value for name, value in config.items() if not name.startswith("_")}
        yield json.dumps(known, sort_keys=True).encode()
        files = _weights(folder)
    for file in files:
        try:
            with file.open("rb") as opened:
                yield hashlib.file_digest(opened, "sha256").digest()
        except OSError as error:
            raise WeightsError(f"{file} cannot be read ({error.strerror}); download it again.") from error


def _weights(folder: Path) -> list[Path]:
    """At least one file: nothing at all would have a digest too, and the same one everywhere."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        require(folder / WEIGHTS, folder, SD35)
    return files
