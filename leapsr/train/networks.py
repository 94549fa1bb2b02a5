"""The networks of a run: where each comes from and with which weights it begins."""

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from torch import nn

from .. import methods
from ..errors import ConfigError
from ..frozen import Dino
from ..frozen.space import Space
from ..networks import Network, Quality, table
from ..networks.base import Notice
from ..networks.lora import give_own, shared_copy
from ..restorer import ModelConfig, Restorer, space
from .config import TrainConfig
from .ema import trained


@dataclass(frozen=True)
class Cast:
    """student and others train, the teacher is frozen; all on their device. space: where they work. model:
    what a folder with the student will say of itself. eyes: what a critic of images looks through."""

    student: Network
    space: Space
    model: ModelConfig
    teacher: Network | None = None
    others: dict[str, nn.Module] = field(default_factory=dict)
    eyes: Dino | None = None


def assemble(
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
    found = None if teacher is None else _teacher(config, teacher)
    begun = None if start is None else _checked(config, start)
    if begun is None and config.method.refines and not resumed:
        raise ConfigError(f"{config.recipe} refines a student: give its model folder with --from.")
    origin = begun or found
    model = _model(config, origin)
    if config.network.is_large:
        return _large(config, model, found, begun, device, notice)
    student = _student(config, found, begun, notice, resumed)
    frozen = None if found is None else found.network
    eyes = None if config.dino is None else Dino(config.dino)
    others = config.method.auxiliary_networks(frozen, maps=eyes.channels if eyes else ())
    everyone = Cast(student, space(model), model, frozen, others, eyes)
    for network in (student, *everyone.others.values(), *([frozen] if frozen is not None else [])):
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return everyone


def _model(config: TrainConfig, origin: Restorer | None) -> ModelConfig:
    """What the run says of its space, and the model that it begins with where it says nothing.

    The scales of the two are the same then: `_checked` and `_teacher` see to it.
    """
    method = config.method.student_method
    edge = method.region is methods.Region.IMAGE_EDGE
    known = origin.config if origin is not None else None
    places = {
        "scale": config.scale if config.scale or known is None else known.scale,
        "autoencoder": _place(config.autoencoder, known.autoencoder if known is not None else None),
        "prompts": _place(config.prompts, known.prompts if known is not None else None),
        "licence": known.licence if known is not None and known.autoencoder else "Apache-2.0",
        "color_fix": known.color_fix if known is not None else "none",
    }
    return ModelConfig(
        method=method.kind,
        network=config.network,
        source=config.source,
        fidelity=0.0 if edge else 0.5,
        grid=config.grid,
        **places,
    )


def _place(own: Path | None, inherited: str | None) -> str | None:
    return inherited if own is None else str(own.resolve())


def _student(
    config: TrainConfig, teacher: Restorer | None, begun: Restorer | None, notice: Notice, resumed: bool
) -> Network:
    """A small network, which begins as the model or as the teacher where that has the same network."""
    alike = teacher is not None and teacher.network.config == config.network
    origin = begun or (teacher if alike else None)
    if origin is None:
        if teacher is not None and not resumed:
            notice("The student's network differs from the teacher's, so it begins untrained.")
        return table.build(config.network)
    student = table.init_from(config.network, origin.network)
    if _leaves_the_diagonal(config, origin):
        student.reset_interval_embedding()
    return student


def _large(
    config: TrainConfig,
    model: ModelConfig,
    teacher: Restorer | None,
    begun: Restorer | None,
    device: torch.device,
    notice: Notice,
) -> Cast:
    """Networks that begin as another one or as nothing. What does not train is in memory once, in the
    precision of the run; what trains is float32."""
    if begun is None and teacher is None and config.adapters is not None:
        raise ConfigError(f"{config.recipe} adapts a network that is there: give its model with --from.")
    dtype = torch.bfloat16 if config.precision == "bf16" and config.adapters is not None else torch.float32
    frozen = None if teacher is None else teacher.to(device, dtype).network
    origin = frozen if begun is None else begun.to(device, dtype).network
    adapted = config.adapters is not None
    if origin is None:
        student = table.build(config.network).to(device)
    else:
        student = table.init_from(config.network, origin, adapted, notice)
    eyes = None if config.dino is None else Dino(config.dino)
    maps = eyes.channels if eyes else ()
    others = config.method.auxiliary_networks(frozen, shared_copy if adapted else deepcopy, maps)
    copies = [cast(Network, other) for name, other in others.items() if name == "score"]
    for seed, network in enumerate([student, *copies]):
        _free(config, network, seed)
    first = begun or teacher
    if first is not None and _leaves_the_diagonal(config, first):
        student.reset_interval_embedding(notice)  # after _free: it changes weights that are not shared then
    others = {name: network.to(device) for name, network in others.items()}
    for known in (frozen, origin):
        if known is not None:
            known.requires_grad_(False)
    student.train()  # what was loaded to restore with has no dropout
    return Cast(student, space(model), model, frozen, others, eyes)


def _free(config: TrainConfig, network: Network, seed: int) -> None:
    """Let those weights train that shall, as float32 copies where they were another network's."""
    if config.adapters is None:
        network.requires_grad_(True)
        return
    network.adapt(config.adapters.rank, config.adapters.alpha, config.seed + seed)
    for name in trained(network):
        give_own(network, name, torch.float32)


def _teacher(config: TrainConfig, folder: Path) -> Restorer:
    if not config.method.needs_teacher:
        raise ConfigError(f"{config.recipe} learns from photos alone: use `leapsr train`, without --teacher.")
    restorer = Restorer.from_pretrained(folder)
    found = (restorer.config.method, restorer.config.source, restorer.scale)
    kinds = config.method.teacher_kinds(config.network)
    kind = found[0] if found[0] in kinds else kinds[-1]
    wanted = (kind, config.source, config.factor)
    if found != wanted:
        raise ConfigError(
            f"{folder} is a {found[0]} with source ({found[1]}) at scale {found[2]}; this recipe needs a "
            f"{wanted[0]} with source ({wanted[1]}) at scale {wanted[2]}."
        )
    if config.method.guided and Quality.BAD not in restorer.labels:
        raise ConfigError(
            f"{folder} learnt no quality labels, so its guidance would do nothing: train it with "
            "network.quality=true, or use --set method.guidance=1."
        )
    return restorer


def _checked(config: TrainConfig, folder: Path) -> Restorer:
    """A model to begin with. Raises ConfigError where it is no beginning for this recipe."""
    restorer = Restorer.from_pretrained(folder)
    own, found = config.network, restorer.config.network
    if not own.can_begin_as(found):
        raise ConfigError(
            f"The network of {folder} is not the recipe's ({found} instead of {own}); "
            "give its sizes by --set network...."
        )
    another = restorer.scale != config.factor and config.scale is None
    if another and own.fixed_scale is None:  # networks with their own begin with any other
        raise ConfigError(
            f"{folder} is for scale {restorer.scale} and this run for {config.factor}: use "
            f"--set scale={restorer.scale}, or scale={config.factor} to change it."
        )
    kind = config.method.student_method.kind
    if config.method.refines and restorer.config.method != kind:
        raise ConfigError(
            f"{folder} is a {restorer.config.method} and this recipe refines a {kind}: "
            f"use --set method.student.kind={restorer.config.method}."
        )
    return restorer


def _leaves_the_diagonal(config: TrainConfig, origin: Restorer) -> bool:
    """Whether the run trains r < t, of which a teacher says whatever its weights happen to make of it."""
    return origin.config.method == "teacher" and config.method.student_method.kind != "teacher"
