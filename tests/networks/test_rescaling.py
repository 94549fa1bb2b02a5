import pytest
import torch
import torch.nn.functional as F
from unets import inputs, randomised

from leapsr.networks import PRESETS, Condition, UNet
from leapsr.networks.pixel.rescaling import rescaled


def at(network: UNet, scale: int) -> UNet:
    """The network that begins as this one at another scale."""
    config = network.config.model_copy(update={"scale": scale})
    begun = UNet(config).eval()
    begun.load_state_dict(rescaled(network.state_dict(), network.config.scale, config.scale))
    return begun


@pytest.mark.parametrize("gates", ["shut", "alike"])
def test_a_network_for_x2_begins_as_the_mean_of_one_for_x4(gates):
    """Exactly so on a flat small photo: on another one the two upsample it differently, beside the trunk."""
    large = randomised(PRESETS["tiny"])
    state = 3 * large.config.scale**2
    if gates == "alike":
        for part in large.gains.parameters():
            part.data[2 * state :] = 0  # else each pixel enters by a factor of its own
    small = at(large, 2)
    x, t, r, _ = inputs(small.config, 6, 5)
    r = torch.ones(2) if gates == "shut" else r
    t = torch.ones(2) if gates == "shut" else t
    flat = Condition(torch.tensor([0.3, -0.2, 0.5])[:, None, None].expand(2, 3, 6, 5))
    expected = F.avg_pool2d(large(F.interpolate(x, scale_factor=2), t, r, flat), 2)
    torch.testing.assert_close(small(x, t, r, flat), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("scale", "there"), [(2, 4), (1, 3), (2, 2), (2, 8)])
def test_to_a_larger_scale_and_back_is_the_same_network(scale, there):
    network = randomised(PRESETS["tiny"].model_copy(update={"scale": scale}))
    back = at(at(network, there), scale).state_dict()
    for name, weight in network.state_dict().items():
        torch.testing.assert_close(back[name], weight, msg=name)


def test_scales_that_do_not_divide_each_other():
    network = randomised(PRESETS["tiny"])
    arguments = inputs(network.config.model_copy(update={"scale": 3}), 7, 4)
    assert at(network, 3)(*arguments).isfinite().all()
