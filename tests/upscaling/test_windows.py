import json
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from leapsr.pictures.picture import Picture
from leapsr.upscaling.sizes import Target
from leapsr.upscaling.tiles import Box, Extent
from leapsr.upscaling.upscaler import Settings, Upscaler
from leapsr.upscaling.windows import BlendedWindows, blend_windows, gaussian
from tests.conftest import GOLDEN, FakeRestorer

LENGTHS = [1, 5, 63, 64, 65, 90, 128, 129, 200, 1000]


class SeesEverything(FakeRestorer):
    """A network whose result depends on all of what it is shown, as attention makes it."""

    def halo(self, steps):
        return None

    def restore(self, lr, noise, **options):
        return super().restore(lr, noise, **options) + 0.05 * (lr.mean() - 0.5)


@pytest.fixture
def reference():
    tiles = json.loads((GOLDEN / "sr3_time_grids.json").read_text())["dit4sr_tiles"]
    tables = load_file(GOLDEN / "sr3_tiles.safetensors")
    return SimpleNamespace(tile=tiles["tile"], overlap=tiles["overlap"], sizes=tiles["sizes"], tables=tables)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(("tile", "overlap"), [(64, 24), (64, 1), (32, 28), (10, 0)])
@pytest.mark.parametrize("alignment", [1, 4])
@pytest.mark.parametrize("wraps", [False, True])
def test_weights_sum_to_one_everywhere(length, tile, overlap, alignment, wraps):
    total = torch.zeros(length)
    for window in blend_windows(length, tile, overlap, alignment, wraps):
        assert window.start % alignment == 0
        assert wraps or window.end <= length
        total.index_add_(0, torch.arange(window.start, window.end) % length, window.weights)
        assert window.weights.min() >= 0
    assert (total - 1).abs().max() < 1e-6


def test_weights_are_those_of_the_reference_along_a_row(reference):
    for name, width in (("64", 64), ("48", 48), ("w40_h24", 40)):
        table = reference.tables[f"gaussian_weights.{name}"]
        row = table[len(table) // 2]
        assert (gaussian(width) / gaussian(width).max() - row / row.max()).abs().max() < 1e-12


def test_weights_are_symmetric_where_the_reference_is_half_a_pixel_off(reference):
    column = reference.tables["gaussian_weights.64"][:, 32]
    assert (column - column.flip(0)).abs().max() > 0.1
    assert torch.equal(gaussian(64), gaussian(64).flip(0))


def test_windows_begin_where_those_of_the_reference_do(reference):
    for name, there in reference.sizes.items():
        if there["tiled"]:
            sides = [int(side) for side in name.split("x")]
            starts = [
                {window.start for window in blend_windows(side, tile, reference.overlap)}
                for side, tile in zip(sides, there["tile_hw"], strict=True)
            ]
            assert {(y, x) for y in starts[0] for x in starts[1]} == set(map(tuple, there["starts_yx"]))


def test_two_windows_are_blended_as_the_reference_does(reference):
    first, second = blend_windows(96, reference.tile, reference.overlap)
    blend = torch.zeros(96)
    blend[first.start : first.end] += 1 * first.weights
    blend[second.start : second.end] += 2 * second.weights
    assert (blend - reference.tables["blend.64x96"]).abs().max() < 1e-6


@pytest.mark.parametrize("size", [(1, 1), (40, 90), (64, 65), (100, 33)])
@pytest.mark.parametrize("wraps", [False, True])
def test_a_constant_stays_constant_and_a_box_is_a_part_of_the_whole(size, wraps):
    extent, calls = Extent(*size, wraps), []

    def evaluate(box):
        calls.append(box)
        return torch.full((3, 2 * box.height, 2 * box.width), 0.7)

    blended = BlendedWindows(evaluate, extent, 2, 32, 4, 12)
    whole = blended(extent.scaled(2).whole)
    assert (whole - 0.7).abs().max() < 1e-6
    assert len(calls) == len(set(calls))
    assert all(max(box.height, box.width) <= 32 + 12 for box in calls)


def test_each_window_is_restored_once_and_neighbours_fade():
    """Into each other, without a step: the network calls each window by its number."""
    calls = []

    def evaluate(box):
        calls.append(box)
        return torch.full((3, 4 * box.height, 4 * box.width), float(len(calls)))

    blended = BlendedWindows(evaluate, Extent(40, 150), 4, 32, 4, 12)
    rows = torch.cat([blended(Box(top, 0, top + 20, 600)) for top in range(0, 160, 20)], 1)
    assert len(calls) == len(set(calls)) == 2 * 7
    assert (rows[0, 0].diff().abs()).max() < 0.2
    assert rows[0, :, 300].diff().abs().max() < 7 * 0.2


@pytest.mark.parametrize("seamless", [False, True])
@pytest.mark.parametrize("options", [{}, {"color_fix": "wavelet"}, {"color_fix": "adain"}])
def test_a_network_that_sees_everything(photo_tensor, options, seamless):
    """Its windows stay close to the whole, and what it is shown is never larger than a window."""
    restorer = SeesEverything()
    upscaler = Upscaler(restorer)
    whole = upscaler(photo_tensor[0], tile=0, seamless=seamless, **options)
    restorer.calls.clear()
    blended = upscaler(photo_tensor[0], tile=32, seamless=seamless, **options)
    assert (blended - whole).abs().max() < 0.03
    assert (blended - whole).abs().max() > 0
    assert max(max(call) for call in restorer.calls) <= 32
    windows = [len(blend_windows(side, 32, 12, 4, seamless)) for side in (48, 64)]
    repeated = 2 if options.get("color_fix") == "adain" and seamless else 1  # the border is asked for again
    assert len(restorer.calls) <= windows[0] * windows[1] * repeated


def test_windows_keep_a_flat_picture_flat():
    grey = torch.full((3, 70, 90), 0.5)
    result = Upscaler(SeesEverything())(grey, tile=32, fidelity=1.0)
    assert (result - 0.5).abs().max() < 1e-6


def test_smaller_windows_begin_anew(photo_tensor, caplog):
    restorer = SeesEverything()
    expected = Upscaler(restorer)(photo_tensor[0], tile=32)
    restore = restorer.restore

    def small_device(lr, noise, **options):
        if lr.shape[-1] > 40:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return restore(lr, noise, **options)

    restorer.restore = small_device
    assert torch.equal(Upscaler(restorer)(photo_tensor[0], tile=64), expected)
    assert "trying 32" in caplog.text


def test_windows_reach_any_size(photo_tensor):
    picture = Picture(photo_tensor[0])
    result = Upscaler(SeesEverything()).upscale(picture, Target(width=101), Settings(tile=32))
    assert result.size == (76, 101)
