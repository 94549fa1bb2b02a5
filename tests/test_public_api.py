import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import ExifTags, Image

import leapsr
from leapsr import api
from tests.conftest import picture_array
from tests.pictures.test_metadata import camera_jpeg


def python(code):
    """Run in a fresh interpreter; what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_names_are_sorted_and_there():
    assert leapsr.__all__ == sorted(leapsr.__all__)
    for name in leapsr.__all__:
        assert getattr(leapsr, name) is not None
    assert dir(leapsr) == leapsr.__all__


def test_unknown_names():
    with pytest.raises(AttributeError, match="no attribute 'Upscalr'"):
        _ = leapsr.Upscalr


def test_importing_is_light():
    heavy = python(
        "import sys, leapsr\n"
        "print([m for m in ('torch', 'numpy', 'PIL', 'pydantic', 'importlib.metadata') if m in sys.modules])"
    )
    assert heavy == "[]"


@pytest.mark.parametrize(
    "code",
    [
        "import leapsr; from leapsr.upscaling.tiles import plan",
        "from leapsr.upscaling.tiles import plan; import leapsr",
        "import leapsr.upscaling.tiles; import leapsr; from leapsr.upscaling.tiles import plan",
        "from leapsr import upscale, Upscaler; from leapsr.upscaling.tiles import plan; import leapsr",
        "import importlib; plan = importlib.import_module('leapsr.upscaling.tiles').plan; import leapsr",
    ],
)
def test_upscale_is_a_function_and_a_package(code):
    shown = python(f"{code}; print(callable(leapsr.upscale), leapsr.upscale.__name__, callable(plan))")
    assert shown == "True upscale True"


def test_upscale_takes_a_file_and_keeps_the_model(photo, tiny_model, tmp_path):
    photo.save(tmp_path / "a.png")
    results = [
        leapsr.upscale(source, model=tiny_model, device="cpu", scale=2)
        for source in (tmp_path / "a.png", photo)
    ]
    assert isinstance(results[0], leapsr.Picture)
    results[0] = results[0].pil()
    assert [result.size for result in results] == [(74, 48)] * 2
    assert isinstance(results[1], Image.Image)
    assert results[0].tobytes() == results[1].tobytes()
    assert sum(name == tiny_model for name, *_ in api._loaded) == 1


def test_a_file_keeps_all_that_it_says(tiny_model, tmp_path):
    """Display P3, GPS, 300 dpi, a maker note, IPTC and XMP of a camera, from file to file."""
    leapsr.upscale(camera_jpeg(tmp_path / "a.jpg"), model=tiny_model, device="cpu").save(tmp_path / "b.jpg")
    before, after = leapsr.open(tmp_path / "a.jpg"), leapsr.open(tmp_path / "b.jpg")
    assert (after.icc, after.iptc) == (before.icc, before.iptc)
    assert after.dpi == pytest.approx((300, 300), abs=0.01)
    assert before.xmp
    assert b"xmp:Rating='5'" in after.xmp
    with Image.open(tmp_path / "a.jpg") as image, Image.open(tmp_path / "b.jpg") as larger:
        old, new = image.getexif(), larger.getexif()
        assert new.get_ifd(ExifTags.IFD.GPSInfo) == old.get_ifd(ExifTags.IFD.GPSInfo) != {}
        note = ExifTags.Base.MakerNote
        old, new = (exif.get_ifd(ExifTags.IFD.Exif) for exif in (old, new))
        assert new[note] == old[note]


def test_sixteen_bits_stay_sixteen(tiny_model, tmp_path):
    ramp = np.linspace(0, 65535, 24 * 16 * 3).astype(np.uint16).reshape(16, 24, 3)
    larger = leapsr.upscale(ramp, model=tiny_model, device="cpu")
    assert larger.dtype == np.uint16
    leapsr.open(ramp).save(tmp_path / "a.png")
    picture = leapsr.upscale(tmp_path / "a.png", model=tiny_model, device="cpu")
    picture.save(tmp_path / "b.png")
    np.testing.assert_array_equal(leapsr.open(tmp_path / "b.png").numpy(), larger)
    assert repr(picture) == f"<Picture {larger.shape[1]} x {larger.shape[0]}, RGB, 16 bits, exif>"


def test_notebooks_show_a_picture(photo):
    with Image.open(io.BytesIO(leapsr.open(photo)._repr_png_())) as shown:
        assert shown.size == photo.size


def test_at_most_two_models_stay_loaded(photo, tiny_model):
    for dtype in ("fp32", "bf16", "auto"):
        leapsr.upscale(photo, model=tiny_model, device="cpu", dtype=dtype)
    assert [dtype for *_, dtype in api._loaded] == ["bf16", "auto"]


def test_the_scale_chooses_the_model_for_the_class_as_for_the_function():
    assert leapsr.Upscaler.from_pretrained(scale=2).scale == 2
    assert leapsr.Upscaler.from_pretrained(scale=3).scale == leapsr.Upscaler.from_pretrained().scale == 4


def test_evaluate(tiny_model, tmp_path):
    for name, side in (("HR", 128), ("LR", 32)):
        (tmp_path / name).mkdir()
        Image.fromarray(picture_array(side, side)).save(tmp_path / name / "a.png")
    table = leapsr.evaluate(tiny_model, tmp_path, fidelity=[1, 0], metrics=["psnr_y"])
    scores = [table.mean(setting).scores["psnr_y"] for setting in table.settings]
    assert len(scores) == 3
    assert np.isfinite(scores).all()
    with pytest.raises(leapsr.UsageError, match="give at least one"):
        leapsr.evaluate([], tmp_path)


def test_upscale_refuses_misspelt_options(photo, tiny_model):
    with pytest.raises(TypeError, match="colour_fix"):
        leapsr.upscale(photo, model=tiny_model, device="cpu", colour_fix="wavelet")


def test_errors_are_one_family():
    from leapsr import errors

    for name in ("UsageError", "UnknownName", "WeightsError", "ImageError", "OutputError"):
        assert issubclass(getattr(errors, name), leapsr.LeapsrError)
