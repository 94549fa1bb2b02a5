"""What programs hand over, and what they may rely on."""

import io
import logging
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import leapsr
from leapsr import api
from leapsr.errors import ImageError, LeapsrError, UsageError
from leapsr.upscaling.upscaler import Upscaler
from tests.conftest import REPOSITORY, picture_array


@pytest.fixture
def data(photo) -> bytes:
    file = io.BytesIO()
    photo.save(file, "PNG", dpi=(300, 300))
    return file.getvalue()


def test_files_and_buffers_are_what_their_bytes_are(upscaler, data, tmp_path):
    expected = upscaler(data)
    (tmp_path / "a.png").write_bytes(data)
    written = io.BytesIO()
    written.write(data)  # and left at its end
    with (tmp_path / "a.png").open("rb") as file, tempfile.SpooledTemporaryFile() as spooled:
        spooled.write(data)
        for given in (bytearray(data), memoryview(data), io.BytesIO(data), written, file, spooled):
            result = upscaler(given)
            assert torch.equal(result.pixels, expected.pixels)
            assert result.dpi == expected.dpi
            assert torch.equal(leapsr.open(given).pixels, leapsr.open(data).pixels)
    with os.fdopen(os.pipe()[0], "rb") as closed:
        pass
    with pytest.raises(ImageError, match=r"could not be read: [^.]+\.$"):
        upscaler(closed)
    with pytest.raises(ImageError, match="gives no bytes"):
        upscaler(io.StringIO("text"))


def test_what_is_read_by_await(upscaler):
    class Upload:
        async def read(self) -> bytes:
            return b""

    with pytest.raises(ImageError, match="'await'"):
        upscaler(Upload())


@pytest.mark.parametrize(
    "address", ["https://a.org/b.jpg", "http://a.org", "file:///b.jpg", "data:image/png;"]
)
def test_nothing_is_fetched(upscaler, address):
    for given in (address, Path(address)):
        with pytest.raises(ImageError, match="is an address, and leapsr fetches nothing") as caught:
            upscaler(given)
        assert str(caught.value).startswith(address.split(".")[0] if "http" in address else address[:5])


@pytest.mark.parametrize("name", ["", "a\0b.png"])
def test_what_is_no_name_of_a_file(upscaler, data, name, tmp_path):
    with pytest.raises(ImageError, match="is no name of a file"):
        upscaler(name)
    if name:
        with pytest.raises(leapsr.OutputError, match="is no name of a file"):
            leapsr.open(data).save(str(tmp_path / name))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(9, 12), (9, 12, 1), (9, 12, 3), (9, 12, 4)])
def test_arrays_of_floats(upscaler, kind, shape):
    levels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    result = upscaler((levels / 255).astype(kind))
    assert (result.dtype, result.shape) == (kind, (36, 48, *shape[2:]))
    assert np.abs(result.astype(float) * 255 - upscaler(levels)).max() < 1.1
    for wrong in (levels.astype(kind), np.full(shape, np.nan, kind)):
        with pytest.raises(ImageError, match="The array holds values"):
            upscaler(wrong)


@pytest.mark.parametrize(
    "asked", [{"width": 36}, {"megapixels": 0.0001}, {"width": 10, "height": 10}], ids=str
)
def test_the_size_asked_for_is_the_size_returned(upscaler, data, asked):
    for given in (data, leapsr.open(data), Image.open(io.BytesIO(data))):
        with pytest.raises(ImageError, match=r"37 x 24 pixels and .* are asked for"):
            upscaler(given, **asked)
    assert upscaler(data, fit="at_least", **asked).size == (24, 37)
    assert upscaler([data], fit="at_least", **asked)[0].size == (24, 37)
    assert upscaler(data, width=37).size == (24, 37)
    with pytest.raises(UsageError, match="fit is"):
        upscaler(data, fit="cover")


def test_a_bound_on_pixels_holds_before_anything_is_decoded(upscaler, data):
    assert upscaler(data, max_pixels=24 * 37).size == (96, 148)
    broken = data[: len(data) // 2]  # its header is whole
    for given in (data, broken, np.zeros((24, 37), np.uint8), [data]):
        with pytest.raises(ImageError, match="37 x 24 pixels; at most 887 are"):
            upscaler(given, max_pixels=887)


WRONG = {
    "fidelity": "high",
    "steps": 1.5,
    "seed": "a",
    "denoise": "much",
    "tile": True,
    "seamless": "no",
    "guidance": "2",
    "caption": 3,
    "color_fix": 3,
    "width": "100",
    "scale": True,
    "progress": 3,
    "max_pixels": "many",
    "fit": None,
}


@pytest.mark.parametrize(("name", "value"), WRONG.items())
def test_a_wrong_type_is_an_error_with_a_sentence(upscaler, data, name, value):
    with pytest.raises(UsageError, match=name):
        upscaler(data, **{name: value})


def test_a_scale_that_is_no_number_chooses_no_model(data):
    with pytest.raises(UsageError, match="scale is a number, not '2'"):
        leapsr.upscale(data, scale="2")


@pytest.mark.parametrize(
    "given", [{"model": 3}, {"device": 3}, {"device": None}, {"dtype": torch.float64}], ids=str
)
def test_a_wrong_type_of_model_device_or_precision(data, given):
    with pytest.raises(UsageError):
        leapsr.upscale(data, **given)


def test_whole_numbers_of_numpy_are_numbers(upscaler, data):
    assert upscaler(data, width=np.int64(100), seed=np.uint8(3), fidelity=np.float32(0.5)).size[1] == 100


def test_pictures_are_saved_into_open_files(tmp_path):
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 2**16, (5, 6, 3), np.uint16))
    picture = leapsr.Picture(pixels.permute(2, 0, 1), depth=16, dpi=(300, 300))
    for name in ("png", "tiff", ".TIF"):
        file = io.BytesIO()
        picture.save(file, file_format=name)
        again = leapsr.open(file)
        assert torch.equal(again.pixels, picture.pixels)
        assert again.dpi == pytest.approx((300, 300), abs=0.1)
    picture.save(tmp_path / "without a suffix", file_format="png")
    assert leapsr.open(tmp_path / "without a suffix").depth == 16
    for wrong in ({"file_format": "docx"}, {"quality": 0}, {"quality": "best"}, {}):
        with pytest.raises(UsageError):
            picture.save(io.BytesIO(), **wrong)


def test_loading_leaves_the_random_numbers_of_torch_alone(tiny_model):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    Upscaler.from_pretrained(tiny_model)
    assert torch.equal(torch.rand(3), expected)


def test_many_threads_load_a_model_once(tiny_model, data, monkeypatch):
    loaded = []
    load = Upscaler.from_pretrained
    monkeypatch.setattr(api, "_loaded", type(api._loaded)())
    monkeypatch.setattr(
        Upscaler, "from_pretrained", lambda *given, **more: (loaded.append(given), load(*given, **more))[1]
    )
    results: list[leapsr.Picture] = []
    threads = [
        threading.Thread(target=lambda: results.append(leapsr.upscale(data, model=tiny_model)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 1
    assert all(torch.equal(result.pixels, results[0].pixels) for result in results)
    assert len(results) == 8


def test_nothing_is_logged_of_a_common_call(upscaler, data, caplog):
    with caplog.at_level(logging.INFO):
        upscaler(data)
    assert not caplog.records


def test_messages_for_programs_have_no_options_of_the_command_line(upscaler, data):
    for wrong in ({"denoise": 0.5}, {"caption": "a fox"}):
        with pytest.raises(LeapsrError) as error:
            upscaler(data, **wrong)
        assert "--" not in str(error.value)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_after_use_works(tiny_model, tmp_path):
    """Also where the other process was in the middle of something; torch's threads are not there any more."""
    Image.fromarray(picture_array(64, 64)).save(tmp_path / "a.png")
    code = f"""
import os, threading, torch, leapsr
from leapsr import api, restorer
torch.set_num_threads(2)
upscaler = leapsr.Upscaler.from_pretrained({str(tiny_model)!r})
result = upscaler({str(tmp_path / "a.png")!r})
held = threading.Event()
def hold():
    with upscaler._lock, restorer._building, api._lock:
        held.set()
        threading.Event().wait()
threading.Thread(target=hold, daemon=True).start()
held.wait()
if (child := os.fork()) == 0:
    leapsr.load({str(tiny_model)!r})
    leapsr.upscale({str(tmp_path / "a.png")!r}, model={str(tiny_model)!r})
    same = torch.equal(upscaler({str(tmp_path / "a.png")!r}).pixels, result.pixels)
    os._exit(0 if same and torch.get_num_threads() == 1 else 1)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], timeout=60, capture_output=True, text=True, check=False, cwd=REPOSITORY
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("uses one thread") == 1
