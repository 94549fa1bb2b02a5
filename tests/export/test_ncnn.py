"""ncnn itself runs the files that upscayl and realesrgan-ncnn-vulkan open."""

import pytest

pytest.importorskip("ncnn", reason="needs ncnn: pip install 'leapsr[ncnn]'")
pytest.importorskip("pnnx", reason="needs pnnx: pip install 'leapsr[ncnn]'")

from leapsr.errors import UsageError
from leapsr.export import ncnn_file
from leapsr.export.model import Exported

OLD_LAYERS = {
    "Input", "BinaryOp", "Split", "Padding", "ConvolutionDepthWise", "Concat", "Crop", "Convolution", "Swish",
    "Clip", "Deconvolution", "PixelShuffle", "Pooling", "Interp",
}  # fmt: skip


@pytest.mark.parametrize(("name", "half"), [("leap-small", True), ("leap-small-x2", False)])
def test_ncnn_says_what_torch_says(tmp_path, photo_tensor, name, half):
    ncnn = pytest.importorskip("ncnn")
    model, path = Exported.load(name), tmp_path / "leap.param"
    written = ncnn_file.write(model, path, half)
    assert written.max < (1e-3 if half else 1e-4)
    assert {file.name for file in tmp_path.iterdir()} == {"leap.param", "leap.bin"}
    lines = path.read_text().splitlines()
    assert lines[0] == "7767517"
    assert lines[2].split()[-1] == "data"
    assert lines[-1].split()[5] == "output"
    assert {line.split()[0] for line in lines[2:]} <= OLD_LAYERS
    net = ncnn.Net()
    net.load_param(str(path))
    net.load_model(str(path.with_suffix(".bin")))
    for size in ((48, 64), (33, 47), (9, 6)):
        image = photo_tensor[..., : size[0], : size[1]]
        found, expected = ncnn_file._run(net, image), model.restore(image)
        assert found.shape == expected.shape
        assert (found - expected).abs().max() < (1e-3 if half else 1e-4)


def test_a_file_in_fp32_that_is_not_exact_is_not_written(tmp_path, tiny_model):
    class Off(Exported):
        def restore(self, image, **options):
            return super().restore(image, **options) + 3e-4

    with pytest.raises(UsageError, match="differ too much"):
        ncnn_file.write(Off.load(tiny_model), tmp_path / "a.param", half=False)
    assert not list(tmp_path.glob("a.*"))
