import math

import pytest
import torch

from leapsr.errors import DataError
from leapsr.metrics.fine_detail import fine_detail


def grain(seed: int = 0, side: int = 160) -> torch.Tensor:
    return 0.5 + 0.1 * torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


def wave(cycles: float, height: float = 0.1, side: int = 160) -> torch.Tensor:
    """Grey stripes of so many cycles a pixel."""
    line = torch.cos(2 * math.pi * cycles * torch.arange(side))
    return (0.5 + height * line).expand(1, 3, side, side).clone()


def test_power_of_detail_is_the_square_of_its_height():
    photo = grain()
    assert fine_detail(photo, photo).item() == 1
    assert fine_detail(0.5 + (photo - 0.5) / 2, photo).item() == pytest.approx(0.25, rel=1e-4)
    assert fine_detail(grain(1), photo).item() == pytest.approx(1, abs=0.1)  # of the same kind


def test_only_the_highest_octave_counts():
    coarse = wave(1 / 16)
    assert fine_detail(coarse, grain()).item() < 1e-4
    assert fine_detail(wave(0.35) + coarse - 0.5, wave(0.35)).item() == pytest.approx(1, abs=0.01)


def test_the_border_does_not_count():
    photo = grain()
    framed = photo.clone()
    framed[..., :4] = framed[..., -4:] = framed[..., :4, :] = framed[..., -4:, :] = 0
    assert fine_detail(framed, photo, border=4).item() == fine_detail(photo, photo, border=4).item()


def test_against_a_flat_photo_there_is_no_share():
    assert fine_detail(grain(), torch.full((1, 3, 160, 160), 0.5)).isnan().item()


def test_a_picture_without_a_window_is_said():
    with pytest.raises(DataError, match="32 pixels"):
        fine_detail(grain(side=31), grain(side=31))
