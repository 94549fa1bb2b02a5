"""Pixels are what the encoder was given: files by libpng, tifffile, libheif, libjpeg, libwebp, libavif."""

import importlib
import io
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import PIL
import pillow_heif
import pytest
import tifffile
import torch
from PIL import Image

from leapsr import memory
from leapsr.errors import ImageError, OutputError
from leapsr.pictures import deflate, encode, open_file, tiff_writer
from leapsr.pictures.picture import Picture, from_pil, load, measure
from leapsr.pictures.save_file import save
from tests.conftest import picture_array
from tests.pictures import photos
from tests.pictures.test_picture import encoded

RANDOM = np.random.default_rng(0)
HEIGHT, WIDTH = 19, 23
SINCE_PILLOW_13 = pytest.mark.skipif(int(PIL.__version__.split(".")[0]) < 13, reason="needs Pillow 13")


def noise(channels, dtype=np.uint16):
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    return RANDOM.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def tiff(values, **options):
    buffer = io.BytesIO()
    channels = values.shape[2] if values.ndim == 3 else 1
    extra = ["unassalpha"] if channels in (2, 4) else None
    options = {"photometric": "rgb" if channels > 2 else "minisblack", "extrasamples": extra} | options
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def same(picture, values):
    """To the last bit."""
    assert np.array_equal(picture.numpy(), values)
    assert picture.depth == 8 * values.dtype.itemsize
    assert picture.grey == (values.ndim == 2 or values.shape[2] == 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png(channels, dtype):
    values = noise(channels, dtype)
    same(load(imagecodecs.png_encode(values)), values)


def with_transparent_colour(png, *levels):
    """The file with the chunk that names the one colour that cannot be seen."""
    key = b"".join(int(level).to_bytes(2, "big") for level in levels)
    chunk = len(key).to_bytes(4, "big") + b"tRNS" + key
    chunk += imagecodecs.zlib_crc32(chunk[4:]).to_bytes(4, "big")
    place = png.index(b"IDAT") - 4
    return png[:place] + chunk + png[place:]


@SINCE_PILLOW_13
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_png_of_few_bits(bits):
    levels = RANDOM.integers(0, 2**bits, (HEIGHT, WIDTH), np.uint8)
    levels[3, 5] = 1
    grey = levels * np.uint8(255 // (2**bits - 1))
    data = encoded(Image.fromarray(grey), "PNG", bits=bits)
    assert data[24:26] == bytes((bits, 0))
    same(load(data), grey)
    keyed = load(with_transparent_colour(data, levels[3, 5]))
    assert keyed.grey
    assert keyed.alpha is not None
    assert np.array_equal(keyed.alpha[0].numpy() == 0, levels == levels[3, 5])


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes(bits):
    levels = RANDOM.integers(0, min(2**bits, 25), (HEIGHT, WIDTH), np.uint8)
    palette = Image.fromarray(levels, "P")
    palette.putpalette([part for i in range(min(2**bits, 25)) for part in (10 * i, 255 - 10 * i, 7)])
    data = encoded(palette, "PNG", bits=bits)
    assert data[24:26] == bytes((bits, 3))
    expected = np.stack([10 * levels, 255 - 10 * levels, np.full_like(levels, 7)], -1)
    same(load(data), expected)
    alpha = bytes(10 * i + 1 for i in range(min(2**bits, 25)))
    soft = load(encoded(palette, "PNG", bits=bits, transparency=alpha))
    same(soft, np.concatenate((expected, (10 * levels + 1)[..., None]), -1))


def test_black_and_white(tmp_path):
    values = np.where(RANDOM.random((HEIGHT, WIDTH)) < 0.5, 0, 255).astype(np.uint8)
    for suffix in ("png", "tif", "bmp"):
        Image.fromarray(values).convert("1").save(tmp_path / f"a.{suffix}")
        same(load(tmp_path / f"a.{suffix}"), values)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_transparent_colour_of_sixteen_bit_png(channels):
    values = noise(channels)
    picture = load(with_transparent_colour(imagecodecs.png_encode(values), *np.atleast_1d(values[3, 5])))
    assert picture.alpha is not None
    assert (picture.alpha == 0).nonzero().tolist() == [[0, 3, 5]]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lzw", "predictor": 2},
        {"compression": "zlib", "rowsperstrip": 5},
        {"compression": "packbits"},
        {"tile": (16, 16), "compression": "zlib", "predictor": 2},
    ],
    ids=["plain", "lzw", "strips", "packbits", "tiles"],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_tiff(channels, dtype, options, order):
    values = noise(channels, dtype)
    data = tiff(values, byteorder=order, **options)
    same(load(data), values)
    assert measure(data) == (HEIGHT, WIDTH)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [3, 4])
def test_tiff_in_planes(channels, dtype):
    values = noise(channels, np.uint8 if dtype == np.uint8 else np.uint16)
    stored = values / np.float32(65_535) if dtype == np.float32 else values
    extra = ["unassalpha"] if channels == 4 else None
    planes = np.ascontiguousarray(np.moveaxis(stored, -1, 0))
    data = tiff(planes, planarconfig="separate", photometric="rgb", extrasamples=extra)
    same(load(data), values)
    assert measure(data) == (HEIGHT, WIDTH)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["16 bit", "16 bit grey and alpha", "float"])
def test_deep_tiffs_stand_upright(orientation, kind):
    values = noise(2 if "grey" in kind else 3)
    stored = values / np.float32(65_535) if kind == "float" else values
    plain = load(tiff(stored))
    turned = load(data := tiff(stored, extratags=[(274, 3, 1, orientation, True)]))
    small = Image.fromarray((values[..., 0] >> 8).astype(np.uint8))
    small.info["exif"] = (
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0%c\0\0\0\0\0\0\0" % orientation
    )
    expected = load(small).rgb[0]
    assert turned.size == tuple(expected.shape) == measure(data)
    assert (turned.rgb[0] - expected).abs().max() < 1 / 200
    assert plain.depth == turned.depth == 16


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_floating_point_tiff(channels, dtype):
    values = (noise(channels) / 65_535).astype(dtype)
    picture = load(tiff(values, compression="zlib", predictor=3 if dtype != np.float64 else None))
    expected = values.astype(np.float32)
    planes = picture.rgb if picture.alpha is None else torch.cat((picture.rgb, picture.alpha))
    assert np.array_equal(planes[0].numpy(), expected if channels == 1 else expected[..., 0])
    assert np.array_equal(planes[-1].numpy(), expected if channels == 1 else expected[..., -1])
    assert picture.depth == 16


def test_floating_point_outside_of_the_range(caplog):
    assert load(tiff(np.array([[-1.0, 0.5, 2.0]], np.float32))).rgb[0].tolist() == [[0, 0.5, 1]]
    assert "which were cut" in caplog.text
    with pytest.raises(ImageError, match="not finite"):
        load(tiff(np.array([[[0, np.nan, np.inf]]], np.float32)))


def test_premultiplied_tiff():
    values = noise(4)
    values[..., :3] = values[..., :3].astype(np.float64) * values[..., 3:] / 65_535
    for stored in (values, (values / np.float32(65_535))):
        picture = load(tiff(stored, extrasamples=["assocalpha"]))
        back = (picture.rgb * picture.alpha).permute(1, 2, 0).numpy()
        assert np.abs(back - values[..., :3] / 65_535).max() < 1e-4


@pytest.mark.parametrize("compression", ["lzw", None])
def test_uncommon_tiffs_without_the_extra(monkeypatch, compression):
    data = tiff(np.zeros((4, 4, 3), np.float32), compression=compression)
    monkeypatch.setitem(__import__("sys").modules, "tifffile", None)
    with pytest.raises(ImageError, match=r"leapsr\[formats\]"):
        load(data)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_cut_deep_files(tmp_path, part):
    noisy = RANDOM.integers(0, 65_536, (64, 64, 3), np.uint16)
    for data in (
        imagecodecs.png_encode(noisy),
        tiff(noisy),
        tiff(noisy / np.float32(65_535)),
        tiff(noisy, compression="lzw"),
    ):
        with pytest.raises(ImageError, match=r"damaged|not a picture"):
            load(data[: int(part * len(data))])


def test_pages_of_deep_tiffs():
    with pytest.raises(ImageError, match="2 frames or pages"):
        load(tiff(np.zeros((2, 8, 8, 3), np.float32), photometric="rgb"))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 30, "subsampling": 2}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg(mode, options):
    image = Image.fromarray(picture_array(HEIGHT, WIDTH)).convert(mode)
    picture = load(encoded(image, "JPEG", **{"quality": 100} | options))
    assert picture.grey == (mode == "L")
    error = np.abs(picture.rgb.permute(1, 2, 0).numpy() * 255 - np.asarray(image.convert("RGB")))
    assert error.mean() < (5 if "quality" not in options else 15)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
@pytest.mark.parametrize("name", ["WEBP", "AVIF", "HEIF"])
def test_modern_formats(name, mode):
    pillow_heif.register_heif_opener()
    image = Image.fromarray(picture_array(32, 48)).convert("RGB")
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    data = encoded(image.convert(mode), name, quality=100)
    picture = load(data)
    assert measure(data) == picture.size == (32, 48)
    assert (picture.alpha is not None) == (mode == "RGBA")
    expected = image.convert("L" if picture.grey else "RGB" if mode == "L" else mode)
    if mode == "L":
        expected = expected.convert("L").convert(expected.mode)
    assert np.abs(picture.numpy().astype(int) - np.asarray(expected)).mean() < 6


def test_heic_without_its_extra(monkeypatch):
    data = encoded(Image.new("RGB", (8, 8)), "HEIF")
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"pip install 'leapsr\[heif\]'"):
        load(data)


def test_reasons_of_other_libraries_are_one_line():
    data = encoded(Image.new("RGB", (64, 64)), "HEIF")
    with pytest.raises(ImageError) as caught:
        load(data[:-20])
    assert "\n" not in str(caught.value)


def test_heic_is_named_in_the_extra_only():
    assert ".heic" in open_file.READABLE_SUFFIXES
    assert "HEIF" not in open_file.READABLE


# What is written


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossless_files_are_what_independent_decoders_read(tmp_path, channels, depth, suffix):
    values = noise(channels, np.uint16 if depth == 16 else np.uint8)
    save(load(imagecodecs.png_encode(values)), path := tmp_path / f"a{suffix}")
    read = tifffile.imread if suffix == ".tif" else lambda path: imagecodecs.png_decode(path.read_bytes())
    assert np.array_equal(read(path), values)
    assert read(path).dtype == values.dtype
    same(load(path), values)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_every_band_of_a_tall_picture(tmp_path, suffix):
    """Longer than the parts that are compressed together, and with rows that each filter suits."""
    y, x = np.mgrid[0:600, 0:40].astype(np.uint16)
    values = np.stack([x * 1600, y * 100, x * 700 + y * 60], -1).astype(np.uint16)
    values[300:350] = noise(3)[:1, :1]
    values[400:] += RANDOM.integers(0, 9, (200, 40, 3), np.uint16)
    save(load(imagecodecs.png_encode(values)), path := tmp_path / f"a{suffix}")
    read = tifffile.imread if suffix == ".tif" else lambda path: imagecodecs.png_decode(path.read_bytes())
    assert np.array_equal(read(path), values)
    assert path.stat().st_size < values.nbytes / 2


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_zlib_takes_the_place_of_a_missing_isal(monkeypatch, tmp_path, suffix):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "isal.isal_zlib", None)
        importlib.reload(deflate)
        assert deflate.compress is zlib.compress
        save(load(imagecodecs.png_encode(values := noise(3))), tmp_path / f"a{suffix}")
    importlib.reload(deflate)
    assert deflate.compress is not zlib.compress
    assert np.array_equal(load(tmp_path / f"a{suffix}").numpy(), values)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_have_real_levels(upscaler, tmp_path, suffix):
    ramp = np.linspace(20_000, 24_000, 64).astype(np.uint16)[None].repeat(16, 0)
    values = np.stack([ramp, ramp + 100, ramp + 200], -1)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(values))
    result = upscaler.upscale(load(tmp_path / "a.png"))
    save(result, path := tmp_path / f"b{suffix}")
    read = tifffile.imread(path) if suffix == ".tif" else imagecodecs.png_decode(path.read_bytes())
    assert read.shape == (64, 256, 3)
    assert read.dtype == np.uint16
    assert len(np.unique(read)) > 4 * len(np.unique(values))
    assert (read % 257 != 0).mean() > 0.9  # not 8 bits, padded


def test_eight_bit_formats_say_what_they_cut(tmp_path, caplog):
    save(Picture(torch.rand(3, 8, 8), depth=16), tmp_path / "a.jpg")
    assert "8 of the 16 bits" in caplog.text


@pytest.mark.parametrize(
    ("suffix", "channels"),
    [
        (".jpg", 1),
        (".png", 1),
        (".tif", 1),
        (".png", 2),
        (".tif", 2),
        pytest.param(".avif", 1, marks=SINCE_PILLOW_13),
    ],
)
def test_grey_stays_grey(upscaler, tmp_path, suffix, channels):
    values = noise(channels, np.uint8)
    result = upscaler.upscale(load(imagecodecs.png_encode(values)))
    save(result, tmp_path / f"a{suffix}")
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert (image.mode, image.size) == ("L" if channels == 1 else "LA", (4 * WIDTH, 4 * HEIGHT))


def test_arrays_of_sixteen_bits_and_of_grey(upscaler):
    for shape in ((8, 9), (8, 9, 1), (8, 9, 3), (8, 9, 4)):
        values = RANDOM.integers(0, 65_536, shape, np.uint16)
        result = upscaler(values)
        assert result.dtype == np.uint16
        assert result.shape == (32, 36, *shape[2:])


def test_quality_and_size_of_avif(tmp_path, photo):
    picture = load(photo.resize((200, 200)))
    sizes = []
    for quality in (20, 60, 95):
        save(picture, tmp_path / "a.avif", quality)
        sizes.append((tmp_path / "a.avif").stat().st_size)
    assert sizes == sorted(set(sizes))


def test_a_tiff_that_would_be_too_large(monkeypatch, tmp_path):
    monkeypatch.setattr(tiff_writer, "LARGEST", 1000)
    with pytest.raises(OutputError, match="4 GiB"):
        save(load(noise(3)), tmp_path / "a.tif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("quality", [95, 60])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(300, 5000), (129, 8300), (700, 900)])
def test_jpeg_in_bands_is_the_jpeg_of_the_whole(tmp_path, size, mode, quality):
    """To the last bit, whichever decoder reads it."""
    rows = np.linspace(0, 40, size[0])[:, None, None]
    values = (picture_array(8, size[1])[:1] * 0.8 + rows + RANDOM.normal(0, 5, (*size, 1))).clip(0, 255)
    image = Image.fromarray(values.astype(np.uint8)).convert(mode)
    icc = photos.rgb_profile(photos.P3_PRIMARIES, photos.parametric(1.8)) if mode == "RGB" else None
    picture = replace(load(image), exif=photos.camera_exif(1), icc=icc, dpi=(300.0, 300.0))
    save(picture, path := tmp_path / "a.jpg", quality)
    whole = encoded(image, "JPEG", quality=quality, **({"subsampling": 0} if quality >= 90 else {}))
    if size[0] * size[1] > 1 << 20:
        assert b"\xff\xd7" in path.read_bytes()
    for decode in (imagecodecs.jpeg_decode, lambda data: np.asarray(Image.open(io.BytesIO(data)))):
        assert np.array_equal(decode(path.read_bytes()), decode(whole))
    again = load(path)
    assert (again.icc, again.dpi, again.size) == (icc, (300, 300), size)
    assert again.exif == picture.exif


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
@pytest.mark.parametrize(("room", "outcome"), [(40, "refused"), (400, "written")])
def test_an_avif_is_written_or_refused_where_memory_is_limited(tmp_path, room, outcome):
    """Its encoder does not look whether it got memory, and took the process along under `ulimit -v`."""
    script = (
        "import resource\n"
        "from PIL import Image\n"
        "from pathlib import Path\n"
        "from leapsr.errors import OutputError\n"
        "from leapsr.pictures.picture import from_pil\n"
        "from leapsr.pictures.save_file import save\n"
        "picture = from_pil(Image.new('RGB', (640, 512)))\n"
        "save(picture, Path('first.png'))\n"
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        f"resource.setrlimit(resource.RLIMIT_AS, (used + ({room} << 20), resource.RLIM_INFINITY))\n"
        "try:\n"
        "    save(picture, Path('limited.avif'))\n"
        "    print('written')\n"
        "except OutputError as error:\n"
        "    assert 'not enough memory' in str(error)\n"
        "    print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"{outcome}\n"), done.stderr
    assert (tmp_path / "limited.avif").exists() == (outcome == "written")


def test_memory_that_is_not_enough_is_told_for_open_files_too(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda device: 1 << 20)
    with pytest.raises(OutputError, match="not enough memory to encode the picture"):
        save(from_pil(Image.new("RGB", (64, 64))), io.BytesIO(), file_format="avif")


def test_two_pictures_share_the_memory_that_there_is_for_avif(monkeypatch):
    """The second one waits until the first is done, and is not refused."""
    monkeypatch.setattr(memory, "available", lambda device: 100 << 20)
    with ThreadPoolExecutor(1) as other:
        with encode._avif_threads(10_000) as threads:
            assert threads == 1
            second = other.submit(save, from_pil(Image.new("RGB", (64, 64))), io.BytesIO(), 95, "avif")
            with pytest.raises(TimeoutError):
                second.result(timeout=0.3)
        second.result(timeout=20)
    assert not encode._avif_taken
