"""A trained network with all that its use needs: low-resolution tensor in, high-resolution tensor out.

A model folder holds `config.json`, `model.safetensors` and a card, `README.md`. No pickles.
"""

import json
from pathlib import Path
from typing import Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from . import flow, methods
from .catalog import CONFIG, WEIGHTS
from .errors import OutputError, UnknownName, UsageError, WeightsError
from .flow import AverageVelocity, Source
from .methods.restore import Solver, check_teacher
from .networks import Condition, Quality, UNet, UNetConfig
from .ops.upsample import bicubic_upsample


class ModelConfig(BaseModel):
    """What a model folder's config.json holds. Unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["leapsr"] = "leapsr"
    version: Literal[1] = 1
    method: str
    network: UNetConfig
    source: Source = Source()
    fidelity: float = Field(0.5, ge=0, le=1, description="Where the dial stands unless the user turns it.")
    grid: flow.GridName = Field("uniform", description="How the times of several steps lie.")
    color_fix: Literal["none", "wavelet", "adain"] = "none"
    licence: str = "Apache-2.0"


class Restorer:
    """Restores batches of whatever size fits the memory. Tiles, colours and files are `leapsr.upscale`'s."""

    def __init__(self, config: ModelConfig, network: UNet) -> None:
        self.config = config
        self.network = network.eval().requires_grad_(False)
        self.region = methods.entry(config.method).region
        self.dtype = torch.float32

    @property
    def scale(self) -> int:
        return self.config.network.scale

    @property
    def default_fidelity(self) -> float:
        return self.config.fidelity

    @property
    def most_faithful(self) -> float:
        """The highest position of the dial; a model of the image's edge only has none but 0."""
        return 0.0 if self.region is methods.Region.IMAGE_EDGE else 1.0

    @property
    def alignment(self) -> int:
        """Tiles must begin at multiples of this many low-resolution pixels to equal the whole."""
        return self.network.alignment

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def halo(self, steps: int = 1) -> int:
        """Low-resolution pixels of context that an output pixel can see on each side, at any fidelity."""
        return self.network.radius * steps

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Self:
        """dtype: the precision that convolutions run in; weights stay float32. None leaves it as it is."""
        self.network.to(device)
        self.dtype = dtype or self.dtype
        return self

    @torch.inference_mode()
    def restore(
        self,
        lr: Tensor,
        noise: Tensor,
        *,
        steps: int = 1,
        fidelity: float | None = None,
        solver: Solver | None = None,
        guidance: float = 1.0,
    ) -> Tensor:
        """Restore a batch.

        lr: (B, 3, H, W) in [0, 1], sRGB, any H, W >= 1. noise: (B, 3, scale H, scale W), standard normal.
        steps: of the network, one evaluation each unless a solver takes more. fidelity: 1 keeps to the
        evidence, 0 invents the most detail; None is the model's own default. solver: how a teacher's ODE is
        followed, see `methods.restore`; None for any other model. guidance: of a teacher that knows labels,
        how far its velocity is led away from the one for a bad image (MFSR eq. 11); 1 is none.
        Returns float32 (B, 3, scale H, scale W), about [0, 1], not clamped.
        Raises UsageError when the model cannot do that many steps, that fidelity, solver or guidance.
        """
        self.check_guidance(guidance)
        u, source = self._flow(lr, noise, guidance)
        fidelity = self.default_fidelity if fidelity is None else fidelity
        with self._autocast():
            image = methods.restore(u, source, self.region, steps, fidelity, solver, self.config.grid)
        return image.float() / 2 + 0.5

    @torch.inference_mode()
    def straightness(self, lr: Tensor, noise: Tensor, steps: int = 32) -> Tensor:
        """How far a teacher's flow is from straight lines, per sample (B,), see `flow.straightness`.

        Inputs as in `restore`; in units of the [-1, 1] image, squared. `steps` velocities are held in memory.
        Raises UsageError for any other model.
        """
        check_teacher(self.region, "straightness")
        u, source = self._flow(lr, noise)
        with self._autocast():
            return flow.straightness(lambda x, t: u(x, t, t), source, steps)

    def check_guidance(self, guidance: float) -> None:
        """Raises UsageError for a guidance that this model does not have."""
        if guidance != 1:
            check_teacher(self.region, "guidance")
            if not self.config.network.quality:
                raise UsageError("This teacher learnt no quality labels, so there is nothing to guide it by.")

    def _flow(self, lr: Tensor, noise: Tensor, guidance: float = 1.0) -> tuple[AverageVelocity, Tensor]:
        """The velocity for these pictures, and where they start."""
        lr = lr.to(self.device, torch.float32) * 2 - 1
        cond = Condition(lr)
        source = self.config.source(bicubic_upsample(lr, self.scale), noise.to(lr))
        bad = cond.labelled(Quality.BAD)

        def u(x: Tensor, t: Tensor, r: Tensor) -> Tensor:
            asked: Tensor = self.network(x, t, r, cond)
            return asked if guidance == 1 else flow.guide(asked, self.network(x, t, r, bad), guidance)

        return u, source

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def save_pretrained(self, folder: str | Path, dtype: torch.dtype = torch.float16) -> None:
        """Write config.json and model.safetensors, the weights in `dtype`. The card is not touched.

        Both are written beside and renamed. Raises WeightsError when a weight does not fit into `dtype`,
        OutputError.
        """
        folder = Path(folder)
        weights = {
            name: value.to("cpu", dtype).contiguous() for name, value in self.network.state_dict().items()
        }
        if not all(value.isfinite().all() for value in weights.values()):
            raise WeightsError(f"A weight does not fit into {dtype}; nothing was written to {folder}.")
        parts = [folder / f"{name}.part" for name in (WEIGHTS, CONFIG)]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            save_file(weights, parts[0], metadata={"format": "pt", "method": self.config.method})
            parts[1].write_text(self.config.model_dump_json(indent=2) + "\n")
            for part in parts:
                part.replace(part.with_suffix(""))
        except (OSError, SafetensorError) as error:
            raise OutputError(f"The model {folder} cannot be written ({error}).") from error

    @classmethod
    def from_pretrained(
        cls, folder: str | Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> Self:
        """Load a model folder. Raises WeightsError when something is missing, misspelt or does not fit."""
        folder = Path(folder)
        config = read_config(folder)
        network = UNet(config.network)
        load_weights(network, folder / WEIGHTS)
        return cls(config, network).to(device, dtype)


def read_config(folder: Path) -> ModelConfig:
    """Raises WeightsError naming the file and the first field that is wrong."""
    path = folder / CONFIG
    try:
        config = ModelConfig.model_validate_json(path.read_text())
        methods.entry(config.method)
    except FileNotFoundError:
        raise WeightsError(f"{folder} is not a model folder: it has no {CONFIG}.") from None
    except (ValidationError, UnknownName, json.JSONDecodeError, OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path} cannot be used: {first_problem(error)}.") from error
    return config


def load_weights(network: nn.Module, path: Path) -> None:
    """Copy a safetensors file into `network`, cast to its precision; every key must be there and fit."""
    try:
        weights = load_file(path)
    except FileNotFoundError:
        raise WeightsError(f"{path.parent} has no {path.name}; download or train the model again.") from None
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is damaged ({error}); download or train the model again.") from error
    expected = network.state_dict()
    problems = [f"'{key}' is missing" for key in expected.keys() - weights.keys()]
    problems += [f"'{key}' is not of this network" for key in weights.keys() - expected.keys()]
    problems += [
        f"'{key}' has shape {tuple(weights[key].shape)} where {tuple(expected[key].shape)} is needed"
        for key in expected.keys() & weights.keys()
        if weights[key].shape != expected[key].shape
    ]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise WeightsError(f"{path} does not fit its config.json: {min(problems)}{more}.")
    network.load_state_dict({key: value.to(expected[key]) for key, value in weights.items()})


def first_problem(error: Exception) -> str:
    """One clause of a validation error: where, and what."""
    if not isinstance(error, ValidationError):
        return str(error).splitlines()[0].rstrip(".")
    detail = error.errors()[0]
    place = ".".join(map(str, detail["loc"]))
    message = "there is no such field" if detail["type"] == "extra_forbidden" else detail["msg"]
    return f"{place}: {message}" if place else message
