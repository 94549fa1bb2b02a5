"""What a training run is made of. Strict: a misspelt key is an error, never ignored."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError

from .. import degrade, methods
from ..errors import ConfigError, UnknownName
from ..flow import GridName, Source
from ..methods import MethodConfig
from ..methods.dial import SHIFTS
from ..networks import UNetConfig, table
from ..networks.mmdit.config import MMDiTConfig
from ..networks.sd21.unet import SD21Config
from ..networks.table import NetworkConfig
from ..ops.ssim import WINDOW
from ..restorer import first_problem

PLAYERS = ("student", "score", "critic")
SMALLEST = {"squeeze": 32, "alex": 64, "vgg": 32}
"""Sides at which the last features of LPIPS's backbones still have a position, in pixels."""


TIMES: dict[methods.Region, tuple[str, ...]] = {
    methods.Region.SOURCE_EDGE: ("r", "both"),
    methods.Region.TRIANGLE: ("both",),
    methods.Region.IMAGE_EDGE: ("t", "both"),
}
"""Which of t and r a network must be told to be a student there; on the diagonal they are the same."""


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfig(Strict):
    """crop: side of a training patch of the clean image, in pixels; a multiple of the scale.

    group: images that share their random sizes; 1 suits a CPU, 8 or more keep a GPU busy.
    sharpen: sharpen the clean image first (USM), as Real-ESRGAN's targets are.
    on_device: decode the photos once, into the memory of the device that trains, and cut the crops there:
    3 GB hold 1,000 megapixels. A GPU then waits for nothing; a CPU gains nothing.
    pool: crops that are degraded once, before training, and then used again and again with other flips
    and shifts; 0 degrades every batch anew, on the device. A CPU that trains cannot also degrade.
    pool_crop: side of a crop in the pool. held_out: photos kept out of training, for validation.
    workers: threads that read ahead.
    bad: share of samples that ask for the upsampled low-resolution image, labelled BAD. unlabelled: share
    whose label is dropped. Only networks that read labels (network.quality) see either.
    kept_noise: share of samples that ask for a part of the small picture's noise to be kept, half of these
    for all of it. Only for networks that are told of damage (network.damage).
    """

    crop: int = Field(128, ge=8)
    degradation: str = "photo"
    group: int = Field(1, ge=1)
    sharpen: bool = False
    on_device: bool = False
    pool: int = Field(0, ge=0)
    pool_crop: int = Field(192, ge=8)
    held_out: int = Field(8, ge=0)
    workers: int = Field(2, ge=1)
    bad: float = Field(0.0, ge=0, le=1)
    unlabelled: float = Field(0.0, ge=0, le=1)
    kept_noise: float = Field(0.3, ge=0, le=1)


class OptimizerConfig(Strict):
    """kind: "adamw", or "muon": Muon for the convolution kernels at `kernel_rate`, AdamW for all the rest.

    decay: what the learning rate does after `warmup` steps: stay, or fall linearly to 0 at the end, which is
    after TrainConfig's `steps` or its `minutes`, whichever is nearer.

    players: times the learning rates, by player; 1 for those not named.
    clip: largest norm of the gradient. ema: decay of the averaged weights, which are the ones saved.
    """

    kind: Literal["adamw", "muon"] = "adamw"
    learning_rate: float = Field(5e-4, gt=0)
    kernel_rate: float = Field(0.02, gt=0)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    warmup: int = Field(500, ge=0)
    decay: Literal["none", "linear"] = "none"
    players: dict[str, PositiveFloat] = {}
    clip: float = Field(1.0, gt=0)
    ema: float = Field(0.999, ge=0, lt=1)


class AdapterConfig(Strict):
    """Low-rank adapters (networks.lora), and all that a network has of its own, such as the MM-DiT's stream.

    rank: None is no adapters. alpha: None is the rank.
    """

    rank: int | None = Field(64, ge=1)
    alpha: float | None = Field(None, gt=0)


class TrainConfig(Strict):
    """minutes: training time, over all resumes, after which the run is done though `steps` are left: for a
    machine whose speed is not known, or whose hire ends. With decay="linear" such a run depends on the clock,
    so a resumed one is no longer the same bit for bit. None: `steps` alone decide.
    precision: of the convolutions; weights, optimiser and losses are float32 in both.

    compile: a minute of compiling at the start for steps about a sixth faster (needs a C++ compiler).
    grid: how the times lie when the student takes several steps; only its use reads it.
    perceptual: backbone of LPIPS, for the methods whose losses use one (its files must be on this computer).
    dino: folder of DINOv3, for a refinement whose critic looks through it (method.judge=dino). clip: folder
    of CLIP, for FlowSR's alignment loss; without it that loss is left out.
    scale, autoencoder, prompts: as a model's config.json has them (restorer.ModelConfig), for networks that
    do not fix their scale, work on latents or read text; None is what the model has that the run begins with,
    but for the scale, which is then 4 and must be that model's too.
    negative: the text, of those in the prompts, that stands for a bad picture: the model's own, or MFSR's.
    adapters: train these and what the network has of its own; None trains every weight.
    """

    recipe: str
    seed: int = Field(0, ge=0)
    steps: int = Field(ge=1)
    minutes: float | None = Field(None, gt=0)
    batch: int = Field(16, ge=1)
    precision: Literal["fp32", "bf16"] = "bf16"
    compile: bool = False
    grid: GridName = "uniform"
    perceptual: Literal["none", "squeeze", "alex", "vgg"] = "none"
    dino: Path | None = None
    clip: Path | None = None
    network: NetworkConfig = UNetConfig()
    scale: int | None = Field(None, ge=1, le=8)
    autoencoder: Path | None = None
    prompts: Path | None = None
    negative: Literal["negative", "negative_mfsr"] = "negative"
    adapters: AdapterConfig | None = None
    source: Source = Source()
    method: MethodConfig
    data: DataConfig = DataConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    log_every: int = Field(100, ge=1)
    validate_every: int = Field(2000, ge=1)
    checkpoint_minutes: float = Field(5.0, gt=0)

    @property
    def factor(self) -> int:
        """How many times larger the result is."""
        return table.scale_of(self.network, self.scale)

    @property
    def labelled(self) -> bool:
        """Whether the network can be asked for bad images: by a label, or by a text."""
        return (
            self.network.quality if isinstance(self.network, UNetConfig) else table.reads_text(self.network)
        )


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
        # Rates are given by names, which no default holds.
        known = isinstance(node, dict) and (field in node or parents[-1:] == ["players"])
        if not known:
            raise ConfigError(f"There is no field '{path}' to set; {_fields(values, parents)}.")
        another = field == "kind" and parents[:1] == ["method"] and node[field] != value
        if another:
            node.clear()  # another method has fields of its own
        node[field] = value
        if another:
            values = _completed(values)
    return validate(values)


def _completed(values: dict[str, Any]) -> dict[str, Any]:
    """With the defaults of what is not said; as they are where something is wrong, which `validate` tells."""
    try:
        return TrainConfig.model_validate(values).model_dump(mode="json")
    except ValidationError:
        return values


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
    if isinstance(config.network, UNetConfig) and config.scale not in (None, config.network.scale):
        raise ConfigError(f"scale = {config.scale}: this network has its own, use network.scale.")
    _check_unread(config)
    _check_method(config)
    _check_times(config)
    for player in config.optimizer.players:
        if player not in PLAYERS:
            raise UnknownName("player", player, PLAYERS)
    _check_crop(config)
    if config.data.pool and config.data.on_device:
        raise ConfigError("A pool lies on the disk and data.on_device degrades anew: set data.pool=0.")
    if config.data.pool and config.data.pool_crop < config.data.crop:
        raise ConfigError(
            f"data.pool_crop = {config.data.pool_crop} must hold data.crop = {config.data.crop}."
        )
    return config


def _check_unread(config: TrainConfig) -> None:
    """What this network or method would not read: the run would be another one than its config says."""
    kind = config.network.kind
    if config.adapters is not None and not isinstance(config.network, MMDiTConfig | SD21Config):
        raise ConfigError(f"A {kind} is trained whole: use --set adapters=null.")
    if config.autoencoder is not None and isinstance(config.network, UNetConfig):
        raise ConfigError(f"A {kind} works on pixels: use --set autoencoder=null.")
    if (config.prompts or config.negative != "negative") and not table.reads_text(config.network):
        raise ConfigError(f"A {kind} reads no text: use --set prompts=null and --set negative=negative.")
    if config.clip is not None and not isinstance(methods.base(config.method), methods.FlowsrConfig):
        raise ConfigError("CLIP is for FlowSR's alignment loss, which is not here: use --set clip=null.")


def _check_times(config: TrainConfig) -> None:
    """A student that is not told a time that its method varies would learn an average over it."""
    kind, network = methods.base(config.method).kind, config.network
    wanted = TIMES.get(methods.entry(kind).region)
    told, remedy = "both", ""
    if isinstance(network, MMDiTConfig):
        told = "t" if network.time_conditioning == "single" else "both"
        remedy = "network.time_conditioning=add_r"
    elif not isinstance(network, UNetConfig):
        told, remedy = network.reads, "network.reads=both"
    if wanted is not None and told not in wanted:
        raise ConfigError(
            f"A student of {kind} must be told {' or '.join(wanted)} of t and r, and this network is told "
            f"{told}: use --set {remedy}."
        )


def _check_method(config: TrainConfig) -> None:
    """What the method asks of the rest of the configuration."""
    refined = config.method if isinstance(config.method, methods.RefinementConfig) else None
    if refined is not None and refined.adversarial and refined.judge == "dino" and config.dino is None:
        raise ConfigError("A critic that looks through DINOv3 needs its folder: use --set dino=FOLDER.")
    if refined is not None and _shows_pixels(refined) and table.sees(config.network) != "picture":
        raise ConfigError(
            "A critic of pixels needs pixels to compare with, not latents: use method.judge=dino."
        )
    if config.method.guided and not config.labelled:
        raise ConfigError(
            "This guidance compares quality labels: use a teacher that was trained with "
            "network.quality=true, and set it here too."
        )
    method = methods.base(config.method)
    if not isinstance(method, methods.MfsrConfig):
        return
    if method.velocity == "meanflow_cfg" and not config.data.unlabelled:
        raise ConfigError("meanflow_cfg needs samples without a label: set data.unlabelled=0.1 or so.")
    if method.derivative == "central" and config.precision != "fp32":
        raise ConfigError(
            "A central difference drowns in the rounding of half precision: set precision=fp32 or "
            "method.derivative=forward."
        )


def _check_crop(config: TrainConfig) -> None:
    """Patches must not vanish in what looks at them."""
    for smallest, reader in _readers(config):
        if config.data.crop < smallest:
            raise ConfigError(
                f"data.crop = {config.data.crop} is too small: {reader} needs {smallest} pixels."
            )


def _readers(config: TrainConfig) -> Iterator[tuple[int, str]]:
    """What looks at patches, and the smallest side that each can see."""
    method = methods.base(config.method)
    dial = method if isinstance(method, methods.DialConfig) else None
    if config.perceptual != "none":
        smallest = SMALLEST[config.perceptual]
        if dial is not None:
            smallest = smallest * (2 if dial.coarse else 1) + SHIFTS - 1
        yield smallest, f"LPIPS with {config.perceptual}"
    if dial is not None and dial.structure:
        yield WINDOW, "SSIM"
    if isinstance(config.method, methods.RefinementConfig) and _shows_pixels(config.method):
        yield config.method.critic.smallest, "the critic"


def _shows_pixels(method: methods.RefinementConfig) -> bool:
    return method.adversarial > 0 and method.judge == "pixels"


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


def _fields(values: dict[str, Any], parents: list[str]) -> str:
    node: Any = values
    for parent in parents:
        node = node.get(parent) if isinstance(node, dict) else None
    return f"known here: {', '.join(node)}" if isinstance(node, dict) else "see the resolved config.json"
