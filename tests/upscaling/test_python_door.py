"""Upscaler as Python programs use it: what is given comes back, one or many, from one thread or several."""

import threading
from dataclasses import fields
from typing import get_type_hints

import numpy as np
import pytest
import torch
from PIL import Image

from leapsr.errors import ImageError, UsageError
from leapsr.hub import catalog
from leapsr.pictures.picture import Picture, load
from leapsr.restorer import Restorer
from leapsr.upscaling.settings import Settings, UpscaleOptions
from leapsr.upscaling.sizes import Target
from leapsr.upscaling.upscaler import Upscaler
from tests.pictures import photos

P3 = photos.rgb_profile(photos.P3_PRIMARIES, photos.parametric(1.8))
MAKE = 0x010F


@pytest.fixture
def files(photo, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for shift, path in enumerate(paths):
        Image.fromarray(np.roll(np.asarray(photo), 5 * shift, 1)).save(path)
    return paths


def test_a_file_gives_all_that_it_says(upscaler, tmp_path):
    path = tmp_path / "a.png"
    values = np.random.default_rng(0).integers(0, 2**16, (9, 12, 3), np.uint16)
    about = {"icc": P3, "exif": photos.camera_exif(1), "dpi": (300, 300), "depth": 16}
    Picture(torch.from_numpy(values).permute(2, 0, 1), **about).save(path)
    for source in (path, path.read_bytes(), load(path)):
        result = upscaler(source)
        assert isinstance(result, Picture)
        assert (result.depth, result.pixels.dtype, result.icc) == (16, torch.uint16, P3)
        assert result.pil().getexif()[MAKE] == "Maker"
        assert result.dpi == pytest.approx((300, 300), abs=0.1)


def test_a_pil_image_keeps_its_info(upscaler, photo):
    photo.info |= {"icc_profile": P3, "exif": photos.camera_exif(1), "dpi": (300, 300)}
    result = upscaler(photo)
    assert isinstance(result, Image.Image)
    assert (result.info["icc_profile"], result.info["dpi"]) == (P3, (300, 300))
    assert result.getexif()[MAKE] == "Maker"


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_an_array_keeps_its_kind(upscaler, kind):
    values = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (6, 7, 3), kind)
    assert upscaler(values).dtype == kind


@pytest.mark.parametrize("many", [list, tuple, dict.fromkeys, iter])
def test_many_give_many(upscaler, files, many):
    expected = [upscaler(path).pixels for path in files]
    results = upscaler(many(files))
    assert isinstance(results, list) == (many is not iter)
    assert all(torch.equal(one.pixels, other) for one, other in zip(results, expected, strict=True))


def test_an_iterator_is_worked_on_as_it_is_read(upscaler, fake_restorer, files):
    results = upscaler(path for path in files)
    assert not fake_restorer.calls
    assert next(results).size == (96, 148)
    assert len(fake_restorer.calls) == 1
    with pytest.raises(UsageError):  # settings are checked at once
        upscaler(iter(files), steps=0)


def test_progress_counts_pictures(upscaler, files):
    seen = []
    upscaler(files, progress=lambda *counts: seen.append(counts))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    seen.clear()
    list(upscaler(iter(files), progress=lambda *counts: seen.append(counts)))
    assert seen == [(1, 0), (2, 0), (3, 0)]


def test_a_bar_is_shown_when_it_is_asked_for(upscaler, files, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    upscaler(files)
    assert capsys.readouterr().err == ""
    for given in (files, files[0]):
        upscaler(given, progress=True)
        assert "100%" in capsys.readouterr().err


def test_what_is_no_picture(upscaler):
    for given in (3, None, object(), [3]):
        with pytest.raises(ImageError, match="is no picture"):
            upscaler(given)


def test_options_are_those_of_target_and_settings():
    known = {field.name for kind in (Target, Settings) for field in fields(kind)}
    assert set(get_type_hints(UpscaleOptions)) == known | {"progress", "fit", "max_pixels"}


def test_models_device_and_precision(tiny_model, upscaler):
    assert Upscaler.models() == catalog.names()
    assert "tiny" in Upscaler.models(tiny_model.parent)
    assert (upscaler.scale, upscaler.device, upscaler.dtype) == (4, torch.device("cpu"), torch.float32)
    assert upscaler.to("cpu", "bf16") is upscaler
    assert upscaler.dtype == torch.bfloat16
    assert upscaler.to(torch.device("cpu"), torch.float32).dtype == torch.float32
    with pytest.raises(UsageError, match="cuda:99"):
        upscaler.to("cuda:99")
    with pytest.raises(UsageError, match="fp64"):
        upscaler.to("cpu", "fp64")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_threads_share_a_model(tiny_model, photo_tensor, dtype):
    """With the results of one after the other, also where the weights move for each."""
    upscaler = Upscaler(Restorer.from_pretrained(tiny_model, dtype=dtype).offload())
    pictures = [photo_tensor[0].roll(shift, 2) for shift in range(6)]
    expected = [upscaler(picture, tile=16, seed=3) for picture in pictures]
    results = {}

    def work(numbers):
        for number in numbers:
            results[number] = upscaler(pictures[number], tile=16, seed=3)

    threads = [threading.Thread(target=work, args=(range(start, 6, 2),)) for start in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(results[number], expected[number]) for number in range(6))
