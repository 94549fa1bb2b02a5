"""RAW photos of cameras are developed right, or refused; without the extra they are named."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from leapsr.batch.jobs import plan
from leapsr.errors import ImageError
from leapsr.pictures import raw_kinds, unsupported
from leapsr.pictures.picture import load, measure
from tests.pictures import photos, raws

pytest.importorskip("rawpy", reason="developing needs rawpy")

SHOWN = raws.encoded(raws.SHARE * raws.linear(raws.scene()))
"""The scene, as much darker as it fills the sensor."""


def close(picture, expected: np.ndarray, levels: float = 1.0) -> None:
    """levels: of 255, on average. The edges of a mosaic are guessed."""
    found = picture.numpy().astype(float) / 65_535
    assert found.shape == expected.shape
    assert 255 * np.abs(found - expected)[2:-2, 2:-2].mean() < levels


@pytest.mark.parametrize(("photometric", "levels"), [(raws.MOSAIC, 0.5), (raws.LINEAR, 3.0)])
def test_the_colours_are_those_of_the_scene(photometric, levels):
    """(LibRaw takes the black of linear RAW off and does not stretch the rest: 3 % too dark.)"""
    picture = load(raws.dng(photometric=photometric))
    close(picture, SHOWN, levels)
    assert (picture.depth, picture.icc, picture.grey) == (16, None, False)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_upright(orientation):
    stored = Image.fromarray((255 * SHOWN).round().astype(np.uint8))
    stored.getexif()[274] = orientation
    data = raws.dng(orientation=orientation)
    expected = np.asarray(ImageOps.exif_transpose(stored)) / 255
    close(load(data), expected)
    assert measure(data) == expected.shape[:2]


@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_the_frame_of_the_sensor_is_cut_off(orientation):
    data = raws.dng(crop=(2, 2, 40, 30), orientation=orientation)
    stored = Image.fromarray((255 * SHOWN[6:36, 8:48]).round().astype(np.uint8))
    stored.getexif()[274] = orientation
    expected = np.asarray(ImageOps.exif_transpose(stored)) / 255
    close(load(data), expected)
    assert measure(data) == expected.shape[:2]


@pytest.mark.parametrize("stops", [-1, 0.5, 1])
def test_the_exposure_that_is_asked_for(stops):
    dark = raws.encoded(raws.linear(raws.scene()) / 4)
    expected = raws.encoded(raws.SHARE * 2**stops * raws.linear(dark))
    close(load(raws.dng(dark, exposure=stops)), expected)


def test_a_sensor_without_colours():
    picture = load(raws.grey_dng())
    assert (picture.grey, picture.depth) == (True, 16)
    np.testing.assert_allclose(picture.numpy() / 65_535, raws.scene()[..., 1], atol=0.004)


def test_what_the_photo_says_of_itself_stays():
    settings = photos.XMP.replace(
        b" xmp:Rating=",
        b" xmlns:crs='http://ns.adobe.com/camera-raw-settings/1.0/' crs:Exposure='2' xmp:Rating=",
    )
    picture = load(raws.dng(orientation=6, extra=[(700, 1, None, settings, True)]))
    tags = Image.Exif()
    tags.load(picture.exif)
    assert {tags[271], tags[272], tags[306], tags[315]} == {"Maker", "Model", "2026:01:02 03:04:05", "Anna"}
    assert tags.get(274, 1) == 1
    assert not {50_706, 50_721, 33_422, 262} & set(tags)
    assert picture.dpi == (150, 300)
    assert b"Rating" in picture.xmp
    assert b"Exposure" not in picture.xmp  # a RAW converter would apply it once more


def test_the_exif_of_a_preview_where_the_file_is_no_tiff():
    """Such as Fuji's RAF; of it only the header is made here."""
    from leapsr.pictures.metadata import of_raw
    from leapsr.pictures.orientation import UPRIGHT

    found = of_raw(Image.Exif(), photos.camera_exif(), "a.raf", UPRIGHT)
    assert found.dpi == (300, 300)
    assert b"A lens" in found.exif


def test_no_exif_is_said(caplog):
    from leapsr.pictures.metadata import of_raw
    from leapsr.pictures.orientation import UPRIGHT

    assert of_raw(Image.Exif(), b"", "a.raf", UPRIGHT).exif is None
    assert "No EXIF data were found in a.raf" in caplog.text


def test_a_camera_whose_colours_are_not_known():
    with pytest.raises(ImageError, match=r"colours are not known here; develop it"):
        load(raws.dng(knows_colours=False))


@pytest.mark.parametrize("part", [0.01, 0.3, 0.6, 0.95])
def test_damage(part):
    data = raws.dng()
    with pytest.raises(ImageError):
        load(data[: int(part * len(data))])


@pytest.mark.parametrize(
    "data",
    [
        b"FUJIFILMCCD-RAW 0201",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x18\0\0\0",
        b"FOVb\0\0\2\0",
        b"\0\0\0\x18ftypcrx \0",
    ],
)
@pytest.mark.parametrize("take", [load, measure])
def test_a_head_and_nothing_else(take, data):
    with pytest.raises(ImageError, match=r"the picture is a RAW photo .* develop it to TIFF"):
        take(data + bytes(400))


def test_memory_is_asked_for_before_it_is_taken(monkeypatch):
    monkeypatch.setattr("leapsr.memory.available", lambda device: 48 * 64 * 20)
    with pytest.raises(ImageError, match="does not fit in memory"):
        load(raws.dng())


def test_through_a_folder(tmp_path, upscaler):
    (tmp_path / "a.dng").write_bytes(raws.dng(orientation=6))
    (job,) = plan([tmp_path], None, "x4").jobs
    assert job.output.name == "a_x4.png"
    result = upscaler(job.source)
    result.save(job.output)
    saved = load(job.output)
    assert (saved.size, saved.depth) == ((256, 192), 16)
    assert b"Model" in saved.exif


def test_without_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    for name in ("a.dng", "c.CR3"):
        (tmp_path / name).write_bytes(raws.dng())
    found = plan([tmp_path], None, "x4")
    assert [job.source.name for job in found.jobs] == ["b.png"]
    assert list(unsupported.advice(found.unreadable, raw_kinds.HINT)) == [
        "2 RAW files left out (a.dng, c.CR3): develop them first, or pip install 'leapsr[raw]'."
    ]
    for take in (load, measure):
        with pytest.raises(ImageError, match=r"a RAW photo. This needs rawpy: pip install 'leapsr\[raw\]'"):
            take(tmp_path / "a.dng")


def test_what_a_raw_photo_is(tmp_path):
    developed = io.BytesIO()
    Image.new("RGB", (8, 8)).save(developed, "TIFF")
    assert not raw_kinds.matches(developed.getvalue(), "a.dng")  # which may hold a developed photo
    assert raw_kinds.matches(developed.getvalue(), "a.nef")
    assert raw_kinds.matches(raws.dng(), "the picture")
    assert not raw_kinds.matches(photos.jpeg(8, 8), str(Path("a.nef")))
