"""Clean edges: nothing of what cannot be seen is seen in the result."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw

from leapsr.pictures.picture import Picture
from leapsr.upscaling.transparency import bounded, without_hidden_colours
from leapsr.upscaling.upscaler import Upscaler


def disc(colour, hidden, size=32):
    """An opaque disc with a soft edge; `hidden` lies where nothing can be seen."""
    mask = Image.new("L", (8 * size, 8 * size))
    ImageDraw.Draw(mask).ellipse((16, 16, 8 * size - 48, 8 * size - 48), fill=255)
    mask = mask.resize((size, size), Image.Resampling.BOX)
    image = Image.new("RGBA", (size, size), (*hidden, 0))
    image.paste(
        Image.new("RGBA", (size, size), (*colour, 255)), mask=mask.point(lambda level: 255 * (level > 0))
    )
    image.putalpha(mask)
    return image


def over(image, background):
    values = np.asarray(image).astype(float)
    alpha = values[..., 3:] / 255
    return values[..., :3] * alpha + np.array(background) * (1 - alpha)


@pytest.mark.parametrize("hidden", [(0, 0, 0), (255, 255, 255), (0, 255, 0)])
def test_hidden_colours_change_nothing(upscaler, hidden):
    plain = upscaler(disc((200, 40, 40), (200, 40, 40)), fidelity=1.0)
    result = upscaler(disc((200, 40, 40), hidden), fidelity=1.0)
    for background in ((0, 0, 0), (255, 255, 255)):
        assert np.abs(over(result, background) - over(plain, background)).max() < 1


def test_edges_have_no_fringe(upscaler):
    """Over its own colour a disc is invisible, so that every trace of another colour would show."""
    result = upscaler(disc((200, 40, 40), (0, 0, 0)), fidelity=1.0)
    assert np.abs(over(result, (200, 40, 40)) - (200, 40, 40)).max() < 1


@pytest.mark.parametrize("tile", [0, 8])
def test_nothing_and_everything_stay_exact(fake_restorer, tile):
    """Away from edges a network that errs a little does not make a veil or a hole."""
    restore = fake_restorer.restore
    fake_restorer.restore = lambda *given, **options: restore(*given, **options) * 0.97 + 0.01
    source = disc((9, 9, 9), (0, 0, 0))
    alpha = np.asarray(Upscaler(fake_restorer)(source, tile=tile))[..., 3]
    before = np.asarray(source)[..., 3]
    assert set(np.unique(alpha[60:64, 52:60])) == {255}
    assert before[0, 0] == alpha[0, 0] == 0
    assert 20 < len(np.unique(alpha)) < 256


def test_colours_that_can_be_seen_are_not_touched():
    rgb, alpha = torch.rand(3, 17, 31), torch.rand(1, 17, 31)
    alpha[0, 3:9, 5:20] = 0
    filled = without_hidden_colours(rgb, alpha)
    seen = (alpha > 0).expand(3, -1, -1)
    assert torch.equal(filled[seen], rgb[seen])
    assert filled.min() >= 0
    assert filled.max() <= 1


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_constant_alpha_leaves_the_colours_alone(upscaler, level):
    rgb = torch.rand(3, 9, 9)
    alpha = torch.full((1, 9, 9), level)
    opaque = upscaler.upscale(Picture(rgb))
    result = upscaler.upscale(Picture(torch.cat((rgb, alpha))))
    assert torch.equal(result.rgb, opaque.rgb)
    assert torch.equal(result.alpha, torch.full((1, 36, 36), level))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bounds_are_those_of_bilinear_interpolation(scale):
    source = (torch.rand(1, 6, 7) > 0.6).float()
    alpha = torch.rand(1, 6 * scale, 7 * scale)
    result = bounded(alpha, source, scale)
    smooth = F.interpolate(source[None], scale_factor=scale, mode="bilinear")[0]
    for level in (0, 1) if scale % 2 == 0 else ():  # at odd scales some pixels lie on those of the source
        assert (result[smooth == level] == level).all()
    changed = result != alpha
    assert set(result[changed].tolist()) <= {0.0, 1.0}
    assert torch.allclose(bounded(smooth, source, scale), smooth, atol=1e-6)
