"""A photo is read with smaller copies and masks beside it; RAW photos and documents of pages are refused."""

import io
import struct
import sys
from contextlib import suppress

import numpy as np
import pytest
import tifffile
from PIL import Image

from leapsr.batch.options import Options
from leapsr.cli import standard_streams
from leapsr.errors import ImageError
from leapsr.pictures.picture import load, measure
from tests.conftest import picture_array
from tests.pictures import photos
from tests.pictures.test_formats import same
from tests.pictures.test_picture import encoded

PHOTO = picture_array(60, 80)
SMALL, SMALLER = picture_array(30, 40), picture_array(15, 20)
REDUCED, PAGE, MASK = 1, 2, 4
CFA = {
    "photometric": 32_803,
    "subfiletype": 0,
    "extratags": [(33_421, 3, 2, (2, 2), True), (33_422, 1, 4, bytes((0, 1, 1, 2)), True)],
}


def pages(*written, **options):
    """A TIFF of several directories: pairs of pixels and what to say of them."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, **options) as file:
        for values, said in written:
            file.write(values, **{"photometric": "rgb", "metadata": None} | said)
    return buffer.getvalue()


def with_old_tag(data: bytes, value: int) -> bytes:
    """SubfileType, as before TIFF 6.0, in the place of NewSubfileType of the second directory."""
    first = data.index(struct.pack("<HHI", 254, 4, 1))
    second = data.index(struct.pack("<HHI", 254, 4, 1), first + 1)
    return data[:second] + struct.pack("<HHII", 255, 3, 1, value) + data[second + 12 :]


BESIDE = {
    "a thumbnail behind": [(PHOTO, {}), (SMALL, {"subfiletype": REDUCED})],
    "a thumbnail before": [(SMALL, {"subfiletype": REDUCED}), (PHOTO, {})],
    "a pyramid": [(PHOTO, {"tile": (16, 16)})]
    + [(part, {"tile": (16, 16), "subfiletype": REDUCED}) for part in (SMALL, SMALLER)],
    "a mask": [(PHOTO, {}), (PHOTO[..., 0] > 128, {"subfiletype": MASK, "photometric": 4})],
    "a mask before": [(PHOTO[..., 0] > 128, {"subfiletype": MASK, "photometric": 4}), (PHOTO, {})],
    "a mask of the thumbnail": [
        (PHOTO, {}),
        (SMALL, {"subfiletype": REDUCED}),
        (SMALL[..., 0] > 128, {"subfiletype": REDUCED | MASK, "photometric": 4}),
    ],
    "a page of one": [(PHOTO, {"subfiletype": PAGE})],
    "a pyramid in sub-directories": [
        (PHOTO, {"subifds": 2}),
        (SMALL, {"subfiletype": REDUCED}),
        (SMALLER, {"subfiletype": REDUCED}),
    ],
}


@pytest.mark.parametrize(
    "options", [{}, {"bigtiff": True}, {"byteorder": ">"}], ids=["", "big", "big-endian"]
)
@pytest.mark.parametrize("name", BESIDE)
def test_the_photo_among_its_copies(name, options):
    data = pages(*BESIDE[name], **options)
    same(load(data), PHOTO)
    assert measure(data) == (60, 80)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("first", [True, False])
def test_deep_photos_among_their_copies(dtype, first):
    scale = 257 if dtype == np.uint16 else 1 / 255
    deep, small = ((part * np.float64(scale)).astype(dtype) for part in (PHOTO, SMALL))
    written = [(deep, {}), (small, {"subfiletype": REDUCED})]
    picture = load(data := pages(*(written if first else written[::-1])))
    np.testing.assert_allclose(picture.rgb.permute(1, 2, 0).numpy(), PHOTO / 255, atol=1e-4)
    assert measure(data) == (60, 80)


def test_the_profile_is_that_of_the_photo():
    icc = photos.rgb_profile(photos.P3_PRIMARIES, photos.parametric(1.8))
    small = (SMALL, {"subfiletype": REDUCED})
    picture = load(pages(small, (PHOTO, {"iccprofile": icc, "software": "a scanner"})))
    assert picture.icc == icc
    assert picture.exif is not None
    assert b"a scanner" in picture.exif


def test_the_old_tag():
    data = pages((PHOTO, {"subfiletype": 0}), (SMALL, {"subfiletype": 0}))
    same(load(with_old_tag(data, 2)), PHOTO)
    with pytest.raises(ImageError, match="2 frames"):
        load(with_old_tag(data, 3))


def exif_with_a_photo() -> bytes:
    """A TIFF by a camera: the photo, and a second directory that is the thumbnail of EXIF."""
    data = bytearray(encoded(Image.fromarray(PHOTO), "TIFF"))
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    thumbnail = photos.jpeg(40, 30)
    place = len(data) + len(data) % 2
    data += bytes(place - len(data))
    rows = [(259, 3, 6), (513, 4, place + 2 + 36 + 4), (514, 4, len(thumbnail))]
    data += struct.pack("<H", 3) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in rows
    )
    data += bytes(4) + thumbnail
    struct.pack_into("<I", data, directory + 2 + 12 * count, place)
    return bytes(data)


def test_the_thumbnail_of_exif():
    same(load(exif_with_a_photo()), PHOTO)


def test_through_a_pipe(upscaler):
    data = pages((SMALL, {"subfiletype": REDUCED}), (PHOTO, {}))
    with Image.open(io.BytesIO(standard_streams.upscale(data, ".png", upscaler, Options()))) as image:
        assert image.size == (320, 240)


def test_a_smaller_copy_of_nothing():
    """The only pixels of the file are what somebody wants to see."""
    same(load(pages((PHOTO, {"subfiletype": REDUCED}))), PHOTO)
    with pytest.raises(ImageError, match="a preview of a photo"):
        load(pages((PHOTO, {"subfiletype": REDUCED})) + bytes(3 * PHOTO.nbytes))


@pytest.mark.parametrize(
    "written",
    [
        [(PHOTO, {}), (PHOTO, {})],
        [(PHOTO, {}), (SMALL, {})],
        [(PHOTO, {"subfiletype": PAGE}), (PHOTO, {"subfiletype": PAGE})],
        [(PHOTO, {}), (SMALL, {"subfiletype": REDUCED}), (PHOTO, {})],
        [(PHOTO / np.float32(255), {}), (PHOTO, {})],
    ],
)
@pytest.mark.parametrize("take", [load, measure])
def test_documents(take, written):
    with pytest.raises(ImageError, match="2 frames or pages"):
        take(pages(*written))


# RAW


def version(*said):
    return {"extratags": [(50_706, 1, 4, bytes((1, 4, 0, 0)), True), *said]}


RAW = (PHOTO[..., 1].astype(np.uint16) * 64, CFA)
THUMBNAIL = {"subfiletype": REDUCED, "subifds": 1}
CAMERA = {"extratags": [(271, 2, 6, "Maker", True)]}
RAWS = {
    "dng": [(SMALL, THUMBNAIL | version()), RAW],
    "raw of no version": [(SMALL, THUMBNAIL | CAMERA), RAW],
    "a linear dng": [(SMALL, THUMBNAIL | version()), (PHOTO, {"photometric": 34_892, "subfiletype": 0})],
    "a preview of full size": [(PHOTO, {"subfiletype": 0, "subifds": 1}), RAW],
    "the sensor first": [(RAW[0], CFA)],
    "the sensor in a page": [(PHOTO, {}), (SMALL, {"subfiletype": REDUCED}), RAW],
    "a photo of unknown kind": [(SMALL, THUMBNAIL | CAMERA), (PHOTO, {"subfiletype": 0})],
    "two previews": [
        (SMALL, {"subfiletype": REDUCED, "subifds": 2} | version()),
        RAW,
        (PHOTO, {"subfiletype": REDUCED}),
    ],
}


@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"bigtiff": True}])
@pytest.mark.parametrize("suffix", ["dng", "tif", "nef"])
@pytest.mark.parametrize("name", RAWS)
def test_raw_photos_are_not_their_previews(tmp_path, monkeypatch, name, suffix, options):
    """Nothing tells what the colours of these sensors are."""
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(pages(*RAWS[name], **options))
    with pytest.raises(ImageError, match=r"RAW.* develop"):
        load(path)
    with suppress(ImageError):
        assert measure(path) != SMALL.shape[:2]
    monkeypatch.setitem(sys.modules, "rawpy", None)
    for take in (load, measure):
        with pytest.raises(ImageError, match=r"RAW.* develop"):
            take(path)


@pytest.mark.parametrize("name", [name for name in RAWS if "full size" not in name])
def test_a_cut_raw_photo_is_not_its_preview_either(name):
    data = pages(*RAWS[name])
    for part in range(1, 20):
        with pytest.raises(ImageError):
            load(data[: part * len(data) // 20])


def test_a_canon():
    """Its first directory holds a JPEG of full size; "CR" follows the header."""
    data = bytearray(pages((PHOTO, {"compression": "jpeg"})))
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    moved = data[directory : directory + 6 + 12 * count]
    struct.pack_into("<I", data, 4, len(data))
    data += moved
    data[8:12] = b"CR\2\0"
    with pytest.raises(ImageError, match="RAW"):
        load(bytes(data))


def test_a_preview_that_pillow_has_opened():
    with pytest.raises(ImageError, match="preview of a RAW photo"):
        load(Image.open(io.BytesIO(pages(*RAWS["dng"]))))


def test_a_photo_that_came_from_a_dng():
    """Its tags went along, the sensor's numbers did not."""
    same(load(pages((PHOTO, version()))), PHOTO)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", BESIDE)
def test_cut_files(name, part):
    data = pages(*BESIDE[name])
    with suppress(ImageError):
        same(load(data[: int(part * len(data))]), PHOTO)


def test_a_chain_without_an_end():
    data = bytearray(pages((PHOTO, {})))
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    struct.pack_into("<I", data, directory + 2 + 12 * count, directory)
    same(load(bytes(data)), PHOTO)
