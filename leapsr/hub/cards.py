"""Cards for the places where people look for models: the hub, and OpenModelDB."""

import datetime
import json
from pathlib import Path

from ..errors import UsageError
from ..files import sha256
from . import catalog

PLATFORMS = {".onnx": ("onnx", "onnx"), ".safetensors": ("pytorch", "safetensors")}
"""OpenModelDB's platform and type of a file, by its suffix."""
TAGS = ("general-upscaler", "photo", "restoration", "jpeg", "denoise")


def hub_card(folder: Path) -> str:
    """README.md of a repository on the hub: what machines read, then the model's own card, which tells of
    licence, training data, figures and limits."""
    found = catalog.summary(folder)
    head = {
        "license": (found.licence or "other").lower(),
        "library_name": "leapsr",
        "pipeline_tag": "image-to-image",
        "tags": ["super-resolution", "image-restoration", "upscaling", f"x{found.scale}", str(found.method)],
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
    return "\n".join(["---", *lines, "---", "", _card(folder)]) + "\n"


def openmodeldb_entry(folder: Path, author: str, file: Path, urls: list[str]) -> str:
    """The JSON of an entry. file: an exported one, see `leapsr export`. urls: where it can be had.

    Their editors have to add the architecture, and pictures of before and after.
    Raises UsageError for a file of another kind.
    """
    if file.suffix not in PLATFORMS or not file.is_file():
        raise UsageError(f"{file} is no exported file: give one that ends in {' or '.join(PLATFORMS)}.")
    found, (platform, kind) = catalog.summary(folder), PLATFORMS[file.suffix]
    description = _card(folder).split("\n\n")[1].replace("\n", " ")
    entry = {
        "name": folder.name,
        "author": author,
        "license": found.licence,
        "tags": list(TAGS),
        "description": description,
        "date": datetime.date.today().isoformat(),
        "architecture": "leapsr",
        "size": None,
        "scale": found.scale,
        "inputChannels": 3,
        "outputChannels": 3,
        "resources": [
            {
                "platform": platform,
                "type": kind,
                "size": file.stat().st_size,
                "sha256": sha256(file),
                "urls": urls,
            }
        ],
        "images": [],
    }
    return json.dumps(entry, indent=4, ensure_ascii=False) + "\n"


def _card(folder: Path) -> str:
    """Raises UsageError where there is none."""
    path = folder / catalog.CARD
    if not path.is_file():
        raise UsageError(f"{folder} has no {catalog.CARD}, so nothing is known of its data and figures.")
    return path.read_text(encoding="utf-8").strip()
