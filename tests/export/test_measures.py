"""What a graph measures is what `leapsr upscale` measures."""

import numpy as np
import pytest
import torch

from leapsr.ops import damage
from tests.conftest import picture_array

pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'leapsr[onnx]'")

import onnxruntime

from leapsr.export import measures

SIZES = [
    (1, 1),
    (1, 5),
    (2, 3),
    (3, 4),
    (4, 4),
    (5, 17),
    (16, 17),
    (18, 33),
    (64, 64),
    (65, 40),
    (63, 200),
    (301, 523),
]
UNKNOWN = np.full((1, 7), -1, np.float32)


@pytest.fixture(scope="module")
def session():
    return onnxruntime.InferenceSession(
        measures.graph().SerializeToString(), providers=["CPUExecutionProvider"]
    )


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_measures_are_those_of_damage(session, height, width):
    picture = torch.from_numpy(picture_array(height, width)).permute(2, 0, 1)[None].float() / 255
    (found,) = session.run(["measured"], {"input": picture.numpy(), "measures": UNKNOWN})
    expected = damage.of_pictures(picture)
    torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-4, atol=1e-3)


def test_what_is_known_is_not_measured(session):
    known = np.array([[3, -1, 0, -1, 0.5, -1, -1]], np.float32)
    (found,) = session.run(["measured"], {"input": np.zeros((1, 3, 70, 9), np.float32), "measures": known})
    assert found[0, [0, 2, 4]].tolist() == [3, 0, 0.5]
    assert (found >= 0).all()
