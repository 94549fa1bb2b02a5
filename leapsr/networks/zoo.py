"""Upscalers of other projects: one file of weights each, off which spandrel reads architecture and sizes.

As a network of this package such an upscaler is one jump, image = source - u(source, 1, 0), from any source.
"""

import math
import warnings
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import WeightsError, first_line, optional
from ..ops import upsample
from ..ops.color import luma
from .base import Network, NetworkConfigBase
from .condition import Condition

CONVOLUTIONAL = {"Compact", "DnCNN", "ESRGAN", "SPAN"}
"""spandrel's names of architectures that are known to be nothing but convolutions one after another."""
FARTHEST = 64
"""Low-resolution pixels. Networks that see farther are shown blended windows: exact tiles with such a margin
would cost several times as much."""
GRID = 16
"""Windows of the other networks begin at multiples of this, as the windows of their attention do."""
BYTES_PER_PIXEL = 60_000
"""Measured in float32, for x4: RealPLKSR 3,200, RRDBNet 12,300, SwinIR-L 20,500, DAT 28,700, HAT 56,600."""


class ZooConfig(NetworkConfigBase):
    """What spandrel found in a file.

    architecture: spandrel's name. channels: of pictures; 1 is grey. halves: the half precisions it works in.
    """

    is_foreign: ClassVar[bool] = True

    kind: Literal["zoo"] = "zoo"
    architecture: str
    scale: int = Field(ge=1, le=8)
    channels: Literal[1, 3]
    halves: tuple[Literal["float16", "bfloat16"], ...]

    @property
    def fixed_scale(self) -> int:
        return self.scale

    @property
    def precisions(self) -> frozenset[torch.dtype]:
        return frozenset({torch.float32, *(getattr(torch, half) for half in self.halves)})

    @property
    def keeps_light(self) -> bool:
        """Those that do not enlarge may brighten, dehaze or colour."""
        return self.scale > 1


class Zoo(Network):
    """Of colours, a grey upscaler is given the luma; the rest is enlarged by bicubic interpolation."""

    config: ZooConfig

    def __init__(self, config: ZooConfig, upscaler: Any) -> None:
        """upscaler: spandrel's ImageModelDescriptor."""
        super().__init__(config)
        self.model: nn.Module = upscaler.model  # so that its weights are this network's
        self._upscaler = upscaler

    def forward(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        """See `Network.forward`; without a gradient."""
        lr = (cond.lr + 1) / 2
        if self.config.channels == 3:
            return x - (2 * self._upscaled(lr) - 1)
        grey = luma(lr)
        with torch.autocast(lr.device.type, enabled=False):
            colours = upsample.bicubic_upsample(lr - grey, self.config.scale)
        return x - (2 * (self._upscaled(grey) + colours) - 1)

    def _upscaled(self, lr: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, C, scale H, scale W), clamped. spandrel pads to what it needs."""
        at_once = 1 if self.config.scale == 1 else len(lr)  # some of those take one noise map for one picture
        with torch.random.fork_rng([lr.device] if lr.is_cuda else []):
            torch.manual_seed(0)  # AuraSR draws a style; all windows of a picture must have the same
            images = [self._upscaler(part) for part in lr.split(at_once)]
        return torch.cat(images).float()

    @property
    def alignment(self) -> int:
        multiple: int = self._upscaler.size_requirements.multiple_of
        return 1 if self.radius is not None else math.lcm(multiple, GRID)

    @property
    def radius(self) -> int | None:
        """Where it is known, and at most FARTHEST: the sum of what all convolutions see, or more."""
        shrinks = self._upscaler.size_requirements.multiple_of > 1  # the picture first, and sees farther
        if self.config.architecture not in CONVOLUTIONAL or shrinks:
            return None
        kernels = (max(layer.kernel_size) for layer in self.modules() if isinstance(layer, nn.Conv2d))
        reach = max(upsample.RADIUS, sum(kernel // 2 for kernel in kernels))
        return reach if reach <= FARTHEST else None

    @property
    def bytes_per_pixel(self) -> int:
        return BYTES_PER_PIXEL


def read(path: Path) -> Zoo:
    """The upscaler of a file, in float32 on the CPU. Nothing in the file is run.

    Raises:
        MissingExtra: spandrel is not installed.
        WeightsError: the file is damaged, or no upscaler of whole pictures that spandrel knows.
    """
    spandrel = optional("spandrel", "zoo")
    weights = _tensors(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # of torch, about how the architectures are written
            found = spandrel.ModelLoader().load_from_state_dict(weights)
    except spandrel.UnsupportedModelError:
        raise WeightsError(
            f"{path} is of no architecture that spandrel knows; a newer spandrel may, or look for the model "
            "under another architecture."
        ) from None
    except Exception as error:  # each architecture fails in its own way at weights that are not its own
        said = first_line(error)
        raise WeightsError(f"{path} is damaged, or no upscaler ({said}); get it again.") from error
    if found.purpose not in ("SR", "Restoration"):
        purpose = {"Inpainting": "fills holes in pictures", "FaceSR": "restores faces only"}[found.purpose]
        raise WeightsError(f"{path} {purpose}; leapsr takes models that enlarge or restore whole pictures.")
    channels = {found.input_channels, found.output_channels}
    if channels not in ({1}, {3}) or not 1 <= found.scale <= 8:
        raise WeightsError(
            f"{path} makes {found.output_channels} channels of {found.input_channels}, {found.scale} times "
            "as large; leapsr takes models from grey to grey or from RGB to RGB, up to 8 times as large."
        )
    halves = {"float16": found.supports_half, "bfloat16": found.supports_bfloat16}
    config = ZooConfig(
        architecture=found.architecture.id,
        scale=found.scale,
        channels=found.input_channels,
        halves=tuple(half for half, works in halves.items() if works),
    )
    return Zoo(config, found)


def _tensors(path: Path) -> dict[str, Any]:
    """Raises WeightsError for what is not weights alone; a pickle can hold programs, which are never run."""
    try:
        if path.suffix.lower() == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise WeightsError(
            f"{path} holds more than weights, or none, and was not opened, because pickles can run programs; "
            "get the model as .safetensors."
        ) from error
    except Exception as error:  # a broken file breaks wherever its first wrong byte is
        raise WeightsError(f"{path} cannot be read ({first_line(error)}); get it again.") from error
