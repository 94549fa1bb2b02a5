import numpy as np
import pytest
import torch
from PIL import Image

from leapsr.networks import PRESETS, Condition, UNet
from leapsr.ops import upsample
from leapsr.ops.derivative import directional_derivative
from leapsr.ops.upsample import RADIUS, bicubic_phases, bicubic_upsample


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_equals_pillow_inside(scale):
    pixels = np.random.default_rng(0).random((11, 9), dtype=np.float32)
    expected = np.asarray(Image.fromarray(pixels).resize((9 * scale, 11 * scale), Image.Resampling.BICUBIC))
    ours = bicubic_upsample(torch.tensor(pixels)[None, None], scale)[0, 0].numpy()
    inner = slice(RADIUS * scale, -RADIUS * scale)
    np.testing.assert_allclose(ours[inner, inner], expected[inner, inner], atol=1e-6)


def test_reproduces_straight_lines():
    ramp = torch.arange(12.0).repeat(10, 1)[None, None]
    upsampled = bicubic_upsample(ramp, 4)[0, 0]
    positions = (torch.arange(48) + 0.5) / 4 - 0.5
    torch.testing.assert_close(upsampled[:, 8:-8], positions.repeat(40, 1)[:, 8:-8])


def test_phases_are_the_unshuffled_image():
    lr = torch.randn(2, 3, 5, 6)
    unshuffled = torch.nn.functional.pixel_unshuffle(bicubic_upsample(lr, 4), 4)
    torch.testing.assert_close(unshuffled, bicubic_phases(lr, 4))


def test_a_crop_far_from_the_origin_gives_the_same_bits():
    lr = torch.rand(1, 3, 6, 4099)
    part = bicubic_upsample(lr[..., 4000:], 3)
    torch.testing.assert_close(part[..., 9:], bicubic_upsample(lr, 3)[..., 12009:], rtol=0, atol=1e-6)


def test_one_pixel():
    torch.testing.assert_close(
        bicubic_upsample(torch.full((1, 3, 1, 1), 0.3), 4), torch.full((1, 3, 4, 4), 0.3)
    )


@pytest.fixture
def built(monkeypatch) -> list[int]:
    """The scales whose filters were made, in order, from nothing kept."""
    made = []
    make = upsample.phase_filters
    monkeypatch.setattr(upsample, "phase_filters", lambda scale: made.append(scale) or make(scale))
    upsample._kept.cache_clear()
    return made


def test_filters_are_made_once_for_each_scale_and_precision(built):
    for lr in (torch.rand(1, 3, 4, 4), torch.rand(2, 1, 5, 6), torch.rand(1, 3, 4, 4).double()):
        for scale in (2, 3, 2):
            bicubic_upsample(lr, scale)
    assert built == [2, 3, 2, 3]


@pytest.mark.parametrize("mode", ["inference", "derivative"])
def test_filters_made_in_any_mode_serve_in_training(built, mode):
    """Tensors of inference mode cannot be saved for a gradient, those of a derivative die with it."""
    lr = torch.rand(1, 3, 4, 4, requires_grad=True)
    fresh = bicubic_upsample(lr.detach(), 2)
    upsample._kept.cache_clear()
    if mode == "inference":
        with torch.inference_mode():
            bicubic_upsample(lr.detach(), 2)
    else:
        directional_derivative(lambda x: bicubic_upsample(x, 2), (lr.detach(),), (lr.detach(),))
    kept = upsample._kept(2, lr.device, lr.dtype)
    assert built == [2, 2]
    assert not kept.is_inference()
    assert not torch._C._functorch.is_functorch_wrapped_tensor(kept)
    again = bicubic_upsample(lr, 2)
    again.sum().backward()
    assert torch.equal(again, fresh)
    torch.testing.assert_close(lr.grad.sum().item(), 4.0 * lr.numel())


def test_a_compiled_network_takes_the_filters_as_a_constant(built):
    """Without a break in its graph, and without making them again."""
    network = UNet(PRESETS["tiny"]).requires_grad_(False)
    x, t = torch.randn(1, 3, 16, 16), torch.ones(1)
    arguments = (x, t, t, Condition(torch.randn(1, 3, 4, 4)))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    expected = network(*arguments)
    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    torch.testing.assert_close(torch.compile(network, backend=backend, fullgraph=True)(*arguments), expected)
    assert built == [4]
    assert "arange" not in str(graphs[0].graph)
    torch._dynamo.reset()
