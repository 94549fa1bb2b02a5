"""The networks of a run: where each comes from and with which weights it begins."""

import operator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from torch import nn

from .. import methods
from ..errors import ConfigError
from ..frozen import Dino
from ..frozen.space import Space
from ..networks import Quality, UNet, UNetConfig, table
from ..networks.lora import give_own, shared_copy
from ..networks.pixel.rescaling import rescaled
from ..networks.table import Network, NetworkConfig, Notice
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
    if begun is None and isinstance(config.method, methods.RefinementConfig) and not resumed:
        raise ConfigError(f"{config.recipe} refines a student: give its model folder with --from.")
    origin = begun or found
    model = _model(config, origin)
    if not isinstance(config.network, UNetConfig):
        return _large(config, model, found, begun, device, notice)
    student = _student(config, found, begun, notice, resumed)
    frozen = None if found is None else found.network
    eyes = None if config.dino is None else Dino(config.dino)
    others = methods.players(config.method, frozen, maps=eyes.channels if eyes else ())
    everyone = Cast(student, space(model), model, frozen, others, eyes)
    for network in (student, *everyone.others.values(), *([frozen] if frozen is not None else [])):
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return everyone


def _model(config: TrainConfig, origin: Restorer | None) -> ModelConfig:
    """What the run says of its space, and the model that it begins with where it says nothing.

    The scales of the two are the same then: `_checked` and `_teacher` see to it.
    """
    kind = methods.base(config.method).kind
    edge = methods.entry(kind).region is methods.Region.IMAGE_EDGE
    known = origin.config if origin is not None else None
    places = {
        "scale": config.scale if config.scale or known is None else known.scale,
        "autoencoder": _place(config.autoencoder, known.autoencoder if known is not None else None),
        "prompts": _place(config.prompts, known.prompts if known is not None else None),
        "licence": known.licence if known is not None and known.autoencoder else "Apache-2.0",
        "color_fix": known.color_fix if known is not None else "none",
    }
    return ModelConfig(
        method=kind,
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
) -> UNet:
    assert isinstance(config.network, UNetConfig)
    student = UNet(config.network)
    if begun is not None:
        _begin(config, student, begun)
    elif teacher is not None and teacher.network.config == config.network:
        student.load_state_dict(teacher.network.state_dict())
        student.forget_interval()
    elif teacher is not None and not resumed:
        notice("The student's network differs from the teacher's, so it begins untrained.")
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
        student = table.begin(config.network, origin, adapted, notice)
    eyes = None if config.dino is None else Dino(config.dino)
    maps = eyes.channels if eyes else ()
    others = methods.players(config.method, frozen, shared_copy if adapted else None, maps)
    copies = [cast(Network, other) for name, other in others.items() if name == "score"]
    for seed, network in enumerate([student, *copies]):
        _free(config, network, seed)
    first = begun or teacher
    if first is not None and _leaves_the_diagonal(config, first):
        table.forget_interval(student, notice)  # after _free: what knows r is the student's own
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
    table.adapt(network, config.adapters.rank, config.adapters.alpha, config.seed + seed)
    for name in trained(network):
        give_own(network, name, torch.float32)


def _teacher(config: TrainConfig, folder: Path) -> Restorer:
    if not config.method.distils:
        raise ConfigError(f"{config.recipe} learns from photos alone: use `leapsr train`, without --teacher.")
    restorer = Restorer.from_pretrained(folder)
    found = (restorer.config.method, restorer.config.source, restorer.scale)
    wanted = ("teacher", config.source, config.factor)
    if config.method.kind == "flowsr" and found[0] == "flowsr" and not isinstance(config.network, UNetConfig):
        wanted = ("flowsr", *wanted[1:])  # its first stage, whose network is told no r
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
    if not _holds(own, found):
        raise ConfigError(
            f"The network of {folder} is not the recipe's ({found} instead of {own}); "
            "give its sizes by --set network...."
        )
    another = restorer.scale != config.factor and config.scale is None
    if another and not isinstance(own, UNetConfig):  # which has its own, and begins with any other
        raise ConfigError(
            f"{folder} is for scale {restorer.scale} and this run for {config.factor}: use "
            f"--set scale={restorer.scale}, or scale={config.factor} to change it."
        )
    kind = methods.base(config.method).kind
    if isinstance(config.method, methods.RefinementConfig) and restorer.config.method != kind:
        raise ConfigError(
            f"{folder} is a {restorer.config.method} and this recipe refines a {kind}: "
            f"use --set method.student.kind={restorer.config.method}."
        )
    return restorer


def _holds(own: NetworkConfig, found: NetworkConfig) -> bool:
    """Whether a network can begin as another one.

    More blocks begin as the identity, labels and damage as nothing, another limit of the activations acts
    where it is reached, another scale as `rescaled` says. Of the large ones, `kinds.begin` knows.
    """
    if not (isinstance(own, UNetConfig) and isinstance(found, UNetConfig)):
        return own.kind == found.kind
    deeper = len(own.blocks) == len(found.blocks) and all(map(operator.ge, own.blocks, found.blocks))
    new = {name: getattr(own, name) for name in ("blocks", "quality", "damage", "limit", "scale")}
    same = found.model_copy(update=new) == own
    return same and deeper and own.quality >= found.quality and own.damage >= found.damage


def _begin(config: TrainConfig, student: UNet, restorer: Restorer) -> None:
    """Copy a model's weights. Labels and blocks may be new to it: they then begin without an effect.

    The scale may be new too: see `rescaled`.
    """
    known = rescaled(restorer.network.state_dict(), restorer.scale, student.config)
    student.load_state_dict(student.state_dict() | known)
    if _leaves_the_diagonal(config, restorer):
        student.forget_interval()


def _leaves_the_diagonal(config: TrainConfig, origin: Restorer) -> bool:
    """Whether the run trains r < t, of which a teacher says whatever its weights happen to make of it."""
    return origin.config.method == "teacher" and methods.base(config.method).kind != "teacher"
