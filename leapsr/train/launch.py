"""Put a run together from its configuration and start it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from .. import methods
from ..data.photos import Progress
from ..errors import ConfigError
from ..methods import Network
from ..networks import UNet
from ..restorer import ModelConfig, Restorer
from . import checkpoints, samples
from .config import TrainConfig
from .ema import averaged
from .trainer import JsonLines, Reporter, Run, fit
from .validation import Validation, save_grid, validation

MODEL, CHECKPOINTS = "model", "checkpoints"


def run(
    config: TrainConfig,
    photos: str | Path,
    out: Path,
    *,
    teacher: Path | None = None,
    resume: str | None = None,
    minutes: float | None = None,
    cpu: bool = False,
    degrading: Progress = lambda done, total: None,
    tick: Callable[[int], None] = lambda step: None,
    notice: Callable[[str], None] = lambda text: None,
    report: Reporter = lambda step, values: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Train `config` on `photos` (a folder or an archive) into the folder `out`.

    teacher: model folder that a distilling method learns from; the student begins with its weights.
    resume: None (a new run), "auto" (the newest checkpoint of `out`, if any) or a checkpoint's folder.
    minutes: wall time after which the run saves and stops, or None. cpu: stay on the CPU.
    degrading, tick, notice, report: told of progress. stop: asked after every step.
    `out` receives config.json, log.jsonl, TensorBoard events, samples/, checkpoints/ and model/.
    Raises UsageError, DataError, WeightsError or TrainingError.
    """
    checkpoint = checkpoints.find(out / CHECKPOINTS, resume)
    shots = samples.split(photos, config)
    accelerator = _accelerator(config, out, cpu)
    student, frozen = _networks(config, teacher, accelerator.device, notice)
    assembled = _assemble(config, accelerator, student, frozen)
    with accelerator.main_process_first():  # the first builds the pool, the others find it
        source = samples.sampler(photos, shots, config, out / "pool", degrading)
    prepare = samples.prepare(config, accelerator.device)
    rank, world = accelerator.process_index, accelerator.num_processes
    look = _looker(validation(shots, config), config, out)
    if accelerator.is_main_process:
        (out / "config.json").write_text(config.model_dump_json(indent=2) + "\n")
    log = JsonLines(out / "log.jsonl")

    def tell(step: int, values: Mapping[str, float]) -> None:
        if accelerator.is_main_process:
            log(step, values)
            accelerator.log(dict(values), step)
            report(step, values)

    job = Run(
        folder=out,
        read=lambda step: source((step * world + rank) * config.batch, config.batch),
        prepare=lambda sample, step: prepare(sample, samples.generator_of(config.seed, step, rank)),
        export=lambda network: _restorer(config, network).save_pretrained(out / MODEL),
        look=look,
        report=tell,
        tick=tick,
        steps=config.steps,
        optimizer=config.optimizer,
        workers=config.data.workers,
        log_every=config.log_every,
        validate_every=config.validate_every,
        checkpoint_seconds=config.checkpoint_minutes * 60,
        deadline=None if minutes is None else minutes * 60,
        **assembled,
    )
    if checkpoint is not None:
        job.progress = checkpoints.load(checkpoint, accelerator)
        notice(f"Resumed from step {job.progress['step']}.")
    with _tracking(accelerator):
        fit(job, stop)


def _accelerator(config: TrainConfig, out: Path, cpu: bool) -> Accelerator:
    precision = "bf16" if config.precision == "bf16" else "no"
    out.mkdir(parents=True, exist_ok=True)
    accelerator = Accelerator(
        mixed_precision=precision,
        cpu=cpu,
        log_with="tensorboard",
        project_dir=str(out),
        step_scheduler_with_optimizer=False,
    )
    accelerator.init_trackers("tensorboard")
    return accelerator


@contextmanager
def _tracking(accelerator: Accelerator) -> Iterator[None]:
    try:
        yield
    finally:
        accelerator.end_training()


def _networks(
    config: TrainConfig, teacher: Path | None, device: torch.device, notice: Callable[[str], None]
) -> tuple[UNet, Network | None]:
    """The student, and the frozen teacher that it begins from (or None)."""
    torch.manual_seed(config.seed)
    student = UNet(config.network)
    if not methods.entry(config.method.kind).distils:
        return student, None
    if teacher is None:
        raise ConfigError(f"{config.method.kind} distils a teacher: use `leapsr distill` with --teacher DIR.")
    restorer = Restorer.from_pretrained(teacher, device)
    if restorer.config.method != "teacher" or restorer.config.source != config.source:
        raise ConfigError(
            f"{teacher} is a {restorer.config.method} with source {restorer.config.source}; "
            f"this recipe needs a teacher with source {config.source}."
        )
    if restorer.config.network == config.network:
        student.load_state_dict(restorer.network.state_dict())
    else:
        notice("The student's network differs from the teacher's, so it begins untrained.")
    frozen = restorer.network.to(memory_format=torch.channels_last)
    if config.compile:
        frozen.compile(dynamic=False)
    return student, frozen


def _assemble(
    config: TrainConfig, accelerator: Accelerator, student: UNet, teacher: Network | None
) -> dict[str, Any]:
    student.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = averaged(student, config.optimizer.ema)
    settings = config.optimizer
    optimizer = torch.optim.AdamW(
        student.parameters(),
        settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        weight_decay=settings.weight_decay,
        fused=True,
    )
    player, prepared = accelerator.prepare(student, optimizer)
    if config.compile:  # each batch size has a graph of its own: one that fits all would be slower
        player.compile(dynamic=False)
    accelerator.register_for_checkpointing(average)
    guarded = None if teacher is None else _autocast(accelerator, teacher)
    return {
        "accelerator": accelerator,
        "method": methods.build(config.method, player, guarded),
        "players": {"student": player},
        "optimizers": {"student": prepared},
        "average": average,
    }


def _autocast(accelerator: Accelerator, network: Network) -> Network:
    """Run a frozen network in the precision of the run; accelerate wraps only what trains."""

    def call(*inputs):  # type: ignore[no-untyped-def]
        with accelerator.autocast():
            return network(*inputs)

    return call


def _restorer(config: TrainConfig, network: nn.Module) -> Restorer:
    """The averaged student as a model of its own, so that using it does not disturb the training."""
    copy = UNet(config.network)
    copy.load_state_dict(network.state_dict())
    return Restorer(
        ModelConfig(method=config.method.kind, network=config.network, source=config.source), copy
    )


def _looker(
    check: Validation | None, config: TrainConfig, out: Path
) -> Callable[[nn.Module, int], dict[str, float]]:
    def look(network: nn.Module, step: int) -> dict[str, float]:
        if check is None:
            return {}
        scores, grid = check(_restorer(config, network))
        save_grid(grid, out / "samples" / f"step-{step:08d}.png")
        return scores

    return look
