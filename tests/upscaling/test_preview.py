"""The preview shows pixels of the result, where there is most to see."""

import numpy as np
import pytest
import torch
from PIL import Image

from leapsr.errors import ImageError
from leapsr.metrics.sheet import GAP, HEADER
from leapsr.pictures.picture import Picture, from_pil
from leapsr.upscaling.preview import preview
from leapsr.upscaling.settings import Settings
from leapsr.upscaling.sizes import Target
from leapsr.upscaling.tiles import Box
from leapsr.upscaling.upscaler import Upscaler
from tests.conftest import picture_array


@pytest.mark.parametrize("target", [Target(), Target(scale=2.5), Target(width=701, height=333)], ids=str)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_part_has_the_pixels_of_the_whole(tiny_model, target, mode):
    upscaler = Upscaler.from_pretrained(tiny_model)
    image = Image.fromarray(picture_array(90, 110))
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(picture_array(90, 110, 1)[..., 0]))
    source, settings = from_pil(image.convert(mode)), Settings(fidelity=0.3, seed=4)
    whole = upscaler.upscale(source, target, settings).pixels
    part = upscaler.upscale(source, target, settings, part=Box(17, 40, 51, 93)).pixels
    height, width = part.shape[1:]
    factors = whole.shape[1] / 90, whole.shape[2] / 110
    top, left = int(17 * factors[0]), int(40 * factors[1])
    places = [(top + down, left + right) for down in (0, 1) for right in (0, 1)]
    found = (whole[:, top : top + height, left : left + width] for top, left in places)
    assert any((part.int() - each.int()).abs().max() <= 1 for each in found)
    assert abs(height - 34 * factors[0]) < 1
    assert abs(width - 53 * factors[1]) < 1


def test_it_shows_the_busiest_detail_beside_plain_enlargement(upscaler, fake_restorer):
    values = np.full((600, 800, 3), 90, np.uint8)
    values[430:470, 610:660] = picture_array(40, 50)
    sheet = preview(upscaler, Picture(torch.from_numpy(values).permute(2, 0, 1)), Target(), Settings())
    assert sheet.size == (512 + GAP + 512, HEADER + 512)
    plain, result = (np.asarray(sheet)[HEADER:, start : start + 512].astype(float) for start in (0, 516))
    assert plain.std() > 10
    assert 0 < np.abs(plain - result).mean() < 10
    assert sum(height * width for height, width in fake_restorer.calls) < 200**2


def test_the_colours_are_those_of_the_source(upscaler):
    from leapsr.pictures.colour_tags import SRGB

    profile = SRGB.profile(False) or b""
    source = Picture(torch.from_numpy(picture_array(40, 50)).permute(2, 0, 1))
    assert "icc_profile" not in preview(upscaler, source, Target(), Settings()).info
    if profile:
        shown = preview(upscaler, Picture(source.pixels, icc=profile), Target(), Settings())
        assert shown.info["icc_profile"] == profile


def test_nothing_to_preview(upscaler):
    with pytest.raises(ImageError, match="already has the size"):
        preview(upscaler, Picture(torch.rand(3, 40, 50)), Target(width=50), Settings())
