"""Where the files that metrics need are on this computer. No metric downloads anything.

A weights folder (an argument, or the environment variable LEAPSR_WEIGHTS) holds
`niqe/niqe_pris_params.npz` and `torch_home/hub/checkpoints/*.pth`. Torchvision's files are also found in
torch's own cache, which TORCH_HOME moves.
"""

import os
from pathlib import Path

import torch

from ..errors import WeightsError

PRISTINE = "niqe_pris_params.npz"
PRISTINE_URL = "https://github.com/XPixelGroup/BasicSR/raw/master/basicsr/metrics/niqe_pris_params.npz"


def weights_folder(weights: Path | None = None) -> Path | None:
    """The given folder, or the one LEAPSR_WEIGHTS names, or None."""
    if weights is not None:
        return weights
    named = os.environ.get("LEAPSR_WEIGHTS")
    return Path(named) if named else None


def pristine_file(weights: Path | None = None) -> Path:
    """NIQE's pristine parameters. Raises WeightsError saying how to get them."""
    folder = weights_folder(weights)
    if folder is not None and (folder / "niqe" / PRISTINE).is_file():
        return folder / "niqe" / PRISTINE
    where = folder or "a folder named by LEAPSR_WEIGHTS"
    raise WeightsError(f"{PRISTINE} is missing: download {PRISTINE_URL} into 'niqe' inside {where}.")


def hub_folder(checkpoint: str, weights: Path | None = None) -> Path:
    """The torch hub folder whose `checkpoints` holds this file. Raises WeightsError saying how to get it."""
    cache = Path(torch.hub.get_dir())
    folder = weights_folder(weights)
    candidates = [cache] if folder is None else [folder / "torch_home" / "hub", cache]
    for hub in candidates:
        if (hub / "checkpoints" / checkpoint).is_file():
            return hub
    network = checkpoint.partition("-")[0]  # torchvision's files are called NETWORK-HASH.pth
    command = f"import torchvision; torchvision.models.{network}(weights='DEFAULT')"
    raise WeightsError(
        f"{checkpoint} is missing: put it into {candidates[0] / 'checkpoints'}, or let torchvision fetch it: "
        f'python -c "{command}".'
    )
