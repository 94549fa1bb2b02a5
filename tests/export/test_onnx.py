"""ONNX files give what torch gives: any size, any position of the dial."""

import re
import runpy
import sys

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("onnx", reason="needs onnx: pip install 'leapsr[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'leapsr[onnx]'")
pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'leapsr[onnx]'")

import onnx
import onnxruntime

import leapsr
from leapsr.errors import DataError, UsageError
from leapsr.export import onnx_file
from leapsr.export.model import Exported
from leapsr.hub import catalog
from leapsr.restorer import Restorer
from leapsr.upscaling import guard
from leapsr.upscaling.upscaler import Upscaler
from tests.conftest import REPOSITORY, make_tiny_model, picture_array

SIZES = [(64, 64), (37, 50), (45, 131)]


def opened(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def tensor(height: int, width: int) -> torch.Tensor:
    return torch.from_numpy(picture_array(height, width)).permute(2, 0, 1)[None].float() / 255


@pytest.fixture(scope="module")
def dial_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("dial") / "dial.onnx"
    assert onnx_file.write_dial(Exported.load("leap-small"), path).max <= 1e-4
    return path


@pytest.fixture(scope="module")
def dial(dial_file):
    return opened(dial_file)


def test_the_program_without_torch(dial_file, tmp_path, monkeypatch):
    photo = tmp_path / "photo.png"
    Image.fromarray(picture_array(30, 41)).save(photo)
    program = REPOSITORY / "examples" / "without_torch.py"
    assert "torch" not in {
        name for line in program.read_text().splitlines() for name in re.findall("^import (.*)", line)
    }
    arguments = [str(program), str(dial_file), str(photo), str(tmp_path / "large.png"), "--fidelity", "0"]
    monkeypatch.setattr(sys, "argv", arguments)
    runpy.run_path(str(program), run_name="__main__")
    with Image.open(tmp_path / "large.png") as result:
        expected = leapsr.upscale(Image.fromarray(picture_array(30, 41)), fidelity=0.0)
        assert result.size == (164, 120)
        assert np.abs(np.asarray(result, np.int16) - np.asarray(expected, np.int16)).mean() < 0.5


@pytest.mark.parametrize("fidelity", [1.0, 0.6, 0.0])
@pytest.mark.parametrize("size", SIZES)
def test_a_file_with_the_dial_does_what_upscale_does_but_for_the_noise(dial, size, fidelity):
    image, upscaler = tensor(*size), Upscaler.from_pretrained("leap-small")
    for denoise in (1.0, 0.25, 2.5):
        feeds = {
            "input": image.numpy(),
            "fidelity": np.array([fidelity], np.float32),
            "denoise": np.array([denoise], np.float32),
            "measures": np.full((1, 7), -1, np.float32),
        }
        output, measured = dial.run(["output", "measured"], feeds)
        noise = torch.zeros(1, 3, *(4 * side for side in size))
        expected = upscaler.restorer.restore(image, noise, fidelity=fidelity, denoise=denoise)
        kept, _ = guard.limited(expected[0], image[0], 4)
        torch.testing.assert_close(torch.from_numpy(output[0]), kept.clamp(0, 1), rtol=0, atol=1e-4)
        (whole,) = upscaler(image, fidelity=fidelity, denoise=denoise)
        assert np.abs(output[0] - whole.numpy()).mean() < 0.3 / 255
        again = dial.run(["output"], feeds | {"measures": measured})[0]
        np.testing.assert_array_equal(again, output)


def test_the_guard_is_in_the_file(dial):
    """Saturated stripes of single pixels, which the network alone takes for noise."""
    stripes = np.zeros((1, 3, 40, 40), np.float32)
    stripes[:, 0, ::2], stripes[:, 2, 1::2] = 1, 1
    one = np.ones(1, np.float32)
    feeds = {"input": stripes, "fidelity": one, "denoise": one, "measures": np.full((1, 7), -1, np.float32)}
    (output,) = dial.run(["output"], feeds)
    image = torch.from_numpy(stripes)
    bare = Restorer.from_pretrained(catalog.find("leap-small")).restore(
        image, torch.zeros(1, 3, 160, 160), fidelity=1.0
    )
    kept, change = guard.limited(bare[0], image[0], 4)
    assert change.max() > 0.1
    torch.testing.assert_close(torch.from_numpy(output[0]), kept.clamp(0, 1), rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.mark.parametrize("fidelity", [1.0, 0.5, 0.0])
def test_one_position_of_the_dial(tmp_path, tiny, fidelity):
    model, path = Exported.load(tiny, fidelity), tmp_path / "one.onnx"
    assert onnx_file.write(model, path).max <= 1e-4
    session = opened(path)
    for size in SIZES:
        image = tensor(*size)
        both = torch.cat([image, image.flip(3)])
        (output,) = session.run(None, {"input": both.numpy()})
        expected = model.restore(both).clamp(0, 1)
        torch.testing.assert_close(torch.from_numpy(output), expected, rtol=0, atol=1e-4)
    graph = onnx.load(path)
    assert {op.version for op in graph.opset_import if not op.domain} <= {17, 18, 19, 20, 21}
    assert {each.key: each.value for each in graph.metadata_props}["fidelity"] == f"{fidelity:g}"


def test_half_and_8_bits(tmp_path):
    for number in range(3):
        Image.fromarray(picture_array(80, 100, number)).save(tmp_path / f"{number}.png")
    model, half, int8 = Exported.load("leap-small"), tmp_path / "half.onnx", tmp_path / "int8.onnx"
    assert onnx_file.write(model, half, "fp16").psnr > 50
    assert onnx_file.write(model, int8, "int8", tmp_path).psnr > 30
    assert half.stat().st_size < 3.3e6
    assert int8.stat().st_size < 2.5e6
    assert "QuantizeLinear" in {node.op_type for node in onnx.load(int8).graph.node}
    (output,) = opened(half).run(None, {"input": tensor(37, 50).numpy()})
    assert output.dtype == np.float32


def test_what_cannot_be_exported_is_said_and_nothing_is_written(tmp_path):
    with pytest.raises(UsageError, match="draws detail from noise"):
        Exported.load("leap-small-smfsr", 0).without_noise()
    with pytest.raises(UsageError, match="no dial"):
        Exported.load("leap-small-flowsr", 0.5)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no photos"):
        onnx_file.write(Exported.load("leap-small"), tmp_path / "a.onnx", "int8", tmp_path / "empty")
    assert {path.name for path in tmp_path.iterdir()} == {"empty"}


def test_int8_is_judged_by_other_pictures_than_those_it_was_fitted_to(tmp_path):
    """A black page agrees with itself, by 99 dB, and says nothing about photos."""
    (tmp_path / "black").mkdir()
    Image.new("RGB", (128, 128)).save(tmp_path / "black/page.png")
    model = Exported.load("leap-small")
    assert onnx_file.write(model, tmp_path / "a.onnx", "int8", tmp_path / "black").psnr < 60
