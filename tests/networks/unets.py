import torch

from leapsr.networks import Condition, UNet, UNetConfig


def randomised(config: UNetConfig, seed: int = 0) -> UNet:
    """Nothing left at zero, so that every path through the network counts."""
    torch.manual_seed(seed)
    network = UNet(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.5 / max(1, parameter[0].numel()) ** 0.5)
    return network


def inputs(config: UNetConfig, height: int, width: int, batch: int = 2):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(batch, 3, config.scale * height, config.scale * width, generator=generator)
    lr = torch.randn(batch, 3, height, width, generator=generator)
    t, r = torch.rand(2, batch, generator=generator).sort(0, descending=True).values
    return x, t, r, Condition(lr)
