"""What every network says of itself: its config before it is built, the network afterwards.

A new network is one file: a `NetworkConfigBase` with its sizes and a `Network` that computes the velocity.
One row of `networks.registry` makes it known, see docs/extending.md.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol, Self

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from .. import memory
from ..errors import ConfigError, optional
from ..flow import Source
from .condition import Condition
from .lora import shared_copy
from .timestep import IntervalEmbedding, Reads

DEFAULT_SCALE = 4

ConditionInput = Literal["picture", "latents", "both"]
"""What a network takes for `Condition.lr`: the low-resolution picture, not upsampled; the latents of the
upsampled one; or both, as channels one after the other."""

Notice = Callable[[str], None]
"""Is told a sentence for the user."""


class RunSettings(Protocol):
    """The fields of a training configuration that a network's config checks."""

    @property
    def adapters(self) -> object | None: ...
    @property
    def autoencoder(self) -> object | None: ...
    @property
    def prompts(self) -> object | None: ...
    @property
    def negative(self) -> str: ...
    @property
    def scale(self) -> int | None: ...
    @property
    def source(self) -> Source: ...


class NetworkConfigBase(BaseModel):
    """Sizes and switches of a network. The defaults are those of a small network of pixels.

    A subclass fixes `kind` as a Literal with a default, adds its fields and overrides what differs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    is_large: ClassVar[bool] = False
    """Whether it is built without memory for weights that are loaded later, runs in half precision and begins
    as another model. Small networks keep float32 weights and may begin untrained."""
    takes_adapters: ClassVar[bool] = False
    """Whether `Network.adapt` can add low-rank adapters."""
    takes_latents: ClassVar[bool] = False
    """Whether it may work on the latents of an autoencoder."""
    reads_text: ClassVar[bool] = False
    """Whether it needs `Condition.prompt`."""
    is_foreign: ClassVar[bool] = False
    """Whether it is an upscaler of another project: one image for each picture, whatever the times."""
    times_remedy: ClassVar[str] = "network.reads=both"
    """The setting that makes it read both times, for error messages."""

    kind: str

    @property
    def fixed_scale(self) -> int | None:
        """How many times larger the result is, where the network has only one scale."""
        return None

    @property
    def condition_input(self) -> ConditionInput:
        return "picture"

    @property
    def upsampled_by(self) -> Literal["bicubic", "nearest"]:
        """How the low-resolution picture is enlarged to the state, also for the source."""
        return "bicubic"

    @property
    def times_read(self) -> Reads:
        """Which of the times t and r it reads."""
        return "both"

    @property
    def state_multiple(self) -> int:
        """The sides of the state must be multiples of this. Most networks pad the state themselves."""
        return 1

    @property
    def largest_state(self) -> int | None:
        """The longest side of a state that it accepts; None is any."""
        return None

    @property
    def reads_labels(self) -> bool:
        """Whether it reads `Condition.quality`."""
        return False

    @property
    def reads_damage(self) -> bool:
        """Whether it reads `Condition.damage`."""
        return False

    @property
    def precisions(self) -> frozenset[torch.dtype]:
        """What it can compute in."""
        return frozenset({torch.float32, torch.float16, torch.bfloat16})

    @property
    def keeps_light(self) -> bool:
        """Whether a good result is near its source in light and colour, so that results are kept there."""
        return True

    def scale_for(self, given: int | None) -> int:
        """The scale of a model. given: by its config; None is DEFAULT_SCALE."""
        return self.fixed_scale or given or DEFAULT_SCALE

    def can_begin_as(self, found: "NetworkConfigBase") -> bool:
        """Whether `Network.init_from` may work with a network of that config."""
        return self.kind == found.kind

    def check(self, run: RunSettings) -> None:
        """Raises ConfigError for settings of a training run that this network would not read."""
        if self.fixed_scale is not None and run.scale not in (None, self.fixed_scale):
            raise ConfigError(f"scale = {run.scale}: this network has its own, use network.scale.")
        if run.adapters is not None and not self.takes_adapters:
            raise ConfigError(f"A {self.kind} is trained whole: use --set adapters=null.")
        if run.autoencoder is not None and not self.takes_latents:
            raise ConfigError(f"A {self.kind} works on pixels: use --set autoencoder=null.")
        if (run.prompts or run.negative != "negative") and not self.reads_text:
            raise ConfigError(
                f"A {self.kind} reads no text: use --set prompts=null and --set negative=negative."
            )


class Network(nn.Module):
    """u(x, t, r, cond): the average velocity from time t to r; v(x, t) where r = t."""

    config: NetworkConfigBase
    full_precision: ClassVar[tuple[str, ...]] = ()
    """How the names of weights begin that stay float32, also in files of half precision."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    def forward(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        """x: (B, C, H, W), about [-1, 1]; t, r: (B,) in [0, 1]. Returns x's shape."""
        raise NotImplementedError

    @property
    def alignment(self) -> int:
        """Tiles must begin at multiples of this many low-resolution pixels to equal the whole."""
        return 1

    @property
    def radius(self) -> int | None:
        """Low-resolution pixels that an output pixel sees on each side; None: the whole picture."""
        return None

    @property
    def bytes_per_pixel(self) -> int:
        """Memory for each low-resolution pixel of a tile, about and at most."""
        return memory.NETWORK

    @property
    def feature_channels(self) -> tuple[int, ...]:
        """Channels of the maps that `features` returns; none where it has no features for a critic."""
        return ()

    def features(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Sequence[Tensor]:
        """Feature maps for the arguments of `forward`, with a gradient to x."""
        raise NotImplementedError

    def reset_interval_embedding(self, notice: Notice = lambda text: None) -> None:
        """Remove every dependence on r, and keep the diagonal r = t, where teachers are trained.

        Changes the weights in place. notice: told how far the diagonal changes, if it does.
        """
        for module in self.modules():
            if isinstance(module, IntervalEmbedding):
                module.reset()

    def adapt(self, rank: int | None, alpha: float | None, seed: int) -> None:
        """Train low-rank adapters and the network's own new parts only; freeze the rest.

        Raises ConfigError for a network that is small enough to be trained whole.
        """
        raise ConfigError(f"A {self.config.kind} is trained whole: use --set adapters=null.")

    @classmethod
    def init_from(
        cls, config: Any, origin: "Network", share: bool = False, notice: Notice = lambda text: None
    ) -> "Network":
        """A network of `config` that computes what `origin`, another one of its kind, computes.

        Args:
            share: whether weights that will not train may be the origin's own tensors.
            notice: told how far the result differs, if it does.

        Raises ConfigError where the two do not fit.
        """
        network = shared_copy(origin) if share else copy.deepcopy(origin)
        if network.config == config:
            return network
        switches = {name: getattr(config, name) for name in SWITCHES if name in type(config).model_fields}
        if origin.config.kind != config.kind or origin.config.model_copy(update=switches) != config:
            raise ConfigError(f"The network {origin.config} cannot begin one of {config}.")
        larger = cls(config)
        if origin.state_dict().keys() - larger.state_dict().keys():
            raise ConfigError(
                "A network that reads both times begins another one only with network.reads=both."
            )
        larger.load_state_dict(larger.state_dict() | origin.state_dict(), assign=share)
        return larger

    @classmethod
    def empty(cls, config: Any) -> Self:
        """Without memory for its weights, for `load_state_dict(..., assign=True)`."""
        with optional("accelerate", "sd").init_empty_weights(include_buffers=False):
            return cls(config)

    @classmethod
    def from_tensors(cls, config: Any, weights: Mapping[str, Tensor]) -> Self:
        """With these very tensors for its weights, and never memory for others."""
        network = cls.empty(config)
        network.load_state_dict(weights, assign=True)
        return network


SWITCHES = ("reads", "trained", "dropout", "gradient_checkpointing", "kernel")
"""What may differ between a teacher and its student: how times are read, and how it is computed."""
