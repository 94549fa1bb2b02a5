import pytest
import torch

from leapsr.errors import DataError
from leapsr.metrics.grid_artifact import grid_artifact


def ramp(height: int = 96, width: int = 128) -> torch.Tensor:
    y, x = torch.meshgrid(torch.linspace(0.2, 0.6, height), torch.linspace(0, 0.3, width), indexing="ij")
    return (y + x).expand(1, 3, -1, -1).clone()


def noise(deviation: float, seed: int = 0) -> torch.Tensor:
    return deviation * torch.randn(1, 3, 96, 128, generator=torch.Generator().manual_seed(seed))


def dots(period: int, height: float) -> torch.Tensor:
    pattern = torch.zeros(1, 3, 96, 128)
    pattern[..., ::period, ::period] = height
    return pattern


@pytest.mark.parametrize("picture", [ramp(), ramp() + noise(0.02), torch.full((1, 3, 64, 64), 0.5)])
def test_slopes_and_grain_are_no_grid(picture):
    assert grid_artifact(picture).item() < 0.1


@pytest.mark.parametrize("period", [2, 4])
def test_dots_are_found_beneath_grain_at_their_own_strength(period):
    """The pattern's deviation from its mean, in luma's 219 levels, less what the blur keeps of it."""
    height, share = 4 / 255, 1 / period**2
    expected = 219 / 255 * 4 * (share * (1 - share)) ** 0.5
    for picture in (ramp() + dots(period, height), ramp() + dots(period, height) + noise(0.01)):
        assert grid_artifact(picture).item() == pytest.approx(expected, rel=0.1)


def test_another_period_is_not_meant():
    assert (
        grid_artifact(ramp() + dots(5, 4 / 255)).item()
        < 0.3 * grid_artifact(ramp() + dots(4, 4 / 255)).item()
    )


def test_a_grid_on_the_smooth_half_is_enough():
    picture = ramp()
    picture[..., 64:] += noise(0.2)[..., 64:]
    picture[..., :64] += dots(4, 4 / 255)[..., :64]
    assert grid_artifact(picture).item() > 0.5


def test_a_texture_of_that_period_is_no_grid_where_it_does_not_keep_its_place():
    """Two walls of bricks four pixels apart, one of them two pixels further on."""
    bricks = dots(4, 8 / 255)
    walls = torch.cat([bricks[..., :64], bricks.roll((2, 2), (2, 3))[..., 64:]], 3)
    assert grid_artifact(ramp() + walls).item() < 0.75 * grid_artifact(ramp() + bricks).item()


def test_each_picture_by_itself():
    pictures = torch.cat([ramp(), ramp() + dots(2, 0.02)])
    torch.testing.assert_close(
        grid_artifact(pictures), torch.cat([grid_artifact(one[None]) for one in pictures])
    )


def test_the_border_does_not_count():
    picture = ramp()
    picture[..., :4, :] = 0
    assert grid_artifact(picture, border=4).item() < 0.1


@pytest.mark.parametrize("side", [1, 12, 43])
def test_a_picture_without_a_window_is_refused(side):
    with pytest.raises(DataError, match="grid_artifact needs at least 44 pixels"):
        grid_artifact(torch.rand(1, 3, side, side))
    assert grid_artifact(torch.rand(1, 3, 44, 44)).shape == (1,)
