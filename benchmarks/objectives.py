"""Training samples a second and peak memory of every objective, on the small network on the CPU.

    python benchmarks/objectives.py [--threads 1] [--batch 16] [--steps 6]

One whole update of each: teacher, student, auxiliary networks, backward, AdamW and Muon as in the recipes.
The objectives take turns, one update each, so that a machine that slows down slows all of them. Memory is the
highest of three updates above that of the networks themselves, in a process of its own (Linux). LPIPS is left
out: it needs files.
In bf16 where the processor has it, else in fp32.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time

import torch
from resident import growth

from leapsr import methods
from leapsr.devices import has_bfloat16
from leapsr.methods import Batch, Networks
from leapsr.networks import Condition, UNet
from leapsr.train import optimizers, recipes

SEED, SIDE, SCALE = 0, 32, 4
HALF = has_bfloat16(torch.device("cpu"))
RECIPES = ("teacher_small", "oftsr_small", "mfsr_small", "smfsr_small", "flowsr_small", "refine_small")


class Trainee:
    """What a run trains, without its data."""

    def __init__(self, recipe: str, batch: int) -> None:
        torch.manual_seed(SEED)
        config = recipes.get(recipe)
        teacher = UNet(config.network).to(memory_format=torch.channels_last).requires_grad_(False)
        average = UNet(config.network).to(memory_format=torch.channels_last).requires_grad_(False)
        student = UNet(config.network).to(memory_format=torch.channels_last)
        self.networks = {"student": student, **config.method.auxiliary_networks(teacher)}
        self.rated = {name: optimizers.build(net, config.optimizer) for name, net in self.networks.items()}
        known = Networks(
            student=student,
            unwrapped=student,
            teacher=teacher,
            average=average,
            auxiliary=self.networks,
            unwrapped_auxiliary=self.networks,
            features=lambda x, t, cond: teacher.features(x, t, t, cond),
        )
        self.method = methods.build(config.method, known)
        self.batch = batch
        self.generator = torch.Generator().manual_seed(SEED)
        self.seconds: list[float] = []

    def draw(self) -> Batch:
        large = SIDE * SCALE
        image, source = torch.randn(2, self.batch, 3, large, large, generator=self.generator)
        cond = Condition(torch.randn(self.batch, 3, SIDE, SIDE, generator=self.generator))
        return Batch(image, source, cond, self.generator, lambda: source)

    def step(self) -> None:
        batch = self.draw()
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
            updates = self.method(batch)
            for name, losses in updates:
                parameters = list(self.networks[name].parameters())
                torch.autograd.backward(sum(losses.values()).float(), inputs=parameters)
                for optimizer, _ in self.rated[name]:
                    optimizer.step()
                    optimizer.zero_grad()
        self.seconds.append(time.perf_counter() - began)


def measure_memory(recipe: str, batch: int) -> None:
    trainee = Trainee(recipe, batch)
    print(growth(lambda: [trainee.step() for _ in range(3)]))


def memory_of(recipe: str, options: argparse.Namespace) -> float:
    words = [sys.executable, __file__, "--memory-of", recipe, "--batch", str(options.batch)]
    words += ["--threads", str(options.threads)]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--memory-of", choices=RECIPES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.memory_of:
        measure_memory(options.memory_of, options.batch)
        return
    trainees = {recipe: Trainee(recipe, options.batch) for recipe in RECIPES}
    for _ in range(options.steps + 2):
        for trainee in trainees.values():
            trainee.step()
    print(
        f"{options.threads} threads, batch {options.batch}, seed {SEED}, torch {torch.__version__}, ", end=""
    )
    print(f"python {platform.python_version()}, median of {options.steps} updates\n")
    print("| recipe | samples/s | of the teacher's | peak MiB |\n|---|---|---|---|")
    rates = {
        name: options.batch / statistics.median(trainee.seconds[2:]) for name, trainee in trainees.items()
    }
    for name, rate in rates.items():
        share = rate / rates["teacher_small"]
        print(f"| `{name}` | {rate:.1f} | {share:.2f} | {memory_of(name, options):.0f} |")


if __name__ == "__main__":
    main()
