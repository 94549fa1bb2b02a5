"""The networks of a run: where each comes from and with which weights it begins."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import torch
from torch import nn

from .. import methods
from ..errors import ConfigError
from ..files import sha256
from ..frozen import Dino
from ..frozen.prompts import NAMES, load_book
from ..frozen.space import Space
from ..hub.catalog import LICENCE, model_name, weights_of
from ..networks import Network, Quality, registry
from ..networks.base import Notice
from ..networks.lora import give_own, merge_lora, shared_copy
from ..restorer import ModelConfig, Restorer, read_config
from ..restorer import space as space_of
from .config import TrainConfig
from .ema import trained_names


@dataclass(frozen=True)
class RunNetworks:
    """All networks of a run, on its device. `student` and `others` train, `teacher` is frozen.

    model: the config of the folder that the student is saved to. critic_features: what a critic of images
    looks through. diffusion: what FlowSR's critic looks through, if that is not the teacher. origin: what its
    card tells of the upscaler whose answers it learns.
    """

    student: Network
    space: Space
    model: ModelConfig
    teacher: Network | None = None
    others: dict[str, nn.Module] = field(default_factory=dict)
    critic_features: Dino | None = None
    diffusion: Network | None = None
    origin: str = ""

    def restorer(self, network: nn.Module) -> Restorer:
        """The averaged student as a model of its own, so that using it does not disturb the training."""
        if self.model.network.is_large:
            student = shared_copy(cast(Network, network))
            merge_lora(student)
        else:
            student = registry.build(self.model.network)
            student.load_state_dict(network.state_dict())
        return Restorer(self.model, student, self.space)


def build_networks(
    config: TrainConfig,
    teacher: Path | None,
    start: Path | None,
    device: torch.device,
    notice: Notice,
    resumed: bool = False,
) -> RunNetworks:
    """Load or make every network of a run.

    Without `start` a student begins with its teacher's weights where the networks are alike. Random weights
    come from torch's global generators.

    Args:
        teacher: model folder to distil.
        start: model folder whose weights the student begins with.
        notice: receives sentences for the user.
        resumed: whether a checkpoint will replace the weights.

    Raises:
        ConfigError: a folder does not fit the recipe.
        WeightsError: a folder cannot be read.
    """
    distilled = None if teacher is None else _load_teacher(config, teacher)
    begun = None if start is None else _load_start(config, start)
    if begun is None and config.method.refines and not resumed:
        raise ConfigError(f"{config.recipe} refines a student: give its model folder with --from.")
    model = _model_config(config, begun or distilled)
    if config.network.is_large:
        return _build_large(config, model, distilled, begun, device, notice)
    student = _small_student(config, distilled, begun, notice, resumed)
    frozen = None if distilled is None else distilled.network
    features = None if config.dino is None else Dino(config.dino)
    others = config.method.auxiliary_networks(frozen, maps=features.channels if features else ())
    for network in (student, *others.values(), *([frozen] if frozen is not None else [])):
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return RunNetworks(student, space_of(model), model, frozen, others, features)


def select_negative_prompt(
    config: TrainConfig, built: RunNetworks, notice: Notice
) -> tuple[TrainConfig, RunNetworks]:
    """Let the text that `config.negative` names stand for a bad picture.

    Where the model's prompts were written without it, their own stays and the returned config says so.
    """
    own, prompts = NAMES[Quality.BAD], built.model.prompts
    if config.negative == own or prompts is None:
        return config, built
    known = load_book(Path(prompts)).prompts
    if config.negative not in known:
        notice(
            f"The prompts {prompts} hold no '{config.negative}', so guidance leads away from their '{own}': "
            "convert the teacher again for the paper's."
        )
        return config.model_copy(update={"negative": own}), built
    space = replace(built.space, prompts={**built.space.prompts, Quality.BAD: known[config.negative]})
    return config, replace(built, space=space)


def _model_config(config: TrainConfig, origin: Restorer | None) -> ModelConfig:
    """The config of the student's model folder: the run's fields, or where they are None those of `origin`.

    `_load_teacher` and `_load_start` make sure that the scales of the two are the same then.
    """
    method = config.method.student_method
    diagonal = method.region is methods.Region.DIAGONAL
    # A dial stands in the middle. A student that starts from noise learnt little of other places than the
    # end, FlowSR's has no others, and a teacher's trajectory is followed to its end.
    dial = not diagonal and method.region is not methods.Region.IMAGE_EDGE and config.source.kind != "noise"
    known = None if origin is None else origin.config
    inherited = {name: None if known is None else getattr(known, name) for name in ("autoencoder", "prompts")}
    own = {"autoencoder": config.autoencoder, "prompts": config.prompts}
    places = {name: inherited[name] if path is None else str(path.resolve()) for name, path in own.items()}
    latents = config.network.condition_input != "picture" and config.adapters is None
    if latents and places["autoencoder"] is None:
        raise ConfigError(f"{config.recipe} works on latents: use --set autoencoder=FOLDER.")
    return ModelConfig(
        method=method.kind,
        network=config.network,
        scale=config.scale if config.scale or known is None else known.scale,
        source=config.source,
        fidelity=0.5 if dial else 0.0,
        grid=config.grid,
        licence=LICENCE if known is None else known.licence,
        guidance=_guidance(config, known) if diagonal else 1.0,
        color_fix="none" if known is None else known.color_fix,
        **places,
    )


def _guidance(config: TrainConfig, origin: ModelConfig | None) -> float:
    """Of a teacher's folder: the run's, or that of the model it begins with."""
    if config.guidance is not None:
        return config.guidance
    return 1.0 if origin is None else origin.guidance


def _small_student(
    config: TrainConfig, teacher: Restorer | None, begun: Restorer | None, notice: Notice, resumed: bool
) -> Network:
    """Begins with the model's weights, or the teacher's where the networks are the same, or untrained."""
    alike = teacher is not None and teacher.network.config == config.network
    origin = begun or (teacher if alike else None)
    if origin is None:
        if teacher is not None and not resumed:
            notice("The student's network differs from the teacher's, so it begins untrained.")
        return registry.build(config.network)
    student = registry.init_from(config.network, origin.network)
    if _is_new_to_intervals(config, origin):
        student.reset_interval_embedding()
    return student.requires_grad_(True).train()  # a copy of a loaded network is frozen


def _build_large(
    config: TrainConfig,
    model: ModelConfig,
    teacher: Restorer | None,
    begun: Restorer | None,
    device: torch.device,
    notice: Notice,
) -> RunNetworks:
    """Networks that begin as another one or with random weights.

    What is frozen is in memory once, in the precision of the run; what trains is float32.
    """
    adapted = config.adapters is not None
    first = begun or teacher
    if first is None and adapted:
        raise ConfigError(f"{config.recipe} adapts an existing network: give its model with --from.")
    dtype = torch.bfloat16 if config.precision == "bf16" and adapted else torch.float32
    frozen = None if teacher is None else teacher.to(device, dtype).network
    origin = frozen if begun is None else begun.to(device, dtype).network
    if origin is None:
        student = registry.build(config.network).to(device)
    else:
        student = registry.init_from(config.network, origin, adapted, notice)
    features = None if config.dino is None else Dino(config.dino)
    maps = features.channels if features else ()
    others = config.method.auxiliary_networks(frozen, shared_copy if adapted else deepcopy, maps)
    copies = [cast(Network, other) for name, other in others.items() if name == "score"]
    for seed, network in enumerate([student, *copies]):
        _unfreeze(config, network, seed)
    if first is not None and _is_new_to_intervals(config, first):
        student.reset_interval_embedding(notice)  # after _unfreeze, which copies the weights that read r
    others = {name: network.to(device) for name, network in others.items()}
    for known in (frozen, origin):
        if known is not None:
            known.requires_grad_(False)
    student.train()  # a model that was loaded to restore is in eval mode
    diffusion = None
    if config.diffusion is not None:
        found = Restorer.from_pretrained(config.diffusion).to(device, dtype).network
        if found.feature_channels != (() if frozen is None else frozen.feature_channels):
            raise ConfigError(f"{config.diffusion} has other maps than the teacher: give its own base model.")
        switch = {"gradient_checkpointing": config.network.model_dump().get("gradient_checkpointing", False)}
        diffusion = registry.init_from(found.config.model_copy(update=switch), found, share=True)
        diffusion.requires_grad_(False)
    return RunNetworks(student, space_of(model), model, frozen, others, features, diffusion)


def _unfreeze(config: TrainConfig, network: Network, seed: int) -> None:
    """Let the weights train that shall; those that are shared with another network become float32 copies."""
    if config.adapters is None:
        network.requires_grad_(True)
        return
    network.adapt(config.adapters.rank, config.adapters.alpha, config.seed + seed)
    for name in trained_names(network):
        give_own(network, name, torch.float32)


def taught_by(config: TrainConfig, built: RunNetworks, teacher: Path) -> RunNetworks:
    """The same, with a model that tells whose answers it learns from, and the licence of that one.

    teacher: folder or file of the upscaler that answers.
    Raises ConfigError where it has another scale or needs many steps, WeightsError where it cannot be read.
    """
    found = read_config(teacher)
    if found.region is methods.Region.DIAGONAL:
        raise ConfigError(
            f"{teacher} is the teacher of a flow, which blurs in one step: distil it by oftsr_small, or give "
            f"{config.recipe} a model of one step."
        )
    if found.factor != config.factor:
        setting = "scale" if config.network.fixed_scale is None else "network.scale"
        raise ConfigError(
            f"{teacher} is for scale {found.factor} and this run for {config.factor}: "
            f"use --set {setting}={found.factor}."
        )
    licence, name = built.model.licence, model_name(teacher)
    if found.licence != licence:
        licence = f"{licence}; learnt from {name}, whose licence is {found.licence}"
    origin = (
        f"\nAt fidelity 0 it has learnt what {name} answers, by `leapsr distill {config.recipe} "
        f"PHOTOS --teacher {name}`.\n\n"
        f"Teacher: {name}, {found.method} x{found.factor}, SHA-256 {sha256(weights_of(teacher))}. "
        f"Licence of its weights: {found.licence}. What is learnt from a model may fall under its licence: "
        "read it before you pass this one on.\n"
    )
    return replace(built, model=built.model.model_copy(update={"licence": licence}), origin=origin)


def _load_teacher(config: TrainConfig, folder: Path) -> Restorer:
    """Raises ConfigError where the model is no teacher for this recipe."""
    if not config.method.needs_teacher:
        raise ConfigError(f"{config.recipe} learns from photos alone: use `leapsr train`, without --teacher.")
    restorer = Restorer.from_pretrained(folder)
    if restorer.config.network.is_foreign:
        raise ConfigError(
            f"{folder} is another project's upscaler, and this recipe needs a flow: use `leapsr distill "
            "dial_small`, which learns from any upscaler."
        )
    found = (restorer.config.method, restorer.config.source, restorer.scale)
    kinds = config.method.teacher_kinds(config.network)
    wanted = (found[0] if found[0] in kinds else kinds[-1], config.source, config.factor)
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


def _load_start(config: TrainConfig, folder: Path) -> Restorer:
    """Raises ConfigError where this recipe cannot begin with the model."""
    restorer = Restorer.from_pretrained(folder)
    own, found = config.network, restorer.config.network
    if not own.can_begin_as(found):
        raise ConfigError(
            f"The network of {folder} is not the recipe's ({found} instead of {own}); "
            "give its sizes by --set network...."
        )
    another = restorer.scale != config.factor and config.scale is None
    if another and own.fixed_scale is None:  # a network with its own scale may begin with any other
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


def _is_new_to_intervals(config: TrainConfig, origin: Restorer) -> bool:
    """Whether the run trains r < t and begins with a teacher, which was trained at r = t only."""
    return origin.config.method == "teacher" and config.method.student_method.kind != "teacher"
