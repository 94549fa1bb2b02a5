"""Every method on a mixture of eight Gaussians in the plane, where everything can be seen.

A small network learns the flow from noise to the mixture; four students learn to take it in one step; the
refinement then sharpens each. Prints how far one step of each lies from the end of the teacher's own ODE
and how far its distribution lies from the mixture's, and draws where the points go.

    python examples/mixture.py --out out/mixture          # about four minutes on one core
"""

import argparse
import copy
import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from leapsr import flow, methods
from leapsr.methods import Batch, Method, Networks
from leapsr.networks import Condition
from leapsr.train.ema import EMA

MODES, RADIUS, SPREAD = 8, 1.0, 0.08
BATCH, SHOWN, RATE = 512, 10_000, 2e-3

STUDENTS: dict[str, object] = {
    "MFSR": methods.MfsrConfig(velocity="null", guidance=1, times="uniform"),
    "SMFSR": methods.SmfsrConfig(times="uniform"),
    "OFTSR": methods.OftsrConfig(),
    "FlowSR": methods.FlowsrConfig(consistency=1, regularisation=0.01, flow_share=0),
}


class Velocity(nn.Module):
    """u(x, t, r) of points in the plane."""

    def __init__(self, width: int = 128, frequencies: int = 4) -> None:
        super().__init__()
        self.register_buffer("frequencies", math.pi * 2.0 ** torch.arange(frequencies) / 2)
        layers: list[nn.Module] = []
        for inner in (4 + 4 * frequencies, width, width):
            layers += [nn.Linear(inner, width), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 2))

    def forward(self, x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        times = torch.stack([t, t - r], dim=1)
        phase = (times[:, :, None] * self.frequencies).flatten(1)
        return self.layers(torch.cat([x, times, phase.sin(), phase.cos()], dim=1))


class Critic(nn.Module):
    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1)
        )

    def forward(self, x: Tensor, lr: Tensor) -> Tensor:
        return self.layers(x)


def mixture(n: int, generator: torch.Generator) -> Tensor:
    """n points, (n, 2)."""
    angle = torch.randint(MODES, (n,), generator=generator) * (2 * math.pi / MODES)
    centre = RADIUS * torch.stack([angle.cos(), angle.sin()], dim=1)
    return centre + SPREAD * torch.randn(n, 2, generator=generator)


def batch(generator: torch.Generator) -> Batch:
    def draw() -> Tensor:
        return torch.randn(BATCH, 2, generator=generator)

    return Batch(mixture(BATCH, generator), draw(), Condition(torch.zeros(BATCH, 3, 1, 1)), generator, draw)


def fit(
    build: Callable[[EMA], Method], networks: dict[str, nn.Module], steps: int, rate: float, seed: int
) -> nn.Module:
    """Train the networks with a method; returns the averaged student."""
    generator = torch.Generator().manual_seed(seed)
    average = EMA(networks["student"], 0.999)
    method = build(average)
    optimizers = {
        name: torch.optim.Adam(network.parameters(), rate, (0.9, 0.99)) for name, network in networks.items()
    }
    for step in range(steps):
        for name, losses in method(batch(generator)):
            for group in optimizers[name].param_groups:
                group["lr"] = rate * (1 - step / steps)
            parameters = list(networks[name].parameters())
            torch.autograd.backward(sum(losses.values()), inputs=parameters)
            optimizers[name].step()
            optimizers[name].zero_grad()
        average.update(networks["student"])
    return average.network


def distil(config: object, teacher: nn.Module, steps: int, seed: int) -> nn.Module:
    student = copy.deepcopy(teacher).requires_grad_(True)

    def build(average: EMA) -> Method:
        return methods.build(config, Networks(student, student, teacher, average.network))

    return fit(build, {"student": student}, steps, RATE / 2, seed)


def refine(config: object, start: nn.Module, teacher: nn.Module, steps: int, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    networks = {
        "student": copy.deepcopy(start).requires_grad_(True),
        "critic": Critic(),
        "score": copy.deepcopy(teacher).requires_grad_(True),
    }
    refinement = methods.RefineConfig(reconstruction=0, score=1, adversarial=0.2)

    def build(average: EMA) -> Method:
        known = Networks(
            networks["student"], networks["student"], teacher, average.network, networks, networks
        )
        return methods.Refine(partial(methods.build, config), known, refinement)

    return fit(build, networks, steps, RATE / 10, seed)


@torch.no_grad()
def one_step(network: nn.Module, source: Tensor) -> Tensor:
    one, nothing = torch.ones(len(source)), Condition(torch.zeros(len(source), 3, 1, 1))
    return source - network(source, one, torch.zeros(len(source)), nothing)


@torch.no_grad()
def own_solution(teacher: nn.Module, source: Tensor) -> Tensor:
    nothing = Condition(torch.zeros(len(source), 3, 1, 1))
    return flow.rk45(lambda x, t: teacher(x, t, t, nothing), source, tolerance=1e-5)[0]


def sliced_wasserstein(a: Tensor, b: Tensor, directions: int = 64) -> float:
    """Mean distance of the sorted projections of two sets of as many points, over directions of the plane."""
    angle = torch.arange(directions) * (math.pi / directions)
    along = torch.stack([angle.cos(), angle.sin()])
    return ((a @ along).sort(0).values - (b @ along).sort(0).values).abs().mean().item()


def measure(points: Tensor, solution: Tensor, clean: Tensor) -> dict[str, float]:
    error = (points - solution).square().sum(1).mean().sqrt().item()
    return {"error": error, "distance": sliced_wasserstein(points, clean)}


def run(steps: int, refining: int, seed: int) -> tuple[dict[str, Tensor], dict[str, dict[str, float]]]:
    """(points to draw, their figures), by name."""
    torch.manual_seed(seed)
    network = Velocity()

    def flow_matching(average: EMA) -> Method:
        return methods.build(methods.TeacherConfig(), Networks(network, network))

    teacher = fit(flow_matching, {"student": network}, 2 * steps, RATE, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    source, clean = torch.randn(SHOWN, 2, generator=generator), mixture(SHOWN, generator)
    solution = own_solution(teacher, source)
    one = torch.ones(SHOWN)
    euler = source - teacher(source, one, one, Condition(torch.zeros(SHOWN, 3, 1, 1))).detach()
    points = {"mixture": clean, "teacher's ODE": solution, "teacher, one step": euler}
    for name, config in STUDENTS.items():
        student = distil(config, teacher, steps, seed)
        points[name] = one_step(student, source)
        points[f"{name}, refined"] = one_step(refine(config, student, teacher, refining, seed), source)
        print(name, flush=True)
    return points, {name: measure(where, solution, clean) for name, where in points.items()}


def draw(points: dict[str, Tensor], figures: dict[str, dict[str, float]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = (len(points) + 1) // 2
    figure, axes = plt.subplots(2, columns, figsize=(2.5 * columns, 5.6), layout="constrained")
    names = [*list(points)[:3], *(n for n in points if n in STUDENTS), *(n for n in points if "refined" in n)]
    for axis in axes.flat:
        axis.axis("off")
    for axis, name in zip(axes.flat, names, strict=False):
        x, y = points[name][:4000].T
        axis.scatter(x, y, s=1, alpha=0.4, color="#0072B2", linewidths=0)
        axis.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal")
        values = figures[name]
        axis.set_title(f"{name}\nerror {values['error']:.3f}, distance {values['distance']:.3f}", size=9)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/mixture"))
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--refining", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    points, figures = run(args.steps, args.refining, args.seed)
    print(f"seed {args.seed}, torch {torch.__version__}")
    for name, values in figures.items():
        print(f"{name:20}  error {values['error']:.4f}  distance {values['distance']:.4f}")
    (args.out / "mixture.json").write_text(json.dumps({"seed": args.seed, **figures}, indent=2) + "\n")
    draw(points, figures, args.out / "mixture.png")


if __name__ == "__main__":
    main()
