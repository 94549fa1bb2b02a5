"""leapsr export."""

from safetensors import safe_open
from safetensors.torch import load_file

from leapsr.networks.pixel.folded import FoldedUNet
from tests.cli.conftest import names
from tests.conftest import REPOSITORY

SMALL = REPOSITORY / "leapsr" / "models" / "leap-small"


def test_a_file_for_spandrel_says_what_it_is(leapsr, tmp_path):
    code, out, told = leapsr("export", SMALL, "-f", "safetensors", "--fidelity", 1)
    assert (code, out) == (0, "leap-small-f1.safetensors\n")
    assert "against torch: max" in told
    assert "the noise of the source" in told
    with safe_open(tmp_path / "leap-small-f1.safetensors", "pt") as file:
        assert file.metadata() | {"model": "leap-small", "fidelity": "1", "scale": "4"} == file.metadata()
    assert FoldedUNet.from_weights(load_file(tmp_path / "leap-small-f1.safetensors")).scale == 4
    code, _, told = leapsr("export", SMALL, "-f", "safetensors", "--fidelity", 1)
    assert code == 2
    assert "already there" in told
    assert leapsr("export", SMALL, "-f", "safetensors", "--fidelity", 1, "--overwrite")[0] == 0


def test_what_cannot_be_is_refused_before_any_work(leapsr):
    for arguments, words in (
        (("--dial", "--fidelity", 0.5), "everything is an input"),
        (("--precision", "int8"), "--calibration FOLDER"),
        (("-f", "ncnn", "--precision", "int8", "--calibration", "."), "int8 is for --format onnx"),
        (("-f", "darktable", "--precision", "fp16"), "darktable is given fp32"),
        (("nothing",), "There is no model 'nothing'"),
    ):
        code, out, told = leapsr("export", *arguments)
        assert (code, out) == (2, "")
        assert words in told
    assert names() == []


def test_a_model_that_needs_its_noise_is_refused(leapsr):
    code, out, told = leapsr("export", "-f", "safetensors", "--fidelity", 0)  # of random weights
    assert (code, out) == (2, "")
    assert "draws detail from noise" in told
    assert names() == []
