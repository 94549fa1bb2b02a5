"""Published layouts with random weights: the hubs' folders (tests/frozen) and the papers' own files."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from leapsr.hub.convert import convert
from tests.frozen.conftest import tiny  # noqa: F401
from tests.frozen.tiny_folders import SD35_TRANSFORMER

Tiny = Callable[[str], Path]
WEIGHTS = "diffusion_pytorch_model.safetensors"


def make_mmdit_folder(path: Path, published: str) -> Path:
    """transformer/ as DiT4SR and SMFSR publish it, for the tiny SD3.5."""
    from leapsr.networks.mmdit.network import MMDiT
    from leapsr.networks.mmdit.published_weights import SMFSR_TIME, mmdit_config

    folder = path / "transformer"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(SD35_TRANSFORMER))
    torch.manual_seed(0)
    network = MMDiT(mmdit_config(SD35_TRANSFORMER, published))
    state = {name: torch.randn_like(value) * 0.05 for name, value in network.state_dict().items()}
    state["pos_embed.pos_embed"] = network.pos_embed.pos_embed.clone()
    if published == "smfsr":
        state = {_smfsr_name(name, SMFSR_TIME): value for name, value in state.items()}
    save_file(state, folder / WEIGHTS)
    return path


def _smfsr_name(name: str, time: str) -> str:
    inner = name.removeprefix("time_text_embed.")
    if inner == name:
        return name
    return time + (inner if inner.startswith("interval_embedder") else f"time_text_embed.{inner}")


@pytest.fixture(scope="session")
def models(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:  # noqa: F811
    """models("dit4sr_q") -> the model folder that `leapsr models convert` makes of tiny weights."""
    root = tmp_path_factory.mktemp("models")

    def model(name: str) -> Path:
        out: Path = root / name
        if out.exists():
            return out
        kind, _, letter = name.partition("_")
        if kind in ("dit4sr", "smfsr"):
            layout = "dit4sr_r1" if letter == "r1" else kind
            weights = make_mmdit_folder(root / f"{name}_published", layout)
            convert(name, weights, out, tiny("sd35"), torch.float32)
        else:
            convert(name, tiny(kind), out, dtype=torch.float32)
        return out

    return model
