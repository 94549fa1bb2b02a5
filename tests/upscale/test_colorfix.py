import pytest
import torch
from safetensors.torch import load_file

from leapsr.upscale.colorfix import COLOR_FIXES, adain, wavelet

PAIRS = ["random_to_smooth", "smooth_to_random"]


@pytest.fixture(scope="module")
def golden(shared):
    return load_file(shared / "golden" / "colorfix.safetensors")


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", ["adain", "wavelet"])
def test_reference_values(golden, pair, name):
    image, reference = (golden[f"in.{part}"].float() / 255 for part in pair.split("_to_"))
    got = COLOR_FIXES[name](image, reference)
    assert (got - golden[f"out_{pair}.{name}_float"]).abs().max() < 2e-6


@pytest.mark.parametrize("fix", COLOR_FIXES.values())
def test_a_picture_is_its_own_reference(fix):
    image = torch.rand(3, 40, 50)
    assert torch.allclose(fix(image, image), image, atol=1e-5)


@pytest.mark.parametrize("fix", COLOR_FIXES.values())
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
    got = adain(image, reference)
    assert torch.allclose(got.mean((1, 2)), reference.mean((1, 2)), atol=1e-5)
    assert torch.allclose(got.std((1, 2)), reference.std((1, 2)), atol=1e-3)
