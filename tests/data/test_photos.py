"""Photos of every kind for training: upright, in eight bits, as large as their headers say."""

import os

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from leapsr.data.photos import decode, open_photos, size_of
from leapsr.errors import DataError


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_the_header_tells_the_size_of_the_upright_photo(suffix, orientation, tmp_path):
    file = tmp_path / f"a{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (60, 40)).save(file, exif=exif)
    assert size_of(file) == tuple(decode(file).shape[1:]) == ((60, 40) if orientation > 4 else (40, 60))


def test_an_orientation_in_xmp(tmp_path):
    about = PngImagePlugin.PngInfo()
    about.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>')
    Image.new("RGB", (60, 40)).save(tmp_path / "a.png", pnginfo=about)
    assert size_of(tmp_path / "a.png") == tuple(decode(tmp_path / "a.png").shape[1:])


def test_a_name_that_is_no_unicode(tmp_path):
    Image.new("RGB", (60, 40)).save(os.fsencode(tmp_path / "caf") + b"\xe9.png", "PNG")
    with pytest.raises(DataError, match="not UTF-8"):
        open_photos(tmp_path, smallest=8)


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
