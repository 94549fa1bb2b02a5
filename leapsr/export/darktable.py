"""A model folder for darktable's neural restore: config.json and ONNX as darktable reads them, and the
model.yaml and card that its model repository asks for.
"""

import json
from pathlib import Path

from ..files import atomic_write
from . import onnx_file
from .difference import Difference
from .model import Exported


def write(model: Exported, folder: Path) -> Difference:
    """The name of the folder is the id that darktable shows. Raises what `onnx_file.write` raises."""
    scale, name = model.restorer.scale, folder.name
    description = f"leapsr {model.name}: {scale} times larger in one step, fidelity {model.fidelity:g}"
    found = onnx_file.write(model, folder / f"model_x{scale}.onnx")
    config = {
        "id": name,
        "name": name.replace("-", " "),
        "description": description,
        "task": "upscale",
        "arch": "generic",
        "backend": "onnx",
        "version": "1.0",
        "tiling": True,
    }
    yaml = "".join(
        f"{key}: {json.dumps(value)}\n"
        for key, value in {**config, "type": "multi", "dep_group": "core"}.items()
        if key not in ("backend", "version", "arch")
    )
    facts = "".join(f"| {key} | {value} |\n" for key, value in model.facts.items())
    card = (
        f"# {config['name']}\n\n{description}.\n\n"
        f"| property | value |\n|---|---|\n{facts}"
        f"| input | `input`: float32 [B, 3, H, W], sRGB in [0, 1], any H and W |\n"
        f"| output | `output`: float32 [B, 3, {scale}H, {scale}W] in [0, 1] |\n"
        f"| tiling | yes: with {model.network.radius} pixels around each tile it equals the whole |\n"
        f"| against torch | {found} |\n\n"
        f"Made by `leapsr export {model.name} --format darktable`. What the model does to photos, its\n"
        "training data and its limits are in its own card, `leapsr models info`. The guard that\n"
        "`leapsr upscale` puts around a network is not in this file.\n"
    )
    files = {"config.json": json.dumps(config, indent=4) + "\n", "model.yaml": yaml, "README.md": card}
    for file, text in files.items():
        with atomic_write(folder / file) as part:
            part.write_text(text, encoding="utf-8")
    return found
