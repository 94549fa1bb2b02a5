"""AVIF and HEIC of 10 and 12 bits: every level arrives."""

import io

import imagecodecs
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from leapsr.errors import ImageError
from leapsr.pictures.picture import Picture, load, measure
from leapsr.pictures.save_file import save
from tests.pictures import photos

HEIGHT, WIDTH = 16, 24
RAMP = np.linspace(0, 1, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)


def levels(bits: int, channels: int) -> np.ndarray:
    """A ramp from nothing to the greatest level, the same in all colours, and the other way in alpha."""
    ramp = (RAMP * (2**bits - 1)).round().astype(np.uint16)
    planes = [ramp] * min(channels, 3) + [ramp[::-1]] * (channels == 4)
    return np.stack(planes, -1) if channels > 1 else ramp


def avif(bits: int, channels: int) -> bytes:
    return imagecodecs.avif_encode(levels(bits, channels), level=100, bitspersample=bits, pixelformat="444")


def heic(bits: int, channels: int) -> bytes:
    values, buffer = levels(bits, channels), io.BytesIO()
    mode = {1: "I;16", 3: f"RGB;{bits}", 4: f"RGBA;{bits}"}[channels]
    raw = values << (16 - bits) if channels == 1 else values
    pillow_heif.from_bytes(mode, (WIDTH, HEIGHT), raw.tobytes()).save(buffer, quality=-1, chroma=444)
    return buffer.getvalue()


def worst(picture: Picture, bits: int, channels: int) -> float:
    """Greatest error, in levels of the file."""
    expected = levels(bits, channels) / (2**bits - 1)
    return np.abs(picture.numpy() / 65_535 - expected).max() * (2**bits - 1)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("make", [avif, heic])
def test_levels_are_those_of_the_file(make, bits, channels):
    picture = load(data := make(bits, channels))
    assert picture.depth == 16
    assert picture.size == measure(data) == (HEIGHT, WIDTH)
    assert worst(picture, bits, channels) <= 2.01  # of YCbCr; 8 bits would be up to 8 wrong, or 128
    assert len(np.unique(picture.numpy()[..., 0])) > 0.7 * HEIGHT * WIDTH
    assert picture.numpy().min() == 0
    assert picture.numpy().max() == 65_535


@pytest.mark.parametrize("make", [avif, heic])
def test_grey_of_ten_bits(make):
    picture = load(make(10, 1))
    assert picture.depth == 16
    assert worst(picture, 10, 3 if picture.numpy().ndim == 3 else 1) <= 2.01


def test_all_bits_reach_a_file(tmp_path):
    save(load(heic(10, 3)), tmp_path / "a.png")
    written = imagecodecs.png_decode((tmp_path / "a.png").read_bytes())
    assert written.dtype == np.uint16
    assert np.abs(written[..., 0] / 65_535 - RAMP).max() < 2.6 / 1023


def boxed(data: bytes, kind: bytes, payload: bytes) -> bytes:
    """The AVIF with one property more, which belongs to its first item."""
    place = data.index(b"ipco") - 4
    size = int.from_bytes(data[place : place + 4], "big")
    box = (8 + len(payload)).to_bytes(4, "big") + kind + payload
    number = 1
    at = place + 8
    while at < place + size:
        at += int.from_bytes(data[at : at + 4], "big")
        number += 1
    ipma = data.index(b"ipma")  # version, flags, how many items, then each: its number, how many, which
    out = bytearray(data)
    out[ipma + 14] += 1
    out.insert(ipma + 15, 0x80 | number)
    out[place + size : place + size] = box
    for name, more in ((b"ipco", len(box)), (b"ipma", 1), (b"iprp", len(box) + 1), (b"meta", len(box) + 1)):
        start = out.index(name) - 4
        out[start : start + 4] = (int.from_bytes(out[start : start + 4], "big") + more).to_bytes(4, "big")
    _move_items(out, len(box) + 1)
    return bytes(out)


def _move_items(out: bytearray, by: int) -> None:
    """The places of the items in a table with offsets of 4 bytes and one extent each."""
    start = out.index(b"iloc") + 4
    assert out[start : start + 1] + out[start + 4 : start + 5] == b"\0\x44"
    for i in range(int.from_bytes(out[start + 6 : start + 8], "big")):
        at = start + 8 + 14 * i + 6
        out[at : at + 4] = (int.from_bytes(out[at : at + 4], "big") + by).to_bytes(4, "big")


@pytest.mark.parametrize("quarters", range(4))
def test_turned_as_the_file_says(quarters):
    """`irot` counts quarter turns to the left; eight bits of the same file are Pillow's to turn."""
    data = boxed(avif(10, 3), b"irot", bytes((quarters,)))
    picture = load(data)
    expected = np.rot90(levels(10, 3), quarters) / 1023
    assert picture.size == measure(data) == expected.shape[:2]
    assert np.abs(picture.numpy() / 65_535 - expected).max() < 3 / 1023
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (WIDTH, HEIGHT)


def test_a_turned_heic():
    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    file = pillow_heif.from_bytes("RGB;10", (WIDTH, HEIGHT), levels(10, 3).tobytes())
    file.save(buffer, quality=-1, chroma=444, exif=photos.camera_exif(6, thumbnail=b"")[6:])
    picture = load(buffer.getvalue())
    assert picture.size == measure(buffer.getvalue()) == (WIDTH, HEIGHT)
    expected = np.rot90(levels(10, 3), -1) / 1023
    assert np.abs(picture.numpy() / 65_535 - expected).max() < 3 / 1023


def test_an_avif_without_the_extra(monkeypatch, caplog):
    data = avif(10, 3)
    monkeypatch.setitem(__import__("sys").modules, "imagecodecs", None)
    assert load(data).depth == 8
    assert "8 of its 10 bits" in caplog.text
    assert "pip install 'leapsr[formats]'" in caplog.text


@pytest.mark.parametrize("make", [avif, heic])
@pytest.mark.parametrize("part", [0.5, 0.9, 0.99])
def test_cut_files(make, part):
    data = make(10, 3)
    with pytest.raises(ImageError, match=r"damaged|not a picture"):
        load(data[: int(part * len(data))])


def heic_of_several(first: np.ndarray, second: np.ndarray, primary: int, bits: int = 8) -> bytes:
    """Both are (H, W, 3), uint8, or uint16 of 10 bits."""
    file, buffer = pillow_heif.HeifFile(), io.BytesIO()
    mode = "RGB" if bits == 8 else f"RGB;{bits}"
    for values in (first, second):
        file.add_frombytes(mode, values.shape[1::-1], values.tobytes())
    file.save(buffer, quality=-1, chroma=444, primary_index=primary)
    return buffer.getvalue()


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("primary", [0, 1])
@pytest.mark.parametrize("side", [1, 2])
def test_of_several_pictures_the_primary(primary, bits, side):
    """Also where they are of different sizes."""
    dark, bright = levels(bits, 3) // 4, np.repeat(levels(bits, 3), side, 0)
    dark, bright = (part.astype(np.uint8 if bits == 8 else np.uint16) for part in (dark, bright))
    expected = (dark, bright)[primary]
    picture = load(data := heic_of_several(dark, bright, primary, bits))
    assert picture.size == measure(data) == expected.shape[:2]
    assert np.abs(picture.numpy() / (2**picture.depth - 1) - expected / (2**bits - 1)).max() < 3 / 2**bits
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 2
        image.seek(1 - primary)
        assert load(image).size == (dark, bright)[1 - primary].shape[:2]
