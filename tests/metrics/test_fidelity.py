import math
from pathlib import Path

import pytest
import torch

from leapsr.data.pairs import read_pairs
from leapsr.errors import DataError
from leapsr.metrics.fidelity import Channels, lr_psnr, psnr, ssim
from leapsr.metrics.table import bicubic
from leapsr.ops.color import round_to_8_bits, studio_luma

from . import golden


@pytest.mark.parametrize("original", golden.ORIGINALS)
@pytest.mark.parametrize("damage", golden.DAMAGES)
@pytest.mark.parametrize(("channels", "key"), [("rgb", "RGB"), ("y", "Y")])
@pytest.mark.parametrize("border", [0, 4])
def test_the_reference_programs_scores(
    shared: Path, original: str, damage: str, channels: Channels, key: str, border: int
) -> None:
    expected = golden.scores(shared, original)[damage]["full_reference"]
    damaged, clean = (golden.picture(shared, name) for name in (f"{original}_{damage}", original))
    decibels = psnr(damaged, clean, channels=channels, border=border).item()
    likeness = ssim(damaged, clean, channels=channels, border=border).item()
    assert decibels == pytest.approx(expected[f"basicsr.calculate_psnr.{key}.border{border}"], abs=1e-4)
    assert likeness == pytest.approx(expected[f"basicsr.calculate_ssim.{key}.border{border}"], abs=1e-5)


@pytest.mark.parametrize(("name", "expected"), [("Set5", 28.43), ("Set14", 26.09)])
def test_bicubic_gives_the_published_psnr(shared: Path, name: str, expected: float) -> None:
    scores = [
        psnr(round_to_8_bits(bicubic(4)(pair.lr, pair.name)), pair.hr, channels="y", border=4).item()
        for pair in read_pairs(shared / "data/val" / name, 4)
        if pair.hr is not None
    ]
    assert sum(scores) / len(scores) == pytest.approx(expected, abs=0.005)


def test_psnr_of_a_known_error() -> None:
    clean = torch.full((2, 3, 12, 15), 0.5, dtype=torch.float64)
    damaged = clean + torch.tensor([0.1, 0.01], dtype=torch.float64).view(2, 1, 1, 1)
    torch.testing.assert_close(psnr(damaged, clean), torch.tensor([20.0, 40.0], dtype=torch.float64))


def test_psnr_of_a_grey_error_in_studio_luma_is_that_of_the_studio_range() -> None:
    clean = torch.full((1, 3, 12, 12), 0.5, dtype=torch.float64)
    expected = -20 * math.log10(0.1 * 219 / 255)
    assert psnr(clean + 0.1, clean, channels="y").item() == pytest.approx(expected)


def test_psnr_of_equal_pictures_is_infinite(photo_tensor: torch.Tensor) -> None:
    assert psnr(photo_tensor, photo_tensor).item() == math.inf


def test_studio_luma_of_black_and_white() -> None:
    ends = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    expected = torch.tensor([16 / 255, 235 / 255], dtype=torch.float64)
    torch.testing.assert_close(studio_luma(ends).flatten(), expected)


def test_the_border_does_not_count(photo_tensor: torch.Tensor) -> None:
    framed = photo_tensor.clone()
    framed[..., :3, :] = framed[..., -3:] = 0
    assert psnr(framed, photo_tensor, border=3).item() == math.inf
    assert psnr(framed, photo_tensor, border=2).item() < 50


def test_ssim_of_equal_pictures_is_one(photo_tensor: torch.Tensor) -> None:
    assert ssim(photo_tensor, photo_tensor).item() == pytest.approx(1, abs=1e-12)


def test_ssim_of_flat_pictures_compares_their_means() -> None:
    """Without variance only the first factor is left: (2 a b + c1) / (a^2 + b^2 + c1)."""
    a, b, c1 = 0.3, 0.6, 0.01**2
    flat = torch.ones(1, 3, 16, 16, dtype=torch.float64)
    assert ssim(a * flat, b * flat).item() == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), rel=1e-9)


def test_a_batch_is_its_pictures() -> None:
    x, y = torch.rand(2, 3, 3, 20, 24, generator=torch.Generator().manual_seed(0))
    for measure in (psnr, ssim):
        each = torch.cat([measure(x[i : i + 1], y[i : i + 1]) for i in range(3)])
        torch.testing.assert_close(measure(x, y), each)


def test_lr_psnr_is_infinite_only_for_what_explains_the_input() -> None:
    flat = torch.full((1, 3, 8, 8), 0.25)
    assert lr_psnr(torch.full((1, 3, 32, 32), 0.25), flat).item() > 120
    assert lr_psnr(torch.full((1, 3, 32, 32), 0.35), flat).item() == pytest.approx(20, abs=1e-4)


def test_pictures_too_small_are_refused() -> None:
    small = torch.zeros(1, 3, 10, 30)
    with pytest.raises(DataError, match="at least 11"):
        ssim(small, small)
    with pytest.raises(DataError, match="border of 5"):
        psnr(small, small, border=5)
