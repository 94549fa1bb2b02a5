"""FID beside independent computations on the same features, and what becomes of pictures on the way there."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from leapsr.errors import DataError, WeightsError
from leapsr.metrics import usable
from leapsr.metrics.frechet import INCEPTION, _patches, features, frechet_distance


def drawn(seed: int, count: int, width: int, shift: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(width, width, generator=generator, dtype=torch.float64)
    return torch.randn(count, width, generator=generator, dtype=torch.float64) @ mix + shift


@pytest.mark.parametrize(("count", "other"), [(40, 30), (5, 8), (200, 100)])
def test_it_is_the_matrix_square_roots(count: int, other: int) -> None:
    """With fewer pictures than features too, where the covariances have no full rank."""
    linalg = pytest.importorskip("scipy.linalg")
    one, two = drawn(0, count, 16), drawn(1, other, 16, shift=0.5)
    first, second = np.cov(one.numpy(), rowvar=False), np.cov(two.numpy(), rowvar=False)
    shift = ((one.mean(0) - two.mean(0)) ** 2).sum().item()
    root = linalg.sqrtm(first @ second)
    expected = shift + np.trace(first) + np.trace(second) - 2 * np.trace(np.real(root))
    assert frechet_distance(one, two).item() == pytest.approx(expected, rel=1e-4)


def test_it_is_torchmetrics() -> None:
    fid = pytest.importorskip("torchmetrics.image.fid")
    one, two = drawn(2, 300, 12), drawn(3, 250, 12, shift=1.0)
    expected = fid._compute_fid(one.mean(0), torch.cov(one.T), two.mean(0), torch.cov(two.T))
    assert frechet_distance(one, two).item() == pytest.approx(expected.item(), rel=1e-6)


def test_it_is_the_closed_form_of_scaled_features() -> None:
    """N(0, C) and N(m, s^2 C): |m|^2 + (1 - s)^2 tr C."""
    one = drawn(4, 500, 6)
    centred = one - one.mean(0)
    expected = 6 * 0.25 + (1 - 3) ** 2 * torch.cov(centred.T).trace()
    assert frechet_distance(centred, 3 * centred + 0.5).item() == pytest.approx(expected.item(), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 20), st.integers(2, 20), st.integers(1, 12))
def test_properties(seed: int, count: int, other: int, width: int) -> None:
    one, two = drawn(seed, count, width), drawn(seed + 1, other, width)
    distance = frechet_distance(one, two).item()
    scale = one.square().sum().item() + two.square().sum().item()
    assert distance >= 0
    assert distance == pytest.approx(frechet_distance(two, one).item(), abs=1e-9 * scale)
    assert frechet_distance(one, one).item() == pytest.approx(0, abs=1e-9 * scale)
    far = frechet_distance(one, two + 100).item()
    assert far > distance or width == 0


def test_a_single_picture_is_no_set() -> None:
    with pytest.raises(DataError, match="two pictures or more"):
        frechet_distance(drawn(0, 1, 4), drawn(1, 5, 4))


class StandIn(nn.Module):
    """The interface of the published file: `layers` on squares in about [-1, 1], the whole on any picture in
    [0, 255] with a resize of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.AvgPool2d(23), nn.Flatten())

    def forward(self, x: Tensor, return_features: bool = False) -> Tensor:
        small = nn.functional.interpolate(x, size=[299, 299], mode="bilinear", align_corners=False)
        return self.layers((small - 128) / 128)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    (tmp_path / "fid").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(StandIn().eval()).save(str(tmp_path / "fid" / INCEPTION))
    return tmp_path


def test_pictures_are_resized_as_each_kind_does(weights: Path) -> None:
    picture = torch.rand(1, 3, 1200, 1024, generator=torch.Generator().manual_seed(0))
    clean, legacy, patch = (features(picture, kind, weights) for kind in ("clean", "legacy", "patch"))
    assert clean.shape == legacy.shape == (1, 3 * 13 * 13)
    assert patch.shape == (4 * 4 + 4 * 3, 3 * 13 * 13)  # and those that are shifted by half
    assert clean.mean().item() == pytest.approx(2 * (picture * 255 - 128).mean().item() / 256, abs=1e-3)
    assert clean.std() < 0.5 * legacy.std()  # without antialiasing noise stays
    assert torch.equal(features(picture + 1e-4, "clean", weights), clean)  # 8 bits


def test_patches_are_those_of_the_picture() -> None:
    levels = torch.arange(300 * 520, dtype=torch.float32).view(1, 1, 300, 520).expand(1, 3, -1, -1)
    patches = _patches(levels)
    assert patches.shape == (2, 3, 256, 256)
    assert torch.equal(patches[1], levels[0, :, :256, 256:512])
    with pytest.raises(DataError, match="256 pixels"):
        _patches(levels[..., :100])


def test_what_is_missing_or_damaged_is_said(tmp_path: Path) -> None:
    chosen, notes = usable(["psnr_y", "fid"], tmp_path, has_reference=True)
    assert list(chosen) == ["psnr_y"]
    assert f"fid is skipped: {INCEPTION} is missing: download https://" in notes[0]
    (tmp_path / "fid").mkdir()
    (tmp_path / "fid" / INCEPTION).write_text("no network")
    with pytest.raises(WeightsError, match="download it again"):
        features(torch.rand(1, 3, 8, 8), "clean", tmp_path)
