import pytest
import torch

from leapsr.frozen.large_pictures import in_windows, reflect, windows


@pytest.mark.parametrize(("length", "size", "overlap"), [(64, 16, 4), (65, 16, 8), (17, 16, 4), (96, 32, 0)])
def test_weights_add_up_to_one_everywhere(length, size, overlap):
    total = torch.zeros(length)
    for start, weights in windows(length, size, overlap):
        assert weights.min() >= 0
        total[start : start + size] += weights
    torch.testing.assert_close(total, torch.ones(length))


def test_pixels_beside_a_cut_hardly_count():
    first, second, *_ = windows(40, 16, 8)
    assert first.start == 0
    assert second.start == 8
    assert first.weights[:8].tolist() == [1] * 8  # the picture's own border is no cut
    fading = (torch.arange(8) + 0.5) / 8
    torch.testing.assert_close(second.weights[:8], fading)
    torch.testing.assert_close(first.weights[8:], fading.flip(0))


def test_one_window_where_it_is_enough():
    (only,) = windows(9, 16, 4)
    assert only.weights.tolist() == [1] * 9


def test_windows_that_cannot_be():
    with pytest.raises(ValueError, match="at most half"):
        windows(64, 16, 9)


def shrink(x):
    """A local network of factor 4, which windows must not change."""
    return torch.nn.functional.avg_pool2d(x, 4)


def grow(x):
    return x.repeat_interleave(4, 2).repeat_interleave(4, 3)


@pytest.mark.parametrize("size", [(44, 68), (32, 100), (16, 16)])
def test_a_local_network_does_not_notice(size):
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    small = in_windows(shrink, image, 4, 1, 8, 4)
    torch.testing.assert_close(small, shrink(image))
    torch.testing.assert_close(in_windows(grow, small, 1, 4, 8, 4), grow(small))


def test_the_gradient_passes_the_windows():
    image = torch.rand(1, 1, 32, 48, requires_grad=True)
    in_windows(shrink, image, 4, 1, 4, 2).sum().backward()
    torch.testing.assert_close(image.grad, torch.full_like(image, 1 / 16))


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (3, 8), (16, 9)])
def test_what_is_missing_is_mirrored(size):
    image = torch.rand(2, 3, *size)
    whole = reflect(image, 8)
    height, width = size
    assert whole.shape == (2, 3, -(-height // 8) * 8, -(-width // 8) * 8)
    assert torch.equal(whole[..., :height, :width], image)
    if 2 * height - 1 >= whole.shape[2] and 2 * width - 1 >= whole.shape[3]:
        pad = (0, whole.shape[3] - width, 0, whole.shape[2] - height)
        assert torch.equal(whole, torch.nn.functional.pad(image, pad, mode="reflect"))


def test_a_narrow_picture_is_mirrored_back_and_forth():
    assert reflect(torch.tensor([[[0.0, 1, 2]]]), 8)[0, 0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1]
