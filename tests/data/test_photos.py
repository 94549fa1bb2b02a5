"""Photos of every kind for training: in eight bits, as large as their headers say."""

import os

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from safetensors.torch import save_file

from leapsr.data.listing import picture_files
from leapsr.data.photos import open_photos
from leapsr.data.reading import decode
from leapsr.errors import DataError
from leapsr.pictures.colour_spaces import ADOBE_RGB
from leapsr.pictures.picture import load


def test_a_name_that_is_no_unicode(tmp_path):
    Image.new("RGB", (60, 40)).save(os.fsencode(tmp_path / "caf") + b"\xe9.png", "PNG")
    with pytest.raises(DataError, match="not UTF-8"):
        open_photos(tmp_path, smallest=8)


def test_damaged_pixels_are_no_photo(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.png cannot be read"):
        decode(tmp_path / "a.png")


def test_pictures_beyond_the_limit_of_pillow(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.new("RGB", (60, 40)).save(tmp_path / "a.png")
    assert open_photos(tmp_path, smallest=8).whole(0).shape == (3, 40, 60)
    Image.new("1", (30_001, 8)).save(tmp_path / "long.png")
    with pytest.raises(DataError, match=r"long\.png .* at most 30000 a side"):
        open_photos(tmp_path, smallest=8)


def test_leftovers_of_systems_are_no_photos(tmp_path):
    for folder in (".Trash-1000/files", "@eaDir", "deep/.thumbnails", "deep"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 40)).save(tmp_path / folder / "a.png")
    assert open_photos(tmp_path, smallest=8).names == ["deep/a.png"]


@pytest.mark.parametrize("shape", [(), (256,), (8, 8, 3, 3)])
def test_tensors_that_are_no_photos(tmp_path, shape):
    save_file({"weight": torch.zeros(shape)}, tmp_path / "model.safetensors")
    with pytest.raises(DataError, match="is not an archive of photos"):
        open_photos(tmp_path / "model.safetensors", smallest=8)


def test_a_header_that_tells_another_size(tmp_path):
    Image.new("RGB", (60, 40)).save(tmp_path / "a.png")
    photos = open_photos(tmp_path, smallest=8)
    Image.new("RGB", (40, 60)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png has other sides"):
        photos.whole(0)


@pytest.mark.parametrize(
    ("name", "ramp"),
    [
        ("a.png", np.arange(256, dtype=np.uint16) * 257),
        ("a.tif", np.arange(256, dtype=np.uint16) * 257),
        ("b.tif", np.arange(256, dtype=np.float32) / 255),
    ],
)
def test_grey_of_many_bits_is_scaled(name, ramp, tmp_path):
    Image.fromarray(ramp.reshape(16, 16)).save(tmp_path / name)
    assert decode(tmp_path / name)[0].flatten().tolist() == list(range(256))


def test_colours_of_16_bits_and_other_tone_curves_are_read_as_for_upscaling(tmp_path):
    values = np.random.default_rng(0).integers(0, 65_536, (12, 16, 3), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values)
    assert decode(tmp_path / "a.tif").permute(1, 2, 0).tolist() == (values / 257).round().tolist()
    image = Image.fromarray((values >> 8).astype(np.uint8))
    image.save(tmp_path / "b.png", icc_profile=ADOBE_RGB.profile(grey=False))
    found = decode(tmp_path / "b.png").int() - load(tmp_path / "b.png").pixels.int()
    assert 0 < found.abs().max() <= 10  # a gamma of 2.2 is near the curve of sRGB


def test_linked_folders_are_followed_each_once(tmp_path):
    """Data sets lie on other disks; a link to a folder above it ends."""
    for name in ("photos", "elsewhere/deep"):
        (tmp_path / name).mkdir(parents=True)
        Image.new("RGB", (40, 40)).save(tmp_path / name / "a.png")
    (tmp_path / "photos" / "disk").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "loop").symlink_to(tmp_path / "photos")
    found = [str(path.relative_to(tmp_path / "photos")) for path in picture_files(tmp_path / "photos")]
    assert found == ["a.png", "disk/deep/a.png"]
