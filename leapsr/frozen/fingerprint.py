"""Whether two folders hold the same autoencoder, wherever they lie and without loading it."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from ..errors import WeightsError
from .codec import PARTS
from .repositories import SD35, read_json, require
from .taef2 import is_taef2

WEIGHTS = "diffusion_pytorch_model.safetensors"


def fingerprint(folder: Path | str) -> str:
    """SHA-256 over what decides an autoencoder's latents: its weights, and its configuration without the
    notes of the library that wrote it. Raises WeightsError where the folder holds none."""
    folder = Path(folder)
    whole = hashlib.sha256()
    for part in _contents(folder):
        whole.update(part)
    return whole.hexdigest()


def _contents(folder: Path) -> Iterator[bytes]:
    """The digest of every file that counts."""
    if not is_taef2(folder):
        folder = folder / next((part for part in PARTS if (folder / part).is_dir()), "")
        require(folder / "config.json", folder, SD35)
        config = read_json(folder / "config.json")
        known = {name: value for name, value in config.items() if not name.startswith("_")}
        yield json.dumps(known, sort_keys=True).encode()
    files = [folder / WEIGHTS] if (folder / WEIGHTS).is_file() else sorted(folder.glob("*.safetensors"))
    for file in files:
        try:
            with file.open("rb") as opened:
                yield hashlib.file_digest(opened, "sha256").digest()
        except OSError as error:
            raise WeightsError(f"{file} cannot be read ({error.strerror}); download it again.") from error
