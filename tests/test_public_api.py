import subprocess
import sys

import pytest
from PIL import Image

import leapsr
from leapsr import api


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
        "import sys, leapsr; print([m for m in ('torch', 'numpy', 'PIL', 'pydantic') if m in sys.modules])"
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


def test_upscale_refuses_misspelt_options(photo, tiny_model):
    with pytest.raises(TypeError, match="colour_fix"):
        leapsr.upscale(photo, model=tiny_model, device="cpu", colour_fix="wavelet")


def test_errors_are_one_family():
    from leapsr import errors

    for name in ("UsageError", "UnknownName", "WeightsError", "ImageError", "OutputError"):
        assert issubclass(getattr(errors, name), leapsr.LeapsrError)
