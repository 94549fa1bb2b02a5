import pytest
import torch

from leapsr.degrade.noise import add_gaussian, add_poisson, photon_noise

COLOUR, GREY = torch.tensor([False]), torch.tensor([True])


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("grey", [COLOUR, GREY])
def test_gaussian_noise_has_its_level(generator, grey):
    image = torch.full((1, 3, 128, 128), 0.5)
    noise = add_gaussian(image, torch.tensor([20.0]), grey, generator) - image
    assert noise.std() * 255 == pytest.approx(20, rel=0.03)
    assert noise.mean().abs() * 255 < 0.5


@pytest.mark.parametrize("add", [add_gaussian, add_poisson])
def test_every_image_has_its_level_and_its_colour(generator, add):
    image = torch.rand(1, 3, 64, 64).mul(0.2).add(0.4).expand(3, -1, -1, -1)
    noise = add(image, torch.tensor([0.4, 0.2, 0.8]), torch.tensor([True, False, True]), generator) - image
    spread = noise.std(dim=(1, 2, 3))
    assert spread[1] < spread[0] < spread[2]
    torch.testing.assert_close(noise[[0, 2], 0], noise[[0, 2], 2], rtol=0, atol=1e-6)
    assert (noise[1, 0] - noise[1, 2]).abs().max() > 1e-4


@pytest.mark.parametrize("levels", [2, 3, 64, 200, 256])
def test_photons_are_as_many_as_levels_rounded_up(generator, levels):
    steps = torch.arange(levels).repeat(40_000 // levels + 1)[:40_000].view(1, 1, 200, 200)
    image = (steps + (200 if levels < 4 else 0)).div(255)
    photons = 2 ** (levels - 1).bit_length()
    noise = photon_noise(image, generator)
    # The variance of a count is its mean.
    assert noise.var() == pytest.approx(float(image.mean()) / photons, rel=0.04)
    counts = (image + noise) * photons
    torch.testing.assert_close(counts, counts.round(), rtol=0, atol=1e-3)


def test_one_flat_colour_is_a_single_level(generator):
    noise = photon_noise(torch.full((1, 1, 300, 300), 51 / 255), generator)
    assert noise.var() == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize("add", [add_gaussian, add_poisson])
def test_stays_in_range(generator, add):
    image = torch.rand(2, 3, 32, 32).round()
    noisy = add(image, torch.tensor([30.0, 3.0]), torch.tensor([True, False]), generator)
    assert noisy.min() >= 0
    assert noisy.max() <= 1
    assert noisy.shape == image.shape
