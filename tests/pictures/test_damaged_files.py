"""Damage that decoders let pass, or of which they speak past us. Thousands more: tests/fuzz."""

import io
import logging
import struct
from contextlib import suppress

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image, TiffImagePlugin

from leapsr import memory
from leapsr.errors import ImageError
from leapsr.pictures import decode
from leapsr.pictures.picture import load, measure
from tests.conftest import picture_array
from tests.pictures import photos
from tests.pictures.test_formats import tiff
from tests.pictures.test_picture import encoded, png_of


def with_sides(jpeg: bytes, height: int, width: int) -> bytes:
    """The file with another size in its frame header."""
    place = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:place] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + jpeg[place + 4 :]


def test_an_uncompressed_tiff_of_too_few_bytes_is_refused():
    """Pillow takes what follows in the file for the pixels that the strip lacks."""
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "TIFF")
    data = bytearray(buffer.getvalue() + bytes(100_000))
    assert load(bytes(data)).size == (30, 40)
    with Image.open(io.BytesIO(data)) as image:
        [count] = image.tag_v2[TiffImagePlugin.STRIPBYTECOUNTS]
    height = data.index(struct.pack("<HHL", TiffImagePlugin.IMAGELENGTH, 4, 1)) + 8
    data[height : height + 2] = struct.pack("<H", 700)
    assert count == 3600
    with pytest.raises(ImageError, match=r"3600 bytes cannot hold 40 x 700 pixels"):
        load(bytes(data))


@pytest.mark.parametrize("look", [load, measure])
def test_a_jpeg_that_is_too_short_for_its_size(look):
    """libjpeg would make thirty million grey pixels of it."""
    data = with_sides(photos.jpeg(8, 8), 29_999, 1_000)
    with pytest.raises(ImageError, match=r"bytes cannot hold 1000 x 29999 pixels; get it again\.$"):
        look(data)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2, "quality": 1}])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_emptiest_of_whole_jpegs_are_read(mode, options):
    data = encoded(Image.new(mode, (2_000, 1_000)), "JPEG", optimize=True, **options)
    assert measure(data) == (1_000, 2_000)
    assert load(data).size == (1_000, 2_000)


@pytest.mark.parametrize("mode", ["RGB", "RGB;12"])
def test_a_heic_of_another_size_than_it_says(mode):
    """Its pixels are coded as 64 x 64, of which a damaged box would cut out 8 x 64 rather than 8 x 8."""
    pillow_heif.register_heif_opener()
    values, buffer = np.zeros((8, 8, 3), np.uint8 if mode == "RGB" else np.uint16), io.BytesIO()
    pillow_heif.from_bytes(mode, (8, 8), values.tobytes()).save(buffer)
    data = bytearray(buffer.getvalue())
    data[data.index(b"clap") + 31] ^= 0x80
    with pytest.raises(ImageError, match=r"8 x 64 pixels where 8 x 8 were announced"):
        load(bytes(data))


def unheard(monkeypatch):
    """As in a program that has set up no logging, where Python prints what libraries log."""
    monkeypatch.setattr(logging.root, "handlers", [])


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"])
def test_damaged_tiffs_print_nothing(monkeypatch, capfd, compression):
    unheard(monkeypatch)
    data = bytearray(encoded(Image.fromarray(picture_array(64, 64)), "TIFF", compression=compression))
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(range(200, 240))
    for damaged in (bytes(data), bytes(data[:middle]) + bytes(data[middle + 300 :])):
        with suppress(ImageError):
            load(damaged)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("number", range(8))
def test_damaged_floating_point_tiffs_print_nothing(monkeypatch, capfd, number):
    unheard(monkeypatch)
    data = bytearray(tiff(np.zeros((8, 8, 3), np.float32)))
    first = int.from_bytes(data[4:8], "little") + 2
    data[first + 12 * number + 2] = 200  # the type of an entry
    with suppress(ImageError):
        load(bytes(data))
    assert capfd.readouterr() == ("", "")


def test_a_program_that_listens_still_hears_the_libraries(caplog):
    data = bytearray(tiff(np.zeros((8, 8, 3), np.float32), extratags=[(305, "s", 0, "a program", True)]))
    place = data.index((305).to_bytes(2, "little"))
    data[place + 2] = 200
    load(bytes(data))
    assert any(record.name == "tifffile" for record in caplog.records)


def test_numbers_that_are_none_are_named_once():
    for data in (
        encoded(Image.new("F", (4, 4), float("nan")), "TIFF"),
        tiff(np.full((4, 4, 4), np.inf, np.float32), extrasamples=["assocalpha"]),
    ):
        with pytest.raises(ImageError, match=r"^the picture holds values that are not finite; repair"):
            load(data)


def test_too_little_memory_is_told_before_a_picture_is_decoded(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda device: 1 << 30)
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", lambda image: pytest.fail("was decoded"))
    with pytest.raises(ImageError, match=r"20000 x 20000 pixels need 3\.0 GiB and 1\.0 GiB are free"):
        load(png_of(20_000, 20_000))
    monkeypatch.setattr(memory, "available", lambda device: 1_000)
    with pytest.raises(ImageError, match=r"does not fit in memory: 100 x 100 pixels"):
        load(tiff(np.zeros((100, 100, 2), np.uint16)))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_is_told_with_the_name_of_its_file(tmp_path, caplog):
    Image.new("RGB", (8, 8)).save(tmp_path / "this one.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert load(tmp_path / "this one.jpg").exif is None
    assert "this one.jpg could not be read and were left out" in caplog.text


def test_a_bigtiff_hands_its_tags_on(caplog):
    picture = load(
        tiff(np.zeros((4, 4, 3), np.uint8), bigtiff=True, extratags=[(315, "s", 0, "someone", True)])
    )
    tags = Image.Exif()
    tags.load(picture.exif)
    assert tags[ExifTags.Base.Artist] == "someone"
    assert caplog.text == ""


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")]
)
def test_memory_that_runs_out_while_decoding_is_of_one_picture(monkeypatch, error):
    def none(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(decode, "from_samples", none)
    with pytest.raises(ImageError, match=r"does not fit in memory \(8 x 8 pixels\)"):
        load(encoded(Image.new("RGB", (8, 8)), "PNG"))


def test_a_tag_of_a_tiff_that_is_there_and_empty():
    """As a length that lies leaves it."""
    file = io.BytesIO()
    Image.new("1", (8, 8)).save(file, "TIFF")
    data = bytearray(file.getvalue())
    place = data.index(struct.pack("<HHI", 262, 3, 1))
    data[place + 4 : place + 8] = bytes(4)
    with suppress(ImageError):
        load(bytes(data))


@pytest.mark.parametrize("tiled", [False, True])
def test_a_tiff_of_jpegs_that_are_narrower_than_it_says(tiled):
    tifffile = pytest.importorskip("tifffile")
    file = io.BytesIO()
    options = {"tile": (32, 32)} if tiled else {"rowsperstrip": 32}
    values = picture_array(32, 32)
    tifffile.imwrite(file, values, photometric="rgb", compression="jpeg", metadata=None, **options)
    data = file.getvalue()
    assert load(data).size == (32, 32)
    for tag in (256, 322) if tiled else (256,):
        place = max(data.find(struct.pack("<HHI", tag, kind, 1)) for kind in (3, 4))
        data = data[: place + 8] + struct.pack("<I", 5008) + data[place + 12 :]
    with pytest.raises(ImageError, match="damaged"):
        load(data)


def test_a_tiff_whose_lengths_of_strips_are_text():
    buffer = io.BytesIO()
    Image.new("L", (64, 1)).save(buffer, "TIFF")
    number = struct.pack("<HHI", 279, 4, 1)  # StripByteCounts, one LONG
    assert number in buffer.getvalue()
    with pytest.raises(ImageError, match="is damaged or incomplete"):
        load(buffer.getvalue().replace(number, struct.pack("<HHI", 279, 2, 1)))
