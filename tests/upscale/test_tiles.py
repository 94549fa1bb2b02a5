import pytest
import torch

from leapsr.upscale.tiles import Box, paste, plan

SIDES = [(1, 1), (7, 13), (64, 64), (31, 97), (3, 200)]


@pytest.mark.parametrize("size", SIDES)
@pytest.mark.parametrize("tile", [0, 1, 8, 32])
@pytest.mark.parametrize("halo", [0, 3, 40])
@pytest.mark.parametrize("alignment", [1, 4])
def test_cores_cover_every_pixel_once(size, tile, halo, alignment):
    covered = torch.zeros(size, dtype=torch.int)
    for part in plan(*size, tile, halo, alignment):
        part.core.of(covered).add_(1)
        box, core = part.context, part.core
        assert (
            box.top % alignment == box.left % alignment == core.top % alignment == core.left % alignment == 0
        )
        assert box.top <= max(0, core.top - halo)
        assert box.left <= max(0, core.left - halo)
        assert size[0] >= box.bottom >= min(size[0], core.bottom + halo)
        assert size[1] >= box.right >= min(size[1], core.right + halo)
    assert (covered == 1).all()


def test_zero_is_the_whole_picture():
    [only] = plan(30, 50, 0, 8, 4)
    assert only.core == only.context == Box(0, 0, 30, 50)


def test_a_tile_larger_than_the_picture_is_the_whole_picture():
    assert plan(30, 50, 100, 8, 4) == plan(30, 50, 0, 8, 4)


@pytest.mark.parametrize("scale", [1, 4])
def test_pasted_contexts_give_the_picture_back(scale):
    picture = torch.rand(3, 23 * scale, 37 * scale)
    canvas = torch.full_like(picture, torch.nan)
    for part in plan(23, 37, 8, 5, 4):
        paste(canvas, part.context.scaled(scale).of(picture), part, scale)
    assert torch.equal(canvas, picture)
