"""The training loop. It calls a method for losses and knows none by name."""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ..data.photos import Progress
from ..data.prefetch import Prefetch
from ..data.processes import cores
from ..errors import DataError, TrainingError, WeightsError
from ..methods import Batch, Method
from . import checkpoints
from .callbacks import Reporter
from .config import OptimizerConfig, TrainConfig
from .ema import EMA
from .optimizers import ScheduledOptimizer

MODEL, BEST = "model", "best"
"""Folders of a run."""
LARGEST_WEIGHT = torch.finfo(torch.float16).max  # models are saved in half precision


@dataclass
class Run:
    """Everything that one training run holds.

    parts: of a batch, in each process, of which one is in memory at a time. read: the raw sample of a part,
    counted through, read ahead by threads. make_batch: that sample and its number to a Batch.
    networks: those that train, by the name that the method gives them; "student" is averaged.
    export: called with the averaged student and the name of its folder, MODEL at every checkpoint and BEST
    when no validation was better. validate: scores of it at a step.
    deadline: on time.monotonic()'s clock, after which the run saves and stops, or None.
    """

    config: TrainConfig
    folder: Path
    accelerator: Accelerator
    method: Method
    networks: dict[str, nn.Module]
    optimizers: dict[str, list[ScheduledOptimizer]]
    average: EMA
    make_batch: Callable[[Any, int], Batch]
    export: Callable[[nn.Module, str], None]
    report: Reporter
    parts: int = 1
    on_step: Progress = lambda done, total: None
    stop: Callable[[], bool] = lambda: False
    read: Callable[[int], Any] = lambda step: None
    validate: Callable[[nn.Module, int], dict[str, float]] = lambda network, step: {}
    deadline: float | None = None
    progress: dict[str, Any] = field(default_factory=lambda: {"step": 0, "samples": 0, "seconds": 0.0})


def reading_threads() -> int:
    """A thread for each core, two at least, shared out among the processes that run on this machine."""
    return max(2, cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


class Stopwatch:
    """Samples per second and the share of time spent waiting for them, since the last reading."""

    def __init__(self, batches: Prefetch[Any]) -> None:
        self.batches = batches
        self.reset()

    def reset(self) -> None:
        self.began, self.waited, self.samples = time.monotonic(), self.batches.waited, 0

    def read(self) -> dict[str, float]:
        span = time.monotonic() - self.began
        speed = {"samples_per_s": self.samples / span, "waiting": (self.batches.waited - self.waited) / span}
        self.reset()
        return speed


def fit(run: Run) -> None:
    """Train to the last step, the deadline, or until run.stop(); leaves a checkpoint and a model.

    Raises DataError for a photo that proves damaged when it is read. One process alone saves first; several
    cannot, because saving is collective and the others have read their photos.
    """
    config, step = run.config, run.progress["step"]
    finite = torch.ones((), dtype=torch.bool, device=run.accelerator.device)  # whether all losses were
    used = time_used(run)
    pieces = range(step * run.parts, (config.steps if used < 1 else step) * run.parts)
    batches = Prefetch(run.read, pieces, config.data.workers or reading_threads())
    watch = Stopwatch(batches)
    saved = time.monotonic()
    began = saved - run.progress["seconds"]
    try:
        for piece, sample in zip(pieces, batches, strict=True):
            batch = run.make_batch(sample, piece)
            share = schedule(config.optimizer, step, config.steps, used)
            last = (piece + 1) % run.parts == 0
            losses = update(run, batch, share, last)
            finite &= torch.stack([value.isfinite() for value in losses.values()]).all()
            if not last:
                continue
            run.average.update(run.accelerator.unwrap_model(run.networks["student"]))
            now, step = time.monotonic(), step + 1
            watch.samples += config.batch
            samples = run.progress["samples"] + config.batch
            run.progress |= {"step": step, "samples": samples, "seconds": now - began}
            run.on_step(step, config.steps)
            used = time_used(run)
            over = run.stop() or used >= 1 or (run.deadline is not None and now > run.deadline)
            over, due = any_process(run.accelerator, over, now - saved > config.checkpoint_minutes * 60)
            if step % config.log_every == 0:
                check_finite(run, finite)
                values = {name: value.item() for name, value in losses.items()}
                run.report(step, values | {"rate": share} | watch.read())
            if step % config.validate_every == 0:
                scores = run.validate(run.average.network, step)
                run.report(step, scores)
                keep_best(run, scores)
                watch.reset()  # validation is not training
            if over:
                break
            if due:
                save(run, finite)
                saved = time.monotonic()
    except DataError:
        if run.accelerator.num_processes == 1:
            save(run, finite)
        raise
    save(run, finite)


def time_used(run: Run) -> float:
    """Used share of the run's minutes, the same in every process; 0 where only steps count."""
    if run.config.minutes is None:
        return 0.0
    share = run.progress["seconds"] / (60 * run.config.minutes)
    if run.accelerator.num_processes == 1:
        return share
    clocks = torch.tensor([share], device=run.accelerator.device)
    return run.accelerator.reduce(clocks, "mean").item()


def any_process(accelerator: Accelerator, *decisions: bool) -> tuple[bool, ...]:
    """Each decision, true in all processes if it is in any.

    Saving is collective, and each process has a clock and signals of its own.
    """
    if accelerator.num_processes == 1:
        return decisions
    votes = torch.tensor(decisions, dtype=torch.float32, device=accelerator.device)
    return tuple((accelerator.reduce(votes, "sum") > 0).tolist())


def update(run: Run, batch: Batch, share: float, last: bool = True) -> dict[str, Tensor]:
    """One step of every network on one batch, at a share of the full learning rates.

    last: whether this is the last part of a batch; the gradients of the others only add up.
    Returns the losses as "network/loss".
    """
    report: dict[str, Tensor] = {}
    for name, losses in run.method(batch):
        parameters = [p for p in run.networks[name].parameters() if p.requires_grad]
        run.accelerator.backward(sum(losses.values()) / run.parts, inputs=parameters)
        report |= {f"{name}/{key}": value.detach() for key, value in losses.items()}
        if not last:
            continue
        norm = run.accelerator.clip_grad_norm_(parameters, run.config.optimizer.clip)
        for optimizer, rate in run.optimizers[name]:
            for group in optimizer.param_groups:
                group["lr"] = share * rate
            optimizer.step()
        for optimizer, _ in run.optimizers[name]:
            optimizer.zero_grad()
        report[f"{name}/gradient_norm"] = norm
    return report


def schedule(config: OptimizerConfig, step: int, steps: int, used: float = 0.0) -> float:
    """Share of the full learning rate: linear warm-up, then 1 or falling linearly to 0 at the end.

    The end is the last step, or where `used`, the share of the time, reaches 1 before that.
    """
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    left = 1 - max(step / steps, min(used, 1.0)) if config.decay == "linear" else 1.0
    return warm * left


def check_finite(run: Run, finite: Tensor) -> None:
    """Raises TrainingError when a loss or gradient is not finite or a weight is too large to be saved."""
    weights = [weight for network in run.networks.values() for weight in network.parameters()]
    moving = [weight for weight in weights if weight.requires_grad] + run.average.parameters()
    in_range = torch.stack([(weight.abs() <= LARGEST_WEIGHT).all() for weight in moving]).all()
    [broken] = any_process(run.accelerator, not bool(finite & in_range))
    if not broken:
        return
    kept = checkpoints.complete(run.folder / checkpoints.FOLDER)
    advice = (
        f"The last good state is {kept[-1]}; go on from it with --resume auto --set "
        "optimizer.learning_rate=... (a lower one)."
        if kept
        else "Begin again with --set optimizer.learning_rate=... (a lower one)."
    )
    raise TrainingError(
        f"A loss, gradient or weight went out of range before step {run.progress['step']}. {advice}"
    )


def save(run: Run, finite: Tensor) -> None:
    """Write a checkpoint and the averaged student's model, if losses and weights are sound."""
    check_finite(run, finite)
    checkpoints.save(run.folder / checkpoints.FOLDER, run.accelerator, run.progress)
    if run.accelerator.is_main_process:
        run.export(run.average.network, MODEL)


def keep_best(run: Run, scores: Mapping[str, float]) -> None:
    """Write the averaged student as the best model if no validation before had as good a score.

    The score is the run's `best`: LPIPS of full samples, or PSNR, also where there is no LPIPS.
    """
    lpips = {name: score for name, score in scores.items() if name.startswith("lpips")}
    psnr = {name: -score for name, score in scores.items() if name.startswith("psnr")}
    lower = (lpips if run.config.best == "lpips" else None) or psnr
    if not lower:
        return
    name, score = next(reversed(lower.items()))  # full samples come last
    before = run.progress.get("best", {"metric": None})
    worse = before["metric"] == name and score >= before["lower"]
    if worse or not math.isfinite(score):
        return
    run.progress["best"] = {"metric": name, "lower": score, "step": run.progress["step"]}
    with suppress(WeightsError):  # a weight is out of range: the next checkpoint says so
        run.export(run.average.network, BEST)


class JsonLines:
    """Appends one JSON object for each report, flushed at once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        if not values:
            return
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, "time": round(time.time(), 1), **values}) + "\n")
