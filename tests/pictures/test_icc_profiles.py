"""Colours are what the profile says, before and after."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from leapsr.pictures import encode, icc_profiles
from leapsr.pictures.picture import load
from leapsr.pictures.save_file import save
from tests.conftest import picture_array
from tests.pictures import photos
from tests.pictures.test_formats import SINCE_PILLOW_13

SRGB_CURVE = photos.parametric(*photos.SRGB_CURVE)
CURVES = {
    "1.8": photos.parametric(1.8),
    "2.2": photos.table(round(2.2 * 256)),
    "linear": photos.table(),
    "table": photos.table(*(round(65_535 * (i / 63) ** 1.8) for i in range(64))),
}
P3 = photos.rgb_profile(photos.P3_PRIMARIES, SRGB_CURVE)


def seen(image, icc):
    """What a viewer that knows profiles shows on an sRGB screen."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc)) if icc else ImageCms.createProfile("sRGB")
    shown = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return np.asarray(shown).astype(int)


@pytest.mark.parametrize("name", CURVES)
def test_the_tone_is_that_of_an_independent_colour_engine(name):
    """With the primaries of sRGB the tone curve is all that differs."""
    icc = photos.rgb_profile(photos.SRGB_PRIMARIES, CURVES[name])
    image = Image.fromarray(picture_array(20, 30))
    tone = icc_profiles.tone(icc)
    assert tone is not None
    planes = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255
    ours = (tone.to_srgb(planes) * 255).round().permute(1, 2, 0).numpy()
    assert np.abs(ours - seen(image, icc)).max() <= 1
    assert torch.allclose(tone.from_srgb(tone.to_srgb(planes)), planes, atol=1e-4)


@pytest.mark.parametrize("curve", [SRGB_CURVE, photos.parametric(1.8)])
def test_wide_gamut_photos_keep_every_colour(upscaler, tmp_path, curve):
    """Enlarged flat colours, the most saturated too, are the same to every viewer."""
    icc = photos.rgb_profile(photos.P3_PRIMARIES, curve)
    colours = np.array([[255, 0, 0], [0, 255, 0], [10, 20, 200], [128, 128, 128]], np.uint8)
    image = Image.fromarray(np.repeat(np.repeat(colours[None], 16, 0), 16, 1))
    image.save(tmp_path / "a.png", icc_profile=icc)
    save(upscaler.upscale(load(tmp_path / "a.png")), tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as result:
        assert result.info["icc_profile"] == icc
        middle = np.asarray(result)[32, 32::64].astype(int)
    assert np.abs(middle - colours).max() <= 30  # what the noise of the fake restorer adds


def test_a_linear_photo_is_restored_in_the_tone_of_srgb(upscaler, fake_restorer, tmp_path):
    icc = photos.rgb_profile(photos.SRGB_PRIMARIES, photos.table())
    Image.new("RGB", (8, 8), (55, 55, 55)).save(tmp_path / "a.png", icc_profile=icc)
    shown = []
    restore = fake_restorer.restore
    fake_restorer.restore = lambda lr, noise, **options: shown.append(lr) or restore(lr, noise, **options)
    upscaler.upscale(load(tmp_path / "a.png"))
    assert shown[0].mean() == pytest.approx(0.502, abs=0.003)


def test_display_p3_needs_no_exchange():
    assert icc_profiles.tone(P3) is None
    assert icc_profiles.tone(None) is None
    assert icc_profiles.tone(b"not a profile") is None


@pytest.mark.parametrize(
    "curve",
    [
        b"",
        b"curv",
        photos.table(0, 0),
        photos.table(65_535, 0),
        photos.parametric(-3),
        b"para" + bytes(4) + b"\0\x09\0\0",
        photos.table()[:-1] + b"\xff",
    ],
)
def test_curves_without_sense_are_not_used(curve):
    assert icc_profiles.tone(photos.rgb_profile(photos.P3_PRIMARIES, curve)) is None


def test_cmyk_goes_through_its_profile(tmp_path):
    """This printer knows no colour; plain arithmetic would make its cyan cyan."""
    inks = Image.merge("CMYK", [Image.new("L", (8, 8), level) for level in (255, 0, 0, 0)])
    inks.save(tmp_path / "a.jpg", icc_profile=photos.cmyk_profile(), quality=100)
    picture = load(tmp_path / "a.jpg")
    assert picture.icc is None
    assert (picture.rgb.amax(0) - picture.rgb.amin(0)).max() < 0.02
    assert picture.rgb.mean() == pytest.approx(198 / 255, abs=0.02)  # L* = 80
    inks.save(tmp_path / "b.jpg", quality=100)
    assert load(tmp_path / "b.jpg").rgb[:, 4, 4].tolist() == pytest.approx([0, 1, 1], abs=0.02)


def test_a_cmyk_profile_that_cannot_be_used(tmp_path, caplog):
    icc = photos.cmyk_profile().replace(b"A2B", b"X2X")
    Image.new("CMYK", (8, 8)).save(tmp_path / "a.jpg", icc_profile=icc)
    assert load(tmp_path / "a.jpg").rgb.min() > 0.98
    assert "left out" in caplog.text


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", pytest.param(".avif", marks=SINCE_PILLOW_13)])
def test_grey_keeps_its_profile(upscaler, tmp_path, suffix):
    icc = photos.grey_profile(photos.parametric(1.8))
    Image.linear_gradient("L").resize((16, 16)).save(tmp_path / "a.png", icc_profile=icc)
    save(upscaler.upscale(load(tmp_path / "a.png")), tmp_path / f"b{suffix}", quality=100)
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.mode == "L"
        assert image.info["icc_profile"] == icc


def test_grey_as_webp_has_the_same_tone_without_its_profile(tmp_path):
    Image.new("L", (16, 16), 100).save(tmp_path / "a.png", icc_profile=photos.grey_profile(photos.table()))
    save(load(tmp_path / "a.png"), tmp_path / "b.webp", quality=100)
    with Image.open(tmp_path / "b.webp") as image:
        assert "icc_profile" not in image.info
        assert np.asarray(image).mean() == pytest.approx(168, abs=2)


def test_grey_as_avif_of_an_older_pillow(tmp_path, monkeypatch):
    """It makes RGB of grey, so that a profile of grey would not fit."""
    monkeypatch.setattr(encode, "_avif_holds_grey", lambda: False)
    Image.new("L", (16, 16), 100).save(tmp_path / "a.png", icc_profile=photos.grey_profile(photos.table()))
    save(load(tmp_path / "a.png"), tmp_path / "b.avif", quality=100)
    with Image.open(tmp_path / "b.avif") as image:
        assert "icc_profile" not in image.info
        assert np.asarray(image).mean() == pytest.approx(168, abs=2)


def test_a_colour_profile_on_grey_is_applied_once(tmp_path):
    icc = photos.rgb_profile(photos.P3_PRIMARIES, photos.table())
    Image.new("L", (4, 4), 55).save(tmp_path / "a.png", icc_profile=icc)
    picture = load(tmp_path / "a.png")
    assert picture.icc is None
    assert picture.rgb.mean() == pytest.approx(0.502, abs=0.003)
