"""A trained network with all that it needs to restore: low-resolution tensor in, high-resolution tensor out.

A model folder holds `config.json`, `model.safetensors` and a card, `README.md`. No pickles. A model of
another project is a file of weights, see `networks.zoo`.
"""

import json
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from . import flow, methods
from .errors import UnknownName, UsageError, WeightsError
from .files import atomic_write
from .flow import AverageVelocity, Source
from .frozen.autoencoder import Pretrained
from .frozen.prompts import load_book
from .frozen.space import PIXELS, Space
from .hub.catalog import CONFIG, LICENCE, PROMPTS, WEIGHTS
from .hub.releases import licence_of
from .locks import ForkSafeLock
from .methods.restore import Region, Solver, check, check_teacher
from .networks import Network, Prompt, Quality, registry, zoo
from .networks.registry import NetworkConfig
from .networks.state_dict import find_misfit
from .ops.damage import of_pictures, told

_building = ForkSafeLock()
"""The state of torch's random numbers, which is put back, is one for all threads."""


class ModelConfig(BaseModel):
    """What a model folder's config.json holds, or stands for it. Unknown fields are errors.

    method: how it learnt; of another project's upscaler, its architecture.
    scale: of networks that do not fix it themselves; None is 4 for these.
    autoencoder: folder of the autoencoder whose latents the network works on, absolute or relative to the
    model's folder; None is pixels. prompts: file of the prompts that the network reads, likewise.
    guidance: of a teacher, unless the user asks for another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["leapsr"] = "leapsr"
    version: Literal[1] = 1
    method: str
    network: NetworkConfig
    scale: int | None = Field(None, ge=1, le=8)
    autoencoder: str | None = None
    prompts: str | None = None
    source: Source = Source()
    fidelity: float = Field(0.5, ge=0, le=1, description="Where the dial stands unless the user turns it.")
    grid: flow.GridName = Field("uniform", description="How the times of several steps lie.")
    guidance: float = Field(1.0, description="How far a teacher is led away from a bad image; 1 is not.")
    color_fix: Literal["none", "wavelet", "adain"] = "none"
    licence: str = LICENCE

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        own = self.network.fixed_scale
        if own is not None and self.scale not in (None, own):
            raise ValueError(f"scale {self.scale} is not the network's, {own}")
        return self

    @property
    def factor(self) -> int:
        """How many times larger the result is."""
        return self.network.scale_for(self.scale)

    @property
    def region(self) -> Region:
        """What it can be asked for. Raises UnknownName where there is no such method."""
        return Region.CORNER if self.network.is_foreign else methods.entry(self.method).config.region

    @property
    def defaults(self) -> str:
        """What a result is made with unless the user asks for something else, in words."""
        followed = f", solver euler, guidance {self.guidance:g}"
        more = followed if self.region is methods.Region.DIAGONAL else ""
        return f"fidelity {self.fidelity:g}, steps 1{more}"

    @property
    def preferred_half(self) -> torch.dtype:
        """The half precision to use, or float32 where there is none; autoencoders overflow in float16."""
        half = torch.float16 if self.autoencoder is None else torch.bfloat16
        return next(kind for kind in (half, torch.bfloat16, torch.float32) if kind in self.network.precisions)


class Restorer:
    """Restores batches that fit in memory. `leapsr.upscale` does tiles, colours and files."""

    def __init__(self, config: ModelConfig, network: Network, space: Space | None = None) -> None:
        """space: None is pixels."""
        self.config = config
        self.network = network.eval().requires_grad_(False)
        self.space = space or pixels(config)
        self.region = config.region
        self.dtype = torch.float32
        self._away: torch.device | None = None  # where an offloaded network works

    @property
    def scale(self) -> int:
        return self.space.scale

    @property
    def default_fidelity(self) -> float:
        return self.config.fidelity

    @property
    def most_faithful(self) -> float:
        """The highest fidelity that it can be asked for; 0 for a model without a dial."""
        return 0.0 if self.region in (Region.IMAGE_EDGE, Region.CORNER) else 1.0

    @property
    def alignment(self) -> int:
        """Tiles must begin at multiples of this many low-resolution pixels to equal the whole."""
        return math.lcm(self.network.alignment, self.space.alignment)

    @property
    def device(self) -> torch.device:
        """Where it computes, even while an offloaded network is elsewhere."""
        return self._away or next(self.network.parameters()).device

    @property
    def largest(self) -> int | None:
        """The longest side that the network accepts, in low-resolution pixels; None: any."""
        side = self.config.network.largest_state
        if side is None:
            return None
        pixels = self.space.autoencoder.factor * side
        return pixels // math.lcm(self.space.pixel_multiple, self.scale) * self.alignment

    def halo(self, steps: int = 1) -> int | None:
        """Low-resolution pixels that an output pixel depends on, on each side; None: the whole picture."""
        return None if self.network.radius is None else self.network.radius * steps

    @property
    def bytes_per_pixel(self) -> int:
        """Memory for each low-resolution pixel of a tile, about and at most."""
        return self.network.bytes_per_pixel

    @property
    def keeps_light(self) -> bool:
        """Whether a good result is near its source in light and colour, see `NetworkConfigBase`."""
        return self.config.network.keeps_light

    @property
    def labels(self) -> set[Quality]:
        """The qualities that the network can be asked for; at least one."""
        return set(Quality) if self.config.network.reads_labels else {Quality.GOOD, *self.space.prompts}

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Self:
        """dtype: the precision to compute in; None keeps it. The weights of small networks stay float32.

        Raises UsageError for a precision that the network cannot compute in.
        """
        if dtype is not None and dtype not in self.config.network.precisions:
            raise UsageError(
                f"This model does not work in {str(dtype).removeprefix('torch.')}: leave --dtype out."
            )
        self.dtype = dtype or self.dtype
        if self._away is not None:
            self._away, device = torch.device(device), "cpu"
        self.network.to(device, self.dtype if self.config.network.is_large else None)
        if self.config.network.kind == "unet":  # a sixth faster in bfloat16 on a CPU; no gain in float32
            on_cpu = torch.device(device).type == "cpu" and self.dtype == torch.bfloat16
            self.network.to(memory_format=torch.channels_last if on_cpu else torch.contiguous_format)
        return self

    def offload(self) -> Self:
        """From now on keep all weights in the host's memory and only those in use on the device: first the
        autoencoder's, then the network's, then the autoencoder's again. Slower, for small GPUs."""
        self._away = self.device
        self._move("cpu")
        self.space = replace(self.space, autoencoder=self.space.autoencoder.waiting())
        return self

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """The network on its device."""
        if self._away is None:
            yield
            return
        self._move(self._away)
        try:
            yield
        finally:
            self._move("cpu")

    def _move(self, device: torch.device | str) -> None:
        with torch.inference_mode(False):  # else the weights could not be used outside
            self.network.to(device)

    @torch.inference_mode()
    def restore(
        self,
        lr: Tensor,
        noise: Tensor,
        *,
        steps: int = 1,
        fidelity: float | None = None,
        solver: Solver | None = None,
        guidance: float | None = None,
        prompt: Prompt | None = None,
        measures: Tensor | None = None,
        denoise: float = 1.0,
    ) -> Tensor:
        """Restore a batch.

        lr: (B, 3, H, W) in [0, 1], sRGB, any H, W >= 1. noise: standard normal, (B, 3, scale H, scale W) on
        pixels and (B, *space.state_shape(H, W)) on latents.
        steps: of the network, one evaluation each unless a solver takes more. fidelity: 1 keeps to the
        evidence, 0 invents the most detail; None is the model's own default. solver: how a teacher's ODE is
        followed, see `methods.restore`; None for any other model. guidance: of a teacher that knows labels,
        how far its velocity is led away from the one for a bad image (MFSR eq. 11); 1 is none, None the
        model's default. prompt: what is asked for, one text for all samples or one for each; None is the
        model's own text for any good picture. measures: (B, 7) of `ops.damage`, of the whole pictures that
        these are parts of; None: they are whole. denoise: how much of the noise goes, see `ops.damage.told`,
        for networks that are told; others remove what they remove.
        Returns float32 (B, 3, scale H, scale W), about [0, 1], not clamped.
        Raises UsageError when the model cannot do that many steps, that fidelity, solver, guidance or prompt.
        """
        guidance = self.config.guidance if guidance is None else guidance
        self.check_guidance(guidance)
        fidelity = self.default_fidelity if fidelity is None else fidelity
        check(self.region, steps, fidelity, solver)
        u, source = self._flow(lr, noise, guidance, prompt, self._damage(lr, measures, denoise))
        with self._autocast():
            with self._at_work():
                state = methods.restore(u, source, self.region, steps, fidelity, solver, self.config.grid)
            image = self.space.decode(state, (self.scale * lr.shape[2], self.scale * lr.shape[3]))
        return image.float().mul(0.5).add_(0.5)

    @torch.inference_mode()
    def straightness(self, lr: Tensor, noise: Tensor, steps: int = 32) -> Tensor:
        """How far a teacher's flow is from straight lines, per sample (B,), see `flow.straightness`.

        Inputs as in `restore`; in units of the [-1, 1] image, squared. `steps` velocities are held in memory.
        Raises UsageError for any other model.
        """
        check_teacher(self.region, "straightness")
        u, source = self._flow(lr, noise)
        with self._autocast(), self._at_work():
            return flow.straightness(lambda x, t: u(x, t, t), source, steps)

    def check_guidance(self, guidance: float) -> None:
        """Raises UsageError for a guidance that this model does not have."""
        if guidance != 1:
            check_teacher(self.region, "guidance")
            if Quality.BAD not in self.labels:
                raise UsageError("This teacher learnt no quality labels, so there is nothing to guide it by.")

    def check_prompt(self, prompt: Prompt) -> None:
        """Raises UsageError for a prompt that this model cannot read."""
        own = self.space.prompts.get(Quality.GOOD)
        if own is None:
            raise UsageError("This model reads no text; leave caption and captioner out.")
        if own.tokens.shape[2] != prompt.tokens.shape[2]:
            raise UsageError(
                f"This model reads tokens of {own.tokens.shape[2]} channels and the prompt has "
                f"{prompt.tokens.shape[2]}: give the text encoder of its own base model."
            )

    @contextmanager
    def watched(self, steps: int, report: Callable[[float], None]) -> Iterator[None]:
        """Inside, `report` is called up to eight times an evaluation, with the share that is done, below 1.

        steps: of the network, by the end of the block.
        """
        layers = [module for module in self.network.modules() if not any(module.children())]
        called, told, expected = 0, 0, steps * len(layers)

        def count(*_: Any) -> None:
            nonlocal called, told
            called += 1
            eighths = 8 * steps * called // expected
            if told < eighths < 8 * steps:
                told = eighths
                report(called / expected)

        hooks = [layer.register_forward_hook(count) for layer in layers]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    @property
    def reads_damage(self) -> bool:
        """Whether the network is told how damaged the picture is, so that `denoise` changes something."""
        return self.config.network.reads_damage

    def _damage(self, lr: Tensor, measures: Tensor | None, denoise: float) -> Tensor | None:
        """See Condition.damage; None for networks that do not read it."""
        if not self.reads_damage:
            return None
        known = (of_pictures(lr) if measures is None else measures).to(self.device, torch.float32)
        return told(known, known.new_tensor([denoise])).expand(len(lr), -1)

    def _flow(
        self,
        lr: Tensor,
        noise: Tensor,
        guidance: float = 1.0,
        prompt: Prompt | None = None,
        damage: Tensor | None = None,
    ) -> tuple[AverageVelocity, Tensor]:
        """The velocity for these pictures, and where they start."""
        lr = lr.to(self.device, torch.float32) * 2 - 1
        if prompt is not None:
            self.check_prompt(prompt)
            prompt = prompt.to(self.device).expand(len(lr))
        with self._autocast():
            cond, upsampled = self.space.make_condition(lr, prompt)
        cond = replace(cond, damage=damage)
        source = self.config.source(upsampled, noise.to(lr))
        bad = cond.labelled(Quality.BAD)

        def u(x: Tensor, t: Tensor, r: Tensor) -> Tensor:
            asked: Tensor = self.network(x, t, r, cond)
            return asked if guidance == 1 else flow.guide(asked, self.network(x, t, r, bad), guidance)

        return u, source

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def save_pretrained(self, folder: str | Path, dtype: torch.dtype = torch.float16) -> None:
        """Write config.json, model.safetensors and prompts where it reads any.

        The weights are in `dtype`, but for those that the network keeps in float32.

        The card is not touched; an autoencoder is named by its path. All files are replaced, or none.
        Raises WeightsError when a weight does not fit into `dtype`, OutputError.
        """
        folder = Path(folder)
        whole = self.network.full_precision
        weights = {
            name: value.to("cpu", torch.float32 if name.startswith(whole) else dtype).contiguous()
            for name, value in self.network.state_dict().items()
        }
        if not all(value.isfinite().all() for value in weights.values()):
            raise WeightsError(f"A weight does not fit into {dtype}; nothing was written to {folder}.")
        prompts = {} if self.config.prompts is None else {"prompts": PROMPTS}
        text = self.config.model_copy(update=prompts).model_dump_json(indent=2) + "\n"
        with ExitStack() as stack:  # the files are put in their places in reverse order, so the config last
            stack.enter_context(atomic_write(folder / CONFIG)).write_text(text, encoding="utf-8")
            if self.config.prompts is not None:
                shutil.copyfile(self.config.prompts, stack.enter_context(atomic_write(folder / PROMPTS)))
            part = stack.enter_context(atomic_write(folder / WEIGHTS))
            save_file(weights, part, metadata={"format": "pt", "method": self.config.method})

    @classmethod
    def from_pretrained(
        cls, folder: str | Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> Self:
        """Load a model folder, or another project's file.

        Raises WeightsError when something is missing, misspelt or does not fit.
        """
        folder = Path(folder)
        if folder.is_file():
            upscaler = zoo.read(folder)
            return cls(_file_config(folder, upscaler.config), upscaler).to(device, dtype)
        config = located(folder)
        kind = registry.network_class(config.network)
        if config.network.is_large:
            network = kind.empty(config.network)
        else:
            with _building, torch.random.fork_rng([]):  # its first weights are random, and soon replaced
                network = kind(config.network)
        load_weights(network, folder / WEIGHTS)
        return cls(config, network, space(config)).to(device, dtype)


def pixels(config: ModelConfig) -> Space:
    """The space of a network that works on pixels."""
    network = config.network
    return Space(
        config.factor,
        PIXELS,
        network.state_multiple,
        network.condition_input,
        upsampled_by=network.upsampled_by,
    )


def located(folder: Path) -> ModelConfig:
    """The config of a model folder, with whole paths. Raises WeightsError."""
    config = read_config(folder)
    places = {"autoencoder": config.autoencoder, "prompts": config.prompts}
    whole = {name: str((folder / place).resolve()) for name, place in places.items() if place is not None}
    return config.model_copy(update=whole)


def space(config: ModelConfig) -> Space:
    """Where a model works. Raises WeightsError where its prompts cannot be read; its autoencoder is read on
    the first use."""
    autoencoder = PIXELS if config.autoencoder is None else Pretrained(config.autoencoder)
    texts = {} if config.prompts is None else load_book(Path(config.prompts)).labels()
    return replace(pixels(config), autoencoder=autoencoder, prompts=texts)


def read_config(folder: Path) -> ModelConfig:
    """Of a model folder, or what stands for it of another project's file.

    Raises WeightsError naming the file and the first field that is wrong.
    """
    if folder.is_file():
        return _config_of_file(folder.resolve(), folder.stat().st_mtime_ns)
    path = folder / CONFIG
    try:
        config = ModelConfig.model_validate_json(path.read_text(encoding="utf-8"))
        _ = config.region
    except FileNotFoundError:
        raise WeightsError(f"{folder} is not a model folder: it has no {CONFIG}.") from None
    except (ValidationError, UnknownName, json.JSONDecodeError, OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path} cannot be used: {first_problem(error)}.") from error
    return config


@lru_cache(maxsize=8)  # a command asks several times, and each time reads all weights
def _config_of_file(path: Path, changed: int) -> ModelConfig:
    """changed: when, so that another file of that name is read again."""
    return _file_config(path, zoo.read(path).config)


def _file_config(path: Path, network: zoo.ZooConfig) -> ModelConfig:
    source, licence = Source(kind="lr"), licence_of(path)
    return ModelConfig(
        method=network.architecture, network=network, source=source, fidelity=0.0, licence=licence
    )


def load_weights(network: nn.Module, path: Path) -> None:
    """Copy a safetensors file into `network`, cast to its precision; every key must be there and fit."""
    try:
        weights = load_file(path)
    except FileNotFoundError:
        raise WeightsError(f"{path.parent} has no {path.name}; download or train the model again.") from None
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is damaged ({error}); download or train the model again.") from error
    expected = network.state_dict()
    if misfit := find_misfit(expected, weights):
        raise WeightsError(f"{path} does not fit its config.json: {misfit}.")
    empty = any(value.is_meta for value in expected.values())
    if not empty:
        weights = {key: value.to(expected[key]) for key, value in weights.items()}
    network.load_state_dict(weights, assign=empty)


def first_problem(error: Exception) -> str:
    """One clause of a validation error: where, and what."""
    if not isinstance(error, ValidationError):
        return str(error).splitlines()[0].rstrip(".")
    detail = error.errors()[0]
    place = ".".join(map(str, detail["loc"]))
    message = "there is no such field" if detail["type"] == "extra_forbidden" else detail["msg"]
    return f"{place}: {message}" if place else message
