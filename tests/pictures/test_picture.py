import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from leapsr.errors import ImageError, OutputError
from leapsr.pictures import picture as pictures
from leapsr.pictures import save_file
from leapsr.pictures.picture import floats, load, measure
from leapsr.pictures.save_file import save

ORIENTATION, ARTIST, GPS = 0x0112, 0x013B, 0x8825
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def png_of(width, height):
    """A valid PNG header that promises width x height pixels, with hardly any data behind it."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


def encoded(image, name, **options):
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg", ".avif", ".tif"])
def test_files_round_trip(tmp_path, photo, suffix):
    path = tmp_path / f"a{suffix}"
    picture = load(photo)
    save(picture, path, quality=100)
    again = load(path)
    assert again.rgb.shape == (3, 24, 37)
    assert again.alpha is None
    tolerance = 0 if suffix in (".png", ".tif") else 0.15
    assert (again.rgb - picture.rgb).abs().max() <= tolerance


def test_all_levels_survive():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    rgb = np.stack([levels, 255 - levels, levels.T], -1)
    assert np.array_equal(np.asarray(load(rgb).pil()), rgb)


@pytest.mark.parametrize("value", [-0.5, 1.5])
def test_values_outside_the_range_are_clamped(value):
    picture = pictures.Picture(torch.full((3, 2, 2), value))
    assert set(np.asarray(picture.pil()).flatten()) == {0 if value < 0 else 255}


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "LAB", "HSV"])
def test_modes_without_transparency(photo, mode):
    picture = load(photo.convert(mode))
    assert picture.rgb.shape == (3, 24, 37)
    assert picture.alpha is None
    if mode in ("L", "1"):
        assert torch.equal(picture.rgb[0], picture.rgb[2])


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA", "RGBa"])
def test_modes_with_transparency(photo, mode):
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    picture = load(photo.convert(mode))
    assert picture.alpha is not None
    assert picture.alpha.shape == (1, 24, 37)
    assert picture.alpha.min() < 0.1
    assert picture.alpha.max() > 0.9


def test_transparent_palette_entry(photo, tmp_path):
    path = tmp_path / "a.png"
    palette = photo.quantize(16)
    palette.save(path, transparency=3)
    alpha = load(path).alpha
    assert alpha is not None
    assert np.array_equal(alpha[0].numpy() == 0, np.asarray(palette) == 3)


def test_transparent_colour_key(tmp_path):
    Image.new("RGB", (4, 4), (10, 20, 30)).save(tmp_path / "a.png", transparency=(10, 20, 30))
    alpha = load(tmp_path / "a.png").alpha
    assert alpha is not None
    assert (alpha == 0).all()


def test_sixteen_bit_grey_is_not_clipped(tmp_path):
    ramp = np.linspace(0, 65_535, 256).astype(np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    rgb = load(tmp_path / "a.png").rgb
    assert torch.allclose(rgb[1].flatten(), torch.linspace(0, 1, 256), atol=1e-4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_orientation_is_applied_and_reset(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[ORIENTATION], exif[ARTIST] = orientation, "someone"
    exif.get_ifd(GPS)[1] = "N"
    path = tmp_path / f"a{suffix}"
    upright = Image.new("L", (40, 24))
    upright.paste(255, (0, 0, 20, 12))
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that undoes each orientation
    stored = upright.transpose(Image.Transpose(turn[orientation])) if orientation > 1 else upright
    stored.save(path, exif=exif)
    picture = load(path)
    assert measure(path) == picture.size == (24, 40)
    assert (picture.rgb[0] > 0.5)[2:10, 2:18].all()
    assert (picture.rgb[0] < 0.5)[14:].all()
    out = tmp_path / f"b{suffix}"
    save(picture, out)
    with Image.open(out) as image:
        kept = image.getexif()
        assert (kept[ORIENTATION], kept[ARTIST], kept.get_ifd(GPS)[1]) == (1, "someone", "N")


def test_profile_of_another_colour_space_is_dropped(photo):
    photo.info["icc_profile"] = SRGB[:16] + b"GRAY" + SRGB[20:]
    assert load(photo).icc is None
    photo.info["icc_profile"] = b"not a profile"
    assert load(photo).icc is None


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_no_obstacle(photo):
    picture = load(encoded(photo, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    assert picture.size == (24, 37)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"just some text", "not a picture"),
        (b"\xff\xd8\xff\xe0", "not a picture"),
        (png_of(30_001, 10), "30001 x 10"),
        (png_of(100_000, 100_000), "at most 30000"),
        (png_of(100, 100), "damaged or incomplete"),
    ],
    ids=["empty", "text", "cut header", "too wide", "bomb", "too little data"],
)
def test_bad_files(tmp_path, content, says):
    path = tmp_path / "bad name.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=says) as caught:
        load(path)
    sentence = str(caught.value)
    assert sentence.startswith(str(path))
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_truncated_files(tmp_path, photo, name, part):
    data = encoded(photo.resize((200, 200)), name)
    path = tmp_path / "cut"
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(ImageError, match="cut"):
        load(path)


@pytest.mark.parametrize("name", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_several_frames_are_refused(photo, name):
    data = encoded(photo, name, save_all=True, append_images=[photo.rotate(90)])
    with pytest.raises(ImageError, match="2 frames"):
        load(data)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ImageError, match="does not exist"):
        load(tmp_path / "none.png")
    with pytest.raises(ImageError, match="is a folder"):
        load(tmp_path)


def test_large_pictures_open_without_pillows_limit(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png_of(20_000, 20_000))
    before = Image.MAX_IMAGE_PIXELS
    assert measure(path) == (20_000, 20_000)
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3), bool),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
@pytest.mark.parametrize("take", [load, measure])
def test_unusable_arrays(array, take):
    with pytest.raises(ImageError, match="array"):
        take(array)


@pytest.mark.parametrize("source", [[1, 2], None, 3])
@pytest.mark.parametrize("take", [load, measure])
def test_what_is_no_picture_at_all(source, take):
    with pytest.raises(ImageError, match="give a path"):
        take(source)


def test_colours_are_made_anew(photo_tensor):
    given = photo_tensor[0].clone()
    load(given).rgb.zero_()
    torch.testing.assert_close(given, photo_tensor[0], rtol=0, atol=0)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(1, 4, 4),
        torch.zeros(3, 4, 4, dtype=torch.uint8),
        torch.zeros(3, 0, 4),
        torch.full((3, 2, 2), torch.nan),
        torch.full((3, 2, 2), 255.0),
        torch.full((3, 2, 2), -1.0),
    ],
)
def test_unusable_tensors(tensor):
    with pytest.raises(ImageError, match="tensor"):
        load(tensor)


@pytest.mark.parametrize(
    ("path", "size", "alpha", "says"),
    [
        ("a.jpg", (10, 10), True, "transparency"),
        ("a.gif", (10, 10), False, "use one of"),
        ("a", (10, 10), False, "use one of"),
        ("a.webp", (10, 20_000), False, "16383"),
        ("a.jpg", (70_000, 10), False, "65500"),
        ("a.avif", (70_000, 10), False, "65536"),
    ],
)
def test_formats_that_cannot_hold_the_result(tmp_path, path, size, alpha, says):
    with pytest.raises(OutputError, match=says):
        save_file.check_output(tmp_path / path, *size, alpha)


def full_disk(*_):
    raise OSError(28, "No space left on device")


def test_full_disk_leaves_nothing_and_the_old_file(tmp_path, photo, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OutputError, match="disk is full"):
        save(load(photo), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_failed_replacement_leaves_nothing(tmp_path, photo, monkeypatch):
    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(OutputError, match="disk is full"):
        save(load(photo), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_folder_that_is_a_file(tmp_path, photo):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        save(load(photo), tmp_path / "file" / "a.png")


def test_name_too_long(tmp_path, photo):
    with pytest.raises(OutputError, match="cannot be written"):
        save(load(photo), tmp_path / ("a" * 300 + ".png"))


def test_a_drive_that_is_not_there(monkeypatch):
    monkeypatch.setattr(Path, "exists", lambda path: False)
    with pytest.raises(OutputError, match="choose another place"):
        save_file.check_place(Path("/nowhere/a.png"))


def test_folders_are_made(tmp_path, photo):
    save(load(photo), tmp_path / "new" / "folder" / "a.png")
    assert (tmp_path / "new" / "folder" / "a.png").is_file()


def test_too_long_exif_is_left_out_of_jpeg(tmp_path, photo, caplog):
    picture = pictures.Picture(load(photo).rgb, exif=b"Exif\0\0" + b"x" * 70_000)
    save(picture, tmp_path / "a.jpg")
    assert "too long" in caplog.text


def test_the_kind_of_png_that_xcode_makes():
    data = png_of(8, 8)
    with pytest.raises(ImageError, match=r"iPhones \(CgBI\)"):
        load(data[:8] + b"\0\0\0\x04CgBI\x50\0\x20\x06\x2c\xb8\x77\x66" + data[8:])


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_alpha_that_is_opaque_everywhere_is_no_reason_to_refuse_a_jpeg(tmp_path, photo, mode):
    opaque = load(photo.convert(mode))
    save(opaque, tmp_path / "a.jpg")
    assert load(tmp_path / "a.jpg").size == opaque.size
    opaque.save(file := io.BytesIO(), file_format="jpg")
    assert file.getvalue() == (tmp_path / "a.jpg").read_bytes()
    save(replace(opaque, pixels=floats(opaque.pixels)), tmp_path / "b.jpg")
    assert (tmp_path / "b.jpg").read_bytes() == (tmp_path / "a.jpg").read_bytes()
    save(opaque, tmp_path / "a.png")
    assert load(tmp_path / "a.png").has_alpha
    opaque.pixels[-1, 0, 0] = 254
    with pytest.raises(OutputError, match="transparency"):
        save(opaque, tmp_path / "c.jpg")
