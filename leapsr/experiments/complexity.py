"""What a model costs: parameters, multiplications, seconds and memory, measured on this machine.

The papers count a result of 512 x 512 from 128 x 128 (SMFSR table 2, OFTSR table 10).
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..errors import DataError
from ..evaluation.run import noise_for
from ..frozen.autoencoder import Pretrained
from ..hub import catalog
from ..networks import registry
from ..restorer import Restorer, read_config
from ..upscaling.upscaler import Upscaler

REPEATS = 3
KILOBYTE = 1 if sys.platform == "darwin" else 1024
"""Of ru_maxrss."""


class Cost(NamedTuple):
    """parameters, trainable: of the network, and those that its training changes. autoencoder: its own, 0
    on pixels. macs: multiply-accumulates of a picture, autoencoder included. seconds: median. memory: bytes
    at the peak; of a GPU what torch held, else the whole process."""

    model: str
    parameters: int
    trainable: int
    autoencoder: int
    macs: int
    seconds: float
    memory: int
    device: str


def measure(model: str, side: int = 128, steps: int = 1, device: str = "auto", dtype: str = "auto") -> Cost:
    """In a process of its own, so that the peak is the model's. Raises DataError."""
    words = [sys.executable, "-m", __spec__.name, model, str(side), str(steps), device, dtype]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise DataError(f"{model} cannot be measured: {said[-1]}")
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _measured(model: str, side: int, steps: int, device: str, dtype: str) -> Cost:
    folder = catalog.find(model)
    restorer = Upscaler.from_pretrained(folder, device, dtype).restorer
    on_gpu = restorer.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(restorer.device)
    lr = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    noise = noise_for(restorer, lr, 0)
    times = []
    for _ in range(REPEATS + 1):
        begin = time.perf_counter()
        restorer.restore(lr, noise, steps=steps).cpu()  # waits for the device
        times.append(time.perf_counter() - begin)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE
    memory = torch.cuda.max_memory_allocated(restorer.device) if on_gpu else used
    with FlopCounterMode(display=False) as counter:
        restorer.restore(lr, noise, steps=steps)
    autoencoder = restorer.space.autoencoder
    return Cost(
        model,
        _count(restorer.network),
        _trainable(folder, restorer),
        _count(autoencoder.codec.network) if isinstance(autoencoder, Pretrained) else 0,
        counter.get_total_flops() // 2,
        statistics.median(times[1:]),  # the first one warms up
        memory,
        str(restorer.device),
    )


def _count(network: torch.nn.Module, trained: bool = False) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad or not trained)


def _trainable(folder: Path, restorer: Restorer) -> int:
    """As a network of this configuration is when it is made for training; another project's is not known."""
    if folder.is_file():
        return _count(restorer.network)
    with torch.device("meta"):
        return _count(registry.build(read_config(folder).network), trained=True)


if __name__ == "__main__":
    name, side, steps, device, dtype = sys.argv[1:]
    print(json.dumps(_measured(name, int(side), int(steps), device, dtype)._asdict()))
