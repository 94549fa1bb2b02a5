import pytest
import torch
from torch import nn

from leapsr.ops.recompute import recomputed


@pytest.fixture
def decoder():
    torch.manual_seed(0)
    layers = (nn.Conv2d(4, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.SiLU(), nn.Conv2d(8, 3, 3, padding=1))
    return nn.Sequential(*layers).double().requires_grad_(False)


def gradients(function, x, *more):
    """The results of the function and their gradient on x."""
    x = x.clone().requires_grad_()
    made = function(x, *more)
    made = made if isinstance(made, tuple) else (made,)
    return (*made, *torch.autograd.grad(sum(part.square().sum() for part in made), x))


@pytest.mark.parametrize("at_once", [1, 2, 9])
def test_values_and_gradients_are_the_same(decoder, at_once):
    x, target = (torch.randn(5, channels, 6, 6, dtype=torch.double) for channels in (4, 3))

    def distances(image, target):
        error = (decoder(image) - target).flatten(1)
        return error.square().mean(1), error.abs().mean(1)

    for function, more in ((decoder, ()), (distances, (target,))):
        found = gradients(recomputed(function, at_once), x, *more)
        for one, another in zip(found, gradients(function, x, *more), strict=True):
            torch.testing.assert_close(one, another, rtol=1e-12, atol=1e-12)


def kept(function, x):
    """Elements that the forward pass keeps for the backward pass."""
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
        function(x.clone().requires_grad_())
    return sum(sizes)


def test_activations_are_not_kept(decoder):
    x = torch.randn(6, 4, 16, 16, dtype=torch.double)
    assert kept(recomputed(decoder, 2), x) < 0.3 * kept(decoder, x)


def test_all_at_once_is_the_function_itself(decoder):
    assert recomputed(decoder, None) is decoder
