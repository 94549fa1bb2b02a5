import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from leapsr.ops import damage


def seeded(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def soft_picture(side: int = 64) -> torch.Tensor:
    """(1, 3, side, side): ramps and a few edges, no noise."""
    y, x = torch.meshgrid(torch.linspace(0, 1, side), torch.linspace(0, 1, side), indexing="ij")
    picture = torch.stack([0.2 + 0.5 * x, 0.3 + 0.4 * y, 0.6 - 0.3 * x * y])
    picture[:, side // 4 : side // 2, side // 3 :] += 0.15
    return picture[None]


def through_jpeg(picture: torch.Tensor, quality: int) -> torch.Tensor:
    file = io.BytesIO()
    pixels = (picture[0] * 255).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)[None] / 255


@pytest.mark.parametrize("sigma", [3.0, 10.0, 25.0])
def test_grey_noise_on_a_plane_is_measured_as_what_it_is(sigma: float) -> None:
    lr = 0.5 + sigma / 255 * seeded(8, 1, 64, 64).expand(-1, 3, -1, -1)
    measures = damage.measure(lr)
    assert measures.shape == (8, len(damage.MEASURES))
    assert measures[:, 0].mean().item() == pytest.approx(sigma, rel=0.05)
    assert measures[:, 1].mean().item() == pytest.approx(sigma, rel=0.05)
    assert measures[:, 2].max() < 1e-3  # of no colour
    assert measures[:, 4].mean().item() == pytest.approx(1, abs=0.1)


def test_ramps_and_edges_are_no_noise_and_noise_on_them_is_seen() -> None:
    clean = damage.measure(soft_picture())[0]
    noisy = damage.measure(soft_picture() + 8 / 255 * seeded(1, 3, 64, 64))[0]
    assert clean[:3].max() < 0.3
    assert noisy[:3].min() > 4
    assert noisy[4] > clean[4]


def test_the_grid_of_jpeg_is_seen_wherever_it_begins() -> None:
    picture = soft_picture(96)
    blocks = through_jpeg(picture, 10)
    for top, left in ((0, 0), (3, 5), (7, 1)):
        cut = blocks[..., top : top + 64, left : left + 64]
        assert damage.measure(cut)[0, 3] > damage.measure(picture[..., :64, :64])[0, 3] + 1


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 2), (5, 64), (17, 16)])
def test_any_size_has_finite_measures(size: tuple[int, int]) -> None:
    measures = damage.of_pictures(torch.rand(2, 3, *size))
    assert measures.shape == (2, len(damage.MEASURES))
    assert measures.isfinite().all()
    assert (measures >= 0).all()


def test_the_patches_of_a_large_picture_lie_inside_it_and_reach_its_ends() -> None:
    for height, width in ((64, 64), (65, 200), (3000, 40), (5000, 9000)):
        boxes = damage.patch_boxes(height, width)
        assert 1 <= len(boxes) <= 64
        assert min(top for top, *_ in boxes) == min(left for _, left, *_ in boxes) == 0
        assert max(bottom for *_, bottom, _ in boxes) == height
        assert max(right for *_, right in boxes) == width


def test_a_picture_is_its_middle_patch() -> None:
    """Texture in less than half of the patches changes nothing much."""
    calm = 0.5 + 2 / 255 * seeded(1, 3, 192, 192)
    busy = calm.clone()
    busy[..., :64, :128] += 0.2 * seeded(1, 3, 64, 128, seed=1)
    assert damage.of_pictures(busy)[0, 0] < 1.3 * damage.of_pictures(calm)[0, 0]


def test_what_a_network_is_told():
    measures = torch.tensor([[2.0, 3.0, 0.5, 1.0, 0.6, 40.0, 1.5]])
    assert damage.told(measures, torch.tensor([0.25])).tolist() == [
        [2.0, 3.0, 0.5, 1.0, pytest.approx(0.6), 40.0, 1.5, 0.25]
    ]
    assert damage.told(measures, torch.tensor([2.0])).tolist() == [
        [4.0, 6.0, 1.0, 2.0, pytest.approx(0.6), 40.0, 3.0, 1.0]
    ]
    assert damage.told(measures.expand(3, -1), torch.tensor([1.0])).shape == (3, 8)


def textured(seed: int, height: int = 64, width: int = 64) -> torch.Tensor:
    """(1, 3, height, width): smooth noise with a little sharp noise, as a photo of leaves or stone has it."""
    soft = F.interpolate(
        seeded(1, 3, height // 4, width // 4, seed=seed), size=(height, width), mode="bicubic"
    )
    return (0.5 + 0.1 * soft + 0.015 * seeded(1, 1, height, width, seed=seed + 100)).clamp(0, 1)


@pytest.mark.parametrize("quality", [97, 92, 80, 50, 30])
def test_every_jpeg_is_told_from_what_it_was_made_of(quality: int):
    for seed in range(4):
        clean = textured(seed)
        as_png = (clean * 255).round() / 255
        compressed = through_jpeg(clean, quality)
        assert damage.measure(as_png)[0, 5] < 8
        assert damage.measure(compressed)[0, 5] > 12


def test_a_grid_is_found_wherever_it_begins_and_turned():
    compressed = through_jpeg(textured(1, 128, 128), 60)
    whole = damage.measure(compressed[..., :64, :64])[0, 5:]
    for top, left in ((3, 5), (7, 1), (4, 4)):
        cut = compressed[..., top : top + 64, left : left + 64]
        for turned in (cut, cut.flip(-1), cut.mT):
            torch.testing.assert_close(damage.measure(turned)[0, 5:], whole, rtol=0.35, atol=0.3)


def test_compression_grows_as_the_quality_falls():
    found = torch.stack(
        [damage.measure(through_jpeg(textured(2), quality))[0, 6] for quality in (95, 85, 70, 50, 30)]
    )
    assert (found.diff() > 0).all()


def test_what_is_flat_has_no_grid():
    flat = torch.full((1, 3, 64, 64), 0.3)
    assert damage.measure(flat)[0, 5:].tolist() == [0, 0]
