"""The ways to learn a flow. One table; a name in a config or on the command line is one of its keys."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field
from torch import nn

from ..errors import ConfigError, UnknownName
from .base import Batch, Losses, Method, Network, Networks, Perceptual
from .mfsr import Mfsr, MfsrConfig
from .oftsr import Oftsr, OftsrConfig
from .restore import Region, restore
from .smfsr import Smfsr, SmfsrConfig
from .teacher import Teacher, TeacherConfig

MethodConfig = Annotated[TeacherConfig | OftsrConfig | MfsrConfig | SmfsrConfig, Field(discriminator="kind")]


class Entry(NamedTuple):
    region: Region
    distils: bool  # needs a teacher, unless its config has a `distils` that says otherwise
    build: Callable[[Networks, Any], Method]
    config: type[BaseModel]
    players: Callable[[Any, nn.Module | None], dict[str, nn.Module]] = lambda config, teacher: {}


METHODS: dict[str, Entry] = {
    "teacher": Entry(Region.DIAGONAL, False, Teacher, TeacherConfig),
    "oftsr": Entry(Region.SOURCE_EDGE, True, Oftsr, OftsrConfig),
    "mfsr": Entry(Region.TRIANGLE, True, Mfsr, MfsrConfig),
    "smfsr": Entry(Region.TRIANGLE, True, Smfsr, SmfsrConfig),
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


def players(config: Any, teacher: nn.Module | None) -> dict[str, nn.Module]:
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
