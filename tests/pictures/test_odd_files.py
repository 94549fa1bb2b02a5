"""Whole files of rare kinds: the picture that was put in comes out, or a sentence says what the file is.

None of them is called damaged, and none becomes another picture. The files are by tifffile, Pillow and
pillow-heif, or put together here as the standards say.
"""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from leapsr.errors import ImageError
from leapsr.pictures.picture import load, measure
from tests.pictures.test_formats import noise, tiff
from tests.pictures.test_picture import encoded

HEIGHT, WIDTH = 48, 64
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH] / np.array([HEIGHT, WIDTH])[:, None, None]
SCENE = np.stack([0.2 + 0.6 * X, 0.15 + 0.6 * Y, 0.75 - 0.5 * X * Y], -1)
RGB, RGB16 = (255 * SCENE).round().astype(np.uint8), (65_535 * SCENE).round().astype(np.uint16)
GREY = RGB[..., 1]
IMAGE = Image.fromarray(RGB)
INKS = np.asarray(IMAGE.convert("CMYK"))


def planar(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def lab() -> np.ndarray:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return np.asarray(ImageCms.applyTransform(IMAGE, ImageCms.buildTransform(*profiles, "RGB", "LAB")))


def with_samples(*more: np.ndarray, values: np.ndarray = RGB) -> np.ndarray:
    return np.concatenate([values, *(plane[..., None] for plane in more)], -1)


def samples(*kinds: str, **options: object) -> dict[str, object]:
    return {"photometric": "rgb", "extrasamples": list(kinds), "metadata": None} | options


SEPARATE = {"planarconfig": "separate"}
ALPHA, OTHER = GREY, 255 - GREY
READ = {
    "more samples": (tiff(with_samples(OTHER, OTHER), **samples("unspecified", "unspecified")), RGB),
    "more samples in planes": (
        tiff(planar(with_samples(OTHER, OTHER)), **samples("unspecified", "unspecified", **SEPARATE)),
        RGB,
    ),
    "more samples of 16 bits": (
        tiff(with_samples(RGB16[..., 0], RGB16[..., 1], values=RGB16), **samples(*2 * ["unspecified"])),
        RGB16,
    ),
    "alpha, then another": (
        tiff(with_samples(ALPHA, OTHER), **samples("unassalpha", "unspecified")),
        with_samples(ALPHA),
    ),
    "another, then alpha": (
        tiff(with_samples(OTHER, ALPHA), **samples("unspecified", "unassalpha")),
        with_samples(ALPHA),
    ),
    "another, then alpha, of floats": (
        tiff((with_samples(OTHER, ALPHA) / 255).astype(np.float32), **samples("unspecified", "unassalpha")),
        with_samples(ALPHA),
    ),
    "CMYK in planes": (tiff(planar(INKS), photometric="separated", metadata=None, **SEPARATE), RGB),
    "CMYK of a stated range": (
        tiff(INKS, photometric="separated", metadata=None, extratags=[(336, 3, 2, (0, 255), True)]),
        RGB,
    ),
    "L*a*b* in tiles": (tiff(lab(), photometric="cielab", metadata=None, tile=(16, 16)), RGB),
    "predicted floats": (
        tiff(SCENE.astype(np.float32), photometric="rgb", compression="zlib", predictor=3, metadata=None),
        RGB16,
    ),
    "references that say nothing": (
        tiff(RGB, metadata=None, extratags=[(532, 5, 6, (0, 1, 255, 1) * 3, True)]),
        RGB,
    ),
}


def same(data: bytes, expected: np.ndarray, levels: float = 1.0) -> None:
    """levels: of 255, on average."""
    picture = load(data)
    found = picture.numpy()
    assert found.shape == expected.shape
    assert measure(data) == picture.size
    top = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65_535}
    difference = found / top[found.dtype] - expected / top[expected.dtype]
    assert 255 * np.abs(difference).mean() < levels


@pytest.mark.parametrize("name", READ)
def test_tiffs_that_are_read(name):
    same(*READ[name])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            tiff(planar(lab()), photometric="cielab", metadata=None, **SEPARATE),
            r"L\*a\*b\* in separate planes",
        ),
        (
            tiff(planar(INKS.astype(np.uint16) * 257), photometric="separated", metadata=None, **SEPARATE),
            "CMYK in separate planes",
        ),
        (
            tiff(
                planar(with_samples(OTHER, values=INKS)),
                photometric="separated",
                extrasamples=["unspecified"],
                metadata=None,
                **SEPARATE,
            ),
            "CMYK in separate planes",
        ),
        (
            tiff(INKS, photometric="separated", metadata=None, extratags=[(336, 3, 2, (255, 0), True)]),
            "another range of numbers",
        ),
        (
            tiff(
                np.stack([GREY] * 3),
                volumetric=True,
                tile=(16, 16, 16),
                metadata=None,
                photometric="minisblack",
            ),
            "3 layers",
        ),
        (
            tiff(RGB, metadata=None, extratags=[(532, 5, 6, (16, 1, 235, 1) * 3, True)]),
            "narrow range of video",
        ),
        (tiff((255 * SCENE).astype(np.float32), metadata=None), "numbers from .* to .*; bring them to 0"),
    ],
)
def test_tiffs_that_would_be_another_picture(data, says):
    with pytest.raises(ImageError, match=says):
        load(data)


def test_highlights_of_floats_are_cut(caplog):
    """A part of the numbers beyond 1 is a highlight, most of them are another range."""
    same(
        tiff((1.5 * SCENE).astype(np.float32), metadata=None),
        (65_535 * (1.5 * SCENE).clip(0, 1)).astype(np.uint16),
    )
    assert "outside of 0 to 1" in caplog.text


# PNG


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(data: bytes, part: bytes) -> bytes:
    """Behind the header."""
    return data[:33] + part + data[33:]


@pytest.mark.parametrize("kind", [b"tEXt", b"pHYs", b"gAMA", b"zzZz"])
def test_a_damaged_chunk_that_is_no_pixels(kind, caplog):
    part = chunk(kind, b"abcd")
    damaged = with_chunk(encoded(IMAGE, "PNG"), part[:-1] + bytes([part[-1] ^ 1]))
    same(damaged, RGB, 0.01)
    assert "that are not its pixels were left out" in caplog.text


def test_a_damaged_chunk_of_pixels_is_refused():
    data = bytearray(encoded(IMAGE, "PNG"))
    data[data.index(b"IDAT") + 40] ^= 1
    with pytest.raises(ImageError, match="damaged"):
        load(bytes(data))


@pytest.mark.parametrize(
    "part", [chunk(b"sBIT", b"\5\5\5"), chunk(b"bKGD", bytes(6)), chunk(b"mDCV", bytes(24))]
)
def test_what_changes_no_numbers(part):
    same(with_chunk(encoded(IMAGE, "PNG"), part), RGB, 0.01)


# BMP

COLOURS = np.ascontiguousarray(RGB[::-1, :, ::-1])
MASKS = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)


def bmp(head: bytes, pixels: bytes, palette: bytes = b"") -> bytes:
    place = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", place + len(pixels), 0, 0, place) + head + palette + pixels


def head(size: int, bits: int, coding: int = 0, colours: int = 0, height: int = HEIGHT) -> bytes:
    numbers = struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, bits, coding, 0, 0, 0, colours, 0)
    return (
        numbers + (MASKS + b"BGRs").ljust(size - 40, b"\0") * (coding == 3) + bytes(size - 40) * (coding != 3)
    )


def four(last: np.ndarray) -> bytes:
    return np.dstack([COLOURS, last[::-1]]).tobytes()


NOTHING = np.zeros_like(GREY)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (bmp(struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24), COLOURS.tobytes()), RGB),
        (bmp(head(64, 24), COLOURS.tobytes()), RGB),
        (bmp(head(40, 24, height=-HEIGHT), COLOURS[::-1].tobytes()), RGB),
        (bmp(head(40, 32), four(ALPHA)), RGB),
        (bmp(head(124, 32, 3), four(ALPHA)), with_samples(ALPHA)),
        (bmp(head(108, 32, 3), four(ALPHA)), with_samples(ALPHA)),
        (bmp(head(124, 32, 3), four(NOTHING)), RGB),  # all transparent is nobody's picture
        (
            bmp(
                head(40, 8, colours=16),
                (GREY[::-1] >> 4).tobytes(),
                b"".join(bytes([17 * i] * 3 + [0]) for i in range(16)),
            ),
            np.repeat((GREY >> 4)[..., None] * np.uint8(17), 3, 2),
        ),
    ],
    ids=["OS/2", "OS/2, 2", "top down", "32", "alpha, 5", "alpha, 4", "no alpha", "short palette"],
)
def test_bmps(data, expected):
    same(data, expected, 0.01)


@pytest.mark.parametrize(
    "data",
    [
        bmp(head(40, 0, 4), encoded(IMAGE, "JPEG")),
        bmp(head(40, 2, colours=4), bytes(HEIGHT * WIDTH // 4), bytes(16)),
        b"BA" + struct.pack("<IIHH", 14, 0, 0, 0) + bmp(head(40, 24), COLOURS.tobytes()),
    ],
    ids=["a JPEG inside", "2 bits", "an array"],
)
def test_bmps_that_are_not_read(data):
    with pytest.raises(ImageError, match="or a BMP of a kind that is not read"):
        load(data)


@pytest.mark.parametrize(
    ("kind", "says"),
    [("PNG", "a PNG"), ("GIF", "a GIF"), ("WEBP", "a WebP"), ("TIFF", "a TIFF"), ("AVIF", "an AVIF")],
)
def test_what_cannot_be_opened_is_named(kind, says):
    data = encoded(IMAGE, kind)
    with pytest.raises(ImageError, match=f"or {says} of a kind that is not read"):
        load(data[:12] + bytes(100))


# AVIF and HEIC


def with_properties(data: bytes, *properties: tuple[bytes, bytes], essential: bool = True) -> bytes:
    """An AVIF or HEIC with more properties of its primary picture, which is the first (ISO/IEC 23008-12)."""

    def boxes(start: int, end: int) -> dict[bytes, tuple[int, int]]:
        found = {}
        while start < end:
            size = int.from_bytes(changed[start : start + 4], "big")
            found.setdefault(bytes(changed[start + 4 : start + 8]), (start, start + size))
            start += size
        return found

    changed = bytearray(data)
    meta = boxes(0, len(changed))[b"meta"]
    inside = boxes(meta[0] + 12, meta[1])
    parts = boxes(inside[b"iprp"][0] + 8, inside[b"iprp"][1])
    known, place, count = parts[b"ipco"], parts[b"ipco"][0] + 8, 0
    while place < known[1]:
        place, count = place + int.from_bytes(changed[place : place + 4], "big"), count + 1
    table = parts[b"ipma"][0] + 16
    assert changed[table - 8 : table - 4] == bytes(4), "small numbers of items and properties"
    here = table + 3 + changed[table + 2]
    changed[table + 2] += len(properties)
    indices = bytes(0x80 * essential | (count + 1 + i) for i in range(len(properties)))
    content = b"".join(struct.pack(">I4s", 8 + len(body), kind) + body for kind, body in properties)
    added = len(content) + len(indices)
    for start, more in (
        (meta[0], added),
        (inside[b"iprp"][0], added),
        (parts[b"ipco"][0], len(content)),
        (parts[b"ipma"][0], len(indices)),
    ):
        struct.pack_into(">I", changed, start, int.from_bytes(changed[start : start + 4], "big") + more)
    _move_items(changed, inside[b"iloc"][0], added)
    changed[here:here] = indices
    changed[known[1] : known[1]] = content
    return bytes(changed)


def _move_items(data: bytearray, box: int, by: int) -> None:
    """Where the data of each item lie, in the table of version 0 or 1 with offsets of 4 bytes and no base."""
    version, place = data[box + 8], box + 16
    assert data[box + 12] >> 4 == 4
    base = data[box + 13] >> 4
    for _ in range(int.from_bytes(data[box + 14 : box + 16], "big")):
        place += 4 + 2 * (version > 0) + base
        count = int.from_bytes(data[place : place + 2], "big")
        for extent in range(place + 2, place + 2 + 8 * count, 8):
            struct.pack_into(">I", data, extent, int.from_bytes(data[extent : extent + 4], "big") + by)
        place += 2 + 8 * count


def shown(width: int, height: int, across: int = 0, down: int = 0) -> tuple[bytes, bytes]:
    """A clean aperture. across, down: of its middle from that of the picture."""
    return b"clap", struct.pack(">IIIIiIiI", width, 1, height, 1, across, 1, down, 1)


MIDDLE = RGB[9:39, 12:52]
TURNED, MIRRORED = (b"irot", b"\1"), (b"imir", b"\1")


@pytest.mark.parametrize("kind", ["AVIF", "HEIF", "AVIF of 10 bits"])
@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ([shown(40, 30)], MIDDLE),
        ([shown(40, 30, -6, 4)], RGB[13:43, 6:46]),
        ([shown(40, 30), TURNED], np.rot90(MIDDLE)),
        ([TURNED], np.rot90(RGB)),
        ([MIRRORED], RGB[:, ::-1]),
        ([TURNED, MIRRORED], np.rot90(RGB)[:, ::-1]),
    ],
)
def test_the_part_that_is_shown(kind, properties, expected):
    """Some libraries decode all of it, and leave the rest to their caller."""
    if kind == "AVIF of 10 bits":
        codecs = pytest.importorskip("imagecodecs", reason="AVIF of 10 bits needs imagecodecs")
        data = codecs.avif_encode(RGB16 >> 6, bitspersample=10, level=95)
    elif kind == "HEIF":
        pytest.importorskip("pillow_heif", reason="HEIC needs pillow-heif").register_heif_opener()
        data = encoded(IMAGE, kind, quality=95, chroma=444)
    else:
        data = encoded(IMAGE, kind, quality=95, subsampling="4:4:4")
    same(with_properties(data, *properties), expected, 1.5)


@pytest.mark.parametrize("part", [shown(80, 30), shown(40, 30, 40), (b"clap", bytes(32))])
def test_a_part_that_is_none(part):
    same(with_properties(encoded(IMAGE, "AVIF", quality=95, subsampling="4:4:4"), part), RGB, 1.5)


# Others


def test_inks_without_adobes_marker():
    data = encoded(IMAGE.convert("CMYK"), "JPEG", quality=97)
    start = data.index(b"\xff\xee")
    size = int.from_bytes(data[start + 2 : start + 4], "big")
    same(data[:start] + data[start + 2 + size :], RGB)


def test_a_profile_in_several_parts_in_any_order():
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().ljust(100_000, b"\0")
    icc = struct.pack(">I", len(icc)) + icc[4:]
    data = encoded(IMAGE, "JPEG", icc_profile=icc, quality=97)
    first = data.index(b"\xff\xe2")
    second = first + 2 + int.from_bytes(data[first + 2 : first + 4], "big")
    end = second + 2 + int.from_bytes(data[second + 2 : second + 4], "big")
    assert load(data[:first] + data[second:end] + data[first:second] + data[end:]).icc == icc


def test_a_palette_in_a_jpeg_2000():
    levels = (noise(1) >> 14).astype(np.uint8)
    data = encoded(Image.fromarray(levels), "JPEG2000")
    colours = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)], np.uint8)
    palette = struct.pack(">HB3B", 4, 3, 7, 7, 7) + colours.tobytes()
    palette = struct.pack(">I4s", 8 + len(palette), b"pclr") + palette
    mapping = struct.pack(">I4s", 8 + 12, b"cmap") + b"".join(struct.pack(">HBB", 0, 1, i) for i in range(3))
    start = data.index(b"jp2h") - 4
    size = int.from_bytes(data[start : start + 4], "big")
    header = struct.pack(">I", size + len(palette + mapping)) + data[start + 4 : start + size]
    header = header.replace(b"colr\1\0\0" + struct.pack(">I", 17), b"colr\1\0\0" + struct.pack(">I", 16))
    same(data[:start] + header + palette + mapping + data[start + size :], colours[levels])


def test_gif_with_a_transparent_colour():
    few = IMAGE.quantize(32)
    picture = load(encoded(few, "GIF", transparency=3))
    assert np.array_equal(picture.numpy()[..., 3] == 0, np.asarray(few) == 3)


@pytest.mark.parametrize(("kind", "counted"), [("GIF", 2), ("WEBP", 2), ("PNG", 2), ("AVIF", 2)])
def test_animations_are_refused(kind, counted):
    buffer = io.BytesIO()
    IMAGE.save(buffer, kind, save_all=True, append_images=[IMAGE.transpose(Image.Transpose.ROTATE_180)])
    with pytest.raises(ImageError, match=f"{counted} frames or pages"):
        load(buffer.getvalue())
