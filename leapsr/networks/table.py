"""Every network that a model can have, by the kind that its config names."""

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Union

from pydantic import Field
from torch import Tensor

from ..errors import ConfigError, optional
from .adm.guided_unet import GuidedUNet, GuidedUNetConfig
from .adm.swin_unet import SwinUNet, SwinUNetConfig
from .lora import add_lora, shared_copy
from .mmdit.config import MMDiTConfig
from .pixel.unet import UNet, UNetConfig
from .sd21.unet import SD21, TARGETS, SD21Config

if TYPE_CHECKING:  # it cannot be without diffusers
    from .mmdit.network import MMDiT

Notice = Callable[[str], None]

Network = Union[UNet, "MMDiT", GuidedUNet, SwinUNet, SD21]

NetworkConfig = Annotated[
    UNetConfig | MMDiTConfig | GuidedUNetConfig | SwinUNetConfig | SD21Config, Field(discriminator="kind")
]

DEFAULT_SCALE = 4

Sees = Literal["picture", "latents", "both"]
"""What a network takes for `Condition.lr`: the low-resolution picture, not upsampled; the latents of the
upsampled one; or both, as channels one after the other."""


def build(config: NetworkConfig) -> Network:
    """With random weights. Raises MissingExtra where the kind needs a library that is not there."""
    match config:
        case UNetConfig():
            return UNet(config)
        case MMDiTConfig():
            from .mmdit.network import MMDiT

            return MMDiT(config)
        case GuidedUNetConfig():
            return GuidedUNet(config)
        case SwinUNetConfig():
            return SwinUNet(config)
        case SD21Config():
            return SD21(config)


def empty(config: NetworkConfig) -> Network:
    """A network that has no memory for its weights yet."""
    with optional("accelerate", "sd").init_empty_weights(include_buffers=False):
        return build(config)


def holding(config: NetworkConfig, weights: Mapping[str, Tensor]) -> Network:
    """A network with these very tensors for its weights, and no memory for others, not even for a moment."""
    network = empty(config)
    network.load_state_dict(weights, assign=True)
    return network


def scale_of(config: NetworkConfig, given: int | None) -> int:
    """How many times larger the result is. given: for networks that do not fix it; None is DEFAULT_SCALE."""
    return config.scale if isinstance(config, UNetConfig) else given or DEFAULT_SCALE


def sees(config: NetworkConfig) -> Sees:
    match config:
        case MMDiTConfig() | SD21Config():
            return "latents"
        case SwinUNetConfig(prediction="image"):
            return "both"
        case _:
            return "picture"


def reads_text(config: NetworkConfig) -> bool:
    return isinstance(config, MMDiTConfig | SD21Config)


def multiple(config: NetworkConfig) -> int:
    """Sides of the state must be multiples of this; the others continue their maps themselves."""
    return config.patch_size if isinstance(config, MMDiTConfig) else 1


def begin(
    config: NetworkConfig, origin: Network, adapters: bool, notice: Notice = lambda text: None
) -> Network:
    """A network of `config` that says what `origin`, another one of its kind, says.

    adapters: whether what it will not train may be the origin's own tensors, in no memory of their own.
    notice: told how far it says something else.
    Raises ConfigError where the two do not fit.
    """
    network = shared_copy(origin) if adapters else copy.deepcopy(origin)
    if network.config == config:
        return network
    if isinstance(config, MMDiTConfig) and isinstance(network.config, MMDiTConfig):
        return _mmdit(config, network, notice)
    switches = {name: getattr(config, name) for name in SWITCHES if name in type(config).model_fields}
    if origin.config.kind != config.kind or origin.config.model_copy(update=switches) != config:
        raise ConfigError(f"The network {origin.config} cannot begin one of {config}.")
    larger = build(config)
    if origin.state_dict().keys() - larger.state_dict().keys():
        raise ConfigError("A network that reads both times begins another one only with network.reads=both.")
    larger.load_state_dict(larger.state_dict() | origin.state_dict(), assign=adapters)
    return larger


SWITCHES = ("reads", "trained", "dropout", "gradient_checkpointing", "kernel")
"""What may change between a teacher and its student: how the times are read, how it is computed."""


def _mmdit(config: MMDiTConfig, teacher: "MMDiT", notice: Notice) -> Network:
    from .mmdit.student import refit_time, student_of

    student = teacher
    if config.time_conditioning == "add_r" and teacher.config.time_conditioning == "single":
        student = student_of(teacher)
    if config.time_scale == 1 != student.config.time_scale:
        _tell(notice, refit_time(student))
    how = {name: getattr(config, name) for name in ("attention", "gradient_checkpointing", "lr_mlp_scale")}
    if student.config.model_copy(update=how) != config:
        raise ConfigError(f"The network {teacher.config} cannot begin one of {config}.")
    return holding(config, student.state_dict())


def forget_interval(network: Network, notice: Notice = lambda text: None) -> None:
    """Let nothing depend on r, and leave the diagonal r = t, where teachers are trained, as it is.

    Changes the weights in place: those that know r must be no other network's. notice: as in `begin`.
    """
    if isinstance(network.config, MMDiTConfig):
        from .mmdit import student

        _tell(notice, student.forget_interval(network))
    else:
        network.forget_interval()


def _tell(notice: Notice, left: float) -> None:
    """left: of `mmdit_student.refit_time`."""
    if left:
        notice(
            f"The embedding of time follows the one that it begins with but for {left:.2%} of its changes."
        )


def adapt(network: Network, rank: int | None, alpha: float | None, seed: int) -> None:
    """Leave a gradient to adapters and to what the network has of its own only.

    Raises ConfigError for a network that is small enough to be trained whole.
    """
    match network.config:
        case MMDiTConfig():
            from .mmdit.student import train_adapters

            train_adapters(network, rank, alpha, seed)
        case SD21Config() if rank is not None:
            assert isinstance(network, SD21)
            add_lora(network, rank, TARGETS, alpha, seed)
            if network.interval is not None:
                network.interval.requires_grad_(True)
        case _:
            raise ConfigError(f"A {network.config.kind} is trained whole: use --set adapters=null.")
