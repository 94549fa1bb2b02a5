"""The text of a PNG stays in a PNG, and its loss elsewhere is said."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from leapsr.pictures import metadata
from leapsr.pictures.picture import load, measure
from leapsr.pictures.png_text import Text
from leapsr.pictures.result_metadata import without_metadata
from leapsr.pictures.save_file import save
from tests.pictures import photos
from tests.pictures.test_metadata import P3

TEXTS = {
    "Author": "Anna Berg",
    "Copyright": "© Anna Berg",
    "Title": "港の写真",
    "parameters": "a harbour\nSteps: 20, Seed: 1, Size: 512x512",
    "workflow": '{"nodes": []}' + " " * 5000,
}


def png(path, photo):
    info = PngImagePlugin.PngInfo()
    for keyword, text in TEXTS.items():
        info.add_text(keyword, text)
    info.add_itxt("Description", "Ein Hafen", "de", "Beschreibung")
    info.add_text("Software", "Another program")
    info.add_text("Thumb::Image::Width", "37")
    info.add_itxt("XML:com.adobe.xmp", photos.XMP.decode())
    photo.save(path, pnginfo=info)
    return path


def texts(path):
    with Image.open(path) as image:
        image.load()
        return image.text


def test_the_text_stays(upscaler, tmp_path, photo):
    save(upscaler.upscale(load(png(tmp_path / "a.png", photo))), tmp_path / "b.png")
    found = texts(tmp_path / "b.png")
    assert {**found, "XML:com.adobe.xmp": ""} == {
        **TEXTS,
        "Description": "Ein Hafen",
        "XML:com.adobe.xmp": "",
    }
    assert (found["Description"].lang, found["Description"].tkey) == ("de", "Beschreibung")
    with Image.open(tmp_path / "b.png") as image:
        assert b"xmp:Rating='5'" in image.info["xmp"]
    assert (tmp_path / "b.png").read_bytes().count(b"Another program") == 0


def test_the_text_of_16_bits_and_behind_the_pixels(tmp_path, photo):
    source = load(png(tmp_path / "a.png", photo))
    deep = replace(load(np.full((4, 4, 3), 999, np.uint16)), text=source.text)
    for picture in (source, deep):
        save(picture, tmp_path / "b.png")
        whole = (tmp_path / "b.png").read_bytes()
        pixels, end = whole.index(b"IDAT") - 4, whole.index(b"IEND") - 4
        (tmp_path / "c.png").write_bytes(whole[:33] + whole[pixels:end] + whole[33:pixels] + whole[end:])
        for name in ("b.png", "c.png"):
            assert load(tmp_path / name).text == source.text
            assert load(tmp_path / name).depth == picture.depth


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif", ".tif"])
def test_other_formats_have_no_place_for_it(tmp_path, photo, suffix, caplog):
    picture = load(png(tmp_path / "a.png", photo))
    save(picture, tmp_path / f"b{suffix}")
    assert "Author, Copyright, Title, parameters, workflow, Description" in caplog.text
    caplog.clear()
    save(without_metadata(picture), tmp_path / f"b{suffix}")
    assert not caplog.text


def test_keywords_that_pillow_uses_itself(tmp_path, photo):
    info = PngImagePlugin.PngInfo()
    for keyword in ("dpi", "exif", "xmp", "transparency", "icc_profile", "gamma"):
        info.add_text(keyword, "30")
    photo.save(tmp_path / "a.png", pnginfo=info)
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        found = metadata.read(image)
    assert (found.exif, found.dpi) == (None, None)
    assert Text("dpi", "30") in found.text


KEYWORDS = ("dpi", "xmp", "transparency", "icc_profile", "gamma", "chromaticity", "srgb")


@pytest.mark.parametrize("mode", ["RGB", "P", "L"])
def test_keywords_that_pillow_uses_change_nothing(tmp_path, photo, mode):
    info = PngImagePlugin.PngInfo()
    for keyword in KEYWORDS:
        info.add_text(keyword, "2.2")
    photo = photo.convert(mode)
    photo.save(tmp_path / "a.png", pnginfo=info)
    photo.save(tmp_path / "b.png")
    picture, plain = load(tmp_path / "a.png"), load(tmp_path / "b.png")
    assert np.array_equal(picture.numpy(), plain.numpy())
    assert (picture.icc, picture.dpi, picture.xmp) == (None, None, None)
    assert {text.keyword for text in picture.text} == {*KEYWORDS}
    assert measure(tmp_path / "a.png") == picture.size


@pytest.mark.parametrize("size", [1_100_000, 3_000_000])
def test_long_texts_are_read_by_every_program(tmp_path, photo, size):
    """Pillow refuses a compressed text of more than 1 MiB; ours is read by Pillow without our limits."""
    texts = Text("workflow", "a" * size), Text("Title", "港" * (size // 3)), Text("x", "y" * size, "de")
    save(replace(load(photo), text=texts, iptc=bytes(size)), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        image.load()
    again = load(tmp_path / "a.png")
    assert (again.text, again.iptc) == (texts, bytes(size))


def test_long_compressed_texts_of_others_are_read(tmp_path, photo):
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "a" * 3_000_000, zip=True)
    photo.save(tmp_path / "a.png", pnginfo=info, icc_profile=bytes(2_000_000))
    assert load(tmp_path / "a.png").text == (Text("workflow", "a" * 3_000_000),)
    assert measure(tmp_path / "a.png") == (24, 37)


def test_a_profile_that_others_may_refuse_is_told(tmp_path, photo, caplog):
    for icc in (P3, P3 + bytes(2_000_000)):
        caplog.clear()
        save(replace(load(photo), icc=icc), tmp_path / "a.png")
        assert ("1.9 MiB" in caplog.text) == (icc != P3)
        assert load(tmp_path / "a.png").icc == icc
