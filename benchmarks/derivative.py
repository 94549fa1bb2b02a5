"""MeanFlow's update of an MM-DiT: which attention runs in the forward pass and which in the derivative.

    python benchmarks/derivative.py [--threads 1] [--side 64] [--updates 2]

Three schemes, each the derivative of u along the trajectory without gradients, then u again and its backward
pass: "fused" takes the fused kernels outside the derivative and the formula, in chunks of queries, inside;
"chunked" and "math" take the formula everywhere, in chunks and at once. The network is a quarter as wide as
SD3.5-medium and has 2 of its 24 blocks; a side of 64 latents and 154 tokens of text are a 512-pixel picture.
The schemes take turns, one update each, after one that does not count. Seconds are the processor's, of all
threads, so that other programs on the machine do not matter. Memory is the highest of one update above that
of the network itself, each in a process of its own (Linux).
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time

import diffusers
import torch
from resident import growth
from torch import Tensor

from leapsr.networks import Condition, Prompt
from leapsr.networks.mmdit.config import MMDiTConfig
from leapsr.networks.mmdit.network import MMDiT
from leapsr.ops.attention import Kernel
from leapsr.ops.derivative import directional_derivative

SEED = 0
SCHEMES: tuple[Kernel, ...] = ("fused", "chunked", "math")


def network(kernel: Kernel) -> MMDiT:
    """The same weights for every scheme."""
    torch.manual_seed(SEED)
    config = MMDiTConfig(
        num_layers=2,
        num_attention_heads=6,
        dual_attention_layers=(0,),
        time_conditioning="add_r",
        time_scale=1.0,
        attention=kernel,
    )
    return MMDiT(config)


def inputs(side: int) -> tuple[Tensor, Tensor, Tensor, Condition]:
    generator = torch.Generator().manual_seed(SEED)
    x, lr = torch.randn(2, 1, 16, side, side, generator=generator)
    prompt = Prompt(torch.randn(1, 154, 4096, generator=generator), torch.randn(1, 2048, generator=generator))
    return x, torch.tensor([0.8]), torch.tensor([0.3]), Condition(lr, prompt=prompt)


def update(net: MMDiT, side: int) -> tuple[float, float]:
    """Processor seconds of the derivative, and of the forward and backward pass."""
    x, t, r, cond = inputs(side)
    began = time.process_time()
    _, du_dt = directional_derivative(
        lambda x, t: net(x, t, r, cond), (x, t), (torch.randn_like(x), torch.ones_like(t))
    )
    between = time.process_time()
    (net(x, t, r, cond) - du_dt).square().mean().backward()
    ended = time.process_time()
    net.zero_grad()
    return between - began, ended - between


def measure_memory(scheme: Kernel, side: int) -> None:
    net = network(scheme)
    print(growth(lambda: update(net, side)))


def memory_of(scheme: Kernel, options: argparse.Namespace) -> float:
    words = [sys.executable, __file__, "--memory-of", scheme, "--side", str(options.side)]
    words += ["--threads", str(options.threads)]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--side", type=int, default=64, help="of the latents, an eighth of the picture's")
    parser.add_argument("--updates", type=int, default=2)
    parser.add_argument("--memory-of", choices=SCHEMES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.memory_of:
        measure_memory(options.memory_of, options.side)
        return
    networks = {scheme: network(scheme) for scheme in SCHEMES}
    seconds: dict[str, list[tuple[float, float]]] = {scheme: [] for scheme in SCHEMES}
    update(networks["fused"], options.side)
    for _ in range(options.updates):
        for scheme, net in networks.items():
            seconds[scheme].append(update(net, options.side))
    tokens = 2 * (options.side // 2) ** 2 + 154
    print(f"{options.threads} threads, {tokens} tokens, seed {SEED}, torch {torch.__version__}, ", end="")
    print(f"diffusers {diffusers.__version__}, python {platform.python_version()}, ", end="")
    print(f"median of {options.updates} updates; in brackets the share of 'math'\n")
    print("CPU seconds:\n\n| attention | derivative | forward and backward | update | peak MiB |")
    print("|---|---|---|---|---|")
    medians = {
        scheme: [statistics.median(part) for part in zip(*((a, b, a + b) for a, b in runs), strict=True)]
        + [memory_of(scheme, options)]
        for scheme, runs in seconds.items()
    }
    for scheme, row in medians.items():
        cells = [
            f"{value:.3g} ({value / whole:.2f})" for value, whole in zip(row, medians["math"], strict=True)
        ]
        print(f"| `{scheme}` | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
