import pytest
import torch

from leapsr.errors import DataError
from leapsr.metrics.color_shift import color_shift

PHOTO = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(0))


def test_brightness_and_detail_are_no_colour():
    assert color_shift(PHOTO, PHOTO).item() == 0
    assert color_shift(PHOTO + 0.1, PHOTO).item() == pytest.approx(0, abs=1e-4)
    checks = torch.tensor([[0.1, -0.1], [-0.1, 0.1]]).repeat(32, 24)
    coloured = torch.stack([checks, -checks, checks * 0])
    assert color_shift(PHOTO + coloured, PHOTO).item() == pytest.approx(0, abs=1e-4)


def test_a_tint_has_its_size():
    """Red up and blue down by ten levels: the root mean square of 10, 0 and -10."""
    tint = torch.tensor([10.0, 0.0, -10.0]).view(1, 3, 1, 1) / 255
    assert color_shift(PHOTO + tint, PHOTO).item() == pytest.approx((200 / 3) ** 0.5, rel=1e-4)
    half = PHOTO.clone()
    half[..., :32, :] += tint[0]
    assert color_shift(half, PHOTO).item() == pytest.approx((200 / 3) ** 0.5 / 2, rel=1e-4)


def test_a_picture_without_a_block_is_said():
    with pytest.raises(DataError, match="16 pixels"):
        color_shift(PHOTO[..., :15], PHOTO[..., :15])
