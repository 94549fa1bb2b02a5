import pytest
import torch

from leapsr.ops.noise import position_noise

FAR = 1 << 20


@pytest.fixture(scope="module")
def field() -> torch.Tensor:
    return position_noise(0, 0, 0, 512, 700)


@pytest.mark.parametrize(
    "box", [(0, 0, 512, 700), (3, 5, 7, 11), (511, 699, 1, 1), (100, 0, 1, 700), (0, 64, 512, 1)]
)
def test_a_crop_is_the_crop_of_the_whole(field, box):
    top, left, height, width = box
    crop = position_noise(0, top, left, height, width)
    assert crop.dtype == torch.float32
    assert torch.equal(crop, field[:, top : top + height, left : left + width])


def test_far_from_the_origin():
    whole = position_noise(7, FAR - 30, FAR - 50, 60, 100)
    assert torch.equal(position_noise(7, FAR - 1, FAR + 2, 20, 30), whole[:, 29:49, 52:82])
    assert abs(whole.mean()) < 0.03
    assert abs(whole.std() - 1) < 0.03


def test_fewer_channels_are_the_first_channels(field):
    assert torch.equal(position_noise(0, 0, 0, 9, 9, channels=1), field[:1, :9, :9])


def test_empty_box():
    assert position_noise(0, 4, 4, 0, 5).shape == (3, 0, 5)


def test_moments_are_those_of_a_standard_normal(field):
    x = field.double().flatten()
    count = x.numel()
    assert abs(x.mean()) < 4 / count**0.5
    assert abs(x.var() - 1) < 4 * (2 / count) ** 0.5
    assert abs((x**3).mean()) < 4 * (15 / count) ** 0.5
    assert abs((x**4).mean() - 3) < 4 * (96 / count) ** 0.5


def test_the_distribution_function_is_the_normal_one(field):
    x = field.double().flatten().sort().values
    expected = torch.special.ndtr(x)
    distance = (expected - torch.linspace(0, 1, len(x), dtype=torch.float64)).abs().max()
    assert distance < 1.95 / len(x) ** 0.5  # Kolmogorov-Smirnov, p = 0.001


@pytest.mark.parametrize(
    "shift", [(0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 0, 4), (0, 4, 0), (0, 0, 256), (0, 256, 0), (1, 0, 0)]
)
def test_neighbours_are_not_correlated(field, shift):
    x = field - field.mean()
    other = torch.roll(x, shift, dims=(0, 1, 2))
    for a, b in ((x, other), (x**2 - 1, other**2 - 1)):
        assert abs((a * b).mean() / (a.std() * b.std())) < 5 / x.numel() ** 0.5


@pytest.mark.parametrize("other", [1, 2, 1 << 31, 1 << 32, 1 << 63, -1])
def test_another_seed_gives_unrelated_noise(field, other):
    noise = position_noise(other, 0, 0, 512, 700)
    assert (noise == field).float().mean() < 1e-4
    assert abs((noise * field).mean()) < 5 / noise.numel() ** 0.5


def test_the_spectrum_is_flat(field):
    power = torch.fft.rfft2(field[:, :, :512]).abs().square() / 512**2
    rows, columns = power.mean(dim=(0, 2)), power.mean(dim=(0, 1))
    assert rows.min() > 0.7
    assert rows.max() < 1.3
    assert columns[1:-1].min() > 0.7
    assert columns[1:-1].max() < 1.3


def test_known_values_never_change():
    """Pictures made by one version are made again by the next one."""
    known = [0.98265517, -0.15817544, 0.22380073, 0.83967179, -0.57692909, 1.16782427]
    assert torch.allclose(position_noise(1234, 1000, 2000, 1, 2).flatten(), torch.tensor(known), atol=1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_every_device_draws_the_same_bits(field):
    assert torch.equal(position_noise(0, 0, 0, 512, 700, device="cuda").cpu(), field)
