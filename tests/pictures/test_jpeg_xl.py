"""JPEG XL: every level, its colours, what it says of itself, and what is refused."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from leapsr.errors import ImageError
from leapsr.pictures import jpeg_xl
from leapsr.pictures.picture import load, measure
from tests.conftest import picture_array
from tests.pictures import photos

codecs = pytest.importorskip("imagecodecs", reason="JPEG XL is made and read by imagecodecs")
pytest.importorskip("pillow_jxl", reason="the colours of a JPEG XL are told by pillow-jxl-plugin")
if not codecs.JPEGXL.available:
    pytest.skip("this imagecodecs has no libjxl", allow_module_level=True)

SIZES = [(1, 1), (7, 9), (300, 200), (8, 16), (9, 16), (513, 3), (256, 256), (24, 1000), (2000, 24)]


def encoded(values: np.ndarray, **options: object) -> bytes:
    return codecs.jpegxl_encode(values, lossless=True, **options)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_every_level_is_read(channels, kind):
    values = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (9, 12, channels), kind, endpoint=True)
    values = values[..., 0] if channels == 1 else values
    picture = load(encoded(values))
    assert picture.depth == 8 * np.dtype(kind).itemsize
    assert np.array_equal(picture.numpy(), values)


@pytest.mark.parametrize("bits", [10, 12])
def test_ten_and_twelve_bits_become_sixteen(bits):
    values = np.linspace(0, 2**bits - 1, 9 * 12 * 3).round().reshape(9, 12, 3).astype(np.uint16)
    found = load(encoded(values, bitspersample=bits)).numpy()
    assert np.abs(found - values * (65_535 / (2**bits - 1))).max() <= 0.51


def test_floats():
    values = np.linspace(0, 1, 9 * 12 * 3, dtype=np.float32).reshape(9, 12, 3)
    picture = load(encoded(values))
    assert np.abs(picture.rgb.permute(1, 2, 0).numpy() - values).max() < 1e-6


@pytest.mark.parametrize("size", SIZES)
def test_the_size_is_known_from_the_header(size):
    data = encoded(np.zeros((*size, 3), np.uint8))
    assert measure(data) == size
    assert load(data).size == size


def test_photos_of_other_programs(tmp_path):
    """By pillow-jxl-plugin, which leaves out the distance in front of EXIF, with profile, EXIF and XMP."""
    values = picture_array(24, 36)
    file = io.BytesIO()
    about = {"exif": photos.camera_exif(6), "xmp": photos.XMP, "use_container": True}
    Image.fromarray(values).save(file, "JXL", lossless=True, **about)
    data = file.getvalue()
    block = data.index(b"Exif") + 4
    size = int.from_bytes(data[block - 8 : block - 4], "big")
    standard = data[: block - 8] + struct.pack(">I", size + 4) + b"Exif" + bytes(4) + data[block:]
    for each in (data, standard):
        picture = load(each)
        assert np.array_equal(picture.numpy(), values)  # the codestream says how it is turned, not EXIF
        assert picture.pil().getexif()[0x010F] == "Maker"
        assert picture.pil().getexif()[0x0112] == 1
        assert picture.xmp is not None
        picture.save(tmp_path / "a.png")


def test_a_jpeg_inside():
    jpeg = photos.jpeg(40, 30)
    data = codecs.jpegxl_encode_jpeg(jpeg)
    with Image.open(io.BytesIO(jpeg)) as image:
        assert np.abs(load(data).numpy().astype(int) - np.asarray(image)).mean() < 1.5


def test_colours_by_code_points_in_the_profile():
    def profile(primaries: int, transfer: int) -> bytes:
        head = bytes(128) + struct.pack(">I", 1) + b"cicp" + struct.pack(">II", 144, 12)
        return head + b"cicp" + bytes(4) + bytes((primaries, transfer, 0, 1)) + bytes(500)

    assert jpeg_xl._colours(profile(1, 13), "it").profile(False) is None
    assert jpeg_xl._colours(profile(12, 13), "it").profile(False) is not None
    for transfer, name in ((16, "PQ"), (18, "HLG")):
        with pytest.raises(ImageError, match=f"HDR picture \\({name}\\)"):
            jpeg_xl._colours(profile(9, transfer), "it")


def test_animations_are_refused():
    frames = np.stack([picture_array(24, 36, seed) for seed in (0, 1)])
    for take in (load, measure):
        with pytest.raises(ImageError, match="is an animation"):
            take(codecs.jpegxl_encode(frames))


def test_damage():
    data = encoded(picture_array(24, 36))
    for cut in (2, 3, 5, 40, len(data) // 2):
        with pytest.raises(ImageError, match="damaged or incomplete"):
            load(data[:cut])
    huge = b"\xff\x0a" + bytes((0b11111110, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF))
    for take in (load, measure):
        with pytest.raises(ImageError, match="at most 30000 a side"):
            take(huge)


def test_through_a_folder(tmp_path):
    from leapsr.batch import jobs

    (tmp_path / "a.jxl").write_bytes(encoded(picture_array(24, 36)))
    (job,) = jobs.plan([tmp_path], tmp_path / "out", "x4").jobs
    assert job.output.name == "a_x4.png"


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def with_compressed_boxes(values: np.ndarray, *boxes: bytes) -> bytes:
    start = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    return start + b"".join(boxes) + box(b"jxlc", encoded(values))


def test_compressed_boxes_are_unpacked():
    values = picture_array(24, 36)
    exif = box(b"brob", b"Exif" + codecs.brotli_encode(bytes(4) + photos.camera_exif(1)[6:]))
    packet = box(b"brob", b"xml " + codecs.brotli_encode(photos.XMP))
    picture = load(with_compressed_boxes(values, exif, packet))
    assert picture.pil().getexif()[0x010F] == "Maker"
    assert picture.xmp is not None
    assert b"Maker" in picture.exif


@pytest.mark.parametrize("packed", [b"no Brotli", b"too much"])
def test_compressed_boxes_that_cannot_be_unpacked_are_told(packed, caplog, monkeypatch):
    monkeypatch.setattr(jpeg_xl, "_MOST_UNPACKED", 1 << 10)
    content = codecs.brotli_encode(bytes(1 << 11)) if packed == b"too much" else packed
    picture = load(with_compressed_boxes(picture_array(24, 36), box(b"brob", b"Exif" + content)))
    assert picture.exif is None
    assert "EXIF data of the picture cannot be unpacked" in caplog.text


@pytest.mark.parametrize("start", [1 << 20, 600])
def test_code_points_outside_of_the_profile(start, caplog):
    head = bytes(128) + struct.pack(">I", 1) + b"cicp" + struct.pack(">II", start, 12)
    assert jpeg_xl._colours(head + bytes(20), "it").icc == head + bytes(20)
    assert jpeg_xl._colours(head[:140], "it").icc == head[:140]
    assert "damaged" in caplog.text
