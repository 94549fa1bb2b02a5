import pytest
import torch
from PIL import Image

from leapsr.degrade.params import HEAVY, LIGHT, StageDraw
from leapsr.degrade.realesrgan import RealESRGAN, write_sheet


def test_published_parameters():
    """Real-ESRGAN's x4plus options and StableSR's, where they differ."""
    assert HEAVY.first.resize == (0.15, 1.5)
    assert LIGHT.first.resize == (0.3, 1.5)
    assert HEAVY.second.resize == (0.3, 1.2)
    assert LIGHT.second.resize == (0.6, 1.2)
    assert HEAVY.first.gaussian == (1, 30)
    assert LIGHT.first.gaussian == (1, 15)
    assert HEAVY.second.gaussian == (1, 25)
    assert LIGHT.second.gaussian == (1, 12)
    assert HEAVY.second.quality == (30, 95)
    assert LIGHT.second.quality == (60, 100)
    assert HEAVY.second.blur_probability == 0.8
    assert LIGHT.second.blur_probability == 0.5
    assert LIGHT.second.blur.sizes == (7, 11)


@pytest.mark.parametrize("stage", [HEAVY.first, HEAVY.second, LIGHT.first, LIGHT.second])
def test_draws_fill_their_ranges(stage):
    draw = StageDraw.draw(stage, 4000, torch.Generator().manual_seed(0))
    for values, (low, high) in (
        (draw.factor, stage.resize),
        (draw.sigma, stage.gaussian),
        (draw.strength, stage.poisson),
        (draw.quality, stage.quality),
    ):
        margin = (high - low) / 50
        assert low <= values.min() < low + margin
        assert high - margin < values.max() <= high
    assert draw.blurred.float().mean() == pytest.approx(stage.blur_probability, abs=0.03)
    assert draw.grey.float().mean() == pytest.approx(0.4, abs=0.03)
    assert draw.mode.bincount().min() > 1200


@pytest.mark.parametrize(("group", "sizes"), [(1, [1] * 5), (2, [2, 1, 2]), (9, [3, 2])])
def test_groups_never_mix_images_with_and_without_second_stage(group, sizes):
    twice = torch.tensor([True, False, True, True, False])
    groups = RealESRGAN(4, group=group)._groups(twice)
    assert [len(rows) for rows in groups] == sizes
    assert all(len(twice[rows].unique()) == 1 for rows in groups)
    assert sorted(torch.cat(groups).tolist()) == [0, 1, 2, 3, 4]


def test_sheet(tmp_path, photo):
    picture = tmp_path / "cat.png"
    photo.save(picture)
    write_sheet(picture, tmp_path / "sheet.png", rows=3)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (37 // 4 * 3, 24 // 4 * 3)
