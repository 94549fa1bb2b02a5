"""The guard of a graph limits what the guard of `leapsr upscale` limits."""

import numpy as np
import pytest
import torch

pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'leapsr[onnx]'")
pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'leapsr[onnx]'")

import onnxruntime

from leapsr.export import guard_graph
from leapsr.ops.upsample import bicubic_upsample
from leapsr.upscaling import guard
from tests.conftest import picture_array


@pytest.fixture(scope="module")
def session():
    graph = guard_graph.graph().SerializeToString()
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("scale", [4, 2])
@pytest.mark.parametrize(("height", "width"), [(24, 37), (1, 3), (40, 8)])
@pytest.mark.parametrize("wrong", [0.0, 0.02, 0.3, 3.0])
def test_it_limits_what_the_guard_limits(session, scale, height, width, wrong):
    source = torch.from_numpy(picture_array(height, width)).permute(2, 0, 1).float() / 255
    torch.manual_seed(0)
    restored = bicubic_upsample(source[None], scale)[0]
    restored = restored + wrong * torch.randn(3, 1, 1) * torch.rand_like(restored)
    feeds = {"restored": restored[None].numpy(), "input": source[None].numpy()}
    (found,) = session.run(["output"], feeds)
    expected, change = guard.limited(restored, source, scale)
    assert (change.max() > 0.01) == (wrong > 0.1)
    np.testing.assert_allclose(found[0], expected.clamp(0, 1).numpy(), rtol=0, atol=2e-5)
