"""What a photo says about itself stays, and is true of the result."""

import io
import struct

import numpy as np
import pytest
import tifffile
import torch
from PIL import ExifTags, Image, IptcImagePlugin

from leapsr.pictures import exif, metadata
from leapsr.pictures.ifd import LONG, RATIONAL, SHORT, Block
from leapsr.pictures.orientation import Orientation
from leapsr.pictures.picture import Picture, load
from leapsr.pictures.save_file import save
from tests.pictures import photos

TAG = ExifTags.Base
SUFFIXES = [".jpg", ".png", ".webp", ".avif", ".tif"]
P3 = photos.rgb_profile(photos.P3_PRIMARIES, photos.parametric(*photos.SRGB_CURVE))


def camera_jpeg(path, orientation=6, order="<"):
    """A phone's photo, lying on its side: 37 x 24 stored, 24 x 37 upright."""
    iptc = b"Photoshop 3.0\0" + metadata.resource(0x0404, photos.IPTC)
    segment = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
    with Image.open(io.BytesIO(photos.jpeg(37, 24))) as image:
        image.save(
            path,
            "JPEG",
            exif=photos.camera_exif(orientation, order),
            icc_profile=P3,
            xmp=photos.XMP,
            dpi=(300, 300),
            extra=segment,
        )
    return path


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_phones_photo_stays_whole(upscaler, tmp_path, suffix, order):
    source = load(camera_jpeg(tmp_path / "a.jpg", order=order))
    assert source.size == (37, 24)
    save(upscaler.upscale(source), tmp_path / f"b{suffix}")
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.size == (96, 148)
        assert image.mode == "RGB"
        assert image.info["icc_profile"] == P3
        tags = image.getexif()
        assert tags.get(TAG.Orientation, 1) == 1
        assert tags[TAG.ImageDescription].encode("latin-1").decode() == "Jürgen in Åbo"
        assert tags[TAG.Make] == "Maker"
        assert tags[TAG.Software] == exif.software()
        assert (tags[TAG.XResolution], tags[TAG.YResolution], tags[TAG.ResolutionUnit]) == (300, 300, 2)
        exposure = tags.get_ifd(ExifTags.IFD.Exif)
        assert (exposure[TAG.ExifImageWidth], exposure[TAG.ExifImageHeight]) == (96, 148)
        assert exposure[TAG.ExposureTime] == 1 / 250
        assert exposure[TAG.LensModel] == "A lens"
        assert tags.get_ifd(ExifTags.IFD.GPSInfo) == {1: "N", 2: (60.0, 10.0, 30.0)}
        assert b"xmp:Rating='5'" in image.info["xmp"]
        assert b'tiff:Orientation="1"' in image.info["xmp"]
        assert b"<exif:PixelXDimension>96</exif:PixelXDimension>" in image.info["xmp"]
    again = load(tmp_path / f"b{suffix}")
    assert again.dpi == pytest.approx((300, 300), abs=0.01)
    assert again.iptc == (None if suffix in (".webp", ".avif") else photos.IPTC)


def test_iptc_is_what_others_read(tmp_path):
    for suffix in (".jpg", ".tif"):
        save(load(camera_jpeg(tmp_path / "a.jpg")), tmp_path / f"b{suffix}")
        with Image.open(tmp_path / f"b{suffix}") as image:
            records = IptcImagePlugin.getiptcinfo(image)
            assert records is not None
            assert records[2, 120] == "Grüße!!!".encode()


@pytest.mark.parametrize("kind", ["B", "I"], ids=["bytes", "32-bit numbers"])
def test_iptc_in_a_tag_of_tiff(tmp_path, kind):
    records = photos.IPTC + b"\0" * (-len(photos.IPTC) % 4)
    count = len(records) if kind == "B" else len(records) // 4
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((8, 8, 3), np.uint8), extratags=[(33_723, kind, count, records, True)]
    )
    assert load(tmp_path / "a.tif").iptc == records


def test_resources_that_are_no_bytes(tmp_path):
    tag = (34_377, "f", 2, (0.5, -0.5), True)
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8, 3), np.uint8), extratags=[tag])
    assert load(tmp_path / "a.tif").iptc is None


@pytest.mark.parametrize("order", "<>")
def test_the_makers_note_stays_where_it_says_it_is(upscaler, tmp_path, order):
    """Its bytes name their own place in the block: a note that was moved would be lost to every reader."""
    block = exif.of_result(photos.camera_exif(order=order), (400, 300))
    assert block is not None
    inside = block.removeprefix(exif.HEADER)
    place = inside.index(b"NOTE")
    assert struct.unpack_from(order + "I", inside, place + 4) == (place,)
    tags = Image.Exif()
    tags.load(block)
    assert tags.get_ifd(ExifTags.IFD.Exif)[TAG.MakerNote] == inside[place : place + 21]


def test_the_thumbnail_is_of_the_result(upscaler, tmp_path):
    old = photos.jpeg(160, 120)
    source = load(camera_jpeg(tmp_path / "a.jpg"))
    assert old in source.exif
    save(upscaler.upscale(source), tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        small = image.getexif().get_ifd(ExifTags.IFD.IFD1)
        block = image.info["exif"].removeprefix(exif.HEADER)
    place, size = small[TAG.JpegIFOffset], small[TAG.JpegIFByteCount]
    with Image.open(io.BytesIO(block[place : place + size])) as thumbnail:
        assert thumbnail.size == (96, 148)
    assert old[:100] not in block
    assert old[-100:] not in block


def test_a_thumbnail_in_the_middle_is_cleared():
    block = exif.of_result(photos.camera_exif() + b"more behind it", (10, 10))
    assert photos.jpeg(160, 120)[10:40] not in block
    assert block.count(b"more behind it") == 1


def test_no_thumbnail_is_made_where_there_was_none(upscaler, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    result = upscaler.upscale(load(tmp_path / "a.jpg"))
    assert not exif.has_thumbnail(result.exif)
    tags = Image.Exif()
    tags.load(result.exif)
    assert dict(tags) == {TAG.Software: exif.software()}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_resolution_is_kept(upscaler, tmp_path, suffix):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", dpi=(240, 120))
    save(upscaler.upscale(load(tmp_path / "a.png")), tmp_path / f"b{suffix}")
    assert load(tmp_path / f"b{suffix}").dpi == pytest.approx((240, 120), abs=0.5)


def test_tiff_hands_its_tags_on(upscaler, tmp_path):
    tags = Image.Exif()
    tags[TAG.Artist], tags[TAG.Orientation] = "someone", 6
    tags.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    tags.get_ifd(ExifTags.IFD.Exif)[TAG.LensModel] = "A lens"
    Image.new("RGB", (30, 20), "red").save(
        tmp_path / "a.tif", exif=tags.tobytes(), dpi=(300, 300), icc_profile=P3
    )
    source = load(tmp_path / "a.tif")
    assert source.size == (30, 20)
    for suffix in SUFFIXES:
        save(upscaler.upscale(source), tmp_path / f"b{suffix}")
        with Image.open(tmp_path / f"b{suffix}") as image:
            found = image.getexif()
            assert image.size == (80, 120)
            assert found[TAG.Artist] == "someone"
            assert found.get(TAG.Orientation, 1) == 1
            assert found.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
            assert found.get_ifd(ExifTags.IFD.Exif)[TAG.LensModel] == "A lens"
            assert image.info["icc_profile"] == P3
            if suffix != ".tif":
                assert TAG.StripOffsets not in found


def test_nothing_is_lost_on_the_way_through_every_format(tmp_path):
    source = load(camera_jpeg(tmp_path / "a.jpg"))
    picture = source
    for suffix in (".tif", ".png", ".tiff", ".jpg", ".webp", ".avif", ".png", ".tif"):
        save(picture, tmp_path / f"b{suffix}")
        picture = load(tmp_path / f"b{suffix}")
        tags = Image.Exif()
        tags.load(picture.exif)
        assert tags.get_ifd(ExifTags.IFD.GPSInfo) == {1: "N", 2: (60.0, 10.0, 30.0)}
        exposure = tags.get_ifd(ExifTags.IFD.Exif)
        assert exposure[TAG.LensModel] == "A lens"
        assert exposure[TAG.MakerNote].endswith(b"of the maker")
        assert tags[TAG.ImageDescription].encode("latin-1").decode() == "Jürgen in Åbo"
        assert picture.dpi == pytest.approx((300, 300), abs=0.01)
        assert (picture.icc, picture.xmp) == (source.icc, source.xmp)


def test_a_tiff_has_one_page_without_the_thumbnail(upscaler, tmp_path):
    save(upscaler.upscale(load(camera_jpeg(tmp_path / "a.jpg"))), tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert len(file.pages) == 1
        assert file.pages[0].asarray().shape == (148, 96, 3)


def test_long_data_are_left_out_of_jpeg_only(tmp_path, caplog):
    long = b"x" * 70_000
    picture = Picture(torch.rand(3, 8, 8), exif=b"Exif\0\0" + long, xmp=long, iptc=long)
    save(picture, tmp_path / "a.jpg")
    assert [name in caplog.text for name in ("EXIF", "XMP", "IPTC")] == [True] * 3
    save(Picture(picture.rgb, xmp=long, iptc=long), tmp_path / "a.png")
    again = load(tmp_path / "a.png")
    assert (again.xmp, again.iptc) == (long, long)


@pytest.mark.parametrize("cut", [7, 13, 14, 20, 60, 130, 300, 500])
def test_damaged_blocks_are_left_out_with_a_warning(cut, caplog):
    block = photos.camera_exif()[:cut]
    result = exif.of_result(block, (10, 10), (72, 72), b"\xff\xd8thumbnail")
    assert result is None or result.startswith(exif.HEADER)
    if cut < 100:
        assert result is None
        assert "left out" in caplog.text


@pytest.mark.parametrize("places", [False, True])
def test_any_single_byte_may_be_wrong(places):
    """Nothing but a block or None comes out, whatever is damaged in the directories."""
    block = with_exposure(x9214=[10, 6, 4, 2], ra20e=[1000, 1], ra20f=[2000, 1])
    block = block if places else photos.camera_exif(thumbnail=b"\xff\xd8small")
    for place in range(6, len(block)):
        for value in (0, 0x7F, 0xFF):
            damaged = block[:place] + bytes((value,)) + block[place + 1 :]
            turned = exif.upright(damaged, orientation=Orientation(6, (37, 24)))
            assert turned is None or turned.startswith(exif.HEADER)
            if turned is not None:
                result = exif.of_result(turned, (10, 10), (300, 300), b"\xff\xd8new")
                assert result is None or result.startswith(exif.HEADER)


def with_exposure(order="<", **tags):
    """An EXIF block whose exposure has these tags: X_NUMBER is a list of SHORT, or of pairs for RATIONAL."""
    block = Block(exif.EMPTY if order == "<" else b"MM\0*\0\0\0\x08\0\0\0\0\0\0")
    exposure = {
        int(name[1:], 16): block.entry(RATIONAL if name.startswith("r") else SHORT, numbers)
        for name, numbers in tags.items()
    }
    related = {0x1001: block.entry(SHORT, [400]), 0x1002: block.entry(SHORT, [300])}
    exposure[TAG.ExifInteroperabilityOffset] = block.entry(LONG, [block.append_directory(related)])
    first = {TAG.ExifOffset: block.entry(LONG, [block.append_directory(exposure)])}
    block.first = block.append_directory(first)
    return exif.HEADER + bytes(block.data)


def exposure(raw):
    tags = Image.Exif()
    tags.load(raw)
    return tags.get_ifd(ExifTags.IFD.Exif) | tags.get_ifd(ExifTags.IFD.Interop)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("orientation", "area", "turned"),
    [
        (1, [100, 60, 40, 20], [100, 60, 40, 20]),
        (3, [100, 60, 40, 20], [300, 240, 40, 20]),
        (6, [100, 60, 40, 20], [240, 100, 20, 40]),
        (8, [100, 60, 30], [60, 300, 30]),
        (5, [100, 60], [60, 100]),
    ],
)
def test_the_subject_is_where_it_was(order, orientation, area, turned):
    """Stored 400 x 300; the places are turned, and then enlarged by 4 and 2."""
    size = (400, 300) if orientation >= 5 else (300, 400)
    raw = with_exposure(order, x9214=area, xa214=area[:2], ra20e=[1000, 1], ra20f=[2000, 1])
    upright = exif.upright(raw, orientation=Orientation(orientation, size))
    found = exposure(upright)
    assert list(found[0x9214]) == turned
    assert list(found[0xA214]) == turned[:2]
    assert (found[TAG.ExifImageHeight], found[TAG.ExifImageWidth]) == size
    focal = (2000, 1000) if orientation >= 5 else (1000, 2000)
    assert (found[0xA20E], found[0xA20F]) == focal
    result = exposure(exif.of_result(upright, (2 * size[0], 4 * size[1])))
    by = [4, 2, 3] if len(turned) == 3 else [4, 2, 4, 2]
    assert list(result[0x9214]) == [number * factor for number, factor in zip(turned, by, strict=False)]
    assert (result[0xA20E], result[0xA20F]) == (4 * focal[0], 2 * focal[1])
    assert (result[0x1001], result[0x1002]) == (4 * size[1], 2 * size[0])


def test_a_subject_in_a_size_that_is_not_known_is_removed():
    result = exposure(exif.of_result(with_exposure(x9214=[100, 60]), (1200, 1600)))
    assert 0x9214 not in result
    upright = exif.upright(with_exposure(x9214=[20_000, 60]), orientation=Orientation(1, (300, 30_000)))
    assert 0x9214 not in exposure(exif.of_result(upright, (1200, 120_000)))


def test_places_in_a_turned_photo_from_file_to_file(upscaler, tmp_path, photo):
    tags = tags_of(Orientation=6)
    tags.get_ifd(ExifTags.IFD.Exif)[0x9214] = (10, 6, 4, 2)
    for suffix in (".jpg", ".png", ".tif"):
        photo.save(tmp_path / f"a{suffix}", exif=tags.tobytes())
        save(upscaler.upscale(load(tmp_path / f"a{suffix}")), tmp_path / f"b{suffix}")
        with Image.open(tmp_path / f"b{suffix}") as image:
            found = image.getexif().get_ifd(ExifTags.IFD.Exif)
        assert list(found[0x9214]) == [4 * (24 - 6), 4 * 10, 8, 16]


@pytest.mark.parametrize(
    ("description", "kept"),
    [
        ('{"shape": [120, 160]}', False),
        ("ImageJ=1.53\nimages=1\nmin=0.0", False),
        ('<?xml version="1.0"?><OME><Pixels SizeX="160" SizeY="120"/></OME>', False),
        ("Aperio Image Library v11\n46920x33014 [0,100 46000x32914]", False),
        ('{"caption": "Jürgen in Åbo"}', True),
        ("{ a harbour }", True),
        ("A harbour", True),
    ],
)
def test_descriptions_that_programs_wrote_for_themselves(upscaler, tmp_path, description, kept):
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((8, 8), np.uint8), description=description.encode(), metadata=None
    )
    for suffix in (".tif", ".jpg"):
        save(upscaler.upscale(load(tmp_path / "a.tif")), tmp_path / f"b{suffix}")
        with Image.open(tmp_path / f"b{suffix}") as image:
            assert (TAG.ImageDescription in image.getexif()) == kept


def tags_of(**values):
    tags = Image.Exif()
    for name, value in values.items():
        tags[TAG[name]] = value
    return tags


@pytest.mark.parametrize(
    ("suffix", "options", "expected"),
    [
        (".jpg", {}, None),
        (".jpg", {"exif": tags_of(Make="Maker")}, None),
        (".jpg", {"dpi": (72, 72), "exif": tags_of(XResolution=300.0, YResolution=300.0)}, (300, 300)),
        (".jpg", {"dpi": (240, 240), "exif": tags_of(Make="Maker")}, (240, 240)),
        (".jpg", {"exif": tags_of(XResolution=1.0, YResolution=1.0, ResolutionUnit=1)}, None),
        (
            ".jpg",
            {"exif": tags_of(XResolution=100.0, YResolution=50.0, ResolutionUnit=3)},
            (254, 127),
        ),
        (
            ".jpg",
            {"exif": tags_of(XResolution=200.0, YResolution=100.0, ResolutionUnit=2, Orientation=6)},
            (100, 200),
        ),
        (".jpg", {"dpi": (200, 100), "exif": tags_of(Orientation=8)}, (100, 200)),
        (".png", {"dpi": (72, 72), "exif": tags_of(XResolution=300.0, YResolution=300.0)}, (300, 300)),
        (".png", {}, None),
        (".webp", {"exif": tags_of(XResolution=300.0, YResolution=300.0)}, (300, 300)),
        (".tif", {}, None),
        (".tif", {"dpi": (200, 100), "exif": tags_of(Orientation=6)}, (100, 200)),
        (".tif", {"resolution_unit": 3, "resolution": (100, 50)}, None),
    ],
)
def test_the_resolution_is_the_photos_own(upscaler, tmp_path, photo, suffix, options, expected):
    unit = options.pop("resolution_unit", None)
    if unit is not None:
        sides = options.pop("resolution")
        options |= {"resolution_unit": "cm", "x_resolution": sides[0], "y_resolution": sides[1]}
        expected = (254, 127)
    photo.save(tmp_path / f"a{suffix}", **options)
    source = load(tmp_path / f"a{suffix}")
    assert source.dpi == (None if expected is None else pytest.approx(expected, abs=0.1))
    for kind in (".jpg", ".png", ".tif"):
        save(upscaler.upscale(source), tmp_path / f"b{kind}")
        again = load(tmp_path / f"b{kind}").dpi
        assert again == (None if expected is None else pytest.approx(expected, abs=0.5))


def test_a_resolution_in_centimetres_of_jfif(tmp_path, photo):
    photo.save(tmp_path / "a.jpg", dpi=(100, 50))
    data = (tmp_path / "a.jpg").read_bytes()
    place = data.index(b"JFIF\0") + 7
    (tmp_path / "b.jpg").write_bytes(data[:place] + b"\x02" + data[place + 1 :])
    assert load(tmp_path / "b.jpg").dpi == pytest.approx((254, 127))
    (tmp_path / "c.jpg").write_bytes(data[:place] + b"\0" + data[place + 1 :])
    assert load(tmp_path / "c.jpg").dpi is None


def test_what_geotiff_says_of_each_pixel_goes_with_a_warning(tmp_path, caplog):
    tag = (33_550, "d", 3, (0.5, 0.5, 0.0), True)
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8, 3), np.uint8), extratags=[tag])
    found = load(tmp_path / "a.tif")
    assert "a.tif lies on Earth" in caplog.text
    save(found, tmp_path / "b.tif")
    with Image.open(tmp_path / "b.tif") as image:
        assert 33_550 not in image.getexif()
