import copy

import pytest
import torch
from torch import nn

from leapsr.networks.spectral import SpectralConv
from leapsr.train import optimizers
from leapsr.train.config import OptimizerConfig


def layers(memory_format: torch.memory_format) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ConvTranspose2d(8, 5, 2), nn.Flatten(), nn.Linear(125, 2)).to(
        memory_format=memory_format
    )


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_a_kernel_moves_as_the_matrix_it_is(memory_format):
    """The same step as torch's Muon on a plain matrix with the same entries."""
    network = layers(memory_format)
    kernel = network[0].weight
    matrix = nn.Parameter(kernel.detach().permute(0, 2, 3, 1).reshape(8, -1).clone())
    ours, theirs = optimizers.Muon([kernel], 0.02), torch.optim.Muon([matrix], 0.02, weight_decay=0)
    for seed in range(3):
        torch.manual_seed(seed)
        kernel.grad = torch.randn(kernel.shape)  # contiguous, whatever the kernel is
        matrix.grad = kernel.grad.permute(0, 2, 3, 1).reshape(8, -1)
        ours.step()
        theirs.step()
    moved = kernel.detach().permute(0, 2, 3, 1).reshape(8, -1)
    torch.testing.assert_close(moved, matrix.detach(), rtol=0, atol=2e-3)  # columns in another order, in bf16
    assert (moved - layers(memory_format)[0].weight.permute(0, 2, 3, 1).reshape(8, -1)).abs().max() > 0.01


def test_a_step_by_shape_is_the_same_step():
    """As a GPU takes it: several matrices of one shape, and both ways round."""

    def kernels() -> list[nn.Parameter]:
        torch.manual_seed(0)
        return [nn.Parameter(torch.randn(*s, 3, 3)) for s in ((8, 2), (40, 4), (8, 2), (4, 4))]

    one, other = kernels(), kernels()
    whole, batched = (optimizers.Muon(each, 0.02, weight_decay=0.1) for each in (one, other))
    for seed in range(3):
        for pair in zip(one, other, strict=True):
            torch.manual_seed(seed)
            for kernel in pair:
                kernel.grad = torch.randn(kernel.shape, generator=torch.Generator().manual_seed(seed))
        whole.step()
        for matrix, kernel in zip(batched.param_groups[0]["params"], other, strict=True):
            matrix.grad = kernel.grad.flatten(1)
        batched.step_by_shape()
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=2e-3)
    for a, b in zip(*(each.param_groups[0]["params"] for each in (whole, batched)), strict=True):
        torch.testing.assert_close(
            *(each.state[m]["momentum_buffer"] for each, m in ((whole, a), (batched, b)))
        )


def test_every_parameter_moves_once_and_gradients_are_dropped():
    network = layers(torch.channels_last)
    network(torch.randn(2, 3, 6, 6)).square().mean().backward()
    rated = optimizers.build(network, OptimizerConfig(kind="muon", learning_rate=1e-3, kernel_rate=0.02))
    assert [part.rate for part in rated] == [1e-3, 0.02]
    assert sum(len(g["params"]) for part in rated for g in part.optimizer.param_groups) == len(
        list(network.parameters())
    )
    before = copy.deepcopy(network)
    for part in rated:
        part.optimizer.step()
        part.optimizer.zero_grad()
    for old, new in zip(before.parameters(), network.parameters(), strict=True):
        assert not torch.equal(old, new)
        assert new.grad is None


def test_adamw_alone_unless_muon_is_asked_for():
    [only] = optimizers.build(layers(torch.channels_last), OptimizerConfig())
    assert isinstance(only.optimizer, torch.optim.AdamW)


def test_muon_goes_on_from_its_state():
    def step(network: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
        kernel = network[0].weight
        kernel.grad = torch.randn(kernel.shape, generator=torch.Generator().manual_seed(seed))
        optimizer.step()

    first = layers(torch.channels_last)
    one = optimizers.Muon([first[0].weight], 0.02)
    step(first, one, 0)
    second = copy.deepcopy(first)
    two = optimizers.Muon([second[0].weight], 0.5)
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    step(first, one, 1)
    step(second, two, 1)
    assert torch.equal(first[0].weight, second[0].weight)


def test_muon_leaves_kernels_under_spectral_normalisation_to_adamw():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), SpectralConv(8, 4, kernel=3))
    adamw, muon = optimizers.build(network, OptimizerConfig(kind="muon"))
    assert [id(kernel) for kernel in muon.optimizer.kernels] == [id(network[0].weight)]
    [group] = adamw.optimizer.param_groups
    assert {id(p) for p in group["params"]} == {
        id(p) for p in network.parameters() if p is not network[0].weight
    }
