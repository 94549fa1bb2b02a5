"""Training samples a second for U-Nets of several shapes: forward, backward and AdamW on the CPU.

    python benchmarks/blocks.py [--threads 1] [--batch 16] [--steps 8]

The shapes take turns, one step each, so that a machine that slows down slows all of them.
In bf16 where the processor has it, else in fp32.
"""

import argparse
import platform
import statistics
import time

import torch

from leapsr.devices import has_bfloat16
from leapsr.networks import Condition, UNet, UNetConfig

SEED, SIDE, SCALE = 0, 32, 4
HALF = has_bfloat16(torch.device("cpu"))
SHAPES = {
    "32/64/128, blocks 2/2/3": UNetConfig(widths=(32, 64, 128), blocks=(2, 2, 3), embedding=64),
    "32/64/128, blocks 1/2/4": UNetConfig(widths=(32, 64, 128), blocks=(1, 2, 4), embedding=64),
    "24/64/128, blocks 2/2/3": UNetConfig(widths=(24, 64, 128), blocks=(2, 2, 3), embedding=64),
    "32/64/96, blocks 2/3/4": UNetConfig(widths=(32, 64, 96), blocks=(2, 3, 4), embedding=64),
    "48/96/160, blocks 2/2/3": UNetConfig(widths=(48, 96, 160), blocks=(2, 2, 3), embedding=64),
    "64/96/128, blocks 1/2/3": UNetConfig(widths=(64, 96, 128), blocks=(1, 2, 3), embedding=64),
    "48, blocks 10 (one level)": UNetConfig(widths=(48,), blocks=(10,), embedding=64),
}


class Trainee:
    def __init__(self, config: UNetConfig, batch: int) -> None:
        torch.manual_seed(SEED)
        self.network = UNet(config).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), 1e-4, fused=True)
        large = SIDE * SCALE
        self.x, self.target = torch.randn(2, batch, 3, large, large)
        self.cond, self.t = Condition(torch.randn(batch, 3, SIDE, SIDE)), torch.rand(batch)
        self.seconds: list[float] = []

    def step(self) -> None:
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
            u = self.network(self.x, self.t, self.t, self.cond)
        (u.float() - self.target).abs().mean().backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.seconds.append(time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    trainees = {name: Trainee(config, options.batch) for name, config in SHAPES.items()}
    for _ in range(options.steps + 2):
        for trainee in trainees.values():
            trainee.step()
    print(
        f"{options.threads} threads, batch {options.batch}, seed {SEED}, torch {torch.__version__}, ", end=""
    )
    print(f"python {platform.python_version()}, median of {options.steps} steps\n")
    print("| U-Net | parameters | radius | samples/s |\n|---|---|---|---|")
    for name, trainee in trainees.items():
        rate = options.batch / statistics.median(trainee.seconds[2:])
        count = sum(parameter.numel() for parameter in trainee.network.parameters())
        print(f"| {name} | {count / 1e6:.2f}M | {trainee.network.radius} | {rate:.0f} |")


if __name__ == "__main__":
    main()
