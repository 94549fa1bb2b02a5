"""The configuration of a training run. A misspelt field is an error, never ignored."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError

from .. import degrade, methods
from ..data.crops import EVERY, Drawing, Symmetries
from ..errors import ConfigError, UnknownName
from ..flow import GridName, Source
from ..methods import MethodConfig
from ..networks import UNetConfig
from ..networks.registry import NetworkConfig
from ..restorer import first_problem


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfig(Strict):
    """Which photos and crops a run sees, and how they are damaged."""

    crop: int = Field(128, ge=8)
    """Side of a training patch of the clean image, in pixels; a multiple of the scale."""
    degradation: str = "photo"
    """Name of the damage, see `leapsr.degrade`."""
    group: int = Field(1, ge=1)
    """Images that share their random sizes; 1 suits a CPU, 8 or more keep a GPU busy."""
    resize: int | None = Field(None, ge=8)
    """Side of a square that every photo becomes first: its shorter side made as long, its middle cut out.
    None: photos stay as they are."""
    symmetries: Symmetries = EVERY
    """How often crops are mirrored and turned: by default in all eight ways, which suits small networks. The
    papers mirror, and do not lay photos on their sides."""
    drawing: Drawing = "area"
    """Which photo a crop is of: "area", each as likely as its area, or "photo", all alike."""
    sharpen: bool = False
    """Sharpen the clean image first (USM), as Real-ESRGAN does with its targets."""
    on_device: bool = False
    """Decode the photos once into the memory of the device that trains, and cut the crops there. 3 GB hold
    1,000 megapixels. A GPU then never waits for photos; a CPU gains nothing."""
    pool: int = Field(0, ge=0)
    """Crops that are damaged once, before training, and used again and again with other flips and shifts,
    because a CPU that trains has no time to damage photos too. 0 damages every batch anew, on the device."""
    pool_crop: int = Field(192, ge=8)
    """Side of a crop in the pool, in pixels of the clean image."""
    held_out: int = Field(8, ge=0)
    """Photos kept out of training, for validation."""
    workers: int | None = Field(None, ge=1)
    """Threads that read ahead, in each process. None: one for each core, shared out among the processes of
    this machine, and two at least."""
    bad: float = Field(0.0, ge=0, le=1)
    """Share of samples with the label BAD, whose target is the upsampled low-resolution image. Needs a
    network that reads labels (network.quality) or text."""
    unlabelled: float = Field(0.0, ge=0, le=1)
    """Share of samples whose label is dropped; the same networks."""
    kept_noise: float = Field(0.3, ge=0, le=1)
    """Share of samples whose target keeps some of the small picture's noise; half of these keep all of it.
    Only for networks that are told of damage (network.damage)."""


class OptimizerConfig(Strict):
    """How the weights are updated."""

    kind: Literal["adamw", "muon"] = "adamw"
    """With "muon", convolution kernels are updated by Muon at `kernel_rate`; critics' kernels and all other
    weights by AdamW."""
    learning_rate: float = Field(5e-4, gt=0)
    kernel_rate: float = Field(0.02, gt=0)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    warmup: int = Field(500, ge=0)
    """Steps in which the learning rate rises from 0."""
    decay: Literal["none", "linear"] = "none"
    """Whether the learning rate then stays, or falls linearly to 0 at the end of the run's steps or minutes,
    whichever comes first."""
    rate_factors: dict[str, PositiveFloat] = {}
    """Factors of the learning rates, by network ("student", "score", "critic"); 1 where none is given."""
    clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient."""
    ema: float = Field(0.999, ge=0, lt=1)
    """Decay of the averaged weights, which are the ones that are saved as the model."""


class AdapterConfig(Strict):
    """Low-rank adapters (networks.lora); a network's new parts, as MM-DiT's stream, train beside them."""

    rank: int | None = Field(64, ge=1)
    """None: no adapters, only the new parts train."""
    alpha: float | None = Field(None, gt=0)
    """None is the rank."""


class TrainConfig(Strict):
    """A whole run."""

    recipe: str
    seed: int = Field(0, ge=0)
    steps: int = Field(ge=1)
    minutes: float | None = Field(None, gt=0)
    """Training time, over all resumes, after which the run is done even if `steps` are left: for a machine of
    unknown speed, or one that is rented for a time. With decay="linear" the result then depends on the clock,
    so a resumed run is no longer the same bit for bit. None: `steps` alone decide."""
    batch: int = Field(16, ge=1)
    """Samples of one step, of all processes together."""
    at_once: int | None = Field(None, ge=1)
    """Samples that a process holds in memory at one time, at most. A larger share of a batch is cut into
    equal parts, whose gradients add up before weights move. None: the whole share."""
    images_at_once: int | None = Field(None, ge=1)
    """Images that a loss decodes and compares (LPIPS, CLIP) at one time. The backward pass computes them
    again instead of keeping all activations. None: all at once, kept."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Of the convolutions and matrix products; weights, optimizer and losses are always float32. "auto" is
    bf16 where the processor or card computes in it itself, else fp32; the run's config.json says which."""
    compile: bool = False
    """Compile the networks with torch.compile: a minute at the start for steps about a sixth faster. Needs a
    C++ compiler."""
    grid: GridName = "uniform"
    """How the times lie when the model is used with several steps; the training does not depend on it."""
    perceptual: Literal["none", "squeeze", "alex", "vgg"] = "none"
    """Backbone of LPIPS, for losses that use it. Its files must be on this computer."""
    dino: Path | None = None
    """Folder of DINOv3, for a refinement with method.critic_input=dino."""
    clip: Path | None = None
    """Folder of CLIP, for FlowSR's alignment loss."""
    diffusion: Path | None = None
    """Folder of the model that FlowSR's critic looks through, Stable Diffusion 2.1 as it was converted."""
    network: NetworkConfig = UNetConfig()
    scale: int | None = Field(None, ge=1, le=8)
    """For networks that do not fix their scale. None is 4, which must then be the scale of the model that the
    run begins with, too."""
    autoencoder: Path | None = None
    """Folder of the autoencoder, for networks of latents. None is that of the model the run begins with."""
    prompts: Path | None = None
    """File of prompts, for networks that read text. None is that of the model the run begins with."""
    negative: Literal["negative", "negative_mfsr"] = "negative"
    """Which of the prompts describes a bad picture: the model's own, or the text of the MFSR paper."""
    guidance: float | None = Field(None, ge=0)
    """For teachers: what the saved model is used with, see `ModelConfig.guidance`. None is that of the model
    the run begins with, or none."""
    adapters: AdapterConfig | None = None
    """Train low-rank adapters and the network's new parts. None trains every weight."""
    source: Source = Source()
    method: MethodConfig
    data: DataConfig = DataConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    log_every: int = Field(100, ge=1)
    """Steps between two reports of the losses."""
    validate_every: int = Field(2000, ge=1)
    """Steps between two validations."""
    best: Literal["lpips", "psnr"] = "lpips"
    """Which score of a validation chooses the model that is kept in `best`, beside the newest in `model`.
    PSNR also where LPIPS's files are not on this computer."""
    checkpoint_minutes: float = Field(5.0, gt=0)
    """Time between two checkpoints."""

    @property
    def factor(self) -> int:
        """How many times larger the result is."""
        return self.network.scale_for(self.scale)

    def parts(self, processes: int) -> int:
        """How many parts each process cuts its share of a batch into.

        Raises ConfigError where the processes cannot share a batch equally.
        """
        if self.batch % processes:
            lower = self.batch - self.batch % processes
            wanted = " or ".join(f"batch={size}" for size in (lower, lower + processes) if size)
            raise ConfigError(
                f"{processes} processes cannot share batch = {self.batch} equally: use --set {wanted}."
            )
        share = self.batch // processes
        largest = min(share, self.at_once or share)
        return next(parts for parts in range(1, share + 1) if share % parts == 0 and share <= parts * largest)

    @property
    def labelled(self) -> bool:
        """Whether the network can be asked for bad images: by a label, or by a text."""
        return self.network.reads_labels or self.network.reads_text


def override(config: TrainConfig, settings: Iterable[str] | Mapping[str, Any]) -> TrainConfig:
    """Change fields, given as "path.to.field=value" or by a mapping of paths to values.

    Raises ConfigError naming the field.
    """
    values = config.model_dump(mode="json")
    for path, value in settings.items() if isinstance(settings, Mapping) else map(_parse, settings):
        *parents, field = path.strip().split(".")
        node: Any = values
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        # `rate_factors` is a mapping that is empty at first, so that any name may be new to it.
        if not isinstance(node, dict) or (field not in node and parents[-1:] != ["rate_factors"]):
            known = f"known here: {', '.join(node)}" if isinstance(node, dict) else "see config.json"
            raise ConfigError(f"There is no field '{path}' to set; {known}.")
        another = field == "kind" and parents[:1] == ["method"] and node[field] != value
        if another:
            node.clear()  # another method has other fields
        node[field] = value
        if another:
            with suppress(ValidationError):  # `validate` will say what is wrong
                values = TrainConfig.model_validate(values).model_dump(mode="json")  # with their defaults
    return validate(values)


def validate(values: Mapping[str, Any]) -> TrainConfig:
    """Raises ConfigError with the first field that is wrong."""
    try:
        config = TrainConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"The configuration cannot be used: {first_problem(error)}.") from error
    degrade.make(config.data.degradation, config.factor)  # raises UnknownName
    for name, side in (("crop", config.data.crop), ("pool_crop", config.data.pool_crop)):
        if side % config.factor:
            raise ConfigError(f"data.{name} = {side} must be a multiple of the scale, {config.factor}.")
    if (config.data.bad or config.data.unlabelled) and not config.labelled:
        raise ConfigError(
            "data.bad and data.unlabelled need a network that reads labels: network.quality=true."
        )
    if config.guidance is not None and config.method.region is not methods.Region.DIAGONAL:
        raise ConfigError("guidance is used with teachers, and a student has none: see method.guidance.")
    if config.guidance not in (None, 1) and not config.labelled:
        raise ConfigError("guidance needs a network that reads labels: network.quality=true.")
    config.network.check(config)
    config.method.check(config)
    trained = {"student", *(name for row in methods.CONFIGS.values() for name in row.config.auxiliary_names)}
    for name in config.optimizer.rate_factors:
        if name not in trained:
            raise UnknownName("network that trains", name, trained)
    if config.data.pool and config.data.on_device:
        raise ConfigError("A pool lies on the disk and data.on_device degrades anew: set data.pool=0.")
    if config.data.pool and config.data.drawing != "area":
        raise ConfigError("A pool is drawn by area: use --set data.drawing=area, or data.pool=0.")
    if config.data.resize is not None and config.data.resize < max(
        config.data.crop, config.data.pool_crop if config.data.pool else 0
    ):
        raise ConfigError(f"data.resize = {config.data.resize} must hold data.crop = {config.data.crop}.")
    if config.data.pool and config.data.pool_crop < config.data.crop:
        raise ConfigError(
            f"data.pool_crop = {config.data.pool_crop} must hold data.crop = {config.data.crop}."
        )
    return config


def read(path: Path) -> TrainConfig:
    """Raises ConfigError when the file is missing, is not JSON or does not validate."""
    try:
        values = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as a configuration: {error}.") from error
    return validate(values)


def _parse(setting: str) -> tuple[str, Any]:
    """Path and value: JSON where it is JSON (numbers, lists, true), else the text itself."""
    path, separator, text = setting.partition("=")
    if not separator:
        raise ConfigError(f"--set takes path.to.field=value, not '{setting}'.")
    try:
        return path, json.loads(text)
    except json.JSONDecodeError:
        return path, text
