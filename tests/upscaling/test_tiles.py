import pytest
import torch

from leapsr.upscaling.tiles import Box, Extent, plan

SIDES = [(1, 1), (7, 13), (64, 64), (31, 97), (3, 200)]


@pytest.mark.parametrize("size", SIDES)
@pytest.mark.parametrize("tile", [0, 1, 8, 32])
@pytest.mark.parametrize("halo", [0, 3, 40])
@pytest.mark.parametrize("alignment", [1, 4])
def test_cores_cover_every_pixel_once(size, tile, halo, alignment):
    covered, extent = torch.zeros(size, dtype=torch.int), Extent(*size)
    for core in plan(extent.whole, tile, alignment):
        core.of(covered).add_(1)
        box = extent.grown(core, halo, alignment)
        assert (
            box.top % alignment == box.left % alignment == core.top % alignment == core.left % alignment == 0
        )
        assert box.top <= max(0, core.top - halo)
        assert box.left <= max(0, core.left - halo)
        assert size[0] >= box.bottom >= min(size[0], core.bottom + halo)
        assert size[1] >= box.right >= min(size[1], core.right + halo)
    assert (covered == 1).all()


def test_zero_is_the_whole_picture():
    assert plan(Box(0, 0, 30, 50), 0, 4) == [Box(0, 0, 30, 50)]


def test_a_tile_larger_than_the_picture_is_the_whole_picture():
    assert plan(Box(0, 0, 30, 50), 100, 4) == plan(Box(0, 0, 30, 50), 0, 4)


def test_a_part_is_planned_as_a_whole():
    covered = torch.zeros(60, 60, dtype=torch.int)
    for core in plan(Box(8, 20, 50, 33), 12, 4):
        core.of(covered).add_(1)
        assert core.top % 4 == core.left % 4 == 0
    assert covered[8:50, 20:33].min() == covered.max() == 1
    assert covered.sum() == 42 * 13


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_what_covers_a_box_holds_it(scale):
    for box in (Box(0, 0, 1, 1), Box(3, 5, 8, 9), Box(-7, -1, -2, 3)):
        inside, large = box.covering(scale), box.covering(scale).scaled(scale)
        assert large.top <= box.top < large.top + scale
        assert large.right - scale < box.right <= large.right
        assert inside.scaled(scale).covering(scale) == inside


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (16, 9)])
def test_a_texture_goes_on_with_itself(size):
    picture, extent = torch.rand(2, *size), Extent(*size, wraps=True)
    box = extent.grown(Box(0, 0, *size), 11, 4)
    assert box.top <= -11
    assert box.right >= size[1] + 11
    rows, columns = (torch.arange(*ends) for ends in ((box.top, box.bottom), (box.left, box.right)))
    expected = picture[:, rows % size[0]][:, :, columns % size[1]]
    assert torch.equal(extent.read(lambda part: part.of(picture), box), expected)
