import numpy as np
import pytest
import torch
from PIL import Image

from leapsr.ops.upsample import RADIUS, bicubic_phases, bicubic_upsample


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_equals_pillow_inside(scale):
    pixels = np.random.default_rng(0).random((11, 9), dtype=np.float32)
    expected = np.asarray(Image.fromarray(pixels).resize((9 * scale, 11 * scale), Image.Resampling.BICUBIC))
    ours = bicubic_upsample(torch.tensor(pixels)[None, None], scale)[0, 0].numpy()
    inner = slice(RADIUS * scale, -RADIUS * scale)
    np.testing.assert_allclose(ours[inner, inner], expected[inner, inner], atol=1e-6)


def test_reproduces_straight_lines():
    ramp = torch.arange(12.0).repeat(10, 1)[None, None]
    upsampled = bicubic_upsample(ramp, 4)[0, 0]
    positions = (torch.arange(48) + 0.5) / 4 - 0.5
    torch.testing.assert_close(upsampled[:, 8:-8], positions.repeat(40, 1)[:, 8:-8])


def test_phases_are_the_unshuffled_image():
    lr = torch.randn(2, 3, 5, 6)
    unshuffled = torch.nn.functional.pixel_unshuffle(bicubic_upsample(lr, 4), 4)
    torch.testing.assert_close(unshuffled, bicubic_phases(lr, 4))


def test_a_crop_far_from_the_origin_gives_the_same_bits():
    lr = torch.rand(1, 3, 6, 4099)
    part = bicubic_upsample(lr[..., 4000:], 3)
    torch.testing.assert_close(part[..., 9:], bicubic_upsample(lr, 3)[..., 12009:], rtol=0, atol=1e-6)


def test_one_pixel():
    torch.testing.assert_close(
        bicubic_upsample(torch.full((1, 3, 1, 1), 0.3), 4), torch.full((1, 3, 4, 4), 0.3)
    )
