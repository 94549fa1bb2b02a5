import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from leapsr.ops.filters import filter2d, unsharp_mask


@pytest.fixture(scope="module")
def golden(shared):
    return {
        name: tensor.clone()
        for name, tensor in load_file(shared / "golden/degradation_kernels.safetensors").items()
    }


@pytest.fixture(scope="module")
def china(golden):
    return golden["in.image_uint8"].float()[None] / 255


def direct(image, kernel):
    """One image, one kernel, by the definition."""
    padded = F.pad(image[None], [kernel.shape[-1] // 2] * 4, mode="reflect")
    return F.conv2d(padded.transpose(0, 1), kernel[None, None]).transpose(0, 1)[0]


@pytest.mark.parametrize("size", [(22, 35), (40, 23), (64, 64)])
@pytest.mark.parametrize("taps", [1, 7, 21])
def test_each_image_gets_its_own_kernel(size, taps):
    image = torch.rand(3, 3, *size, dtype=torch.float64)
    kernels = torch.rand(3, taps, taps, dtype=torch.float64)
    expected = torch.stack([direct(*pair) for pair in zip(image, kernels, strict=True)])
    torch.testing.assert_close(filter2d(image, kernels), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (40, 10), (16, 16)])
def test_images_smaller_than_the_kernel_keep_size_and_mean_colour(size):
    kernels = torch.rand(1, 21, 21)
    kernels /= kernels.sum()
    filtered = filter2d(torch.full((1, 3, *size), 0.25), kernels)
    torch.testing.assert_close(filtered, torch.full((1, 3, *size), 0.25), rtol=0, atol=1e-6)


def test_a_short_axis_repeats_its_border_and_the_other_still_reflects():
    image = torch.rand(1, 1, 4, 30, dtype=torch.float64)
    kernel = torch.zeros(1, 21, 21, dtype=torch.float64)
    kernel[0, 0, 0] = 1  # looks 10 pixels up and 10 to the left
    torch.testing.assert_close(filter2d(image, kernel)[0, 0, 0, 0], image[0, 0, 0, 10])


def test_filter2d_is_that_of_basicsr(golden, china):
    filtered = filter2d(china, golden["kernel.k03"].float()[None])[0]
    torch.testing.assert_close(filtered, golden["filter2D.k03"], rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("name", "weight", "threshold"), [("torch_default", 0.5, 10), ("torch_w1_t3", 1.0, 3)]
)
def test_sharpening_is_that_of_basicsr(golden, china, name, weight, threshold):
    # 3e-6: the reference itself is 2.4e-6 away from the same in float64.
    sharp = unsharp_mask(china, weight, threshold=threshold)[0]
    torch.testing.assert_close(sharp, golden[f"usm.{name}"], rtol=0, atol=3e-6)


def test_sharpening_leaves_flat_colour_alone_and_steepens_an_edge():
    step = torch.full((1, 3, 64, 64), 0.3)
    step[..., 32:] = 0.7
    sharp = unsharp_mask(step)
    assert sharp[..., 31].max() < 0.25
    assert sharp[..., 32].min() > 0.75
    torch.testing.assert_close(unsharp_mask(torch.full((1, 3, 9, 9), 0.3)), torch.full((1, 3, 9, 9), 0.3))
