"""The ways to learn a flow. One table; a name in a config or on the command line is one of its keys."""

import copy
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field
from torch import nn

from ..errors import ConfigError, UnknownName
from ..networks import UNet
from ..networks.critic import Critic, CriticConfig
from ..networks.discriminator import FeatureHeads, FeatureHeadsConfig
from .base import Batch, Losses, Method, Network, Networks, Perceptual
from .flowsr import Flowsr, FlowsrConfig
from .mfsr import Mfsr, MfsrConfig
from .oftsr import Oftsr, OftsrConfig
from .refine import Refine, RefineConfig
from .restore import Region, restore
from .smfsr import Smfsr, SmfsrConfig
from .teacher import Teacher, TeacherConfig

StudentConfig = Annotated[OftsrConfig | MfsrConfig | SmfsrConfig | FlowsrConfig, Field(discriminator="kind")]


class RefinementConfig(RefineConfig):
    """A refinement with all that it trains. student: the method whose student is refined, and its losses."""

    student: StudentConfig
    critic: CriticConfig = CriticConfig()


MethodConfig = Annotated[
    TeacherConfig | OftsrConfig | MfsrConfig | SmfsrConfig | FlowsrConfig | RefinementConfig,
    Field(discriminator="kind"),
]


class Entry(NamedTuple):
    region: Region
    distils: bool  # needs a teacher, unless its config has a `distils` that says otherwise
    build: Callable[[Networks, Any], Method]
    config: type[BaseModel]
    players: Callable[[Any, UNet | None], dict[str, nn.Module]] = lambda config, teacher: {}


def _flowsr(networks: Networks, config: FlowsrConfig) -> Flowsr:
    return Flowsr(networks, config, features=networks.features)


def _judges(config: FlowsrConfig, teacher: UNet | None) -> dict[str, nn.Module]:
    """FlowSR's critic, which looks through the teacher."""
    if not config.adversarial or teacher is None:
        return {}
    return {"critic": FeatureHeads(FeatureHeadsConfig(channels=teacher.feature_channels))}


def _refine(networks: Networks, config: RefinementConfig) -> Refine:
    student = config.student
    if isinstance(student, FlowsrConfig):  # its own critic rests
        student = student.model_copy(update={"adversarial": 0.0})
    return Refine(lambda known: build(student, known), networks, config)


def _refiners(config: RefinementConfig, teacher: UNet | None) -> dict[str, nn.Module]:
    """The networks that a refinement trains beside the student; the score begins as the teacher."""
    found: dict[str, nn.Module] = {}
    if config.adversarial:
        found["critic"] = Critic(config.critic)
    if config.score and teacher is not None:
        found["score"] = copy.deepcopy(teacher).requires_grad_(True)
    return found


METHODS: dict[str, Entry] = {
    "teacher": Entry(Region.DIAGONAL, False, Teacher, TeacherConfig),
    "oftsr": Entry(Region.SOURCE_EDGE, True, Oftsr, OftsrConfig),
    "mfsr": Entry(Region.TRIANGLE, True, Mfsr, MfsrConfig),
    "smfsr": Entry(Region.TRIANGLE, True, Smfsr, SmfsrConfig),
    "flowsr": Entry(Region.IMAGE_EDGE, True, _flowsr, FlowsrConfig, _judges),
    "refine": Entry(Region.TRIANGLE, True, _refine, RefinementConfig, _refiners),
}


def entry(name: str) -> Entry:
    """Raises UnknownName, listing the methods there are."""
    if name not in METHODS:
        raise UnknownName("method", name, METHODS)
    return METHODS[name]


def distils(config: Any) -> bool:
    """Whether a method with this config learns from a teacher."""
    return bool(getattr(config, "distils", entry(config.kind).distils))


def base(config: Any) -> Any:
    """The method that a student restores with: its own, or the one whose student a refinement refines."""
    return getattr(config, "student", config)


def players(config: Any, teacher: UNet | None) -> dict[str, nn.Module]:
    """The networks that train beside the student, by name."""
    return entry(config.kind).players(config, teacher)


def build(config: Any, networks: Networks) -> Method:
    """Raises ConfigError when a method that distils is given no teacher."""
    if distils(config) and networks.teacher is None:
        raise ConfigError(f"{config.kind} distils a teacher: use `leapsr distill` with --teacher DIR.")
    return entry(config.kind).build(networks, config)


__all__ = [
    "METHODS",
    "Batch",
    "Flowsr",
    "FlowsrConfig",
    "Losses",
    "Method",
    "MethodConfig",
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
    "distils",
    "entry",
    "players",
    "restore",
]
