"""LPIPS beside its authors' program (lpips 0.1.4), and what holds of it whatever the pictures."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from leapsr.metrics import perceptual
from tests.metrics import golden
from tests.metrics.test_properties import noisy, picture

AUTHORS = {
    ("china", "bicubic_x4"): 0.620879,
    ("china", "jpeg_q30"): 0.108200,
    ("flower", "bicubic_x4"): 0.314674,
    ("flower", "jpeg_q30"): 0.111143,
    ("synthetic", "bicubic_x4"): 0.489631,
    ("synthetic", "jpeg_q30"): 0.146643,
}
"""What lpips 0.1.4 gives with SqueezeNet for the golden pictures."""


@pytest.mark.parametrize(("original", "damage"), AUTHORS)
def test_it_is_the_authors_score(shared: Path, original: str, damage: str) -> None:
    reference, damaged = (golden.picture(shared, f"{original}{end}") for end in ("", f"_{damage}"))
    score = perceptual.lpips(damaged, reference, weights=shared / "weights").item()
    assert score == pytest.approx(AUTHORS[original, damage], abs=1e-4)


@pytest.mark.parametrize("backbone", ["alex", "vgg"])
def test_other_backbones_are_the_authors_too(backbone: str) -> None:
    """With the same random trunk, whose real weights not every computer has, and the published linear
    layers."""
    lpips = pytest.importorskip("lpips", reason="needs the package lpips")
    networks = pytest.importorskip("torchmetrics.functional.image.lpips")
    theirs = lpips.LPIPS(net=backbone, pnet_rand=True, verbose=False)
    ours = networks._LPIPS(net=backbone, pnet_rand=True)
    assert ours.load_state_dict(theirs.state_dict(), strict=False).missing_keys == []
    one, other = picture(0, 96) * 2 - 1, noisy(picture(0, 96), 0.1) * 2 - 1
    assert ours(one, other).item() == pytest.approx(theirs(one, other).item(), rel=1e-5)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000))
def test_it_is_a_distance_and_grows_with_noise(shared: Path, seed: int) -> None:
    image = picture(seed, 64) * 0.6 + 0.2
    near, far = noisy(image, 0.03), noisy(image, 0.2)

    def lpips(one: torch.Tensor, other: torch.Tensor) -> float:
        return perceptual.lpips(one, other, weights=shared / "weights").item()

    assert lpips(image, image) == 0
    assert 0 < lpips(near, image) < lpips(far, image)
    assert lpips(near, image) == pytest.approx(lpips(image, near), rel=1e-5)
