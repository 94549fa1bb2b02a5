"""The ways to learn a flow. One table; a name in a config or on the command line is one of its keys."""

from typing import Annotated, NamedTuple

from pydantic import BaseModel, Field

from ..errors import ConfigError, UnknownName
from .base import Batch, Losses, Method, Network
from .oftsr import Oftsr, OftsrConfig
from .restore import Region, restore
from .teacher import Teacher, TeacherConfig

MethodConfig = Annotated[TeacherConfig | OftsrConfig, Field(discriminator="kind")]


class Entry(NamedTuple):
    region: Region
    distils: bool  # needs a teacher
    build: type[Teacher] | type[Oftsr]
    config: type[BaseModel]


METHODS: dict[str, Entry] = {
    "teacher": Entry(Region.DIAGONAL, False, Teacher, TeacherConfig),
    "oftsr": Entry(Region.SOURCE_EDGE, True, Oftsr, OftsrConfig),
}


def entry(name: str) -> Entry:
    """Raises UnknownName, listing the methods there are."""
    if name not in METHODS:
        raise UnknownName("method", name, METHODS)
    return METHODS[name]


def build(config: TeacherConfig | OftsrConfig, student: Network, teacher: Network | None) -> Method:
    """Raises ConfigError when a method that distils is given no teacher."""
    if isinstance(config, TeacherConfig):
        return Teacher(student, config)
    if teacher is None:
        raise ConfigError(f"{config.kind} distils a teacher: use `leapsr distill` with --teacher DIR.")
    return Oftsr(student, teacher, config)


__all__ = [
    "METHODS",
    "Batch",
    "Losses",
    "Method",
    "MethodConfig",
    "Network",
    "Oftsr",
    "OftsrConfig",
    "Region",
    "Teacher",
    "TeacherConfig",
    "build",
    "entry",
    "restore",
]
