"""Low-rank adapters (Hu et al., arXiv:2106.09685) of large networks, by peft, and copies that share weights.

A student with billions of weights trains adapters and its own new parts, and shares all other tensors with
its teacher::

    student = shared_copy(teacher)          # no second copy in memory
    add_lora(student, 64, ["to_q", "to_k"])  # the teacher does not see it
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ..errors import ConfigError, WeightsError, optional
from .state_dict import find_misfit

ADAPTER = "default"

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def shared_copy(network: NetworkT) -> NetworkT:
    """A copy of the modules with the very same parameters and buffers.

    Move the network to its device and precision first: moving one copy later also moves the parameters of the
    other, but not its buffers. `give_own` gives one copy a parameter of its own.
    """
    tensors: list[Tensor] = [*network.parameters(), *network.buffers()]
    return copy.deepcopy(network, {id(tensor): tensor for tensor in tensors})


def give_own(
    network: nn.Module, name: str, dtype: torch.dtype | None = None, requires_grad: bool = True
) -> None:
    """Replace a parameter that may be shared by a copy. dtype: None keeps it."""
    value = network.get_parameter(name).detach()
    path, _, leaf = name.rpartition(".")
    own = nn.Parameter(value.to(dtype or value.dtype, copy=True), requires_grad)
    setattr(network.get_submodule(path), leaf, own)


def add_lora(
    network: nn.Module, rank: int, targets: Sequence[str], alpha: float | None = None, seed: int = 0
) -> None:
    """Give linear layers and convolutions adapters, and freeze every other parameter of the network.

    The adapters are at least float32, because half precision would round the optimizer's steps away. They
    change the names in the network's state dict; `lora_state` has theirs alone.

    Args:
        rank: of the update B A.
        targets: names of layers, or the ends of them ("to_q", "to_out.0").
        alpha: the update is multiplied by alpha / rank; None is 1.
        seed: of A; B starts at zero, so that nothing changes until it is trained.

    Raises:
        ConfigError: a target is no layer of the network, or it has adapters already.
        MissingExtra: peft is not installed.
    """
    peft = optional("peft", "sd")
    if next(_adapted(network), None) is not None:
        raise ConfigError("This network has adapters already: merge them first.")
    names = [name for name, _ in network.named_modules()]
    for target in targets:
        if not any(name == target or name.endswith(f".{target}") for name in names):
            raise ConfigError(f"The network has no layer '{target}' to adapt: name its layers by their ends.")
    config = peft.LoraConfig(
        r=rank, lora_alpha=rank if alpha is None else alpha, target_modules=list(targets), lora_dropout=0.0
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        peft.inject_adapter_in_model(config, network, ADAPTER)
    del network.peft_config  # peft's own record: it would outlive merge_lora
    for parameter in lora_parameters(network):
        parameter.data = parameter.data.to(torch.promote_types(parameter.dtype, torch.float32))


def lora_parameters(network: nn.Module) -> Iterator[nn.Parameter]:
    """A and B of every adapter."""
    for _, parameter in _named(network):
        yield parameter


def lora_state(network: nn.Module) -> dict[str, Tensor]:
    """The adapters alone, "blocks.0.to_q.lora_A.weight" and so on; alpha and targets are not in it."""
    return {name: parameter.detach() for name, parameter in _named(network)}


def load_lora(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy what `lora_state` returned into a network with adapters of the same rank, alpha and targets.

    Raises WeightsError unless the names and shapes are the same.
    """
    own = dict(_named(network))
    if misfit := find_misfit(own, state):
        raise WeightsError(f"These adapters are of another network, rank or choice of layers: {misfit}.")
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(state[name])


def merge_lora(network: nn.Module) -> None:
    """Add the adapters to the weights and remove them.

    These weights become float32, as half precision would lose small updates. They are new tensors, so a
    teacher that shares the old ones is not changed.
    """
    for name, layer in list(_adapted(network)):
        base = layer.get_base_layer()
        base.weight = nn.Parameter(base.weight.detach().float(), requires_grad=base.weight.requires_grad)
        layer.merge(safe_merge=True)  # which puts other data into this parameter
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, base)


def _adapted(network: nn.Module) -> Iterator[tuple[str, Any]]:
    """The layers that peft has wrapped, with their names."""
    layers = ((name, module) for name, module in network.named_modules() if hasattr(module, "lora_A"))
    yield from layers


def _named(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """The adapters' parameters under names without peft's."""
    for name, layer in _adapted(network):
        for part in ("lora_A", "lora_B"):
            yield f"{name}.{part}.weight", getattr(layer, part)[ADAPTER].weight
