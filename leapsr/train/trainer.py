"""The training loop. It knows players and losses, and no method by name."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ..data.prefetch import Prefetch
from ..errors import TrainingError
from ..methods import Batch, Method
from . import checkpoints
from .config import OptimizerConfig


class Reporter(Protocol):
    """Where a run tells how it is going."""

    def __call__(self, step: int, values: Mapping[str, float]) -> None: ...


@dataclass
class Run:
    """Everything that one training run holds.

    batches: the Batch of a step, ready on the device, as (read ahead, prepared now).
    players: the networks that train, by the name that the method gives them; "student" is averaged.
    export: called with the averaged student at every checkpoint. look: the same, for validation.
    deadline: seconds of wall time after which the run saves and stops, or None.
    """

    folder: Path
    accelerator: Accelerator
    method: Method
    players: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]
    average: AveragedModel
    read: Callable[[int], Any]
    prepare: Callable[[Any, int], Batch]
    export: Callable[[nn.Module], None]
    look: Callable[[nn.Module, int], dict[str, float]]
    report: Reporter
    tick: Callable[[int], None]
    steps: int
    optimizer: OptimizerConfig
    workers: int = 1
    log_every: int = 100
    validate_every: int = 2000
    checkpoint_seconds: float = 300
    deadline: float | None = None
    progress: dict[str, Any] = field(default_factory=lambda: {"step": 0, "samples": 0, "seconds": 0.0})


def fit(run: Run, stop: Callable[[], bool] = lambda: False) -> None:
    """Train to run.steps, the deadline, or until `stop()`; leaves a checkpoint and an exported student."""
    began = saved = window = time.monotonic()
    already = run.progress["seconds"]
    batches = Prefetch(run.read, range(run.progress["step"], run.steps), run.workers)
    finite = torch.ones((), dtype=torch.bool, device=run.accelerator.device)
    waited, seen = 0.0, 0
    for sample in batches:
        step = run.progress["step"]
        batch = run.prepare(sample, step)
        losses = update(run, batch, learning_rate(run.optimizer, step, run.steps))
        run.average.update_parameters(run.accelerator.unwrap_model(run.players["student"]))
        finite &= torch.stack([value.isfinite() for value in losses.values()]).all()
        now = time.monotonic()
        count = len(batch.image) * run.accelerator.num_processes
        seen += count
        run.progress.update(
            step=step + 1, samples=run.progress["samples"] + count, seconds=already + now - began
        )
        run.tick(step + 1)
        over = stop() or (run.deadline is not None and now - began > run.deadline)
        if (step + 1) % run.log_every == 0:
            guard(run, finite)
            speed = {
                "samples_per_s": seen / (now - window),
                "waiting": (batches.waited - waited) / (now - window),
            }
            run.report(step + 1, {name: value.item() for name, value in losses.items()} | speed)
            window, waited, seen = now, batches.waited, 0
        if (step + 1) % run.validate_every == 0:
            run.report(step + 1, run.look(run.average.module, step + 1))
            window, waited, seen = time.monotonic(), batches.waited, 0  # a look is not training
        if over or now - saved > run.checkpoint_seconds:
            guard(run, finite)
            keep(run)
            saved = time.monotonic()
        if over:
            return
    guard(run, finite)
    keep(run)


def update(run: Run, batch: Batch, rate: float) -> dict[str, Tensor]:
    """One step of every player on one batch; returns the losses as "player/name"."""
    report: dict[str, Tensor] = {}
    for name, losses in run.method(batch):
        optimizer = run.optimizers[name]
        for group in optimizer.param_groups:
            group["lr"] = rate
        parameters = list(run.players[name].parameters())
        run.accelerator.backward(sum(losses.values()), inputs=parameters)
        norm = run.accelerator.clip_grad_norm_(parameters, run.optimizer.clip)
        optimizer.step()
        optimizer.zero_grad()
        report |= {f"{name}/{key}": value.detach() for key, value in losses.items()}
        report[f"{name}/gradient_norm"] = norm
    return report


def learning_rate(config: OptimizerConfig, step: int, steps: int) -> float:
    """Linear warm-up, then constant or falling linearly to 0 at the last step."""
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    left = 1 - step / steps if config.decay == "linear" else 1.0
    return config.learning_rate * warm * left


def guard(run: Run, finite: Tensor) -> None:
    """Raises TrainingError when a loss or gradient since the last checkpoint was not finite."""
    if finite:
        return
    kept = checkpoints.complete(run.folder / "checkpoints")
    raise TrainingError(
        f"A loss or gradient stopped being finite before step {run.progress['step']}. "
        f"The last good state is {kept[-1] if kept else 'none'}; "
        "go on from it with --resume auto --set optimizer.learning_rate=... (a lower one)."
    )


def keep(run: Run) -> None:
    """Checkpoint the run and export the averaged student."""
    checkpoints.save(run.folder / "checkpoints", run.accelerator, run.progress)
    if run.accelerator.is_main_process:
        run.export(run.average.module)


class JsonLines:
    """Appends one JSON object for each report, flushed at once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, "time": round(time.time(), 1), **values}) + "\n")
