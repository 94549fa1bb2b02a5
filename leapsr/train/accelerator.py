"""The accelerator of a run. What a run changes in its process is put back when it ends."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from accelerate.utils import DistributedDataParallelKwargs, DistributedType, InitProcessGroupKwargs
from torch.backends import cudnn

from ..errors import ConfigError

POOL_TIMEOUT = timedelta(hours=4)
"""How long the other processes wait while the first builds a pool."""


@contextmanager
def accelerator_for(precision: str, out: Path, cpu: bool) -> Iterator[Accelerator]:
    """The accelerator of one run, which logs to TensorBoard in `out`.

    One process may do several runs, each with its own precision and device, beside other work with
    accelerate: at the end the state of the process is what it was before.
    """
    out.mkdir(parents=True, exist_ok=True)
    with _restored_process(cpu):
        cudnn.benchmark = True  # every batch has the same shapes
        grouped = torch.distributed.is_initialized()
        accelerator = Accelerator(
            mixed_precision="bf16" if precision == "bf16" else "no",
            cpu=cpu,
            log_with="tensorboard",
            project_dir=str(out),
            kwargs_handlers=[
                InitProcessGroupKwargs(timeout=POOL_TIMEOUT),
                # Buffers are the same everywhere already; sending them would count as changing them in
                # place, between the several passes of one update.
                DistributedDataParallelKwargs(broadcast_buffers=False),
            ],
        )
        check_data_parallel(accelerator.distributed_type)
        accelerator.init_trackers("tensorboard")
        try:
            yield accelerator
        finally:
            for tracker in accelerator.trackers:
                tracker.finish()
            if not grouped:
                accelerator.state.destroy_process_group()


@contextmanager
def _restored_process(cpu: bool) -> Iterator[None]:
    """Put back random states, the number of threads, cudnn's choice of algorithms and accelerate's state."""
    states = [kind._shared_state for kind in (AcceleratorState, PartialState, GradientState)]
    accelerate = [dict(state) for state in states]
    for state in states:
        state.clear()
    threads, benchmark = torch.get_num_threads(), cudnn.benchmark
    numbers, arrays = random.getstate(), np.random.get_state()
    on_gpus = torch.cuda.is_initialized() or not cpu
    devices = range(torch.cuda.device_count() if on_gpus else 0)
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(numbers)
        np.random.set_state(arrays)
        torch.set_num_threads(threads)
        cudnn.benchmark = benchmark
        for state, before in zip(states, accelerate, strict=True):
            state.clear()
            state.update(before)


def check_data_parallel(kind: DistributedType) -> None:
    """Raises ConfigError where processes would share the weights out.

    Averages, the update of one network at a time and the networks that methods call without a wrapper all
    need whole weights.
    """
    if kind in (DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM):
        raise ConfigError(
            f"Training here keeps all weights in every process, which {kind.value} does not: launch it with "
            "distributed_type MULTI_GPU."
        )


def check_compiler(device: torch.device) -> None:
    """Before any work. Raises ConfigError where torch.compile fails, as without a C++ compiler."""
    try:
        torch.compile(lambda x: x + 1)(torch.zeros(1, device=device))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"torch.compile does not work here ({reason}): use --set compile=false.") from error
