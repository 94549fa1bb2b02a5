"""A folded network computes what the network does at that position of the dial, for that damage."""

import pytest
import torch
from unets import randomised

from leapsr.flow import Source
from leapsr.networks import PRESETS, Condition
from leapsr.networks.pixel.folded import FoldedUNet, fold
from leapsr.ops.upsample import bicubic_upsample


@pytest.mark.parametrize(
    "source", [Source(kind="noisy_lr", sigma=0.3), Source(kind="lr"), Source(kind="noise")]
)
@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize(("scale", "limit"), [(4, 8.0), (2, 0.5), (3, None)])
def test_it_is_the_network_without_its_embedding(source, reads, scale, limit):
    update = {"scale": scale, "quality": reads, "damage": reads, "limit": limit}
    network = randomised(PRESETS["tiny"].model_copy(update=update)).double()
    damage = torch.tensor([3.0, 2.0, 0.1, 4.0, 0.7, 0.5], dtype=torch.double) if reads else None
    for r, (height, width) in ((0.0, (9, 13)), (0.6, (8, 8)), (1.0, (1, 2))):
        image = torch.rand(2, 3, height, width, dtype=torch.double)
        cond = Condition(2 * image - 1, damage=None if damage is None else damage.expand(2, -1))
        upsampled = bicubic_upsample(cond.lr, scale)
        start = source(upsampled, torch.zeros_like(upsampled))
        one = torch.ones(2, dtype=torch.double)
        expected = (start - network(start, one, r * one, cond) + 1) / 2
        folded = fold(network, source, r, damage)
        torch.testing.assert_close(folded(image), expected, rtol=0, atol=1e-6)
        again = FoldedUNet.from_weights(folded.state_dict())
        torch.testing.assert_close(again(image), folded(image))


def test_half_precision_keeps_the_picture_itself():
    network = randomised(PRESETS["tiny"])
    image, source = torch.rand(1, 3, 16, 20), Source()
    folded = fold(network, source, 0.5)
    whole, half = folded(image), fold(network, source, 0.5).half_trunk()
    assert half.precision == torch.float16
    assert half(image).dtype == torch.float32
    torch.testing.assert_close(
        half(image), whole, rtol=0, atol=0.05 * (whole - image.mean()).abs().max().item()
    )
