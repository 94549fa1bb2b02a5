"""Whatever a network says, made small again it stays near its source."""

import logging

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from leapsr.hub import catalog
from leapsr.ops.upsample import bicubic_upsample
from leapsr.restorer import Restorer
from leapsr.upscaling import guard
from leapsr.upscaling.guard import limited
from leapsr.upscaling.upscaler import Upscaler
from tests.conftest import picture_array

LEVEL = 1 / 255
SLACK = LEVEL + 1e-5
"""What means may exceed their limits by, see guard."""


def contrast(source):
    padded = F.pad(source[None], [2] * 4, mode="replicate")
    return (F.max_pool2d(padded, 5, 1) + F.max_pool2d(-padded, 5, 1))[0]


def around(planes):
    return F.avg_pool2d(F.pad(planes[None], [3] * 4, mode="replicate"), 7, 1)[0]


def errors(result, source, scale):
    return F.avg_pool2d(result.clamp(0, 1), scale) - source


def pattern(kind, height, width, generator):
    """(3, H, W) in [0, 1]"""
    one, other = torch.rand(2, 3, 1, 1, generator=generator).round(decimals=1)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    pitch = int(torch.randint(1, 9, (), generator=generator))
    if kind == "noise":
        return torch.rand(3, height, width, generator=generator)
    if kind == "soft":
        return (one + 0.05 * torch.randn(3, height, width, generator=generator)).clamp(0, 1)
    which = {"flat": 0 * x, "checks": x // pitch + y // pitch, "stripes": x // pitch, "ramp": x}[kind]
    share = which / max(1, width - 1) if kind == "ramp" else which % 2
    return torch.lerp(one, other, share.float())


def nonsense(kind, height, width, amplitude, generator):
    """(3, H, W) of any range"""
    if kind == "offset":
        return (torch.rand(3, 1, 1, generator=generator) - 0.5).expand(3, height, width) * amplitude
    side = {"noise": 1, "blocks": 8, "patches": 37}[kind]
    coarse = torch.randn(3, -(-height // side), -(-width // side), generator=generator) * amplitude
    return coarse.repeat_interleave(side, 1).repeat_interleave(side, 2)[:, :height, :width]


PATTERNS = st.sampled_from(["noise", "soft", "flat", "checks", "stripes", "ramp"])
NONSENSE = st.sampled_from(["noise", "blocks", "patches", "offset"])
SIZES = st.one_of(
    st.sampled_from([(1, 1), (1, 2), (3, 200)]), st.tuples(st.integers(1, 40), st.integers(1, 40))
)
SEEDS = st.integers(0, 2**31)


@settings(max_examples=150, deadline=None)
@given(
    PATTERNS, NONSENSE, SIZES, st.sampled_from([0.1, 1.0, 30.0, 1e4]), st.sampled_from([1, 2, 3, 4, 8]), SEEDS
)
def test_nonsense_is_bounded(picture, kind, size, amplitude, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    source = pattern(picture, *size, generator)
    wild = nonsense(kind, scale * size[0], scale * size[1], amplitude, generator)
    result, change = limited(wild, source, scale)
    shown, error, local = result.clamp(0, 1), errors(result, source, scale), contrast(source)
    assert change.shape == result.shape[1:]
    assert torch.equal(change, (shown - wild.clamp(0, 1)).abs().amax(0))

    assert (error.abs() <= guard.MEAN * LEVEL + guard.MEAN_PER_CONTRAST * local + SLACK).all()
    counted = around(local.clamp(max=guard.MOST_CONTRAST_EACH * LEVEL))
    each = guard.AROUND_EACH * LEVEL + guard.AROUND_EACH_PER_CONTRAST * counted
    assert (around(error.abs()) <= each + SLACK).all()
    counted = around(local.clamp(max=guard.MOST_CONTRAST * LEVEL))
    # What is made smaller around one place is not balanced at the next any more: more room for the contrast.
    together = 1.3 * guard.AROUND * LEVEL + 2.2 * guard.AROUND_PER_CONTRAST * counted
    assert (around(error).abs() <= together + SLACK).all()

    # Bounds are interpolated between neighbours, so that they are those of 7 x 7 pixels at most.
    room = guard.RANGE * LEVEL + guard.RANGE_PER_CONTRAST * local
    lows, highs = (
        F.max_pool2d(F.pad(sign * source[None], [3] * 4, mode="replicate"), 7, 1)[0] for sign in (-1, 1)
    )
    widest = F.max_pool2d(F.pad(room[None], [1] * 4, mode="replicate"), 3, 1)[0]
    low, high = ((bound + widest) for bound in (lows, highs))
    inside = [bound.repeat_interleave(scale, 1).repeat_interleave(scale, 2) for bound in (low, high)]
    assert (-shown <= inside[0] + 1e-5).all()
    assert (shown <= inside[1] + 1e-5).all()


@settings(max_examples=40, deadline=None)
@given(PATTERNS, SIZES, SEEDS)
def test_blocks_of_eight_are_near_their_source(picture, size, seed):
    """As a viewer sees it: no failure of whatever kind is a patch of another colour."""
    generator = torch.Generator().manual_seed(seed)
    source = pattern(picture, *size, generator)
    wild = nonsense("blocks", 4 * size[0], 4 * size[1], 3.0, generator)
    error = errors(limited(wild, source, 4)[0], source, 4)
    if min(size) >= 8:
        most = guard.AROUND + guard.AROUND_PER_CONTRAST * guard.MOST_CONTRAST
        assert F.avg_pool2d(error, 8, 1).abs().max() <= 1.3 * most * LEVEL + SLACK


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("amplitude", [0, 0.02])
def test_what_is_sane_is_not_touched(scale, amplitude):
    """Not even what lies a little outside of [0, 1], which the tone curve or the resizing cuts later."""
    source = torch.from_numpy(picture_array(48, 64)).permute(2, 0, 1).float() / 255
    restored = bicubic_upsample(source[None], scale)[0]
    restored = restored + amplitude * torch.randn(restored.shape, generator=torch.Generator().manual_seed(0))
    result, change = limited(restored, source, scale)
    assert torch.equal(result, restored)
    assert change.max() == 0
    only = restored[:1], source[:1]
    assert torch.equal(limited(*only, scale)[0], only[0])


def test_a_flat_colour_cannot_become_noise():
    source = torch.tensor([0.0, 0.0, 1.0]).view(3, 1, 1).expand(3, 20, 30)
    wild = torch.randn(3, 80, 120, generator=torch.Generator().manual_seed(0))
    result = limited(wild, source, 4)[0].clamp(0, 1)
    large = source.repeat_interleave(4, 1).repeat_interleave(4, 2)
    assert (result - large).abs().max() <= guard.RANGE * LEVEL + 1e-6


@pytest.mark.parametrize("kind", ["noise", "blocks", "offset"])
def test_grey_cannot_become_a_rainbow(kind):
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(30), torch.arange(40), indexing="ij")
    source = ((x + y) % 2).float().expand(3, 30, 40)
    result = limited(nonsense(kind, 120, 160, 3.0, generator), source, 4)[0].clamp(0, 1)
    colour = guard._chroma(result)
    assert colour.abs().max() <= (guard.CHROMA + 2 * guard.MEAN) * LEVEL


def test_corrections_do_not_show_as_blocks():
    source = torch.from_numpy(picture_array(48, 64)).permute(2, 0, 1).float() / 510 + 0.25
    wrong = bicubic_upsample(source[None], 4)[0] + 0.1
    correction = (limited(wrong, source, 4)[0] - wrong)[:, 20:-20, 20:-20]
    assert -0.09 < correction.mean() < -0.05
    steps = correction.diff(dim=2).abs()
    assert steps[..., 3::4].mean() < 0.5 * LEVEL
    assert steps.max() < 5 * LEVEL


def test_the_correction_of_a_patch_runs_out_smoothly():
    flat, wrong = torch.full((3, 48, 64), 0.5), torch.full((3, 192, 256), 0.5)
    wrong[:, :, 128:] += 0.02
    result = limited(wrong, flat, 4)[0]
    assert (result - wrong)[:, :, 200:].max() < -LEVEL
    assert (result - wrong).diff(dim=2).abs().max() < 0.5 * LEVEL


@settings(max_examples=60, deadline=None)
@given(
    PATTERNS,
    NONSENSE,
    st.sampled_from([2, 3, 4]),
    st.tuples(st.integers(0, 25), st.integers(0, 25)),
    st.tuples(st.integers(1, 15), st.integers(1, 15)),
    SEEDS,
)
def test_a_part_with_its_margin_is_limited_as_the_whole(picture, kind, scale, corner, size, seed):
    generator = torch.Generator().manual_seed(seed)
    source = pattern(picture, 40, 40, generator)
    wild = nonsense(kind, 40 * scale, 40 * scale, 2.0, generator)
    whole = limited(wild, source, scale)
    first = [max(0, start - guard.MARGIN) for start in corner]
    last = [min(40, start + side + guard.MARGIN) for start, side in zip(corner, size, strict=True)]
    rows, columns = (slice(*ends) for ends in zip(first, last, strict=True))
    large = [slice(scale * part.start, scale * part.stop) for part in (rows, columns)]
    part = limited(wild[:, large[0], large[1]], source[:, rows, columns], scale)
    for of_whole, of_part in zip(whole, part, strict=True):
        inside = [
            slice(scale * start, scale * (start + side)) for start, side in zip(corner, size, strict=True)
        ]
        there = [
            slice(ends.start - scale * begin, ends.stop - scale * begin)
            for ends, begin in zip(inside, first, strict=True)
        ]
        expected = of_whole[..., inside[0], inside[1]]
        assert torch.equal(of_part[..., there[0], there[1]], expected)


@pytest.fixture(scope="module")
def mad():
    """The default model after a mishap."""
    restorer = Restorer.from_pretrained(catalog.find(catalog.DEFAULT))
    last = [module for module in restorer.network.modules() if isinstance(module, torch.nn.Conv2d)][-1]
    with torch.no_grad():
        last.weight.mul_(50)
    return Upscaler(restorer)


@pytest.mark.parametrize("seamless", [False, True])
@pytest.mark.parametrize("fix", ["none", "wavelet"])
def test_tiles_do_not_show_in_a_failure(mad, seamless, fix):
    small = torch.from_numpy(picture_array(70, 101)).permute(2, 0, 1).float() / 255
    options = {"fidelity": 0.5, "seamless": seamless, "color_fix": fix}
    whole, tiled = (mad(small, tile=tile, **options) for tile in (0, 32))
    assert (whole - bicubic_upsample(small[None], 4)[0]).abs().max() > 0.1
    assert (whole - tiled).abs().max() < 1e-3  # 50 times what is rounded otherwise
    most = guard.AROUND + guard.AROUND_PER_CONTRAST * guard.MOST_CONTRAST
    assert F.avg_pool2d(errors(whole, small, 4), 8).abs().max() <= 1.3 * most * LEVEL


@pytest.mark.parametrize("fix", ["none", "wavelet", "adain"])
def test_the_limits_hold_in_windows(upscaler, fake_restorer, photo_tensor, fix):
    """Networks that see everything, and colours corrected by whatever statistics a failure has."""
    fake_restorer.halo = lambda _: None
    fake_restorer.restore = lambda lr, noise, **_options: 1e3 * noise
    result = upscaler(photo_tensor[0], tile=32, color_fix=fix)
    error = errors(result, photo_tensor[0], 4)
    assert (error.abs() <= guard.MEAN * LEVEL + contrast(photo_tensor[0]) + SLACK).all()


def test_a_texture_in_pieces(upscaler, fake_restorer, photo_tensor):
    restore = fake_restorer.restore
    fake_restorer.restore = lambda lr, noise, **options: 3 * restore(lr, noise, **options) - 1
    texture, options = photo_tensor[0], {"seamless": True, "fidelity": 1.0}
    whole = upscaler(texture, tile=0, **options)
    assert (upscaler(texture, tile=16, **options) - whole).abs().max() < 1e-5
    rolled = upscaler(texture.roll((5, 9), (1, 2)), tile=20, **options)
    assert (rolled - whole.roll((20, 36), (1, 2))).abs().max() < 1e-5


def coloured(upscaler, image, **options):
    result = np.asarray(upscaler(image, **options)).astype(int)
    return (result.max(2) - result.min(2)).max()


def test_grey_stays_grey(upscaler, photo):
    grey = np.asarray(photo.convert("L"))
    as_colour = np.stack([grey] * 3, -1)
    assert coloured(upscaler, as_colour, fidelity=0.0) == 0
    assert coloured(upscaler, as_colour, fidelity=0.0, width=100, tile=8) == 0
    rounded = as_colour.clip(1, 254) + np.random.default_rng(0).integers(-1, 2, as_colour.shape)
    assert coloured(upscaler, rounded.astype(np.uint8), fidelity=0.0) == 0
    alpha = np.full_like(grey, 255)
    alpha[:4] = 0
    hidden = np.dstack([as_colour, alpha])
    hidden[:4, :, 0] = 255
    result = np.asarray(upscaler(Image.fromarray(hidden)))[20:, :, :3].astype(int)
    assert np.ptp(result, axis=2).max() == 0


def test_faint_colour_stays_colour(upscaler, photo):
    """A tint is none of rounding, nor is one coloured pixel."""
    grey = np.asarray(photo.convert("L")).clip(0, 250)
    tinted = np.stack([grey + 2, grey, grey], -1)
    assert coloured(upscaler, tinted, fidelity=1.0) > 0
    stamped = np.stack([grey] * 3, -1)
    stamped[3:6, 3:6] = 255, 0, 0
    assert coloured(upscaler, stamped, fidelity=1.0) > 100


def test_what_was_limited_is_told(upscaler, fake_restorer, photo_tensor, caplog):
    with caplog.at_level(logging.DEBUG, "leapsr"):
        upscaler(photo_tensor[0], fidelity=1.0)
    assert "kept near" not in caplog.text
    restore = fake_restorer.restore
    fake_restorer.restore = lambda lr, noise, **options: restore(lr, noise, **options) + 0.3
    with caplog.at_level(logging.DEBUG, "leapsr"):
        for tile in (0, 16):
            upscaler(photo_tensor[0], fidelity=1.0, tile=tile)
    told = [record for record in caplog.records if "kept near their source" in record.getMessage()]
    assert len(told) == 2
    whole, tiled = (record.args for record in told)
    assert whole[0] == pytest.approx(100, abs=5)
    assert tiled == pytest.approx(whole, rel=0.05)


def test_a_tile_is_shown_with_the_margin(upscaler, fake_restorer, photo_tensor):
    upscaler(photo_tensor[0], tile=8)
    most = 8 + 2 * (fake_restorer.halo(1) + guard.MARGIN)
    assert max(max(call) for call in fake_restorer.calls) in range(most - 8, most + 9)
