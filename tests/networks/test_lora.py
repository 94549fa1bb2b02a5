import pytest
import torch
from torch import nn

from leapsr.errors import ConfigError, WeightsError
from leapsr.networks.lora import (
    add_lora,
    load_lora,
    lora_parameters,
    lora_state,
    merge_lora,
    shared_copy,
)

pytest.importorskip("peft", reason="needs leapsr[sd]")

TARGETS = ("first", "inner.conv")


class Small(nn.Module):
    """A linear layer, a convolution, and layers beside them with names that only begin alike."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.first_too = nn.Linear(6, 8), nn.Linear(8, 8)
        self.inner = nn.ModuleDict({"conv": nn.Conv2d(8, 5, 3, padding=1)})
        self.register_buffer("table", torch.arange(8.0))

    def forward(self, x):
        hidden = self.first_too(self.first(x).tanh()) + self.table
        return self.inner["conv"](hidden.movedim(-1, 1))


@pytest.fixture
def network() -> Small:
    torch.manual_seed(0)
    return Small().requires_grad_(False)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(2, 4, 4, 6, generator=torch.Generator().manual_seed(1))


def trained(network: nn.Module, seed: int = 2) -> nn.Module:
    """Adapters that do something."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in lora_parameters(network):
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return network


def pointers(network: nn.Module) -> set[int]:
    return {tensor.data_ptr() for tensor in (*network.parameters(), *network.buffers())}


def test_it_begins_without_an_effect_and_trains_the_adapters_alone(network, x):
    before = network(x)
    add_lora(network, 3, TARGETS)
    assert torch.equal(network(x), before)
    network(x).sum().backward()
    gradients = {id(p) for p in network.parameters() if p.grad is not None}
    assert gradients == {id(p) for p in lora_parameters(network)}
    assert [tuple(p.shape) for p in lora_parameters(network)] == [(3, 6), (8, 3), (3, 8, 3, 3), (5, 3, 1, 1)]


def test_alpha_scales_the_update(network, x):
    before, updates = network.first(x), []
    for alpha in (None, 3.0, 6.0):
        copied = shared_copy(network)
        add_lora(copied, 3, ["first"], alpha)
        updates.append(trained(copied).first(x) - before)
    torch.testing.assert_close(updates[1], updates[0])
    torch.testing.assert_close(updates[2], 2 * updates[0])
    assert updates[0].abs().max() > 0.1


def test_the_seed_decides_and_leaves_other_draws_alone(network):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    states = []
    for seed in (0, 0, 1):
        copied = shared_copy(network)
        add_lora(copied, 3, TARGETS, seed=seed)
        states.append(lora_state(copied)["first.lora_A.weight"])
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_adapters_are_saved_and_loaded_alone(network, x):
    other = shared_copy(network)
    add_lora(network, 3, TARGETS)
    add_lora(other, 3, TARGETS, seed=1)
    state = lora_state(trained(network))
    assert sorted(state) == [
        "first.lora_A.weight",
        "first.lora_B.weight",
        "inner.conv.lora_A.weight",
        "inner.conv.lora_B.weight",
    ]
    load_lora(other, state)
    assert torch.equal(other(x), network(x))
    assert not {value.data_ptr() for value in state.values()} & pointers(other)


def test_adapters_of_another_network_are_refused(network):
    other = shared_copy(network)
    add_lora(network, 3, TARGETS)
    add_lora(other, 4, ["first"])
    with pytest.raises(WeightsError, match=r"'first\.lora_A\.weight' has shape \(4, 6\) where \(3, 6\)"):
        load_lora(network, lora_state(other))
    with pytest.raises(WeightsError, match=r"'inner\.conv.* is missing"):
        load_lora(network, {k: v for k, v in lora_state(network).items() if "inner" not in k})


def test_merging_gives_the_same_network_without_adapters_and_leaves_who_shares_alone(network, x):
    names, before = network.state_dict().keys(), network(x)
    student = shared_copy(network)
    add_lora(student, 3, TARGETS)
    expected = trained(student)(x)
    merge_lora(student)
    assert student.state_dict().keys() == names
    torch.testing.assert_close(student(x), expected)
    assert not list(lora_parameters(student))
    assert torch.equal(network(x), before)
    assert (expected - before).abs().max() > 0.1
    add_lora(student, 3, TARGETS)  # and again
    torch.testing.assert_close(student(x), expected)


def test_a_shared_copy_has_the_same_tensors_and_its_own_adapters(network, x):
    before, own = network(x), pointers(network)
    student = shared_copy(network)
    add_lora(student, 3, TARGETS)
    adapters = {parameter.data_ptr() for parameter in lora_parameters(student)}
    assert pointers(student) == own | adapters
    assert len(adapters) == 4
    trained(student)
    assert torch.equal(network(x), before)
    assert not torch.equal(student(x), before)


def test_adapters_of_half_networks_are_float32(network, x):
    add_lora(network.bfloat16(), 3, TARGETS)
    assert {p.dtype for p in lora_parameters(network)} == {torch.float32}
    assert trained(network)(x.bfloat16()).dtype == torch.bfloat16


def test_what_cannot_be_adapted_is_said(network):
    with pytest.raises(ConfigError, match="no layer 'second'"):
        add_lora(network, 3, ["first", "second"])
    with pytest.raises(ConfigError, match="no layer 'irst'"):
        add_lora(network, 3, ["irst"])
    add_lora(network, 3, ["first"])
    with pytest.raises(ConfigError, match="already"):
        add_lora(network, 3, ["first"])


def test_sharing_survives_a_change_of_precision(network):
    student = shared_copy(network)
    add_lora(student, 3, ["first"])
    student.to(torch.float64)
    assert network.first.weight.data_ptr() == student.first.get_base_layer().weight.data_ptr()
