"""Any picture in any format comes out at exactly its size, in its mode, with its depth and metadata."""

import io
from dataclasses import dataclass, replace
from typing import cast

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from leapsr.pictures import exif, save_file
from leapsr.pictures.picture import floats, load, measure
from leapsr.restorer import Restorer
from leapsr.upscaling.sizes import Target
from leapsr.upscaling.upscaler import Settings, Upscaler
from tests.conftest import FakeRestorer
from tests.pictures import photos

TAG = ExifTags.Base
P3 = photos.rgb_profile(photos.P3_PRIMARIES, photos.parametric(1.8))
GREY = photos.grey_profile(photos.parametric(2.2))
DEEP = ("PNG", "TIFF")


@dataclass(frozen=True)
class Case:
    height: int
    width: int
    channels: int  # grey, grey + alpha, RGB, RGBA
    depth: int
    constant_alpha: bool
    orientation: int
    dpi: int
    source: str
    result: str
    tile: int
    scale: float

    @property
    def upright(self) -> tuple[int, int]:
        return (self.width, self.height) if self.orientation >= 5 else (self.height, self.width)

    @property
    def has_alpha(self) -> bool:
        return self.channels in (2, 4)

    @property
    def icc(self) -> bytes:
        return GREY if self.channels < 3 else P3


@st.composite
def cases(draw: st.DrawFn) -> Case:
    channels, depth = draw(st.sampled_from((1, 2, 3, 4))), draw(st.sampled_from((8, 16)))
    sources = ["PNG"] if depth == 16 else ["PNG", "TIFF"]
    sources += ["JPEG"] if depth == 8 and channels in (1, 3) else []
    sources += ["WEBP", "AVIF"] if depth == 8 and channels > 2 else []
    results = ["PNG", "TIFF"] if channels in (2, 4) else ["PNG", "TIFF", "JPEG"]
    results += ["WEBP", "AVIF"] if channels > 2 else []
    return Case(
        draw(st.integers(1, 21)),
        draw(st.integers(1, 21)),
        channels,
        depth,
        draw(st.booleans()),
        draw(st.integers(1, 8)),
        draw(st.integers(30, 1200)),
        draw(st.sampled_from(sources)),
        draw(st.sampled_from(results)),
        draw(st.sampled_from((0, 1, 4, 7, 16))),
        draw(st.sampled_from((2, 2.5, 4, 5))),
    )


def pixels(case: Case) -> np.ndarray:
    numbers = np.random.default_rng(case.height * 100 + case.width)
    shape = (case.height, case.width, case.channels)
    values = numbers.integers(0, 2**case.depth, shape).astype(np.uint16 if case.depth == 16 else np.uint8)
    if case.has_alpha and case.constant_alpha:
        values[..., -1] = 2**case.depth // 3
    return values[..., 0] if case.channels == 1 else values


def file_of(case: Case) -> bytes:
    """By Pillow, or by libpng with the text and EXIF of a file by Pillow."""
    values, buffer = pixels(case), io.BytesIO()
    about = {
        "exif": photos.camera_exif(case.orientation, thumbnail=photos.jpeg(16, 12)),
        "icc_profile": case.icc,
    }
    if case.source in ("JPEG", "PNG", "TIFF"):
        about["dpi"] = (case.dpi, case.dpi)
    if case.depth == 8:
        options = {"lossless": True} if case.source == "WEBP" else {"quality": 100}
        Image.fromarray(values).save(
            buffer, case.source, **about, **(options if case.source != "TIFF" else {})
        )
        return buffer.getvalue()
    Image.new("L" if case.channels < 3 else "RGB", (1, 1)).save(buffer, "PNG", **about)
    about_it, image = buffer.getvalue(), imagecodecs.png_encode(values)
    start, end = about_it.index(b"IHDR") + 21, about_it.index(b"IDAT") - 4
    place = image.index(b"IDAT") - 4
    return image[:place] + about_it[start:end] + image[place:]


def read_by_others(data: bytes, name: str) -> np.ndarray:
    if name == "PNG":
        return imagecodecs.png_decode(data)
    if name == "TIFF":
        return tifffile.imread(io.BytesIO(data))
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@given(case=cases())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_everything_stays(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    upscaler = Upscaler(cast("Restorer", FakeRestorer()))
    data = file_of(case)
    source = load(data)
    assert source.size == measure(data) == case.upright
    target = Target(scale=case.scale)
    result = upscaler.upscale(source, target, Settings(tile=case.tile))
    unrounded = replace(source, pixels=floats(source.pixels))
    tiled, whole = (upscaler.upscale(unrounded, target, Settings(tile=tile)) for tile in (case.tile, 0))
    assert (tiled.pixels - whole.pixels).abs().max() < 1e-6
    assert np.array_equal(result.numpy(), tiled.numpy())
    path = tmp_path_factory.mktemp("out") / f"a.{case.result.lower()}"
    save_file.save(result, path)

    values = read_by_others(path.read_bytes(), case.result)
    height, width = (int(case.scale * side + 0.5) for side in case.upright)
    deep = case.depth == 16 and case.result in DEEP
    assert values.shape == (height, width, case.channels)[: 2 if case.channels == 1 else 3]
    assert values.dtype == (np.uint16 if deep else np.uint8)
    if case.result in DEEP:
        assert np.array_equal(values, result.numpy())
    if case.has_alpha and case.constant_alpha:
        assert torch.equal(result.alpha, source.alpha.flatten()[0].expand(1, height, width))

    again = load(path)
    assert again.size == (height, width)
    assert (again.depth, again.grey) == (16 if deep else 8, case.channels < 3)
    assert again.icc == case.icc
    assert again.dpi == pytest.approx((300, 300) if source.dpi is None else source.dpi, abs=0.51)
    tags = Image.Exif()
    tags.load(again.exif)
    assert tags.get(TAG.Orientation, 1) == 1
    assert tags[TAG.Software] == exif.software()
    assert tags[TAG.Make] == "Maker"
    assert tags.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
    exposure = tags.get_ifd(ExifTags.IFD.Exif)
    assert (exposure[TAG.ExifImageHeight], exposure[TAG.ExifImageWidth]) == (height, width)
