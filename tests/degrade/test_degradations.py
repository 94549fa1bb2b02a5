"""What holds for every degradation of the table, and what the small ones compute."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from leapsr import degrade
from leapsr.degrade import HEAVY, RESSHIFT, AveragePool, Bicubic, Mixture, RealESRGAN, ResizeJpeg
from leapsr.degrade.params import Draw
from leapsr.errors import UnknownName

NAMES = sorted(degrade.DEGRADATIONS)
RANDOM = [name for name in NAMES if name != "bicubic"]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def textured(count, height, width):
    image = torch.rand(count, 3, height, width, generator=seeded(7))
    return F.avg_pool2d(image, 3, stride=1, padding=1, count_include_pad=False)


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("size", [(16, 16), (32, 64), (4, 40)])
@pytest.mark.parametrize("name", NAMES)
def test_shape_range_and_device(name, size, scale):
    degradation = degrade.make(name, scale)
    image = textured(5, *size)
    before = image.clone()
    lr = degradation(image, seeded())
    assert degradation.scale == scale
    assert lr.shape == (5, 3, size[0] // scale, size[1] // scale)
    assert lr.dtype == torch.float32
    assert lr.min() >= 0
    assert lr.max() <= 1
    assert lr.isfinite().all()
    assert torch.equal(image, before)


@pytest.mark.parametrize("group", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides(name, group):
    degradation, image = degrade.make(name, 4, group), textured(4, 48, 32)
    lr = degradation(image, seeded(1))
    assert torch.equal(lr, degradation(image, seeded(1)))
    assert torch.equal(lr, degradation(image, seeded(2))) == (name == "bicubic")


@pytest.mark.parametrize("group", [1, 8])
@pytest.mark.parametrize("name", RANDOM)
def test_each_image_draws_its_own_damage(name, group):
    lr = degrade.make(name, 4, group)(textured(1, 32, 32).expand(8, -1, -1, -1), seeded())
    # Clean ones of "photo" are equal, and so may be two that share sizes and a JPEG quality.
    assert len({image.numpy().tobytes() for image in lr}) >= (6 if name in {"photo", "resize-jpeg"} else 8)


@pytest.mark.parametrize("name", NAMES)
def test_sides_must_be_multiples_of_the_scale(name):
    with pytest.raises(ValueError, match="18 x 16 pixels is not a multiple of 4"):
        degrade.make(name, 4)(torch.zeros(1, 3, 16, 18), seeded())


@pytest.mark.parametrize("name", NAMES)
def test_colour_survives(name):
    image = torch.tensor([0.7, 0.5, 0.3]).view(1, 3, 1, 1).expand(12, 3, 64, 64)
    lr = degrade.make(name, 4)(image, seeded())
    torch.testing.assert_close(lr.mean(dim=(0, 2, 3)), image[0, :, 0, 0], rtol=0, atol=0.08)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(UnknownName, match="Did you mean 'bicubic'"):
        degrade.make("bicubik", 4)


def test_bicubic_has_eight_bits_unless_told():
    image = textured(1, 32, 32)
    levels = Bicubic(4)(image, seeded()) * 255
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-4)
    exact = Bicubic(4, eight_bit=False)(image, seeded())
    assert 0 < (exact * 255 - levels).abs().max() <= 0.5001


def test_the_noise_of_average_pooling_is_whole_where_the_picture_is_white():
    """OFTSR adds n to H x and cuts nothing: cut at 1, white would be 0.990 with half of its noise."""
    white = AveragePool(2)(torch.ones(1, 3, 256, 256), seeded())
    assert abs(white.mean().item() - 1) < 1e-3
    assert abs(white.std().item() - 0.025) < 1e-3


def test_resshifts_kernels_are_smaller_and_half_of_its_images_have_one_stage():
    draw = Draw.draw(RESSHIFT, 4000, seeded())
    assert draw.first.blur.size.unique().tolist() == list(range(3, 20, 2))
    assert draw.second.blur.size.unique().tolist() == list(range(3, 14, 2))
    assert draw.final.sinc.size.unique().tolist() == list(range(3, 14, 2))
    assert abs(draw.twice.double().mean().item() - 0.5) < 0.03


def test_average_pool_states_its_noise_on_images_from_minus_one_to_one():
    image = torch.full((1, 3, 256, 256), 0.5)
    noise = AveragePool(2, sigma_n=0.1)(image, seeded()) - 0.5
    assert noise.std() == pytest.approx(0.05, rel=0.03)
    image = textured(1, 16, 16)
    assert torch.equal(AveragePool(4, sigma_n=0.0)(image, seeded()), F.avg_pool2d(image, 4))


def test_resize_jpeg_stays_close_to_the_bicubic_reduction():
    smooth = F.interpolate(textured(6, 8, 8), (128, 128), mode="bicubic").clamp(0, 1)
    difference = ResizeJpeg(4)(smooth, seeded()) - Bicubic(4)(smooth, seeded())
    assert 0.002 < difference.abs().mean() < 0.05


def test_a_mixture_draws_branches_by_weight():
    class Constant:
        scale = 2

        def __init__(self, value):
            self.value = value

        def __call__(self, image, generator):
            return image[..., ::2, ::2] * 0 + self.value

    lr = Mixture([(3.0, Constant(0.0)), (1.0, Constant(1.0))])(torch.rand(2000, 3, 2, 2), seeded())
    assert lr.mean() == pytest.approx(0.25, abs=0.03)
    assert set(lr.unique().tolist()) == {0.0, 1.0}


def test_a_mixture_needs_one_scale():
    with pytest.raises(ValueError, match=r"one scale, not \[2, 4\]"):
        Mixture([(1.0, Bicubic(2)), (1.0, Bicubic(4))])


def test_a_mixture_of_one_is_that_one_on_the_same_rows():
    image = textured(3, 32, 32)
    assert torch.equal(Mixture([(1.0, Bicubic(4))])(image, seeded()), Bicubic(4)(image, seeded()))


def sharpness(image):
    return (image[..., 1:] - image[..., :-1]).abs().mean()


def test_heavier_means_farther_from_the_clean_image():
    image = F.interpolate(textured(48, 24, 24), (96, 96), mode="bicubic").clamp(0, 1)
    clean = Bicubic(4)(image, seeded())
    errors = {
        name: (degrade.make(name, 4)(image, seeded()) - clean).square().mean()
        for name in ("realesrgan-light", "realesrgan-heavy")
    }
    assert errors["realesrgan-light"] < errors["realesrgan-heavy"]


def test_skipping_the_second_stage_damages_less():
    image = F.interpolate(textured(48, 24, 24), (96, 96), mode="bicubic").clamp(0, 1)
    clean = Bicubic(4)(image, seeded())
    once = RealESRGAN(4, replace(HEAVY, second_order_probability=0.0))(image, seeded())
    twice = RealESRGAN(4, HEAVY)(image, seeded())
    assert (once - clean).square().mean() < (twice - clean).square().mean()


def test_both_codecs_damage_alike():
    image = textured(8, 64, 64)
    real, ours = (RealESRGAN(4, codec=codec)(image, seeded()) for codec in ("real", "tensor"))
    assert 0 < (real - ours).abs().mean() < 0.04


def test_degradations_can_be_sent_to_another_process():
    import pickle

    image = textured(2, 32, 32)
    degradation = degrade.make("photo", 4)
    copy = pickle.loads(pickle.dumps(degradation))
    assert torch.equal(copy(image, seeded()), degradation(image, seeded()))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("generator_device", ["cpu", "cuda"])
@pytest.mark.parametrize("name", NAMES)
def test_on_a_gpu_with_a_generator_of_either_kind(name, generator_device):
    image = textured(9, 64, 64).cuda()
    lr = degrade.make(name, 4, group=4)(image, torch.Generator(generator_device).manual_seed(0))
    assert lr.is_cuda
    assert lr.shape == (9, 3, 16, 16)
    assert lr.isfinite().all()
