"""Averaged weights: the ones that are validated and saved as the model."""

from typing import Any

import torch
from torch import Tensor, nn

from ..networks.lora import give_own, shared_copy


class EMA:
    """An exponential moving average of the parameters that train; the frozen ones are shared, not copied.

    Early on the decay is (1 + n) / (10 + n) after n updates, so that the random start is soon forgotten. (Not
    torch's AveragedModel: its counter lies on the device, and reading it would stop a GPU at every step.)
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = shared_copy(network)
        self.names = trained_names(network)
        for name in self.names:
            give_own(self.network, name, requires_grad=False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        rate = 1 - min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self.parameters(), [network.get_parameter(name) for name in self.names], rate)
        self.updates += 1

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates, "network": dict(zip(self.names, self.parameters(), strict=True))}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = state["updates"]
        for name, parameter in zip(self.names, self.parameters(), strict=True):
            parameter.copy_(state["network"][name])

    def parameters(self) -> list[Tensor]:
        """The averages."""
        return [self.network.get_parameter(name) for name in self.names]


def trained_names(network: nn.Module) -> list[str]:
    """The names of the parameters that get a gradient."""
    return [name for name, parameter in network.named_parameters() if parameter.requires_grad]
