"""The ways to learn a flow: one table. A name in a config or on the command line is one of its keys."""

from collections import ChainMap
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, SerializeAsAny, field_validator
from torch import nn

from ..errors import ConfigError
from ..networks.base import Network
from ..networks.discriminator import FeatureCritic, FeatureHeadsConfig
from ..networks.pixel.critic import Critic, CriticConfig
from ..plugins import find_row, parse_config
from .base import (
    Batch,
    Duplicate,
    Features,
    Losses,
    Method,
    MethodConfigBase,
    Networks,
    Perceptual,
    RunSettings,
    VelocityFunction,
)
from .dial import Dial, DialConfig
from .flowsr import Flowsr, FlowsrConfig
from .mfsr import Mfsr, MfsrConfig
from .oftsr import Oftsr, OftsrConfig
from .refine import Refine, RefineConfig
from .restore import Region, restore
from .smfsr import Smfsr, SmfsrConfig
from .teacher import Teacher, TeacherConfig


class Row(NamedTuple):
    """One method. build: makes it from the networks of a run and its config."""

    config: type[MethodConfigBase]
    build: Callable[[Networks, Any], Method]


METHODS: dict[str, Row] = {
    "teacher": Row(TeacherConfig, Teacher),
    "oftsr": Row(OftsrConfig, Oftsr),
    "mfsr": Row(MfsrConfig, Mfsr),
    "smfsr": Row(SmfsrConfig, Smfsr),
    "flowsr": Row(FlowsrConfig, Flowsr),
    "dial": Row(DialConfig, Dial),
}
"""The methods that models can be of. A refinement is none: its student stays a model of its own method."""


def register(config: type[MethodConfigBase], build: Callable[[Networks, Any], Method]) -> None:
    """Make a method of another package known, by the default of its config's `kind`.

    Raises ValueError where that kind is another method already.
    """
    kind = config.model_fields["kind"].default
    if kind == "refine" or (kind in METHODS and METHODS[kind].config is not config):
        raise ValueError(f"there is a method '{kind}' already")
    METHODS[kind] = Row(config, build)


def entry(kind: str) -> Row:
    """Raises UnknownName, listing the methods there are."""
    return find_row("method", kind, METHODS)


StudentConfig = Annotated[
    SerializeAsAny[MethodConfigBase], BeforeValidator(lambda value: parse_config("method", value, METHODS))
]


class RefinementConfig(RefineConfig):
    """A refinement with all that it trains.

    student: the method whose student is refined, and its losses.
    critic_input: what the critic is shown: "pixels", with the sizes of `critic`, or DINOv3's maps ("dino", as
    SMFSR does), which `Networks.critic_features` has to be.
    """

    student: StudentConfig
    critic_input: Literal["pixels", "dino"] = "pixels"
    critic: CriticConfig = CriticConfig()

    @field_validator("student")
    @classmethod
    def _takes_one_step(cls, student: MethodConfigBase) -> MethodConfigBase:
        if student.refines or student.region is Region.DIAGONAL:
            raise ValueError(f"a {student.kind} makes no student of one step")
        return student

    @property
    def needs_teacher(self) -> bool:
        """Whether the score or the student's own method needs one."""
        return super().needs_teacher or (self.distillation > 0 and self.student.needs_teacher)

    @property
    def guided(self) -> bool:
        return self.distillation > 0 and self.student.guided

    @property
    def compares_photos(self) -> bool:
        return bool(self.reconstruction or self.adversarial)

    @property
    def uses_clip(self) -> bool:
        return self.student.uses_clip

    @property
    def compares_quality(self) -> bool:
        return self.student.compares_quality

    @property
    def student_method(self) -> MethodConfigBase:
        return self.student

    def auxiliary_networks(
        self, teacher: Network | None, duplicate: Duplicate = deepcopy, maps: Sequence[int] = ()
    ) -> dict[str, nn.Module]:
        """The critic, and the score network, which begins as the teacher."""
        found: dict[str, nn.Module] = {}
        if self.adversarial and self.critic_input == "dino":
            found["critic"] = FeatureCritic(FeatureHeadsConfig(channels=tuple(maps), norm="spectral"))
        elif self.adversarial:
            found["critic"] = Critic(self.critic)
        if self.score and teacher is not None:
            found["score"] = duplicate(teacher).requires_grad_(True)
        return found

    def readers(self, run: RunSettings) -> Iterator[tuple[int, str]]:
        yield from self.student.readers(run)
        if self.adversarial and self.critic_input == "pixels":
            yield self.critic.smallest, "the critic"

    def check(self, run: RunSettings) -> None:
        if self.adversarial and self.critic_input == "dino" and run.dino is None:
            raise ConfigError("A critic that looks through DINOv3 needs its folder: use --set dino=FOLDER.")
        if self.adversarial and self.critic_input == "pixels" and run.network.condition_input != "picture":
            raise ConfigError(
                "A critic of pixels needs pixels to compare with, not latents: use method.critic_input=dino."
            )
        super().check(run)
        if self.distillation:
            self.student.for_refinement().check(run)


def _refine(networks: Networks, config: RefinementConfig) -> Refine:
    student = config.student.for_refinement()
    shown = networks.critic_features if config.critic_input == "dino" else None
    return Refine(lambda known: build(student, known), networks, config, networks.decode, shown)


CONFIGS = ChainMap(METHODS, {"refine": Row(RefinementConfig, _refine)})
"""All that a run can train with."""

MethodConfig = Annotated[
    SerializeAsAny[MethodConfigBase], BeforeValidator(lambda value: parse_config("method", value, CONFIGS))
]
"""A field of this type holds the config of any method, chosen by its `kind`."""


def build(config: MethodConfigBase, networks: Networks) -> Method:
    """Raises ConfigError when a method that needs a teacher is given none."""
    if config.needs_teacher and networks.teacher is None:
        raise ConfigError(f"{config.kind} distils a teacher: use `leapsr distill` with --teacher DIR.")
    return find_row("method", config.kind, CONFIGS).build(networks, config)


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
    "VelocityFunction",
    "build",
    "entry",
    "register",
    "restore",
]
