"""darktable's model folder: what its own validation asks for, and an ONNX file of the promised shape."""

import json

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'leapsr[onnx]'")
pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'leapsr[onnx]'")
pytest.importorskip("yaml", reason="needs PyYAML")

import onnxruntime
import yaml

from leapsr.export import darktable
from leapsr.export.model import Exported
from tests.conftest import make_tiny_model


def test_the_folder(tmp_path):
    folder = tmp_path / "upscale-leapsr"
    assert darktable.write(Exported.load(make_tiny_model(tmp_path / "tiny"), 1.0), folder).max <= 1e-4
    assert {file.name for file in folder.iterdir()} == {
        "config.json",
        "model.yaml",
        "README.md",
        "model_x4.onnx",
    }
    config = json.loads((folder / "config.json").read_text())
    assert {"id", "name", "description", "task", "backend", "version"} <= config.keys()
    assert (config["id"], config["task"], config["backend"], config["tiling"]) == (
        "upscale-leapsr", "upscale", "onnx", True,
    )  # fmt: skip
    described = yaml.safe_load((folder / "model.yaml").read_text())
    assert (described["id"], described["task"], described["type"]) == ("upscale-leapsr", "upscale", "multi")
    session = onnxruntime.InferenceSession(folder / "model_x4.onnx", providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert (given.name, given.type) == ("input", "tensor(float)")
    (found,) = session.run(None, {"input": np.zeros((1, 3, 17, 30), np.float32)})
    assert found.shape == (1, 3, 68, 120)
