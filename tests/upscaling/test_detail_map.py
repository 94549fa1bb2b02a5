from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from leapsr.pictures.picture import Picture, load
from leapsr.upscaling.consistency import consistent
from leapsr.upscaling.detail_map import (
    BRIGHTEST,
    DIM,
    LEGEND,
    LONGEST,
    DetailMap,
    draw,
    glowing,
    inferno,
    pooled,
)
from leapsr.upscaling.model_input import grey_levels
from leapsr.upscaling.upscaler import Settings, Upscaler
from tests.pictures import photos

SOURCE = Picture(torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(1)) * 0.5 + 0.25)


def enlarged(noise: float = 0.0, seed: int = 0, source: Picture = SOURCE) -> Picture:
    """Bicubic with white grey noise of that standard deviation."""
    large = F.interpolate(source.rgb[None], scale_factor=4, mode="bicubic")[0]
    drawn = torch.randn(1, *large.shape[1:], generator=torch.Generator().manual_seed(seed))
    return Picture((large + noise * drawn).clamp(0, 1))


def of_seeds(upscaler: Upscaler, photo, fidelity: float) -> DetailMap:
    source = load(photo)
    results = [upscaler.upscale(source, settings=Settings(fidelity=fidelity, seed=seed)) for seed in range(4)]
    return DetailMap.of(results, source)


def test_a_deterministic_model_at_full_fidelity_invents_nothing(upscaler, photo):
    found = of_seeds(upscaler, photo, 1.0)
    assert found.invented == 0
    assert found.spread.max() == 0


def test_it_grows_as_the_dial_goes_to_detail(upscaler, photo):
    maps = [of_seeds(upscaler, photo, fidelity) for fidelity in (1.0, 0.9, 0.75, 0.5, 0.0)]
    for less, more in pairwise(maps):
        assert less.invented < more.invented <= 1
        assert less.spread.mean() < more.spread.mean()
        assert less.doubt.mean() < more.doubt.mean()


def test_the_spread_is_the_standard_deviation_in_grey_levels():
    found = DetailMap.of([enlarged(4 / 255, seed) for seed in range(40)], SOURCE)
    assert found.spread.shape == (1, 48, 64)
    assert found.spread.mean().item() == pytest.approx(4, rel=0.03)
    two = [grey_levels(enlarged(4 / 255, seed).rgb) for seed in range(2)]
    expected = torch.stack(two).std(0)
    pair = DetailMap.of((enlarged(4 / 255, seed) for seed in range(2)), SOURCE)
    assert torch.allclose(pair.spread, expected, atol=1e-4)


def test_detail_that_no_two_results_share_is_all_invented():
    """On a flat picture the noise is all the detail there is; also two results tell."""
    flat = Picture(torch.full((3, 24, 32), 0.5))
    for count in (2, 8):
        found = DetailMap.of([enlarged(0.05, seed, flat) for seed in range(count)], flat)
        assert found.invented == pytest.approx(1, abs=0.05)


def test_half_of_the_energy_is_half():
    flat = Picture(torch.full((3, 24, 32), 0.5))
    shared = enlarged(0.05, 99, flat).rgb - 0.5
    results = [Picture(enlarged(0.05, seed, flat).rgb + shared) for seed in range(8)]
    assert DetailMap.of(results, flat).invented == pytest.approx(0.5, abs=0.05)


def test_one_result_says_nothing_about_seeds():
    found = DetailMap.of([enlarged(0.1)], SOURCE)
    assert (found.invented, found.spread.max()) == (0, 0)
    assert DetailMap.of([Picture(torch.zeros(3, 48, 64))], SOURCE).invented == 0


def test_disagreement_is_what_the_input_denies():
    flat = Picture(torch.full((3, 12, 16), 0.5))
    found = DetailMap.of([Picture(torch.full((3, 48, 64), 0.5 - 10 / 255))], flat)
    assert torch.allclose(found.disagreement, torch.full((1, 48, 64), 10.0), atol=0.01)
    brighter = Picture(enlarged().rgb + 10 / 255)
    settled = DetailMap.of([consistent(brighter, SOURCE)], SOURCE)
    assert settled.disagreement.max() < 1
    assert torch.equal(settled.doubt, settled.disagreement)


def test_it_is_measured_with_the_tone_curve_of_srgb():
    linear = photos.rgb_profile(photos.SRGB_PRIMARIES, photos.table())
    source = Picture(torch.full((3, 12, 16), 0.02), icc=linear)
    steps = [Picture(torch.full((3, 48, 64), level), icc=linear) for level in (0.02, 0.03)]
    as_shown = [255 * (1.055 * level ** (1 / 2.4) - 0.055) for level in (0.02, 0.03)]
    found = DetailMap.of(steps, source)
    assert found.spread.mean().item() == pytest.approx(float(np.std(as_shown, ddof=1)), rel=0.01)


def test_what_is_transparent_is_not_counted():
    alpha = torch.zeros(1, 48, 64)
    alpha[..., :32] = 1
    results = [Picture(torch.cat([enlarged(0.1, seed).rgb, alpha])) for seed in range(3)]
    found = DetailMap.of(results, SOURCE)
    assert found.doubt[..., 32:].max() == 0
    assert found.doubt[..., :32].min() > 0


def test_no_doubt_is_plain_grey_and_the_most_is_the_end_of_the_scale():
    luma = torch.full((1, 2, 2), 200.0)
    nothing = glowing(torch.zeros(1, 2, 2), luma)
    assert torch.allclose(nothing, torch.full((3, 2, 2), DIM * 200 / 255), atol=0.02)
    most = glowing(torch.full((1, 2, 2), BRIGHTEST), luma)
    assert torch.equal(most, glowing(torch.full((1, 2, 2), 9 * BRIGHTEST), luma))
    assert torch.equal(most, inferno(torch.ones(1, 2, 2)))


def test_the_colours_are_those_of_the_known_scale():
    colormaps = pytest.importorskip("matplotlib").colormaps
    share = torch.linspace(0, 1, 256)
    known = torch.tensor(colormaps["inferno"](share.numpy())[:, :3], dtype=torch.float32).T
    assert (inferno(share.view(1, 1, -1))[:, 0] - known).abs().max() < 0.03


def test_pooling_keeps_the_root_mean_square():
    assert torch.allclose(pooled(torch.full((1, 9, 3), 7.0)), torch.full((1, 9, 3), 7.0))
    point = torch.zeros(1, 41, 41)
    point[0, 20, 20] = 5
    assert pooled(point).square().sum().item() == pytest.approx(25, rel=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (48, 64), (40, 5000)])
def test_a_map_is_drawn_for_any_size(size):
    plane = torch.rand(1, *size) * 40
    sheet = draw(DetailMap(plane, plane, plane, 0.42))
    assert max(sheet.width, sheet.height - LEGEND) <= LONGEST
    assert sheet.mode == "RGB"
    legend = np.asarray(sheet)[-LEGEND:]
    assert len(np.unique(legend.reshape(-1, 3), axis=0)) > 100  # the scale is there
