import torch

from leapsr.flow import interpolate, jump


def test_the_path_begins_at_the_image_and_ends_at_the_source():
    image, source = torch.randn(2, 3, 3, 4, 5)
    assert torch.equal(interpolate(image, source, torch.zeros(3)).x, image)
    assert torch.equal(interpolate(image, source, torch.ones(3)).x, source)


def test_following_the_conditional_velocity_walks_the_path():
    image, source = torch.randn(2, 3, 3, 4, 5, dtype=torch.float64)
    t, r = torch.tensor([1.0, 0.7, 0.3]).double(), torch.tensor([0.2, 0.7, 0.0]).double()
    x, v = interpolate(image, source, t)
    torch.testing.assert_close(jump(x, v, t, r), interpolate(image, source, r).x)
