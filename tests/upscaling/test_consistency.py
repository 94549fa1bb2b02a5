import logging

import pytest
import torch
import torch.nn.functional as F

from leapsr.errors import UsageError
from leapsr.metrics.fidelity import lr_psnr
from leapsr.pictures.icc_profiles import tone
from leapsr.pictures.picture import Picture
from leapsr.upscaling.consistency import consistent
from tests.conftest import picture_array
from tests.pictures import photos

LINEAR = photos.rgb_profile(photos.SRGB_PRIMARIES, photos.table())


def shrunk(large: torch.Tensor) -> torch.Tensor:
    """(3, 192, 256) -> (3, 48, 64) as a clean file holds it."""
    return rounded(F.interpolate(large[None], size=(48, 64), mode="bicubic", antialias=True)[0].clamp(0, 1))


def picture(**about) -> Picture:
    large = torch.from_numpy(picture_array(192, 256)).permute(2, 0, 1).float() / 255
    return Picture(shrunk(large), **about)


def guess(source: Picture, size: tuple[int, int], noise: float = 0.1) -> Picture:
    """A result of that size that is wrong everywhere."""
    large = F.interpolate(source.rgb[None], size=size, mode="bicubic")[0]
    wrong = noise * torch.randn(large.shape, generator=torch.Generator().manual_seed(0))
    return source.with_rgb((large + wrong).clamp(0, 1))


def rounded(image: torch.Tensor) -> torch.Tensor:
    return (image * 255).round() / 255


def reduced(image: torch.Tensor, source: Picture) -> torch.Tensor:
    return F.interpolate(image[None], size=source.size, mode="bicubic", antialias=True)[0].clamp(0, 1)


@pytest.mark.parametrize("size", [(192, 256), (100, 131), (77, 300), (480, 640), (84, 112)])
def test_made_small_again_it_is_its_input(size):
    source = picture()
    before = guess(source, size)
    after = consistent(before, source)
    assert lr_psnr(before.rgb[None], source.rgb[None]) < 41
    assert lr_psnr(rounded(after.rgb)[None], source.rgb[None]) > 50  # also as the file that it becomes
    assert (reduced(after.rgb, source) - source.rgb).abs().max() <= 0.5 / 255
    assert after.rgb.min() >= 0
    assert after.rgb.max() <= 1


def test_what_was_invented_between_the_pixels_of_the_input_stays():
    source = picture()
    before = guess(source, (192, 256))
    kept = consistent(before, source).rgb - F.interpolate(source.rgb[None], (192, 256), mode="bicubic")[0]
    invented = before.rgb - F.interpolate(source.rgb[None], (192, 256), mode="bicubic")[0]
    fine = [
        part - F.interpolate(reduced(part, source)[None], (192, 256), mode="bicubic")[0]
        for part in (kept, invented)
    ]
    assert torch.corrcoef(torch.stack([part.flatten() for part in fine]))[0, 1] > 0.9


def test_a_result_that_agrees_already_is_not_touched():
    source = picture()
    settled = consistent(guess(source, (192, 256)), source)
    assert torch.equal(consistent(settled, source).rgb, settled.rgb)


def test_a_larger_tolerance_changes_less():
    source = picture()
    before = guess(source, (192, 256), noise=0.2)
    changes = []
    for tolerance in (0.5, 4.0, 16.0):
        after = consistent(before, source, tolerance)
        assert (reduced(after.rgb, source) - source.rgb).abs().max() <= tolerance / 255 + 1e-6
        changes.append((after.rgb - before.rgb).abs().mean())
    assert changes[0] > changes[1] > changes[2] > 0


def test_black_and_white_stay_within_the_range_and_agree():
    y, x = torch.meshgrid(torch.arange(192), torch.arange(256), indexing="ij")
    source = Picture(shrunk(((x - 120) ** 2 + (y - 90) ** 2 < 60**2).float().expand(3, -1, -1)))
    after = consistent(guess(source, (192, 256)), source)
    assert after.rgb.min() >= 0
    assert after.rgb.max() <= 1
    assert lr_psnr(rounded(after.rgb)[None], source.rgb[None]) > 50


def test_grey_stays_grey_and_alpha_stays_as_it_is():
    grey, alpha = picture().rgb[:1], torch.rand(1, 48, 64)
    source, large_alpha = Picture(torch.cat([grey, alpha])), torch.rand(1, 192, 256)
    large = Picture(torch.cat([torch.rand(1, 192, 256), large_alpha]))
    after = consistent(large, source)
    assert after.pixels.shape == (2, 192, 256)
    assert torch.equal(after.pixels[1:], large_alpha)
    assert not torch.equal(after.pixels[:1], large.pixels[:1])


def test_hidden_colours_do_not_count():
    """Black behind what is transparent must not be drawn into the edge that can be seen."""
    alpha = torch.ones(1, 48, 64)
    alpha[..., 32:] = 0
    source = Picture(torch.cat([alpha.expand(3, -1, -1), alpha]))
    large = Picture(torch.cat([torch.ones(3, 192, 256), F.interpolate(alpha[None], scale_factor=4)[0]]))
    assert torch.equal(consistent(large, source).rgb, large.rgb)


def test_it_is_measured_with_the_tone_curve_of_srgb():
    source = picture(icc=LINEAR)
    after = consistent(guess(source, (192, 256)), source)
    assert after.icc == source.icc
    curve = tone(LINEAR)
    assert curve is not None
    difference = reduced(curve.to_srgb(after.rgb), source) - curve.to_srgb(source.rgb)
    assert difference.abs().max() <= 0.6 / 255


def test_what_cannot_be_reached_is_said(caplog):
    checkers = torch.zeros(3, 48, 64)
    checkers[:, ::2, ::2] = checkers[:, 1::2, 1::2] = 1
    source = Picture(checkers)
    with caplog.at_level(logging.WARNING):
        after = consistent(Picture(torch.full((3, 60, 70), 0.5)), source, 0.5)
    assert "still differs from its input by up to" in caplog.text
    assert (reduced(after.rgb, source) - checkers).abs().max() < (0.5 - checkers).abs().max()


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan"), float("inf")])
def test_tolerances_that_cannot_work(tolerance):
    with pytest.raises(UsageError, match="grey levels"):
        consistent(picture(), picture(), tolerance)
