"""Recognise the same autoencoder in two folders, without loading it."""

import hashlib
import json
from pathlib import Path

from ..errors import WeightsError
from ..hub.repositories import SD35, read_json, require
from .codec import PARTS

WEIGHTS = "diffusion_pytorch_model.safetensors"


def fingerprint(folder: Path | str) -> str:
    """SHA-256 over an autoencoder's weights and configuration, without the notes of the writing library.

    Raises WeightsError where the folder lacks one of them.
    """
    folder = Path(folder)
    folder = folder / next((part for part in PARTS if (folder / part).is_dir()), "")
    require(folder / "config.json", folder, SD35)
    config = {
        name: value for name, value in read_json(folder / "config.json").items() if not name.startswith("_")
    }
    whole = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    files = [folder / WEIGHTS] if (folder / WEIGHTS).is_file() else sorted(folder.glob("*.safetensors"))
    if not files:  # else all folders without weights would be the same
        require(folder / WEIGHTS, folder, SD35)
    for file in files:
        try:
            with file.open("rb") as opened:
                whole.update(hashlib.file_digest(opened, "sha256").digest())
        except OSError as error:
            raise WeightsError(f"{file} cannot be read ({error.strerror}); download it again.") from error
    return whole.hexdigest()
