"""Seconds and memory for one output megapixel, 256 x 256 -> 1024 x 1024, beside Real-ESRGAN's network.

    python benchmarks/upscale.py [--model NAME] [--threads N] [--runs N]

Every figure comes from a process of its own. The order is A B A B ..., so that a machine that slows down
slows all of them. Prints a table in Markdown; the ratio is RRDBNet's median over the model's, same precision.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from resident import growth
from spandrel.architectures.ESRGAN import ESRGAN
from torch import Tensor

SIDE, SCALE, SEED = 256, 4, 0
MEGAPIXELS = (SIDE * SCALE) ** 2 / 1e6
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def leapsr_step(model: str | None, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    from leapsr.hub import catalog
    from leapsr.ops.noise import position_noise
    from leapsr.restorer import Restorer

    folder = catalog.find(model or catalog.default_name())
    restorer = Restorer.from_pretrained(folder, dtype=dtype)

    def step(lr: Tensor) -> Tensor:
        noise = position_noise(SEED, 0, 0, SIDE * SCALE, SIDE * SCALE)
        return restorer.restore(lr, noise[None])

    return step


def rrdbnet_step(dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    """Real-ESRGAN x4plus's network: 23 blocks, 16.7M parameters; random weights cost as much as its own."""
    torch.manual_seed(SEED)
    network = ESRGAN().to(dtype, memory_format=torch.channels_last).eval()

    @torch.inference_mode()
    def step(lr: Tensor) -> Tensor:
        return network(lr.to(dtype, memory_format=torch.channels_last)).float()

    return step


def measure(what: str, precision: str, threads: int, model: str | None) -> dict[str, float]:
    """One warm-up at the same size, then one timed run, in this process."""
    torch.set_num_threads(threads)
    dtype = DTYPES[precision]
    step = leapsr_step(model, dtype) if what == "leapsr" else rrdbnet_step(dtype)
    lr = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(SEED))
    memory = growth(lambda: step(lr))
    began = time.perf_counter()
    step(lr)
    seconds = time.perf_counter() - began
    return {"seconds": seconds / MEGAPIXELS, "mebibytes": memory / MEGAPIXELS}


def apart(what: str, precision: str, options: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, __file__, "--only", what, precision, "--threads", str(options.threads)]
    command += ["--model", options.model] if options.model else []
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def table(options: argparse.Namespace) -> None:
    cases = [(what, precision) for precision in DTYPES for what in ("leapsr", "RRDBNet-23")]
    runs: dict[tuple[str, str], list[dict[str, float]]] = {case: [] for case in cases}
    for _ in range(options.runs):
        for case in cases:
            runs[case].append(apart(*case, options))

    def median(case: tuple[str, str], field: str) -> float:
        return statistics.median(run[field] for run in runs[case])

    print(f"{platform.processor() or platform.machine()}, {options.threads} threads, seed {SEED}, ", end="")
    print(f"torch {torch.__version__}, python {platform.python_version()}, median of {options.runs} runs\n")
    print("| network | precision | s / output Mpx | MiB / output Mpx | times faster | times smaller |")
    print("|---|---|---|---|---|---|")
    for what, precision in cases:
        seconds, memory = (median((what, precision), field) for field in ("seconds", "mebibytes"))
        ratios = (
            median(("RRDBNet-23", precision), field) / median((what, precision), field)
            for field in ("seconds", "mebibytes")
        )
        print(
            f"| {what} | {precision} | {seconds:.3f} | {memory:.0f} | "
            + " | ".join(f"{r:.1f}" for r in ratios)
            + " |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="name or folder; the default model if not given")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs=2, metavar=("WHAT", "PRECISION"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(*options.only, options.threads, options.model)))
    else:
        table(options)


if __name__ == "__main__":
    main()
