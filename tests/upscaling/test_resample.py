import pytest
import torch

from leapsr.ops.resize import resize
from leapsr.upscaling.resample import Resampling
from leapsr.upscaling.tiles import Extent, plan

SIZES = [
    ((40, 60), (40, 60)),
    ((40, 60), (25, 39)),
    ((40, 60), (57, 61)),
    ((40, 60), (3, 240)),
    ((40, 60), (40, 11)),
    ((41, 1), (17, 5)),
    ((1, 1), (3, 2)),
]


@pytest.mark.parametrize(("have", "want"), SIZES)
def test_it_is_the_antialiased_resize_of_torch(have, want):
    image = torch.rand(3, *have)
    resampling = Resampling(Extent(*have), Extent(*want))
    whole = resampling.target.whole
    got = resampling(resampling.needs(whole).of(image), whole)
    exact = resize(image[None].double(), want, antialias=True)[0]
    assert (got - exact).abs().max() < 1e-6


@pytest.mark.parametrize(("have", "want"), SIZES)
@pytest.mark.parametrize("tile", [1, 7, 16])
def test_parts_equal_the_whole(have, want, tile):
    image = torch.rand(3, *have)
    resampling = Resampling(Extent(*have), Extent(*want))
    whole = resampling.target.whole
    expected = resampling(resampling.needs(whole).of(image), whole)
    for box in plan(whole, tile):
        got = resampling(resampling.needs(box).of(image), box)
        assert got.shape == (3, box.height, box.width)
        assert (got - box.of(expected)).abs().max() < 1e-6


@pytest.mark.parametrize(("have", "want"), SIZES)
def test_shares_cover_the_target_once_and_need_no_more_than_the_margin(have, want):
    resampling = Resampling(Extent(*have), Extent(*want))
    covered = torch.zeros(want, dtype=torch.int)
    for core in plan(resampling.source.whole, 8):
        box = resampling.share(core, resampling.source)
        box.of(covered).add_(1)
        if box.height and box.width:
            allowed = resampling.source.grown(core, resampling.margin())
            needed = resampling.needs(box)
            assert allowed.top <= needed.top
            assert allowed.left <= needed.left
            assert allowed.bottom >= needed.bottom
            assert allowed.right >= needed.right
    assert (covered == 1).all()


def test_far_from_the_origin_positions_stay_exact():
    """In float32 a position near 30,000 is off by some thousandths of a pixel."""
    have, want = 30_000, 29_999
    ramp = torch.arange(have, dtype=torch.float64)[None, None]
    resampling = Resampling(Extent(1, have), Extent(1, want))
    box = resampling.target.whole._replace(left=29_000, right=29_900)
    got = resampling(resampling.needs(box).of(ramp), box)[0, 0]
    exact = (torch.arange(29_000, 29_900, dtype=torch.float64) + 0.5) * have / want - 0.5
    assert (got - exact).abs().max() < 1e-6


def test_a_texture_is_resized_as_an_endless_one():
    image = torch.rand(1, 12, 20, generator=torch.Generator().manual_seed(0))
    resampling = Resampling(Extent(12, 20, True), Extent(9, 33, True))
    whole = resampling.target.whole
    needed = resampling.needs(whole)
    assert needed.top < 0
    assert needed.right > 20
    got = resampling(resampling.source.read(lambda box: box.of(image), needed), whole)
    thrice = resize(image.repeat(1, 3, 3)[None], (27, 99), antialias=True)[0][:, 9:18, 33:66]
    assert (got - thrice).abs().max() < 5e-6  # torch's own positions are rounded to float32
