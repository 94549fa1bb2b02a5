"""The ways to learn a flow. One table; a name in a config or on the command line is one of its keys."""

import copy
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field
from torch import nn

from ..errors import ConfigError, UnknownName
from ..networks import UNet
from ..networks.discriminator import FeatureCritic, FeatureHeads, FeatureHeadsConfig
from ..networks.pixel.critic import Critic, CriticConfig
from ..networks.sd21.unet import SD21
from .base import Batch, Features, Losses, Method, MethodConfigBase, Network, Networks, Perceptual
from .dial import Dial, DialConfig
from .flowsr import Flowsr, FlowsrConfig
from .mfsr import Mfsr, MfsrConfig
from .oftsr import Oftsr, OftsrConfig
from .refine import Refine, RefineConfig
from .restore import Region, restore
from .smfsr import Smfsr, SmfsrConfig
from .teacher import Teacher, TeacherConfig

StudentConfig = Annotated[
    OftsrConfig | MfsrConfig | SmfsrConfig | FlowsrConfig | DialConfig, Field(discriminator="kind")
]


class RefinementConfig(RefineConfig):
    """A refinement with all that it trains.

    student: the method whose student is refined, and its losses. judge: what the critic looks at: "pixels",
    with the sizes of `critic`, or the maps of DINOv3 (SMFSR), which Networks.eyes has to be.
    """

    student: StudentConfig
    judge: Literal["pixels", "dino"] = "pixels"
    critic: CriticConfig = CriticConfig()

    @property
    def distils(self) -> bool:
        """Whether the score or the student's own method needs a teacher."""
        return super().distils or (self.distillation > 0 and self.student.distils)

    @property
    def guided(self) -> bool:
        return self.distillation > 0 and self.student.guided


MethodConfig = Annotated[
    TeacherConfig | OftsrConfig | MfsrConfig | SmfsrConfig | FlowsrConfig | DialConfig | RefinementConfig,
    Field(discriminator="kind"),
]

Players = Callable[[Any, nn.Module | None], dict[str, nn.Module]]
"""(config, teacher) -> the networks that train beside the student, by name."""

Duplicate = Callable[[nn.Module], nn.Module]


def _alone(config: MethodConfigBase, teacher: nn.Module | None) -> dict[str, nn.Module]:
    return {}


def _judges(config: FlowsrConfig, teacher: nn.Module | None) -> dict[str, nn.Module]:
    """FlowSR's critic, which looks through the teacher."""
    if not config.adversarial or teacher is None:
        return {}
    if not isinstance(teacher, UNet | SD21):
        raise ConfigError("FlowSR's critic looks through a U-Net; for others use --set method.adversarial=0.")
    heads = FeatureHeadsConfig(channels=teacher.feature_channels, norm=config.heads)
    return {"critic": FeatureHeads(heads)}


def _refiners(
    config: RefinementConfig, teacher: nn.Module | None, duplicate: Duplicate, maps: Sequence[int]
) -> dict[str, nn.Module]:
    """The networks that a refinement trains beside the student; the score begins as the teacher."""
    found: dict[str, nn.Module] = {}
    if config.adversarial and config.judge == "dino":
        found["critic"] = FeatureCritic(FeatureHeadsConfig(channels=tuple(maps), norm="spectral"))
    elif config.adversarial:
        found["critic"] = Critic(config.critic)
    if config.score and teacher is not None:
        found["score"] = duplicate(teacher).requires_grad_(True)
    return found


def _flowsr(networks: Networks, config: FlowsrConfig) -> Flowsr:
    return Flowsr(
        networks,
        config,
        decode=networks.decode,
        features=networks.features,
        alignment=networks.alignment,
    )


def _refine(networks: Networks, config: RefinementConfig) -> Refine:
    student = config.student
    if isinstance(student, FlowsrConfig):  # its own critic rests
        student = student.model_copy(update={"adversarial": 0.0})
    eyes = networks.eyes if config.judge == "dino" else None
    return Refine(lambda known: build(student, known), networks, config, networks.decode, eyes)


class Entry(NamedTuple):
    """A method that models are trained with. region: where its models can be asked."""

    region: Region
    build: Callable[[Networks, Any], Method]
    players: Players = _alone


METHODS: dict[str, Entry] = {
    "teacher": Entry(Region.DIAGONAL, Teacher),
    "oftsr": Entry(Region.SOURCE_EDGE, Oftsr),
    "mfsr": Entry(Region.TRIANGLE, Mfsr),
    "smfsr": Entry(Region.TRIANGLE, Smfsr),
    "flowsr": Entry(Region.IMAGE_EDGE, _flowsr, _judges),
    "dial": Entry(Region.SOURCE_EDGE, Dial),
}
"""A refinement is none of them: what it refines stays a model of its student's method."""


def entry(name: str) -> Entry:
    """Raises UnknownName, listing the methods there are."""
    if name not in METHODS:
        raise UnknownName("method", name, METHODS)
    return METHODS[name]


def base(config: MethodConfigBase) -> MethodConfigBase:
    """The method that a student restores with: its own, or the one whose student a refinement refines."""
    return config.student if isinstance(config, RefinementConfig) else config


def players(
    config: MethodConfigBase,
    teacher: nn.Module | None,
    duplicate: Duplicate | None = None,
    maps: Sequence[int] = (),
) -> dict[str, nn.Module]:
    """The networks that train beside the student, by name.

    duplicate: makes another network of the teacher; None is a copy with weights of its own. maps: channels of
    what a critic looks through.
    """
    if isinstance(config, RefinementConfig):
        return _refiners(config, teacher, duplicate or copy.deepcopy, maps)
    return entry(config.kind).players(config, teacher)


def build(config: MethodConfigBase, networks: Networks) -> Method:
    """Raises ConfigError when a method that distils is given no teacher."""
    if config.distils and networks.teacher is None:
        raise ConfigError(f"{config.kind} distils a teacher: use `leapsr distill` with --teacher DIR.")
    if isinstance(config, RefinementConfig):
        return _refine(networks, config)
    return entry(config.kind).build(networks, config)


__all__ = [
    "METHODS",
    "Batch",
    "Dial",
    "DialConfig",
    "Features",
    "Flowsr",
    "FlowsrConfig",
    "Losses",
    "Method",
    "MethodConfig",
    "MethodConfigBase",
    "Mfsr",
    "MfsrConfig",
    "Network",
    "Networks",
    "Oftsr",
    "OftsrConfig",
    "Perceptual",
    "Refine",
    "RefineConfig",
    "RefinementConfig",
    "Region",
    "Smfsr",
    "SmfsrConfig",
    "Teacher",
    "TeacherConfig",
    "base",
    "build",
    "entry",
    "players",
    "restore",
]
