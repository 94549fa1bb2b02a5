import copy

import pytest
import torch
from pydantic import ValidationError

from leapsr.networks import Condition, UNet
from leapsr.networks.pixel.critic import PRESETS, Critic, CriticConfig
from leapsr.networks.pixel.unet import PRESETS as UNETS
from leapsr.networks.spectral import SpectralConv
from leapsr.ops.upsample import bicubic_upsample


def critic(preset: str = "tiny", **changes) -> Critic:
    torch.manual_seed(0)
    return Critic(PRESETS[preset].model_copy(update=changes)).eval()


def pictures(height: int = 8, width: int = 8, scale: int = 4, n: int = 2):
    """(image, lr): an image with some detail of its own."""
    generator = torch.Generator().manual_seed(1)
    lr = torch.rand(n, 3, height, width, generator=generator) * 2 - 1
    detail = 0.1 * torch.randn(n, 3, scale * height, scale * width, generator=generator)
    return bicubic_upsample(lr, scale) + detail, lr


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 13), (8, 20)])
def test_a_score_for_each_scale_and_patch(scale, height, width):
    network = critic(scales=2)
    halved = 1 << len(network.config.widths)
    shape = (2, 2, scale * height // halved, scale * width // halved)
    assert network(*pictures(height, width, scale)).shape == shape


@pytest.mark.parametrize("scales", [1, 2, 3])
def test_the_smallest_picture(scales):
    network = critic(scales=scales)
    side = network.config.smallest
    assert network(torch.zeros(1, 3, side, side), torch.zeros(1, 3, side, side)).shape[1] == scales
    with pytest.raises(RuntimeError):
        network(torch.zeros(1, 3, side - 1, side - 1), torch.zeros(1, 3, side - 1, side - 1))


def test_every_scale_counts_alike():
    """The mean over positions is the mean of the scales' own means."""
    network = critic(scales=3)
    scores = network(*pictures(8, 16))
    coarse = scores[:, 2]
    assert torch.equal(coarse[:, ::4, ::4].repeat_interleave(4, 1).repeat_interleave(4, 2), coarse)
    own = torch.stack([scores[:, 0].mean(), scores[:, 1, ::2, ::2].mean(), coarse[:, ::4, ::4].mean()])
    torch.testing.assert_close(scores.mean(), own.mean())


def test_it_is_patch_wise():
    """A change in one corner changes the scores there and nowhere else."""
    network = critic(scales=1)
    image, lr = pictures(16, 16)
    other = image.clone()
    other[..., :4, :4] += 0.3
    changed = (network(other, lr) != network(image, lr)).any(0).any(0).nonzero()
    assert changed.max() < 4
    assert len(changed)


def test_it_looks_at_the_low_resolution_image_too():
    network = critic()
    image, lr = pictures()
    assert not torch.allclose(network(image, lr), network(image, lr.flip(0)))


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_no_kernel_amplifies(memory):
    """Ten iterations nearly find the largest singular value of a random kernel, the hardest there is."""
    torch.manual_seed(0)
    layer = SpectralConv(6, 8, kernel=4).to(memory_format=memory)
    for growth in (1, 7):
        with torch.no_grad():
            layer.weight *= growth
        normalised = (layer.weight / layer.norm()).flatten(1)
        assert torch.linalg.matrix_norm(normalised, 2).item() == pytest.approx(1, abs=0.08)


def test_the_estimate_is_exact_where_one_direction_leads():
    torch.manual_seed(0)
    layer = SpectralConv(6, 8, kernel=4)
    left, right = torch.randn(8), torch.randn(96)
    with torch.no_grad():
        layer.weight += torch.outer(left, right).view_as(layer.weight)
    exact = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
    torch.testing.assert_close(layer.norm(), exact, rtol=1e-4, atol=0)


def test_the_scale_of_a_kernel_has_no_gradient():
    """W / |W| does not depend on it: the gradient is at right angles to the kernel."""
    layer = SpectralConv(3, 5, kernel=3).double()
    with torch.no_grad():
        layer.weight[0] *= 20  # one direction leads, so that the iteration has arrived
    layer(torch.randn(2, 3, 6, 6, dtype=torch.float64)).square().mean().backward()
    along = (layer.weight.grad * layer.weight).sum()
    assert along.abs() < 1e-6 * layer.weight.grad.norm() * layer.weight.norm()


def test_asking_a_critic_does_not_change_it():
    """Else two processes, or a run and its resumed half, would differ by how often each asked."""
    network = critic().train()
    before = copy.deepcopy(network.state_dict())
    network(*pictures())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_half_precision():
    network = critic("small").train()
    image, lr = pictures(16, 16)
    exact = copy.deepcopy(network)(image, lr)
    with torch.autocast("cpu", torch.bfloat16):
        scores = network(image, lr)
    torch.testing.assert_close(scores.float(), exact, rtol=0.1, atol=0.05 * exact.abs().max().item())
    scores.float().mean().backward()
    assert network.patches[0][0].weight.grad.isfinite().all()


def test_channels_last_gives_the_same_scores():
    network = critic()
    image, lr = pictures()
    plain = network(image, lr)
    image, lr = (
        image.contiguous(memory_format=torch.channels_last),
        lr.contiguous(memory_format=torch.channels_last),
    )
    torch.testing.assert_close(network.to(memory_format=torch.channels_last)(image, lr), plain)


def test_it_learns_to_tell_sharp_from_soft():
    """Photos with fine detail against the same low-resolution images merely upsampled."""
    network = critic().train()
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3, betas=(0.5, 0.9))
    image, lr = pictures(8, 8, n=8)
    for _ in range(40):
        real, fake = network(torch.cat([image, bicubic_upsample(lr, 4)]), torch.cat([lr, lr])).chunk(2)
        loss = (1 - real).relu().mean() + (1 + fake).relu().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.5
    assert real.mean() > 0 > fake.mean()


def multiplications(network, *arguments) -> int:
    """Multiply-adds of the convolutions."""
    total = 0

    def count(layer, _, output):
        nonlocal total
        taps = layer.weight[0].numel() if isinstance(layer, torch.nn.Conv2d) else layer.weight[:, 0].numel()
        total += output.numel() * taps

    kinds = (torch.nn.Conv2d, torch.nn.ConvTranspose2d)
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, kinds)]
    network(*arguments)
    for hook in hooks:
        hook.remove()
    return total


def test_the_small_critic_costs_less_than_half_of_the_small_student():
    image, lr = pictures(16, 16, n=1)
    student = multiplications(UNet(UNETS["small"]), image, torch.ones(1), torch.zeros(1), Condition(lr))
    assert multiplications(critic("small"), image, lr) < student / 2


@pytest.mark.parametrize("values", [{"widths": ()}, {"scales": 0}, {"widths": (8, 0)}, {"depth": 3}])
def test_impossible_sizes_are_refused(values):
    with pytest.raises(ValidationError):
        CriticConfig(**values)
