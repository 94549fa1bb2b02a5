import torch

from leapsr.degrade import Mild
from leapsr.degrade.mild import webp
from leapsr.degrade.noise import noise_of
from leapsr.ops.filters import filter2d, gaussian_line
from leapsr.ops.resize import downsample, resize


def photo(count: int = 1, side: int = 128) -> torch.Tensor:
    coarse = torch.rand(count, 3, 12, 12, generator=torch.Generator().manual_seed(5))
    return resize(coarse, (side, side)).clamp(0, 1)


def test_without_noise_and_file_it_is_one_of_three_reductions_in_8_bits() -> None:
    image = photo(12)
    mild = Mild(4, noise_probability=0, files=(1, 0, 0))
    lr = mild(image, torch.Generator().manual_seed(0))
    ways = [resize(image, (32, 32), mode, True) for mode in ("area", "bilinear", "bicubic")]
    nearest = torch.stack([(lr - way.clamp(0, 1)).abs().amax((1, 2, 3)) for way in ways])
    assert (nearest.amin(0) <= 0.501 / 255).all()
    assert len(nearest.argmin(0).unique()) > 1


def test_a_checkerboard_on_the_grid_stays_one_by_area() -> None:
    small = (torch.arange(16)[:, None] + torch.arange(16)) % 2
    image = small.repeat_interleave(4, 0).repeat_interleave(4, 1).expand(1, 3, -1, -1).float()
    lr = Mild(4, (1, 0, 0), noise_probability=0, files=(1, 0, 0))(image, torch.Generator())
    torch.testing.assert_close(lr[0, 0], small.float(), rtol=0, atol=0)


def test_noise_has_the_deviation_that_was_drawn_and_comes_without_a_file() -> None:
    image = torch.full((64, 3, 64, 64), 0.5)
    mild = Mild(4, noise_probability=1, gaussian=(20, 20), poisson=(0, 0), files=(1, 0, 0))
    deviation = (mild(image, torch.Generator().manual_seed(1)) * 255).flatten(1).std(1)
    noisy = deviation > 1  # the others have Poisson's, of strength 0
    assert 0.4 < noisy.float().mean() < 0.8
    torch.testing.assert_close(deviation[noisy].mean().item(), 20.0, rtol=0.05, atol=0)


def test_webp_is_near_and_nearer_at_high_quality() -> None:
    image = photo(2, 64)
    coarse, fine = (webp(image, torch.tensor([q, q])) for q in (20.0, 95.0))
    assert 0 < (fine - image).abs().mean() < (coarse - image).abs().mean() < 0.1


def test_the_noise_of_a_blurred_picture_is_the_noise_alone() -> None:
    image = photo(3)
    clean = downsample(image, 4)
    line = gaussian_line(8, 1.2, clean)
    blurred = filter2d(clean, torch.outer(line, line).expand(3, -1, -1))
    noise = 0.05 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(2))
    assert noise_of(blurred, image, 4).abs().mean() < 0.1 * (blurred - clean).abs().mean()
    found = noise_of(blurred + noise, image, 4)
    assert (found - noise).square().mean() < 0.01 * noise.square().mean()


def test_a_flat_picture_has_no_noise_and_breaks_nothing() -> None:
    for level in (0.0, 0.5, 1.0):
        image = torch.full((1, 3, 32, 32), level)
        assert noise_of(downsample(image, 4), image, 4).abs().max() < 1e-4
