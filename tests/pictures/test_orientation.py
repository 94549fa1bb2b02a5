"""Photos stand upright alike for training and for upscaling; their headers say how large they are then."""

import io
import logging

import pytest
from PIL import Image, PngImagePlugin

from leapsr.data.reading import decode, size_of
from leapsr.pictures import pillow_limits
from leapsr.pictures.picture import load, measure

ON_ITS_SIDE = '<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>'
A_LETTER = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x02\0\0\0a\0\0\0\0\0\0\0"
AN_OFFSET_TO_NOWHERE = b"Exif\0\0II*\0\xff\xff\xff\xff"


def sizes(data: bytes) -> set[tuple[int, ...]]:
    """What each of the four ways to look at a picture says of its size."""
    told = {size_of(data), measure(data)}
    return told | {tuple(decode(data).shape[1:]), load(data).size}


def encoded(suffix: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40)).save(buffer, suffix, **options)
    return buffer.getvalue()


def orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


@pytest.mark.parametrize("value", [1, 3, 6, 8])
@pytest.mark.parametrize("suffix", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_orientation_in_exif(suffix, value):
    assert sizes(encoded(suffix, exif=orientation(value))) == {(60, 40) if value > 4 else (40, 60)}


def test_an_orientation_in_xmp():
    about = PngImagePlugin.PngInfo()
    about.add_itxt("XML:com.adobe.xmp", ON_ITS_SIDE)
    assert sizes(encoded("PNG", pnginfo=about)) == {(60, 40)}
    assert sizes(encoded("JPEG", xmp=ON_ITS_SIDE.encode())) == {(60, 40)}


def test_an_orientation_behind_the_pixels_of_a_png():
    data = encoded("PNG", exif=orientation(6))
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4])
    assert sizes(data[:start] + data[end:-12] + data[start:end] + data[-12:]) == {(60, 40)}


def test_its_size_decodes_nothing(monkeypatch):
    about = PngImagePlugin.PngInfo()
    about.add_itxt("XML:com.adobe.xmp", ON_ITS_SIDE)
    data = encoded("PNG", pnginfo=about)
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", lambda image: pytest.fail("was decoded"))
    assert measure(data) == size_of(data) == (60, 40)


def test_an_orientation_beside_a_damaged_tag():
    """Pillow's own turning writes the other tags again, and fails where they make no sense."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0"
    exif += b"\0\x01\x02\0\x02\0\0\0a\0\0\0" + b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0" + bytes(4)
    assert sizes(encoded("JPEG", exif=exif)) == {(60, 40)}


@pytest.mark.parametrize("suffix", ["PNG", "TIFF"])
def test_the_limit_of_pillow_is_back_afterwards(suffix, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert sizes(encoded(suffix)) == {(40, 60)}
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [A_LETTER, AN_OFFSET_TO_NOWHERE], ids=["a letter", "an offset to nowhere"])
def test_damaged_exif_turns_nothing(exif):
    assert sizes(encoded("JPEG", exif=exif)) == {(40, 60)}


def test_the_handlers_of_libtiff_and_of_logging_are_back_afterwards():
    set_error, set_warning = pillow_limits._libtiff_setters()
    before = [(setter, setter(None)) for setter in (set_error, set_warning)]
    for setter, handler in before:
        setter(handler)
    handlers = list(logging.getLogger("PIL").handlers)
    with pillow_limits.quiet_and_unlimited(), pillow_limits.quiet_and_unlimited():
        assert Image.MAX_IMAGE_PIXELS is None
        assert [setter(None) for setter, _ in before] == [None, None]
    assert [setter(handler) for setter, handler in before] == [handler for _, handler in before]
    assert before[0][1] is not None  # Pillow itself silences warnings when it decodes
    assert logging.getLogger("PIL").handlers == handlers


@pytest.mark.parametrize("value", [1, 3, 6, 8])
@pytest.mark.parametrize("suffix", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_image_in_memory_is_measured_upright(suffix, value):
    data = encoded(suffix, exif=orientation(value))
    with Image.open(io.BytesIO(data)) as image:
        assert measure(image) == measure(data) == load(image).size


def test_a_photo_on_its_side_is_larger_than_it_seems(upscaler):
    """40 rows of 60 pixels lie in the file: upright it is 40 wide, and 50 is more."""
    with Image.open(io.BytesIO(encoded("JPEG", exif=orientation(6)))) as image:
        assert upscaler(image, width=50).size == (50, 75)
