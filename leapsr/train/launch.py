"""Put a run together from its configuration and start it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, DistributedType, InitProcessGroupKwargs
from torch import Tensor, nn
from torch.backends import cudnn

from .. import methods
from ..data.photos import Progress
from ..data.prepared import Shards
from ..errors import ConfigError
from ..frozen import Clip
from ..frozen.prompts import NAMES, load_book
from ..methods import Features, Perceptual
from ..methods.base import Alignment
from ..metrics import perceptual
from ..networks import Network, Quality, table
from ..networks.lora import merge_lora, shared_copy
from ..restorer import Restorer
from . import checkpoints, networks, optimizers, prepared, samples
from .config import TrainConfig
from .ema import Average
from .loop import JsonLines, Reporter, Run, fit
from .optimizers import Rated
from .validation import save_grid, validation

MODEL, CHECKPOINTS, CONFIG = "model", "checkpoints", "config.json"
Result = TypeVar("Result")
GOOD = "image quality is good, with clear details and vibrant colors"
BAD = "image quality is poor, blurry, and noisy"
"""What FlowSR prints as examples of its captions of quality, c_pos and c_neg (section 4.3)."""
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
    start: Path | None = None,
    resume: str | None = None,
    minutes: float | None = None,
    cpu: bool = False,
    callbacks: Callbacks = SILENT,
) -> None:
    """Train `config` on `photos` (a folder, an archive or a folder of shards) into the folder `out`.

    teacher: model folder that a distilling method learns from.
    start: model folder whose weights the student begins with; None: the teacher's, or random ones.
    resume: None (a new run), "auto" (the newest checkpoint of `out`, if any) or a checkpoint's folder.
    minutes: wall time, degrading included, after which the run saves and stops; None: when it is done.
    cpu: stay on the CPU.
    `out` receives config.json, log.jsonl, TensorBoard events, samples/, checkpoints/, model/ and, if the
    recipe has one, pool/. Processes on several machines must share it.
    Raises UsageError, DataError, WeightsError or TrainingError.
    """
    began = time.monotonic()
    checkpoint = checkpoints.find(out / CHECKPOINTS, resume)
    shots = samples.split(photos, config, callbacks.notice)
    with _engine(config, out, cpu) as accelerator:
        if config.compile:
            check_compiler(accelerator.device)
        resumed = checkpoint is not None
        built = networks.assemble(config, teacher, start, accelerator.device, callbacks.notice, resumed)
        config, built = _led(config, built, callbacks.notice)
        if isinstance(shots, Shards):
            prepared.check_model(shots, built.model)
            callbacks.notice(prepared.UNSEEN)
        job = _job(config, accelerator, built, out, callbacks)
        job.progress["start"] = None if start is None else str(start)
        if checkpoint is not None:
            with optimizers.as_configured(job.optimizers):
                job.progress = checkpoints.load(checkpoint, accelerator, partly=config.adapters is not None)
            _check_start(config, job.progress, start)
            callbacks.notice(f"Resumed from step {job.progress['step']}.")
        with accelerator.main_process_first():  # the first builds the pool, the others find it
            source = samples.sampler(photos, shots, config, accelerator.device, out / "pool", callbacks)
        rank, world = accelerator.process_index, accelerator.num_processes
        job.read = lambda step: source((step * world + rank) * config.batch, config.batch).locked(
            accelerator.device
        )
        if accelerator.is_main_process:
            checkpoints.set_aside(out / CHECKPOINTS, after=job.progress["step"])
            (out / CONFIG).write_text(config.model_dump_json(indent=2) + "\n")
            job.look = _looker(shots, config, built, out, accelerator.device)
        job.deadline = None if minutes is None else began + minutes * 60
        fit(job)


def _led(
    config: TrainConfig, networks: networks.Cast, notice: Callable[[str], None]
) -> tuple[TrainConfig, networks.Cast]:
    """Let the label of a bad picture stand for the run's own text, where the model's prompts hold it.

    Those that were written without it stay as they are: then the config says so too.
    """
    own, prompts = NAMES[Quality.BAD], networks.model.prompts
    if config.negative == own or prompts is None:
        return config, networks
    known = load_book(Path(prompts)).prompts
    if config.negative not in known:
        notice(
            f"The prompts {prompts} hold no '{config.negative}', so that guidance leads away from their "
            f"'{own}': convert the teacher again for the paper's."
        )
        return config.model_copy(update={"negative": own}), networks
    space = replace(networks.space, prompts={**networks.space.prompts, Quality.BAD: known[config.negative]})
    return config, replace(networks, space=space)


def _check_start(config: TrainConfig, progress: dict[str, Any], start: Path | None) -> None:
    """Adapters are saved without what they adapt. Raises ConfigError where that would be another network."""
    begun = progress.get("start")
    if begun is not None and start is None and config.adapters is not None:
        raise ConfigError(f"This run began --from {begun}, and its states hold adapters only: give it again.")


def _job(
    config: TrainConfig, accelerator: Accelerator, networks: networks.Cast, out: Path, callbacks: Callbacks
) -> Run:
    """Everything but what is read and looked at."""
    average = Average(networks.student, config.optimizer.ema)
    learners = {"student": networks.student, **networks.others}
    wrapped, rated = _prepared(config, accelerator, learners)
    accelerator.register_for_checkpointing(average)
    teacher = networks.teacher
    if config.compile:  # each batch size has a graph of its own: one that fits all would be slower
        for network in [*learners.values(), *([teacher] if teacher else [])]:
            network.compile(dynamic=False)
    prepare = samples.prepare(config, accelerator.device, networks.space)
    rank = accelerator.process_index
    unwrapped = {name: accelerator.unwrap_model(network) for name, network in wrapped.items()}
    known = methods.Networks(
        student=wrapped["student"],
        unwrapped=unwrapped["student"],
        teacher=teacher and _autocast(accelerator, teacher),
        average=_autocast(accelerator, average.network),
        auxiliary=wrapped,
        unwrapped_auxiliary=unwrapped,
        perceptual=_perceptual(config, accelerator.device),
        features=_features(accelerator, teacher),
        decode=_autocast(accelerator, networks.space.autoencoder.decode),
        critic_features=networks.eyes and _autocast(accelerator, networks.eyes),
        alignment=_alignment(config),
    )
    return Run(
        config=config,
        folder=out,
        accelerator=accelerator,
        method=methods.build(config.method, known),
        players=wrapped,
        optimizers=rated,
        average=average,
        prepare=lambda sample, step: prepare(sample, prepare.generator(config.seed, step, rank)),
        export=lambda network: _restorer(networks, network).save_pretrained(out / MODEL),
        report=_reporter(accelerator, JsonLines(out / "log.jsonl"), callbacks.report),
        tick=callbacks.tick,
        stop=callbacks.stop,
    )


def _features(accelerator: Accelerator, teacher: Network | None) -> Features | None:
    """What critics look through, where the teacher has maps to show."""
    if teacher is None or not teacher.feature_channels:
        return None
    return _autocast(accelerator, lambda x, t, cond: teacher.features(x, t, t, cond))


def _alignment(config: TrainConfig) -> Alignment | None:
    """FlowSR's texts of good and bad quality: here its examples for every image, not captions of each."""
    if config.clip is None:
        return None
    clip, texts = Clip(config.clip), [GOOD, BAD]

    def align(image: Tensor) -> tuple[Tensor, Tensor]:
        good, bad = clip.similarity(image, texts).unbind(1)
        return good, bad

    return align


def _prepared(
    config: TrainConfig, accelerator: Accelerator, learners: dict[str, nn.Module]
) -> tuple[dict[str, nn.Module], dict[str, list[Rated]]]:
    """Each network that trains as its update calls it, and its optimizers."""
    wrapped, rated = {}, {}
    for name, network in learners.items():
        parts = optimizers.build(network, config.optimizer, name)
        wrapped[name], *prepared = accelerator.prepare(network, *(part.optimizer for part in parts))
        rated[name] = [Rated(o, part.rate) for o, part in zip(prepared, parts, strict=True)]
    return wrapped, rated


def _perceptual(config: TrainConfig, device: torch.device) -> Perceptual | None:
    return None if config.perceptual == "none" else perceptual.loss(config.perceptual, device)


@contextmanager
def _engine(config: TrainConfig, out: Path, cpu: bool) -> Iterator[Accelerator]:
    """An accelerator whose trackers are closed and whose global state is reset, whatever happens."""
    out.mkdir(parents=True, exist_ok=True)
    measured, cudnn.benchmark = cudnn.benchmark, True  # every batch has the same shapes
    try:
        accelerator = Accelerator(
            mixed_precision="bf16" if config.precision == "bf16" else "no",
            cpu=cpu,
            log_with="tensorboard",
            project_dir=str(out),
            kwargs_handlers=[
                InitProcessGroupKwargs(timeout=PATIENCE),
                # Buffers are the same everywhere already; sending them would count as changing them in
                # place, between the several passes of one update.
                DistributedDataParallelKwargs(broadcast_buffers=False),
            ],
        )
        check_whole(accelerator.distributed_type)
        accelerator.init_trackers("tensorboard")
        try:
            yield accelerator
        finally:
            accelerator.end_training()
    finally:
        cudnn.benchmark = measured
        AcceleratorState._reset_state()  # else a second run of this process could not choose its precision


def check_whole(kind: DistributedType) -> None:
    """Raises ConfigError where processes would share the weights out: averages, the update of one player at a
    time and the networks that methods ask without a wrapper all need whole ones."""
    if kind in (DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM):
        raise ConfigError(
            f"Training here keeps all weights in every process, which {kind.value} does not: launch it with "
            "distributed_type MULTI_GPU."
        )


def check_compiler(device: torch.device) -> None:
    """Before any work. Raises ConfigError where torch.compile cannot work, for want of a C++ compiler say."""
    try:
        torch.compile(lambda x: x + 1)(torch.zeros(1, device=device))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"torch.compile does not work here ({reason}): use --set compile=false.") from error


def _autocast(accelerator: Accelerator, network: Callable[..., Result]) -> Callable[..., Result]:
    """Run a frozen network in the precision of the run; accelerate wraps only what trains."""

    def call(*inputs: Any) -> Result:
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


def _restorer(networks: networks.Cast, network: nn.Module) -> Restorer:
    """The averaged student as a model of its own, so that using it does not disturb the training."""
    student = cast(Network, network)
    if not student.config.is_large:
        copy = table.build(student.config)
        copy.load_state_dict(student.state_dict())
        return Restorer(networks.model, copy, networks.space)
    merged = shared_copy(student)
    merge_lora(merged)
    return Restorer(networks.model, merged, networks.space)


def _looker(
    shots: samples.Photographs | Shards,
    config: TrainConfig,
    networks: networks.Cast,
    out: Path,
    device: torch.device,
) -> Callable[[nn.Module, int], dict[str, float]]:
    check = None if isinstance(shots, Shards) else validation(shots, config, networks.space)

    def look(network: nn.Module, step: int) -> dict[str, float]:
        if check is None:
            return {}
        restorer = _restorer(networks, network)
        if not config.network.is_large:
            restorer.to(device)
        else:  # there already, and its weights are the run's: they keep their precision
            restorer.dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
        scores, grid = check(restorer)
        save_grid(grid, out / "samples" / f"step-{step:08d}.png")
        return scores

    return look
