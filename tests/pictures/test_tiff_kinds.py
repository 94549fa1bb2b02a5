"""TIFFs of every kind of number are read right, or refused by a name for what they hold."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from leapsr.errors import ImageError
from leapsr.pictures.picture import load, measure
from tests.conftest import picture_array
from tests.pictures import photos
from tests.pictures.test_formats import HEIGHT, RANDOM, WIDTH, noise, same, tiff
from tests.pictures.test_picture import encoded

WHITE_IS_ZERO = {"photometric": "miniswhite", "metadata": None}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lzw"},
        {"compression": "zlib", "predictor": 2},
        {"compression": "packbits"},
        {"tile": (16, 16), "compression": "zlib"},
        {"bigtiff": True},
    ],
    ids=["plain", "lzw", "deflate", "packbits", "tiles", "big"],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_no_negatives(dtype, options, order):
    values = noise(1, dtype)
    data = tiff(np.iinfo(dtype).max - values, byteorder=order, **(WHITE_IS_ZERO | options))
    same(load(data), values)
    assert measure(data) == (HEIGHT, WIDTH)


@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_no_negatives_of_floats(dtype, order, compression, photometric):
    values = (noise(1) / 65_535).astype(dtype)
    data = tiff(values, byteorder=order, compression=compression, photometric=photometric, metadata=None)
    expected = values.astype(np.float32)
    expected = 1 - expected if photometric == "miniswhite" else expected
    np.testing.assert_allclose(load(data).rgb[0].numpy(), expected, atol=1e-6)


def packed(levels: np.ndarray, bits: int, order: str, photometric: int, fill_order: int = 1) -> bytes:
    """A TIFF of grey with these bits, the rows packed as the standard says."""
    rows = np.unpackbits(levels.astype(">u2").view(np.uint8), axis=None).reshape(*levels.shape, 16)[
        ..., 16 - bits :
    ]
    body = np.packbits(rows.reshape(len(levels), -1), axis=1, bitorder="big" if fill_order == 1 else "little")
    tags = {256: levels.shape[1], 257: levels.shape[0], 258: bits, 259: 1, 262: photometric, 266: fill_order}
    tags |= {273: 0, 277: 1, 278: levels.shape[0], 279: body.size}
    tags[273] = 10 + 12 * len(tags) + 4
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(tags))
    return head + entries + bytes(4) + body.tobytes()


@pytest.mark.parametrize("fill_order", [1, 2])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 14])
def test_grey_of_every_number_of_bits(bits, photometric, order, fill_order):
    levels = RANDOM.integers(0, 2**bits, (HEIGHT, WIDTH))
    picture = load(packed(levels, bits, order, photometric, fill_order))
    expected = (levels if photometric else 2**bits - 1 - levels) / (2**bits - 1)
    np.testing.assert_allclose(picture.rgb[0].numpy(), expected, atol=1e-6)
    assert picture.depth == (8 if bits <= 8 else 16)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_integers_of_32_bits(photometric, order, compression):
    values = noise(1, np.uint32)
    data = tiff(values, byteorder=order, photometric=photometric, compression=compression, metadata=None)
    expected = values / (2**32 - 1)
    expected = 1 - expected if photometric == "miniswhite" else expected
    np.testing.assert_allclose(load(data).rgb[0].numpy(), expected, atol=1e-6)


def test_colours_of_32_bits():
    values = noise(3, np.uint32)
    picture = load(tiff(values, metadata=None))
    np.testing.assert_allclose(picture.rgb.permute(1, 2, 0).numpy(), values / (2**32 - 1), atol=1e-6)


def test_a_fourth_sample_of_which_nothing_is_said():
    values = noise(4)
    for stored in (values, values / np.float32(65_535)):
        picture = load(tiff(stored, extrasamples=["unspecified"], metadata=None))
        assert picture.alpha is None
        np.testing.assert_allclose(picture.rgb.permute(1, 2, 0).numpy(), values[..., :3] / 65_535, atol=1e-6)


def test_grey_of_which_zero_is_white_with_alpha():
    values = noise(2)
    stored = np.stack((65_535 - values[..., 0], values[..., 1]), -1)
    picture = load(tiff(stored, **WHITE_IS_ZERO))
    assert picture.grey
    assert np.array_equal(np.round(picture.numpy()), values)


@pytest.mark.parametrize("compression", ["zstd", "lzma", "jpeg2000", "webp", "lerc"])
def test_compressions(compression):
    values = picture_array(64, 48)
    options = {"compressionargs": {"level": 0}} if compression == "jpeg2000" else {}
    options = {"compressionargs": {"lossless": True}} if compression == "webp" else options
    data = tiff(values, compression=compression, metadata=None, **options)
    same(load(data), tifffile.imread(io.BytesIO(data)))
    assert np.abs(load(data).numpy().astype(int) - values).max() <= 2


def test_big_tiffs_of_floats(caplog):
    values, icc = (
        (noise(3) / 65_535).astype(np.float32),
        photos.rgb_profile(photos.P3_PRIMARIES, photos.table()),
    )
    for order in "<>":
        data = tiff(
            values, bigtiff=True, byteorder=order, software="a scanner", metadata=None, iccprofile=icc
        )
        picture = load(data)
        np.testing.assert_array_equal(picture.rgb.permute(1, 2, 0).numpy(), values)
        assert picture.icc == icc
        if order == "<":  # of the other Pillow does not know the header
            assert picture.exif is not None
            assert b"a scanner" in picture.exif
    assert not caplog.text


# YCbCr


def in_ycbcr(rgb: np.ndarray, sampling: tuple[int, int], order: str, coefficients: str = "601") -> bytes:
    """Uncompressed; the data units of TIFF 6.0, section 21: the Y of a block, then its Cb and Cr."""
    red, green, blue = {"601": (0.299, 0.587, 0.114), "709": (0.2126, 0.7152, 0.0722)}[coefficients]
    y = rgb @ (red, green, blue)
    cb, cr = (rgb[..., 2] - y) / (2 - 2 * blue) + 128, (rgb[..., 0] - y) / (2 - 2 * red) + 128
    across, down = sampling
    height, width = rgb.shape[0] // down, rgb.shape[1] // across
    luma = y.reshape(height, down, width, across).transpose(0, 2, 1, 3).reshape(height, width, -1)
    chroma = [c.reshape(height, down, width, across).mean((1, 3))[..., None] for c in (cb, cr)]
    body = np.concatenate((luma, *chroma), -1).round().clip(0, 255).astype(np.uint8).tobytes()
    rationals = struct.pack(
        f"{order}6I", *(n for c in (red, green, blue) for n in (round(c * 10_000), 10_000))
    )
    reference = struct.pack(f"{order}12I", *(n for v in (0, 255, 128, 255, 128, 255) for n in (v, 1)))
    rows = [(256, 4, [rgb.shape[1]]), (257, 4, [rgb.shape[0]]), (258, 3, b""), (259, 3, [1]), (262, 3, [6])]
    rows += [(273, 4, [0]), (277, 3, [3]), (278, 4, [rgb.shape[0]]), (279, 4, [len(body)])]
    rows += [(529, 5, rationals), (530, 3, list(sampling)), (532, 5, reference)]
    after = 10 + 12 * len(rows) + 4
    eights = struct.pack(f"{order}3H", 8, 8, 8)
    places = {258: after, 529: after + 6, 532: after + 30, 273: after + 78}
    entries = b""
    for tag, kind, value in rows:
        count = {258: 3, 529: 3, 532: 6}.get(tag, len(value))
        field = (
            struct.pack(f"{order}I", places[tag])
            if tag in places
            else b"".join(struct.pack(order + {3: "H", 4: "I"}[kind], n) for n in value).ljust(4, b"\0")
        )
        entries += struct.pack(f"{order}HHI", tag, kind, count) + field
    head = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(rows))
    return head + entries + bytes(4) + eights + rationals + reference + body


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("coefficients", ["601", "709"])
@pytest.mark.parametrize("sampling", [(1, 1), (2, 1), (2, 2), (4, 1), (4, 2)])
def test_uncompressed_ycbcr(sampling, order, coefficients):
    flat = np.repeat(np.repeat(picture_array(8, 12), 4, 0), 4, 1).astype(float)
    picture = load(data := in_ycbcr(flat, sampling, order, coefficients))
    assert measure(data) == picture.size == (32, 48)
    assert np.abs(picture.numpy().astype(int) - flat).max() <= 3


# What is refused


def with_tag(data: bytes, tag: int, value: int) -> bytes:
    """The file with another number in a tag that it has."""
    place = data.index(struct.pack("<HHI", tag, 3, 1)) + 8
    return data[:place] + struct.pack("<H", value) + data[place + 2 :]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (tiff(noise(1).astype(np.int16), metadata=None), "signed integers"),
        (tiff(noise(1).astype(np.int16), compression="lzw", metadata=None), "signed integers"),
        (tiff(noise(1).astype(np.int8), metadata=None), "signed integers"),
        (tiff(noise(1).astype(np.int32), byteorder=">", metadata=None), "signed integers"),
        (tiff(noise(3).astype(np.int16), metadata=None), "signed integers"),
        (tiff(noise(1).astype(np.complex64), metadata=None), "complex numbers"),
        (tiff(noise(1).astype(np.uint64), metadata=None), "64 bits"),
        (tiff(noise(3), photometric="cielab", metadata=None), r"L\*a\*b\* of 16 bits"),
        (tiff(noise(3, np.uint8), photometric="icclab", metadata=None), r"ICC L\*a\*b\*"),
        (
            tiff(noise(3, np.uint8), photometric="minisblack", planarconfig="contig", metadata=None),
            "3 samples",
        ),
        (
            tiff(noise(4) / np.float32(65_535), photometric="separated", extrasamples=[], metadata=None),
            "CMYK",
        ),
        (
            tiff(
                noise(4, np.uint8), photometric="separated", extrasamples=[], extratags=[(332, 3, 1, 2, True)]
            ),
            "other than CMYK",
        ),
        (with_tag(tiff(noise(1, np.uint8)), 262, 32_844), "LogL"),
        (with_tag(tiff(noise(1, np.uint8)), 262, 77), "PhotometricInterpretation 77"),
        (with_tag(tiff(noise(1, np.uint8)), 262, 4), "a mask"),
    ],
)
@pytest.mark.parametrize("take", [load, measure])
def test_what_nothing_here_reads_right(take, data, says):
    with pytest.raises(ImageError, match=says) as caught:
        take(data)
    assert "convert it to grey or RGB" in str(caught.value)


def test_images_that_pillow_has_opened():
    """Of them the same holds, as they come from the same files."""
    values = noise(1)
    same(load(Image.open(io.BytesIO(tiff(65_535 - values, **WHITE_IS_ZERO)))), values)
    for stored in (values.astype(np.int16), noise(1, np.uint32)):
        image = Image.open(io.BytesIO(tiff(stored, metadata=None)))
        with pytest.raises(ImageError, match=r"signed integers|give the file"):
            load(image)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "LAB", "YCbCr", "F", "I;16"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_everything_that_pillow_writes(mode, compression):
    image = Image.fromarray(picture_array(20, 24))
    image = image.convert("L").convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)
    if mode == "F":
        image = Image.fromarray(np.asarray(image) / np.float32(255))
    picture = load(encoded(image, "TIFF", compression=compression))
    expected = load(image)
    assert np.abs(picture.numpy().astype(float) - expected.numpy()).max() <= (3 if mode == "YCbCr" else 0)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_palettes_of_16_bits_and_of_8(compression, order):
    """The second is wrong, and still what some writers do."""
    levels, palette = noise(1, np.uint8), RANDOM.integers(0, 256, (3, 256), np.uint8)
    for stored in (palette.astype(np.uint16) * 257, palette.astype(np.uint16)):
        options = {"photometric": "palette", "colormap": stored, "compression": compression}
        data = tiff(levels, byteorder=order, metadata=None, **options)
        same(load(data), palette[:, levels].transpose(1, 2, 0))


def test_ycbcr_of_one_sample_is_grey():
    values = noise(1, np.uint8)
    same(load(with_tag(tiff(values, metadata=None), 262, 6)), values)
