"""Averaged weights: the ones that are saved, shown and shipped."""

import copy
from typing import Any

import torch
from torch import nn


class Average:
    """An exponential moving average of a network's parameters.

    Early on the decay is (1 + n) / (10 + n) after n updates, so that the random start is soon forgotten. (Not
    torch's AveragedModel, whose counter lies on the device and would stop a GPU at every step.)
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        rate = 1 - min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), rate)
        self.updates += 1

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates, "network": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = state["updates"]
        self.network.load_state_dict(state["network"])
