"""What is done to a picture beside the network is done tile by tile and equals what is done to the whole."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from leapsr.pictures.picture import Picture, floats, load
from leapsr.pictures.save_file import save
from leapsr.upscaling.sizes import Target
from leapsr.upscaling.tiles import Box, Extent, plan
from leapsr.upscaling.transparency import visible_colours, without_hidden_colours
from leapsr.upscaling.upscaler import Settings
from tests.pictures import photos

TARGETS = [
    Target(),
    Target(scale=2.5),
    Target(width=301),
    Target(width=70, height=300),
    Target(width=200, height=7),
]
GAMMA = photos.rgb_profile(photos.P3_PRIMARIES, photos.parametric(1.8))


def with_soft_alpha(rgb):
    alpha = F.interpolate(torch.rand(1, 1, 6, 8), rgb.shape[1:], mode="bilinear")[0] * 2 - 0.5
    return torch.cat((rgb, alpha.clamp(0, 1)))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("fix", ["none", "wavelet", "adain"])
def test_tiles_equal_the_whole(upscaler, photo_tensor, target, fix):
    picture = Picture(with_soft_alpha(photo_tensor[0, :, :29, :38]), icc=GAMMA)
    tiled, whole = (upscaler.upscale(picture, target, Settings(tile=t, color_fix=fix)) for t in (12, 0))
    assert tiled.size == whole.size == target.size(29, 38, 4)
    # where the tone curve is steep, near black, it multiplies what rounding leaves
    assert (tiled.pixels - whole.pixels).abs().max() < 1e-5
    assert (tiled.pixels - whole.pixels).abs().mean() < 1e-7


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("kind", "depth"), [(np.uint8, 8), (np.uint8, 16), (np.uint16, 16), (np.uint16, 8)])
def test_integers_are_the_floats_rounded(upscaler, kind, depth, channels):
    values = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (20, 30, channels), kind, endpoint=True)
    picture = Picture(torch.from_numpy(values).permute(2, 0, 1), depth=depth)
    result = upscaler.upscale(picture, settings=Settings(tile=8))
    exact = upscaler.upscale(replace(picture, pixels=floats(picture.pixels)), settings=Settings(tile=8))
    assert result.pixels.dtype == (torch.uint8 if depth == 8 else torch.uint16)
    assert exact.pixels.dtype == torch.float32
    expected = (exact.pixels * (2**depth - 1)).round()
    assert torch.equal(result.pixels.float(), expected)
    assert np.array_equal(result.rows(5, 9), expected[:, 5:9].permute(1, 2, 0).numpy())


@pytest.mark.usefixtures("no_guard")
def test_finished_tiles_outlive_a_lack_of_memory(upscaler, fake_restorer, photo_tensor):
    restore = fake_restorer.restore

    def filling_device(lr, noise, **options):
        if lr.shape[-1] > 40 and fake_restorer.calls:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return restore(lr, noise, **options)

    fake_restorer.restore = filling_device
    picture = photo_tensor[0].repeat(1, 2, 2)
    expected = upscaler(picture, tile=32)
    fake_restorer.calls.clear()
    assert (upscaler(picture, tile=64) - expected).abs().max() < 1e-5
    assert [call for call in fake_restorer.calls if call[1] > 40] == [fake_restorer.calls[0]]
    assert len(fake_restorer.calls) == 1 + 4 + 2 + 2  # what is left of 96 x 128 pixels, in tiles of 32


def test_a_single_tile_is_restored_once_though_adain_looks_twice(upscaler, fake_restorer, photo_tensor):
    upscaler(photo_tensor[0], tile=0, color_fix="adain")
    assert len(fake_restorer.calls) == 1


@pytest.mark.parametrize(("height", "width"), [(1, 30_000), (30_000, 3), (1, 1)])
def test_the_longest_pictures(upscaler, tmp_path, height, width):
    values = np.random.default_rng(0).integers(0, 255, (height, width), np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    save(upscaler.upscale(load(tmp_path / "a.png")), tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as again:
        assert again.size == (4 * width, 4 * height)


def _recursive_averages(premultiplied, weight):
    """The same as a recursion over the whole picture."""
    own = premultiplied / weight.masked_fill(weight == 0, 1)
    if not (weight == 0).any():
        return own
    around = _recursive_averages(*(F.avg_pool2d(part, 2, ceil_mode=True) for part in (premultiplied, weight)))
    larger = F.interpolate(around, scale_factor=2, mode="bilinear")
    return torch.where(weight == 0, larger[..., : weight.shape[-2], : weight.shape[-1]], own)


@pytest.mark.parametrize("size", [(70, 100), (16, 16), (1, 50), (33, 65), (200, 90)])
@pytest.mark.parametrize("seen", [0.3, 0.002])
def test_hidden_colours_box_by_box(size, seen):
    rgb, alpha = torch.rand(3, *size), (torch.rand(1, *size) < seen).float()
    alpha[0, -1, -1] = 1 / 255  # hardly visible, and all there is far around
    filled = torch.where(alpha > 0, rgb, _recursive_averages((rgb * alpha)[None], alpha[None])[0])
    assert (without_hidden_colours(rgb, alpha) - filled).abs().max() < 1e-5
    read = visible_colours(Picture(torch.cat((rgb, alpha))))
    for box in plan(Extent(*size).whole, 24):
        assert (read(box) - box.of(filled)).abs().max() < 1e-5


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_nothing_hidden_or_everything(level):
    rgb = torch.rand(3, 20, 20)
    box = Box(3, 4, 10, 20)
    read = visible_colours(Picture(torch.cat((rgb, torch.full((1, 20, 20), level)))))
    assert torch.equal(read(box), box.of(rgb))
