import pytest
import torch
from safetensors.torch import load_file

from leapsr.upscaling.color_fix import COLOR_FIXES, RADIUS, Moments, adain, wavelet
from tests.conftest import GOLDEN

PAIRS = ["random_to_smooth", "smooth_to_random"]


def moments(*parts):
    found = Moments()
    for part in parts:
        found.add(part)
    return found


def adain_of_whole(image, reference):
    return adain(image, moments(image), moments(reference))


FIXES = {"adain": adain_of_whole, "wavelet": wavelet}


@pytest.fixture(scope="module")
def golden():
    return load_file(GOLDEN / "colorfix.safetensors")


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", ["adain", "wavelet"])
def test_reference_values(golden, pair, name):
    image, reference = (golden[f"in.{part}"].float() / 255 for part in pair.split("_to_"))
    got = FIXES[name](image, reference)
    assert (got - golden[f"out_{pair}.{name}_float"]).abs().max() < 2e-6


@pytest.mark.parametrize("fix", FIXES.values())
def test_a_picture_is_its_own_reference(fix):
    image = torch.rand(3, 40, 50)
    assert torch.allclose(fix(image, image), image, atol=1e-5)


@pytest.mark.parametrize("fix", FIXES.values())
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (3, 2)])
def test_tiny_pictures(fix, size):
    assert fix(torch.rand(3, *size), torch.rand(3, *size)).isfinite().all()


def test_wavelet_takes_back_a_colour_shift():
    image = torch.rand(3, 64, 64)
    assert torch.allclose(
        wavelet(image + torch.tensor([0.1, -0.2, 0.3])[:, None, None], image), image, atol=1e-5
    )


def test_wavelet_keeps_detail():
    checkers = torch.ones(1, 256, 256)
    checkers[:, ::2, 1::2] = checkers[:, 1::2, ::2] = -1
    inside = (..., slice(64, -64), slice(64, -64))  # the repeated border is not a checkerboard
    assert torch.allclose(wavelet(checkers, torch.zeros_like(checkers))[inside], checkers[inside], atol=1e-5)


def test_adain_gives_the_statistics_of_the_reference():
    image, reference = torch.rand(3, 30, 30), 0.2 + 0.1 * torch.rand(3, 30, 30)
    got = adain_of_whole(image, reference)
    assert torch.allclose(got.mean((1, 2)), reference.mean((1, 2)), atol=1e-5)
    assert torch.allclose(got.std((1, 2)), reference.std((1, 2)), atol=1e-3)


def test_every_fix_is_tested():
    assert set(FIXES) == set(COLOR_FIXES)


def test_moments_of_parts_are_those_of_the_whole():
    """Also where they are tiny, uneven, and far from zero compared with their deviation."""
    image = 100 + 0.01 * torch.rand(3, 37, 41, dtype=torch.float64)
    parts = [image[:, :1, :1], image[:, :1, 1:], image[:, 1:30], image[:, 30:]]
    gathered, mean = moments(*parts), image.mean((1, 2))
    assert gathered.pixels == 37 * 41
    assert (gathered.mean - mean).abs().max() < 1e-12
    assert (gathered.deviation**2 - image.var((1, 2)) - 1e-5).abs().max() < 1e-12


def test_what_wavelet_looks_at_lies_within_its_radius():
    image, reference = torch.rand(2, 3, 150, 160)
    whole, part = wavelet(image, reference), (slice(None), slice(20, 120), slice(30, 140))
    inside = (slice(None), slice(RADIUS, -RADIUS), slice(RADIUS, -RADIUS))
    wider = (slice(None), slice(RADIUS - 1, -RADIUS), slice(RADIUS, -RADIUS))
    got = wavelet(image[part], reference[part])
    assert (got[inside] - whole[part][inside]).abs().max() < 1e-6
    assert (got[wider] - whole[part][wider]).abs().max() > 1e-6
