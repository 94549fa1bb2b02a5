import pytest
import torch

from leapsr.ops.ssim import WINDOW, convolved, multiplied, similarity


@pytest.mark.parametrize("size", [(WINDOW, WINDOW), (17, 40), (64, 13)])
def test_both_ways_of_averaging_are_one(size):
    planes = torch.rand(3, 1, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert multiplied(planes).shape == (3, 1, size[0] - WINDOW + 1, size[1] - WINDOW + 1)
    torch.testing.assert_close(multiplied(planes), convolved(planes), rtol=0, atol=1e-14)


def test_a_window_weighs_one():
    torch.testing.assert_close(convolved(torch.ones(1, 1, 20, 20)), torch.ones(1, 1, 10, 10))


def test_flat_planes_differ_by_their_brightness_alone():
    """Equation 6 of the paper is all that is left of it where nothing varies."""
    x, y = torch.full((1, 1, 12, 12), 0.4), torch.full((1, 1, 12, 12), 0.6)
    expected = (2 * 0.4 * 0.6 + 1e-4) / (0.4**2 + 0.6**2 + 1e-4)
    torch.testing.assert_close(similarity(x, y), torch.full((1, 1, 2, 2), expected), rtol=1e-4, atol=0)


@pytest.mark.parametrize("means", [convolved, multiplied])
def test_its_gradient_leads_to_the_other_plane(means):
    generator = torch.Generator().manual_seed(0)
    goal = torch.rand(1, 1, 24, 24, dtype=torch.float64, generator=generator)
    x = (goal + 0.3 * torch.randn(goal.shape, dtype=torch.float64, generator=generator)).requires_grad_()
    before = similarity(x, goal, means).mean()
    before.backward()
    after = similarity(x.detach() + 2 * x.grad, goal, means).mean()
    assert before.item() < after.item() <= 1
