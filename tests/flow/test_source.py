import pytest
import torch
from pydantic import ValidationError

from leapsr.flow import Source, sample_times_2t, uniform, uniform_grid


def test_noisy_lr_preserves_the_variance():
    upsampled, noise = torch.randn(2, 4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert Source(kind="noisy_lr", sigma=0.6)(upsampled, noise).var() == pytest.approx(1, abs=0.03)


def test_the_ends_of_sigma_are_the_other_two_kinds():
    upsampled, noise = torch.randn(2, 1, 3, 4, 4)
    assert torch.equal(Source(sigma=0)(upsampled, noise), Source(kind="lr")(upsampled, noise))
    assert torch.equal(Source(sigma=1)(upsampled, noise), Source(kind="noise")(upsampled, noise))


@pytest.mark.parametrize("values", [{"sigma": 1.5}, {"sigma": -0.1}, {"kind": "nois"}, {"sgima": 0.1}])
def test_impossible_sources_are_refused(values):
    with pytest.raises(ValidationError):
        Source(**values)


def test_grey_noise_is_one_noise_for_the_three_channels():
    upsampled, noise = torch.zeros(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    source = Source(sigma=0.5, grey=True)(upsampled, noise)
    torch.testing.assert_close(source, 0.5 * noise[:, :1].expand(-1, 3, -1, -1))
    assert Source(sigma=0.5)(upsampled, noise).var(dim=1).min() > 0


def test_a_drawn_source_depends_on_the_generator_alone():
    upsampled = torch.zeros(2, 3, 8, 8)
    one, again, other = (
        Source(sigma=1).draw(upsampled, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_late_times_have_density_2t():
    times = sample_times_2t(1000, torch.Generator().manual_seed(0)).sort().values
    expected = ((torch.arange(1000) + 0.5) / 1000).sqrt()  # the quantiles of t^2 being uniform
    assert (times - expected).abs().max() < 0.04
    assert (times[10:] - expected[10:]).abs().max() < 0.005


def test_times_are_uniform_and_stratified():
    times = uniform(1000, torch.Generator().manual_seed(0), 0.2, 0.6)
    assert torch.equal((times.sort().values - 0.2).div(0.4 / 1000).floor().long(), torch.arange(1000))
    assert not torch.equal(times, times.sort().values)


def test_grid_decreases_from_source_to_image():
    torch.testing.assert_close(uniform_grid(4), torch.tensor([1, 0.75, 0.5, 0.25, 0]).double())
    torch.testing.assert_close(uniform_grid(2, end=0.5), torch.tensor([1, 0.75, 0.5]).double())
