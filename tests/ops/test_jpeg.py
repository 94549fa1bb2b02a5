import pytest
import torch
from safetensors.torch import load_file

from leapsr.ops.jpeg import jpeg, real_jpeg, tensor_jpeg


def smooth(count, height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, height // 8 + 1, width // 8 + 1, generator=generator)
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize("quality", [30, 90])
def test_equals_diffjpeg(shared, quality):
    golden = load_file(shared / "golden/degradation_kernels.safetensors")
    image = golden["in.image_uint8"].clone().float()[None] / 255
    # DiffJPEG's quantisation tables are transposed; the cosine transform is symmetric in both directions.
    transposed = tensor_jpeg(image.mT, torch.tensor([float(quality)])).mT
    difference = (transposed[0] - golden[f"jpeg.q{quality}.hard"]).abs()
    assert (difference > 1e-5).sum() <= 2 * 64 * 3  # at most two blocks with a coefficient on a rounding tie


@pytest.mark.parametrize("quality", [10.0, 50.0, 95.0])
def test_the_arithmetic_is_that_of_the_codec_on_grey_images(quality):
    # Vertical detail only: with the quantisation table transposed the difference is several levels.
    noise = torch.rand(1, 1, 256, 1, generator=torch.Generator().manual_seed(0))
    grey = (noise * 255).round().div(255).expand(-1, 3, -1, 16)
    difference = tensor_jpeg(grey, torch.tensor([quality])) - real_jpeg(grey, torch.tensor([quality]))
    assert difference.abs().mean() * 255 < 1


def test_the_arithmetic_is_close_to_the_codec_in_colour():
    image, quality = smooth(2, 64, 96), torch.tensor([20.0, 80.0])  # the codec interpolates chroma
    assert (tensor_jpeg(image, quality) - real_jpeg(image, quality)).abs().mean() < 0.03


@pytest.mark.parametrize("codec", ["real", "tensor"])
def test_each_image_has_its_own_quality(codec):
    image, qualities = smooth(3, 40, 24), torch.tensor([95.0, 12.0, 50.0])
    together = jpeg(image, qualities, codec)
    alone = [jpeg(image[i : i + 1], qualities[i : i + 1], codec) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone))
    errors = (together - image).abs().mean(dim=(1, 2, 3))
    assert errors[0] < errors[2] < errors[1]


@pytest.mark.parametrize("codec", ["real", "tensor"])
@pytest.mark.parametrize("size", [(1, 1), (15, 17), (16, 33)])
def test_any_size_and_range(codec, size):
    image = torch.randn(2, 3, *size)
    compressed = jpeg(image, torch.tensor([1.0, 100.0]), codec)
    assert compressed.shape == image.shape
    assert compressed.dtype == torch.float32
    assert compressed.min() >= 0
    assert compressed.max() <= 1


@pytest.mark.parametrize("codec", ["real", "tensor"])
def test_best_quality_keeps_grey_within_a_few_levels(codec):
    grey = smooth(1, 32, 32)[:, :1].expand(-1, 3, -1, -1)
    assert (jpeg(grey, torch.tensor([100.0]), codec) - grey).abs().max() * 255 < 4


def test_on_a_cpu_auto_is_the_codec():
    image, quality = smooth(1, 32, 32), torch.tensor([40.0])
    assert torch.equal(jpeg(image, quality), real_jpeg(image, quality))
