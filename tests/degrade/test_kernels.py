import json
import math

import pytest
import torch
from safetensors.torch import load_file

from leapsr.degrade.kernels import SIDE, Blur, BlurDraw, SincDraw, sinc

NAMES = [f"k{number:02}" for number in range(1, 13)]


def column(value):
    return torch.tensor([value], dtype=torch.float64)


FAMILIES = {"bivariate_Gaussian": 0, "bivariate_generalized_Gaussian": 2, "bivariate_plateau": 4}


def shaped(size, family, sigma_x, sigma_y, angle, beta=1.0):
    """The kernel that a draw of just these numbers makes: (SIDE, SIDE) float64."""
    draw = BlurDraw(
        size=torch.tensor([size]),
        family=torch.tensor([family]),
        sigma_x=column(sigma_x),
        sigma_y=column(sigma_y),
        angle=column(angle),
        beta_gaussian=column(beta if family < 4 else math.nan),
        beta_plateau=column(beta if family >= 4 else math.nan),
        cutoff=column(1.0),
        ringing=torch.tensor([False]),
    )
    return draw.kernels()[0]


def ours(function, params):
    if function == "circular_lowpass_kernel":
        return sinc(torch.tensor([params["kernel_size"]]), column(params["cutoff"]))[0]
    sigma_y = params["sig_x"] if params["isotropic"] else params["sig_y"]
    family = FAMILIES[function] + (not params["isotropic"])
    shape = params["kernel_size"], family, params["sig_x"], sigma_y, params["theta"]
    return shaped(*shape, params.get("beta") or 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_kernels_are_those_of_basicsr(shared, name):
    case = json.loads((shared / "golden/degradation_kernels.json").read_text())["kernels"][name]
    expected = load_file(shared / "golden/degradation_kernels.safetensors")[f"kernel.{name}"]
    # An even kernel of n pixels reaches from -(n / 2 - 1) to n / 2.
    before, side = (expected.shape[0] - 1) // 2, expected.shape[0]
    first = SIDE // 2 - before
    padded = torch.zeros(SIDE, SIDE, dtype=torch.float64)
    padded[first : first + side, first : first + side] = expected
    torch.testing.assert_close(ours(case["function"], case["params"]), padded, rtol=0, atol=1e-12)


def test_a_batch_is_its_kernels_one_by_one():
    together = BlurDraw.draw(Blur((0.2, 3.0), sinc_probability=0.3), 40, torch.Generator().manual_seed(1))
    kernels = together.kernels()
    for row in range(40):
        fields = {name: value[row : row + 1] for name, value in vars(together).items()}
        torch.testing.assert_close(BlurDraw(**fields).kernels()[0], kernels[row])


def test_a_wide_gaussian_has_its_variance():
    kernel = shaped(21, 1, 2.0, 1.0, 0.0)
    offsets = torch.arange(SIDE, dtype=torch.float64) - SIDE // 2
    assert (kernel.sum(0) * offsets**2).sum() == pytest.approx(4, rel=1e-4)  # x runs along columns
    assert (kernel.sum(1) * offsets**2).sum() == pytest.approx(1, rel=1e-4)


def test_the_sinc_filter_passes_below_its_cutoff_and_stops_above():
    kernel = sinc(torch.tensor([21]), column(math.pi / 2))
    response = torch.fft.fft2(kernel[0], s=(64, 64)).abs()[0]
    assert (response[:12] - 1).abs().max() < 0.15  # 12 of 64: 0.375 pi
    assert response[21:32].max() < 0.1


def drawn(blur, count, seed):
    return BlurDraw.draw(blur, count, torch.Generator().manual_seed(seed)).kernels()


@pytest.mark.parametrize(
    "draw",
    [
        lambda g: BlurDraw.draw(Blur((0.2, 3.0)), 400, g).kernels(),
        lambda g: SincDraw.draw((7, SIDE), 400, g).kernels(),
    ],
)
def test_drawn_kernels_sum_to_one_and_differ(draw):
    kernels = draw(torch.Generator().manual_seed(3))
    assert kernels.shape == (400, SIDE, SIDE)
    assert kernels.isfinite().all()
    torch.testing.assert_close(kernels.sum(dim=(1, 2)), torch.ones(400))
    assert len({kernel.numpy().tobytes() for kernel in kernels}) > 390
    assert torch.equal(kernels, draw(torch.Generator().manual_seed(3)))


def test_sizes_of_drawn_kernels():
    kernels = drawn(Blur((2.0, 3.0), sizes=(7, 11), sinc_probability=0), 300, seed=0)
    widths = (kernels[:, SIDE // 2] > 0).sum(1)
    assert set(widths.tolist()) == {7, 9, 11}


def test_a_tenth_of_the_kernels_ring():
    kernels = drawn(Blur((0.2, 3.0)), 4000, seed=0)
    assert (kernels.amin(dim=(1, 2)) < -1e-4).float().mean() == pytest.approx(0.1, abs=0.02)
