"""Put a run together from its configuration and start it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import InitProcessGroupKwargs
from torch import nn

from .. import methods
from ..data.photos import Progress
from ..errors import ConfigError
from ..methods import Network
from ..networks import UNet
from ..restorer import ModelConfig, Restorer
from . import checkpoints, optimizers, samples
from .config import TrainConfig
from .ema import Average
from .optimizers import Rated
from .trainer import JsonLines, Reporter, Run, fit
from .validation import save_grid, validation

MODEL, CHECKPOINTS, CONFIG = "model", "checkpoints", "config.json"
PATIENCE = timedelta(hours=4)  # other processes wait this long while the first builds a pool


@dataclass(frozen=True)
class Callbacks:
    """Who is told how a run is going, and asked whether to stop.

    degrading: (done, total) of a pool. tick: after every step. notice: a sentence. report: losses and scores.
    stop: asked after every step; true saves and ends the run.
    """

    degrading: Progress = lambda done, total: None
    tick: Callable[[int], None] = lambda step: None
    notice: Callable[[str], None] = lambda text: None
    report: Reporter = lambda step, values: None
    stop: Callable[[], bool] = lambda: False


SILENT = Callbacks()


def run(
    config: TrainConfig,
    photos: str | Path,
    out: Path,
    *,
    teacher: Path | None = None,
    resume: str | None = None,
    minutes: float | None = None,
    cpu: bool = False,
    callbacks: Callbacks = SILENT,
) -> None:
    """Train `config` on `photos` (a folder or an archive) into the folder `out`.

    teacher: model folder that a distilling method learns from; the student begins with its weights.
    resume: None (a new run), "auto" (the newest checkpoint of `out`, if any) or a checkpoint's folder.
    minutes: wall time, degrading included, after which the run saves and stops; None: when it is done.
    cpu: stay on the CPU.
    `out` receives config.json, log.jsonl, TensorBoard events, samples/, checkpoints/, model/ and, if the
    recipe has one, pool/. Processes on several machines must share it.
    Raises UsageError, DataError, WeightsError or TrainingError.
    """
    began = time.monotonic()
    checkpoint = checkpoints.find(out / CHECKPOINTS, resume)
    shots = samples.split(photos, config)
    with _engine(config, out, cpu) as accelerator:
        student, frozen = _networks(config, teacher, accelerator.device, callbacks.notice)
        job = _job(config, accelerator, student, frozen, out, callbacks)
        if checkpoint is not None:
            job.progress = checkpoints.load(checkpoint, accelerator)
            callbacks.notice(f"Resumed from step {job.progress['step']}.")
        with accelerator.main_process_first():  # the first builds the pool, the others find it
            source = samples.sampler(photos, shots, config, out / "pool", callbacks)
        rank, world = accelerator.process_index, accelerator.num_processes
        job.read = lambda step: source((step * world + rank) * config.batch, config.batch)
        if accelerator.is_main_process:
            checkpoints.set_aside(out / CHECKPOINTS, after=job.progress["step"])
            (out / CONFIG).write_text(config.model_dump_json(indent=2) + "\n")
            job.look = _looker(shots, config, out, accelerator.device)
        job.deadline = None if minutes is None else began + minutes * 60
        fit(job)


def _job(
    config: TrainConfig,
    accelerator: Accelerator,
    student: UNet,
    teacher: Network | None,
    out: Path,
    callbacks: Callbacks,
) -> Run:
    """Everything but what is read and looked at."""
    average = Average(student, config.optimizer.ema)
    rated = optimizers.build(student, config.optimizer)
    player, *prepared = accelerator.prepare(student, *(optimizer for optimizer, _ in rated))
    if config.compile:  # each batch size has a graph of its own: one that fits all would be slower
        player.compile(dynamic=False)
    accelerator.register_for_checkpointing(average)
    prepare = samples.prepare(config, accelerator.device)
    rank = accelerator.process_index
    return Run(
        config=config,
        folder=out,
        accelerator=accelerator,
        method=methods.build(config.method, player, teacher and _autocast(accelerator, teacher)),
        players={"student": player},
        optimizers={"student": [Rated(o, rate) for o, (_, rate) in zip(prepared, rated, strict=True)]},
        average=average,
        prepare=lambda sample, step: prepare(sample, prepare.generator(config.seed, step, rank)),
        export=lambda network: _restorer(config, network).save_pretrained(out / MODEL),
        report=_reporter(accelerator, JsonLines(out / "log.jsonl"), callbacks.report),
        tick=callbacks.tick,
        stop=callbacks.stop,
    )


@contextmanager
def _engine(config: TrainConfig, out: Path, cpu: bool) -> Iterator[Accelerator]:
    """An accelerator whose trackers are closed and whose global state is reset, whatever happens."""
    out.mkdir(parents=True, exist_ok=True)
    accelerator = Accelerator(
        mixed_precision="bf16" if config.precision == "bf16" else "no",
        cpu=cpu,
        log_with="tensorboard",
        project_dir=str(out),
        kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
    )
    try:
        accelerator.init_trackers("tensorboard")
        try:
            yield accelerator
        finally:
            accelerator.end_training()
    finally:
        AcceleratorState._reset_state()  # else a second run of this process could not choose its precision


def _networks(
    config: TrainConfig, teacher: Path | None, device: torch.device, notice: Callable[[str], None]
) -> tuple[UNet, nn.Module | None]:
    """The student, and the frozen teacher that it begins from (or None)."""
    torch.manual_seed(config.seed)
    student = UNet(config.network)
    distils = methods.entry(config.method.kind).distils
    if teacher is not None and not distils:
        raise ConfigError(f"{config.recipe} learns from photos alone: use `leapsr train`, without --teacher.")
    frozen = _teacher(config, teacher, device) if teacher is not None else None
    if frozen is not None and frozen.config == config.network:
        student.load_state_dict(frozen.state_dict())
    elif frozen is not None:
        notice("The student's network differs from the teacher's, so it begins untrained.")
    return student.to(device, memory_format=torch.channels_last), frozen  # type: ignore[call-overload]


def _teacher(config: TrainConfig, folder: Path, device: torch.device) -> UNet:
    restorer = Restorer.from_pretrained(folder, device)
    found = (restorer.config.method, restorer.config.source, restorer.scale)
    wanted = ("teacher", config.source, config.network.scale)
    if found != wanted:
        raise ConfigError(
            f"{folder} is a {found[0]} with source ({found[1]}) at scale {found[2]}; this recipe needs a "
            f"{wanted[0]} with source ({wanted[1]}) at scale {wanted[2]}."
        )
    network = restorer.network.to(memory_format=torch.channels_last)
    if config.compile:
        network.compile(dynamic=False)
    return network


def _autocast(accelerator: Accelerator, network: Network) -> Network:
    """Run a frozen network in the precision of the run; accelerate wraps only what trains."""

    def call(*inputs: Any) -> torch.Tensor:
        with accelerator.autocast():
            return network(*inputs)

    return call


def _reporter(accelerator: Accelerator, log: JsonLines, report: Reporter) -> Reporter:
    def tell(step: int, values: Mapping[str, float]) -> None:
        if accelerator.is_main_process:
            log(step, values)
            accelerator.log(dict(values), step)
            report(step, values)

    return tell


def _restorer(config: TrainConfig, network: nn.Module) -> Restorer:
    """The averaged student as a model of its own, so that using it does not disturb the training."""
    copy = UNet(config.network)
    copy.load_state_dict(network.state_dict())
    return Restorer(
        ModelConfig(method=config.method.kind, network=config.network, source=config.source), copy
    )


def _looker(
    shots: samples.Photographs, config: TrainConfig, out: Path, device: torch.device
) -> Callable[[nn.Module, int], dict[str, float]]:
    check = validation(shots, config)

    def look(network: nn.Module, step: int) -> dict[str, float]:
        if check is None:
            return {}
        scores, grid = check(_restorer(config, network).to(device))
        save_grid(grid, out / "samples" / f"step-{step:08d}.png")
        return scores

    return look
