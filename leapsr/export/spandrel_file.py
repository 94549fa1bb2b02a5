"""safetensors files that programs with spandrel open, once `leapsr.spandrel.install` was called."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from ..files import atomic_write
from ..networks.pixel.folded import FoldedUNet
from .difference import Difference, pictures
from .model import Exported


def write(model: Exported, path: Path, dtype: torch.dtype = torch.float32) -> Difference:
    """One position of the dial. Returns how far the file, read again, is from the whole model in float32.

    Raises UsageError where that is too far, OutputError.
    """
    folded = model.folded().to(dtype)
    with atomic_write(path) as part:
        facts = {"format": "pt", "architecture": "leapsr", **model.facts}
        save_file(
            {name: each.contiguous() for name, each in folded.state_dict().items()}, part, metadata=facts
        )
        again = FoldedUNet.from_weights(load_file(part)).float()
        found = Difference.of((again(each), model.restore(each)) for each in pictures())
        return found.checked("fp32" if dtype == torch.float32 else "fp16")
