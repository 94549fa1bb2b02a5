"""JPEGs without their end marker are read where every pixel is there. Kinds that are not read have names."""

import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from leapsr.errors import ImageError
from leapsr.pictures.picture import load, measure
from tests.conftest import picture_array
from tests.pictures.test_picture import encoded

END = b"\xff\xd9"
NOISE = np.random.default_rng(0).integers(-30, 30, (75, 100, 3))
SCENE = Image.fromarray((picture_array(75, 100) + NOISE).clip(0, 255).astype(np.uint8))
CODINGS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "optimized": {"optimize": True, "quality": 95, "subsampling": 0},
    "restarts": {"restart_marker_blocks": 3},
    "restarts by rows": {"restart_marker_rows": 1, "progressive": True},
    "coarse": {"quality": 5},
}


def jpeg(coding="baseline", mode="RGB"):
    data = encoded(SCENE.convert(mode), "JPEG", **CODINGS[coding])
    assert data.endswith(END)
    return data


@pytest.mark.parametrize("ending", [b"", b"\xff", bytes(4096), b"\r\n"], ids=["", "half", "zeros", "a line"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("coding", CODINGS)
def test_every_pixel_is_read(caplog, coding, mode, ending):
    data = jpeg(coding, mode)
    picture = load(data[:-2] + ending)
    assert np.array_equal(picture.numpy(), load(data).numpy())
    assert measure(data[:-2] + ending) == picture.size
    assert caplog.text.count("ends without its end marker") == 1


@pytest.mark.parametrize("padding", [b"", bytes(100_000), b"\xff" * 100_000], ids=["cut", "zeros", "ones"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("coding", CODINGS)
def test_not_where_pixels_are_missing(coding, mode, padding):
    data = jpeg(coding, mode)
    first = data.index(b"\xff\xda")
    for length in [*range(len(data) - 20, len(data) - 4), *range(first + 20, len(data), len(data) // 8)]:
        try:
            got = load(data[:length] + padding).numpy()
        except ImageError:
            continue
        assert np.array_equal(got, load(data).numpy())  # what was cut were bits of no meaning
        assert length > len(data) - 8


def test_not_where_scans_are_missing():
    """Each scan of a progressive JPEG covers the whole picture, only not finely."""
    data = jpeg("progressive")
    place, cuts = data.index(b"\xff\xda"), []
    while (place := data.find(b"\xff\xc4", place + 2)) > 0:
        cuts.append(place)
    assert len(cuts) > 3
    for cut in cuts:
        with pytest.raises(ImageError, match="damaged"):
            load(data[:cut])


def test_other_decoders_agree():
    data = jpeg()
    expected = imagecodecs.jpeg_decode(data)
    assert np.array_equal(load(data[:-2]).numpy(), expected)


def test_images_that_pillow_has_opened():
    data = jpeg()
    assert np.array_equal(load(Image.open(io.BytesIO(data[:-2]))).numpy(), load(data).numpy())


def test_the_thumbnail_has_an_end_of_its_own():
    exif = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + jpeg("coarse")
    data = encoded(SCENE, "JPEG", exif=exif)
    assert np.array_equal(load(data[:-2]).numpy(), load(data).numpy())


@pytest.mark.parametrize("level", [0, 77, 255])
def test_flat_pictures(level):
    """Their data repeat themselves, and may end like padding; then they are refused as they ever were."""
    data = encoded(Image.new("RGB", (64, 64), (level, 10, 20)), "JPEG")
    assert np.array_equal(load(data[:-2]).numpy(), load(data).numpy())


@pytest.mark.parametrize("take", [load, measure])
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (imagecodecs.jpeg_encode(picture_array(16, 24).astype(np.uint16) << 4, bitspersample=12), "12 bits"),
        (imagecodecs.jpeg_encode(np.zeros((16, 24), np.uint16), lossless=True, bitspersample=16), "16 bits"),
        (imagecodecs.jpegls_encode(picture_array(16, 24)), "JPEG-LS"),
        (jpeg().replace(b"\x00\x4b\x00\x64\x03", b"\x00\x4b\x00\x64\x02"), "2 colours"),
    ],
)
def test_kinds_that_are_not_read(data, says, take):
    with pytest.raises(ImageError, match=rf"is a .*{says}"):
        take(data)


def test_lossless_jpeg():
    values = picture_array(16, 24)
    assert np.array_equal(load(imagecodecs.jpeg_encode(values, lossless=True)).numpy(), values)
