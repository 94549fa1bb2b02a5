import numpy as np
import pytest
import torch
from PIL import Image

from leapsr.ops.resize import MODES, downsample, reduced_size, resize


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_downsample_is_pillows_bicubic(scale):
    image = torch.rand(1, 1, 24 * scale, 17 * scale)
    expected = Image.fromarray(image[0, 0].numpy()).resize((17, 24), Image.Resampling.BICUBIC)
    torch.testing.assert_close(
        downsample(image, scale)[0, 0], torch.from_numpy(np.array(expected)), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 1), (7, 40), (16, 16), (33, 5)])
def test_size_and_flat_colour_survive(mode, antialias, size):
    resized = resize(torch.full((2, 3, 16, 16), 0.4), size, mode, antialias)
    torch.testing.assert_close(resized, torch.full((2, 3, *size), 0.4))


@pytest.mark.parametrize("mode", MODES)
def test_antialiasing_removes_what_the_small_image_cannot_hold(mode):
    stripes = (torch.arange(64) // 2 % 2).float().expand(1, 1, 64, 64)  # period 4, shrunk by 4
    assert resize(stripes, (16, 16), mode, antialias=True)[..., 2:-2].std() < 0.02


def test_the_same_size_is_the_same_image():
    image = torch.rand(1, 3, 5, 8)
    assert torch.equal(resize(image, (5, 8), "bicubic"), image)


def test_sides_that_do_not_divide_are_refused():
    assert reduced_size(torch.empty(1, 3, 8, 12), 4) == (2, 3)
    with pytest.raises(ValueError, match=r"13 x 8 pixels is not a multiple of 4"):
        downsample(torch.zeros(1, 3, 8, 13), 4)
