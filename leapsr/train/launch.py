"""Put a run together from its configuration and start it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from .. import methods
from ..data.shard_reader import Shards
from ..devices import choose_device, choose_dtype, has_bfloat16
from ..errors import ConfigError
from ..files import atomic_write, sha256
from ..frozen import Clip
from ..hub.catalog import CARD, weights_of
from ..methods.base import Alignment
from ..metrics import perceptual
from ..ops.recompute import recomputed
from ..restorer import Restorer, read_config
from . import batches, checkpoints, networks, optimizers, shard_checks
from .accelerator import accelerator_for, check_compiler
from .callbacks import SILENT, Callbacks, Reporter
from .config import TrainConfig
from .ema import EMA
from .loop import JsonLines, Run, fit
from .networks import RunNetworks
from .optimizers import ScheduledOptimizer
from .validation import validator

CHECKPOINTS, CONFIG = checkpoints.FOLDER, "config.json"
Result = TypeVar("Result")


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

    `out` receives config.json, log.jsonl, TensorBoard events, samples/, checkpoints/, model/, best/ and, if
    the recipe has one, pool/. Processes on several machines must share it.

    Args:
        teacher: model folder that a distilling method learns from; of one that takes answers, also the file
            of another project's upscaler.
        start: model folder whose weights the student begins with; None: the teacher's, or random ones.
        resume: None (a new run), "auto" (the newest checkpoint of `out`, if any) or a checkpoint's folder.
        minutes: wall time, degrading included, after which the run saves and stops; None: when it is done. A
            pool that is not finished then is kept, and the next run goes on with it.
        cpu: stay on the CPU.

    Raises:
        UsageError, DataError, WeightsError or TrainingError.
    """
    began = time.monotonic()
    checkpoint = checkpoints.find(out / CHECKPOINTS, resume)
    if config.perceptual != "none":
        perceptual.require(config.perceptual)  # its file may be missing; that is told before anything else
    deadline = None if minutes is None else began + minutes * 60
    split = batches.split_photos(photos, config, callbacks)
    if config.clip is not None and config.method.compares_quality:
        shard_checks.check_quality(split, config)
    if config.precision == "auto":
        place = torch.device("cpu") if cpu else choose_device("auto")
        config = config.model_copy(update={"precision": "bf16" if has_bfloat16(place) else "fp32"})
    with accelerator_for(config.precision, out, cpu) as accelerator:
        device = accelerator.device
        if config.compile:
            check_compiler(device)
        torch.manual_seed(config.seed)  # of first weights; the generators of the process come back at the end
        resumed = checkpoint is not None
        answering = teacher if config.method.takes_answers else None
        distilled = teacher if answering is None else None
        built = networks.build_networks(config, distilled, start, device, callbacks.notice, resumed)
        config, built = networks.select_negative_prompt(config, built, callbacks.notice)
        if answering is not None:
            built = networks.taught_by(config, built, answering)
        if isinstance(split, Shards):
            if answering is not None:
                raise ConfigError(
                    f"{photos} holds no answers of {answering.name}: give it the photos themselves."
                )
            shard_checks.check_model(split, built.model)
            shard_checks.check_photos(split, config)
            callbacks.notice(shard_checks.NO_VALIDATION)
        job = _assemble(config, accelerator, built, out, callbacks, answering)
        job.progress["start"] = None if start is None else str(start)
        job.progress["answering"] = None if answering is None else str(answering)
        job.progress["answering_sha256"] = None if answering is None else sha256(weights_of(answering))
        if checkpoint is not None:
            _load(job, checkpoint, start, answering)
            callbacks.notice(f"Resumed from step {job.progress['step']}.")
        with accelerator.main_process_first():  # the first builds the pool, the others find it
            samples = batches.open_samples(
                photos, split, config, device, out / "pool", callbacks, deadline, answering
            )
        rank, world = accelerator.process_index, accelerator.num_processes
        share = config.batch // world
        size = share // job.parts
        job.read = lambda part: samples((part * world + rank) * size, size).pinned(device)
        if world > 1 or job.parts > 1:
            callbacks.notice(
                f"{config.batch} samples a step: each of {world} processes takes {share}, {size} at a time."
            )
        if accelerator.is_main_process:
            checkpoints.set_aside(out / CHECKPOINTS, after=job.progress["step"])
            with atomic_write(out / CONFIG) as part:
                part.write_text(config.model_dump_json(indent=2) + "\n")
            job.validate = validator(split, config, built, out / "samples", device)
        job.deadline = deadline
        fit(job)


def _load(job: Run, checkpoint: Path, start: Path | None, answering: Path | None) -> None:
    """Go on from a checkpoint. Raises ConfigError where its adapters would adapt another network, or nobody
    would answer."""
    adapted = job.config.adapters is not None
    with optimizers.as_configured(job.optimizers):
        job.progress = checkpoints.load(checkpoint, job.accelerator, partly=adapted)
    begun = job.progress.get("start")
    if begun is not None and start is None and adapted:
        raise ConfigError(f"This run began --from {begun}, and its states hold adapters only: give it again.")
    taught, digest = (job.progress.get(name) for name in ("answering", "answering_sha256"))
    if taught is not None and answering is None:
        raise ConfigError(
            f"This run learns what {taught} answers: give it again, by leapsr distill --teacher."
        )
    if answering is not None and digest not in (None, sha256(weights_of(answering))):
        raise ConfigError(f"This run learns what {taught} answers, and {answering} is another model.")


def _assemble(
    config: TrainConfig,
    accelerator: Accelerator,
    built: RunNetworks,
    out: Path,
    callbacks: Callbacks,
    answering: Path | None = None,
) -> Run:
    """The run, but for the samples that it reads and its validation.

    answering: the upscaler that teaches by its answers.
    """
    average = EMA(built.student, config.optimizer.ema)
    learners = {"student": built.student, **built.others}
    wrapped, scheduled = _prepare(config, accelerator, learners)
    accelerator.register_for_checkpointing(average)
    teacher = built.teacher
    if config.compile:  # each batch size has a graph of its own: one that fits all would be slower
        for network in [*learners.values(), *([teacher] if teacher else [])]:
            network.compile(dynamic=False)
    asked = None  # where a pool holds no answers
    if answering is not None and not config.data.pool:
        half = choose_dtype("auto", accelerator.device, read_config(answering).preferred_half)
        asked = Restorer.from_pretrained(answering, accelerator.device, half)
    clip = None if config.clip is None else Clip(config.clip)
    make_batch = batches.batch_maker(config, accelerator.device, built.space, asked, clip)
    rank, world = accelerator.process_index, accelerator.num_processes
    unwrapped = {name: accelerator.unwrap_model(network) for name, network in wrapped.items()}
    features, seen_through = None, built.diffusion or teacher
    if seen_through is not None and seen_through.feature_channels:
        features = _autocast(accelerator, lambda x, t, cond: seen_through.features(x, t, t, cond))
    backbone, at_once = config.perceptual, config.images_at_once
    compare = None if backbone == "none" else perceptual.loss(backbone, accelerator.device)
    known = methods.Networks(
        student=wrapped["student"],
        unwrapped=unwrapped["student"],
        teacher=teacher and _autocast(accelerator, teacher),
        average=_autocast(accelerator, average.network),
        auxiliary=wrapped,
        unwrapped_auxiliary=unwrapped,
        perceptual=compare and recomputed(compare, at_once),
        features=features,
        decode=recomputed(_autocast(accelerator, built.space.autoencoder.decode), at_once),
        critic_features=built.critic_features and _autocast(accelerator, built.critic_features),
        alignment=None if clip is None else recomputed(_alignment(clip), at_once),
    )
    return Run(
        config=config,
        folder=out,
        accelerator=accelerator,
        method=methods.build(config.method, known),
        networks=wrapped,
        optimizers=scheduled,
        average=average,
        # What is drawn for a part of a batch depends on its samples, not on the process that it falls to.
        make_batch=lambda sample, part: make_batch(
            sample, make_batch.generator(config.seed, part * world + rank)
        ),
        parts=config.parts(world),
        export=lambda network, name: _export(config, built, network, out / name),
        report=_reporter(accelerator, JsonLines(out / "log.jsonl"), callbacks.report),
        on_step=callbacks.on_step,
        stop=callbacks.stop,
    )


def _export(config: TrainConfig, built: RunNetworks, network: nn.Module, folder: Path) -> None:
    """The averaged student as a model folder, with a card."""
    built.restorer(network).save_pretrained(folder)
    with atomic_write(folder / CARD) as part:
        part.write_text(
            f"# {config.recipe}\n\nTrained by leapsr with the method {config.method.kind}.\n\n"
            f"Unless asked otherwise: {built.model.defaults}.\n{built.origin}",
            encoding="utf-8",
        )


def _alignment(clip: Clip) -> Alignment:
    def align(image: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        good, bad = torch.einsum("bd,bkd->kb", clip.image(image), quality)
        return good, bad

    return align


def _prepare(
    config: TrainConfig, accelerator: Accelerator, learners: dict[str, nn.Module]
) -> tuple[dict[str, nn.Module], dict[str, list[ScheduledOptimizer]]]:
    """Each network that trains, wrapped as its update calls it, and its optimizers."""
    wrapped, scheduled = {}, {}
    for name, network in learners.items():
        parts = optimizers.build(network, config.optimizer, name)
        wrapped[name], *prepared = accelerator.prepare(network, *(part.optimizer for part in parts))
        scheduled[name] = [ScheduledOptimizer(o, part.rate) for o, part in zip(prepared, parts, strict=True)]
    return wrapped, scheduled


def _autocast(accelerator: Accelerator, network: Callable[..., Result]) -> Callable[..., Result]:
    """Run a frozen network in the precision of the run; accelerate wraps only what trains."""

    def call(*inputs: Any) -> Result:
        with accelerator.autocast():
            return network(*inputs)

    return call


def _reporter(accelerator: Accelerator, log: JsonLines, report: Reporter) -> Reporter:
    """To the log, TensorBoard and the caller, from the main process only."""

    def tell(step: int, values: Mapping[str, float]) -> None:
        if accelerator.is_main_process:
            log(step, values)
            accelerator.log(dict(values), step)
            report(step, values)

    return tell
