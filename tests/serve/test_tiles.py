"""Tiles of a result, of its source enlarged, and of the map of invented detail."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps

from leapsr.serve.pyramid import Place, build, draw, levels, sizes
from tests.serve.conftest import decoded, encoded


def test_levels_double_from_one_tile():
    assert sizes(960, 1281) == [(120, 161), (240, 321), (480, 641), (960, 1281)]
    assert levels(256, 256) == 1
    assert levels(30_000, 30_000) == 8
    assert Place(3, 5, 3).is_in(960, 1281)
    for outside in (Place(4, 0, 0), Place(3, 6, 0), Place(3, 0, 4), Place(-1, 0, 0), Place(0, -1, 0)):
        assert not outside.is_in(960, 1281)


def assembled(folder, height, width, level):
    rows, columns = sizes(height, width)[level]
    whole = np.zeros((rows, columns, 3))
    for y in range(-(-rows // 256)):
        for x in range(-(-columns // 256)):
            tile = np.asarray(Image.open(Place(level, x, y).path(folder)).convert("RGB"))
            whole[y * 256 : y * 256 + tile.shape[0], x * 256 : x * 256 + tile.shape[1]] = tile
    return whole


def reduced(picture, columns, rows):
    """Means of squares, whose last ones may lack a part."""
    each = 2 ** round(np.log2(picture.width / columns))
    more = [(0, each * rows - picture.height), (0, each * columns - picture.width), (0, 0)]
    whole = Image.fromarray(np.pad(np.asarray(picture), more, "edge"))
    return np.asarray(whole.resize((columns, rows), Image.Resampling.BOX), float)


def smooth(height, width):
    y, x = np.mgrid[0:height, 0:width]
    waves = np.sin(x / 40), np.cos(y / 30), np.sin((x + y) / 50)
    return (127 + 100 * np.stack(waves, -1)).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(513, 301), (700, 1025)])
def test_a_pyramid_is_the_picture_at_every_level(tmp_path, height, width):
    picture = Image.fromarray(smooth(height, width))
    picture.save(tmp_path / "a.png")
    build(tmp_path / "a.png", tmp_path / "tiles" / "result0")
    for level, (rows, columns) in enumerate(sizes(height, width)):
        found = assembled(tmp_path / "tiles" / "result0", height, width, level)
        wanted = reduced(picture, columns, rows)
        assert np.abs(found - wanted).mean() < 2
    assert [path.name for path in (tmp_path / "tiles").iterdir()] == ["result0"]


def test_tiles_of_a_source_have_the_geometry_of_the_result(tmp_path):
    source = Image.fromarray(smooth(150, 110))
    source.save(tmp_path / "a.png")
    height, width = 603, 442
    for level, (rows, columns) in enumerate(sizes(height, width)):
        for y in range(-(-rows // 256)):
            for x in range(-(-columns // 256)):
                place = Place(level, x, y)
                draw(tmp_path / "a.png", False, (height, width), place, place.path(tmp_path / "tiles"))
        found = assembled(tmp_path / "tiles", height, width, level)
        wanted = reduced(source.resize((width, height), Image.Resampling.BICUBIC), columns, rows)
        assert np.abs(found - wanted).mean() < 2


def test_colours_become_those_of_srgb_and_transparency_white(tmp_path):
    grey = Image.fromarray(np.full((40, 40), 128, np.uint8))
    grey.save(tmp_path / "grey.png")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (40, 40), (200, 30, 90)).save(tmp_path / "profile.png", icc_profile=profile)
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    deep = np.full((40, 40), 0x8000, np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    for name, colour in (
        ("grey", (128,) * 3),
        ("profile", (200, 30, 90)),
        ("clear", (255,) * 3),
        ("deep", (128,) * 3),
    ):
        build(tmp_path / f"{name}.png", tmp_path / name / "result0")
        draw(tmp_path / f"{name}.png", False, (40, 40), Place(0, 0, 0), tmp_path / name / "source.jpg")
        for path in (Place(0, 0, 0).path(tmp_path / name / "result0"), tmp_path / name / "source.jpg"):
            pixel = Image.open(path).convert("RGB").getpixel((20, 20))
            assert np.abs(np.subtract(pixel, colour)).max() <= 2, name


def test_tiles_of_a_request(served):
    status = served.done(encoded(100, 90), detail_map=True)
    assert status["result"]["levels"] == 2
    tiles = f"/v1/requests/{status['id']}/tiles"
    for of in ("result", "source", "detail"):
        answer = served.http.get(f"{tiles}/1/1/0", params={"of": of})
        assert answer.headers["content-type"] == "image/jpeg"
        assert "max-age" in answer.headers["cache-control"]
        assert decoded(answer.content).size == (104, 256)
    for place in ("2/0/0", "1/2/0", "0/0/-1"):
        assert served.http.get(f"{tiles}/{place}").status_code == 404
    assert served.http.get(f"{tiles}/0/0/0?sample=1").status_code == 404
    without = served.done(encoded())
    answer = served.http.get(f"/v1/requests/{without['id']}/tiles/0/0/0?of=detail")
    assert answer.json()["code"] == "NoMap"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_photo_that_lies_on_its_side_and_was_copied_stands(served, kind):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    file = io.BytesIO()
    Image.fromarray(smooth(300, 500)).save(file, kind, exif=exif)
    status = served.done(file.getvalue(), f"a.{kind.lower()}", long_side=400)
    assert (status["result"]["width"], status["result"]["height"]) == (300, 500)
    result = served.http.get(f"/v1/requests/{status['id']}/result").content
    assert result == file.getvalue()
    upright = np.asarray(ImageOps.exif_transpose(decoded(result)), float)
    for x in range(2):
        for y in range(2):
            tile = decoded(served.http.get(f"/v1/requests/{status['id']}/tiles/1/{x}/{y}").content)
            wanted = upright[256 * y : 256 * y + 256, 256 * x : 256 * x + 256]
            assert np.abs(np.asarray(tile, float) - wanted).mean() < 3


def test_a_narrow_map_loses_its_legend(served):
    status = served.done(encoded(100, 60), detail_map=True)
    tile = decoded(served.http.get(f"/v1/requests/{status['id']}/tiles/0/0/0?of=detail").content)
    assert tile.size == (120, 200)
    corner = np.asarray(tile, int)[:, :8]
    assert np.abs(corner - 24).max() > 30  # not the margin beside a narrow map
