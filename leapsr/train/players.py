"""The networks of a run: where each comes from and with which weights it begins."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from .. import methods
from ..errors import ConfigError
from ..networks import UNet, UNetConfig
from ..restorer import Restorer
from .config import TrainConfig

Notice = Callable[[str], None]


@dataclass(frozen=True)
class Cast:
    """student and others train, the teacher is frozen; all on their device, channels last."""

    student: UNet
    teacher: UNet | None = None
    others: dict[str, nn.Module] = field(default_factory=dict)


def cast(
    config: TrainConfig,
    teacher: Path | None,
    start: Path | None,
    device: torch.device,
    notice: Notice,
    resumed: bool = False,
) -> Cast:
    """teacher: model folder to distil. start: model folder whose weights the student begins with. resumed:
    the weights come from a checkpoint, after this.

    Without `start` a student begins with its teacher's weights where the networks are alike.
    Raises ConfigError when a folder does not fit the recipe, WeightsError when it cannot be read.
    """
    torch.manual_seed(config.seed)
    student = UNet(config.network)
    frozen = _teacher(config, teacher) if teacher is not None else None
    if start is not None:
        _begin(config, student, start)
    elif isinstance(config.method, methods.RefinementConfig) and not resumed:
        raise ConfigError(f"{config.recipe} refines a student: give its model folder with --from.")
    elif frozen is not None and frozen.config == config.network:
        student.load_state_dict(frozen.state_dict())
        student.forget_interval()
    elif frozen is not None and not resumed:
        notice("The student's network differs from the teacher's, so it begins untrained.")
    everyone = Cast(student, frozen, methods.players(config.method, frozen))
    for network in (student, *everyone.others.values(), *([frozen] if frozen is not None else [])):
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return everyone


def _teacher(config: TrainConfig, folder: Path) -> UNet:
    if not config.method.distils:
        raise ConfigError(f"{config.recipe} learns from photos alone: use `leapsr train`, without --teacher.")
    restorer = Restorer.from_pretrained(folder)
    found = (restorer.config.method, restorer.config.source, restorer.scale)
    wanted = ("teacher", config.source, config.network.scale)
    if found != wanted:
        raise ConfigError(
            f"{folder} is a {found[0]} with source ({found[1]}) at scale {found[2]}; this recipe needs a "
            f"{wanted[0]} with source ({wanted[1]}) at scale {wanted[2]}."
        )
    if config.method.guided and not restorer.config.network.quality:
        raise ConfigError(
            f"{folder} learnt no quality labels, so its guidance would do nothing: train it with "
            "network.quality=true, or use --set method.guidance=1."
        )
    return restorer.network


def _holds(own: UNetConfig, found: UNetConfig) -> bool:
    """Whether a network can begin as a smaller one: more blocks begin as the identity, labels as nothing."""
    deeper = len(own.blocks) == len(found.blocks) and all(map(operator.ge, own.blocks, found.blocks))
    same = found.model_copy(update={"blocks": own.blocks, "quality": own.quality}) == own
    return same and deeper and own.quality >= found.quality


def _begin(config: TrainConfig, student: UNet, folder: Path) -> None:
    """Copy a model's weights. Labels and blocks may be new to it: they then begin without an effect."""
    restorer = Restorer.from_pretrained(folder)
    own, found = student.config, restorer.network.config
    if not _holds(own, found):
        raise ConfigError(
            f"The network of {folder} is not the recipe's ({found} instead of {own}); "
            "give its sizes by --set network...."
        )
    kind = methods.base(config.method).kind
    if isinstance(config.method, methods.RefinementConfig) and restorer.config.method != kind:
        raise ConfigError(
            f"{folder} is a {restorer.config.method} and this recipe refines a {kind}: "
            f"use --set method.student.kind={restorer.config.method}."
        )
    student.load_state_dict(student.state_dict() | restorer.network.state_dict())
    if restorer.config.method == "teacher" and kind != "teacher":
        student.forget_interval()
