import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from leapsr.errors import ImageError
from leapsr.pictures.picture import load, measure
from leapsr.pictures.save_file import save
from tests.conftest import picture_array
from tests.pictures import photos

P3 = photos.rgb_profile(photos.P3_PRIMARIES, photos.parametric(*photos.SRGB_CURVE))
EXIF, XMP = b"JpgTiffExif->JP2", bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def box(kind, content):
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def encoded(values, codec="jp2"):
    return imagecodecs.jpeg2k_encode(values, level=0, reversible=True, codecformat=codec)


@pytest.mark.parametrize("codec", ["jp2", "j2k"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_level_is_read(codec, channels):
    values = np.random.default_rng(0).integers(0, 256, (24, 37, channels), np.uint8)
    picture = load(encoded(values if channels > 1 else values[..., 0], codec))
    assert np.array_equal(picture.rows(0, 24), values)
    assert picture.depth == 8


def test_grey_of_16_bits():
    values = np.random.default_rng(0).integers(0, 65_536, (24, 37), np.uint16)
    picture = load(encoded(values))
    assert picture.depth == 16
    assert np.array_equal(picture.rows(0, 24)[..., 0], values)


def with_metadata(profile=P3):
    """A photo of a phone on its side, in Display P3."""
    whole = encoded(picture_array(24, 37))
    colours, start = whole.index(b"colr") - 4, whole.index(b"jp2h") - 4
    old = whole[colours : colours + int.from_bytes(whole[colours : colours + 4], "big")]
    colour = box(b"colr", b"\2\0\0" + profile)
    size = int.from_bytes(whole[start : start + 4], "big") + len(colour) - len(old)
    whole = whole.replace(old, colour)
    whole = whole[:start] + size.to_bytes(4, "big") + whole[start + 4 :]
    stream = whole.index(b"jp2c") - 4
    about = box(b"uuid", EXIF + photos.camera_exif().removeprefix(b"Exif\0\0")) + box(
        b"uuid", XMP + photos.XMP
    )
    return whole[:stream] + about + whole[stream:]


def test_what_it_says_of_itself_is_read(upscaler, tmp_path):
    source = load(with_metadata())
    assert source.size == measure(with_metadata()) == (37, 24)
    assert source.icc == P3
    save(upscaler.upscale(source), tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.size == (96, 148)
        assert image.getexif()[271] == "Maker"
        assert b"xmp:Rating='5'" in image.info["xmp"]
        assert image.info["icc_profile"] == P3


@pytest.mark.parametrize("bits", [4, 12, 16])
def test_what_would_lose_its_depth_is_refused(bits):
    values = np.random.default_rng(0).integers(0, 2**bits, (24, 37, 3), np.uint8 if bits < 8 else np.uint16)
    data = imagecodecs.jpeg2k_encode(values, level=0, reversible=True, bitspersample=bits)
    with pytest.raises(ImageError, match=f"JPEG 2000 of {bits} bits"):
        measure(data)


def test_uncommon_spaces_are_refused():
    with pytest.raises(ImageError, match="uncommon colour space"):
        load(with_metadata(photos.cmyk_profile()))
    whole = encoded(picture_array(24, 37))
    place = whole.index(b"colr") + 7
    with pytest.raises(ImageError, match="uncommon colour space"):
        load(whole[:place] + (14).to_bytes(4, "big") + whole[place + 4 :])


@pytest.mark.parametrize("cut", [4, 12, 40, 60, 100, 400])
def test_damage_is_said(cut):
    with pytest.raises(ImageError):
        load(encoded(picture_array(24, 37))[:cut])


def test_pillows_own_files(photo):
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG2000")
    assert np.array_equal(load(buffer.getvalue()).rows(0, 24), np.asarray(photo))
