"""Checkpoints of a run: written beside, renamed into place, the oldest removed."""

import json
import os
import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.utils import SAFE_MODEL_NAME
from safetensors import SafetensorError, safe_open
from torch import nn

from ..errors import OutputError, TrainingError, UsageError, first_line

FOLDER = "checkpoints"
"""Of a run, for its checkpoints."""
KEPT = 2
UNREADABLE = (OSError, RuntimeError, ValueError, KeyError, EOFError, SafetensorError, pickle.UnpicklingError)
"""What loading raises for files that are cut short, damaged or of another network."""


def save(folder: Path, accelerator: Accelerator, progress: dict[str, Any]) -> Path:
    """Write weights, averages, optimizers and `progress` to folder/step-N. A crash leaves the last one whole.

    A checkpoint of this step that exists is the same one: those of an abandoned branch were set aside.
    """
    final = folder / f"step-{progress['step']:08d}"
    if (final / "progress.json").exists():
        return final
    partial = folder / f"{final.name}.part"
    try:
        if accelerator.is_main_process:
            for left in folder.glob("step-*.part"):
                shutil.rmtree(left)
            partial.mkdir(parents=True)
        accelerator.wait_for_everyone()
        with _without_frozen(accelerator):
            accelerator.save_state(str(partial))
        accelerator.wait_for_everyone()  # every process has written its random state
        if accelerator.is_main_process:
            (partial / "progress.json").write_text(json.dumps(progress))
            _sync(partial)
            partial.rename(final)
            for old in complete(folder)[:-KEPT]:
                shutil.rmtree(old)
    except (OSError, RuntimeError, SafetensorError) as error:  # torch and safetensors have their own for it
        shutil.rmtree(partial, ignore_errors=True)
        reason = getattr(error, "strerror", None) or first_line(error)
        raise OutputError(
            f"The checkpoint {final} cannot be written ({reason}); is the disk full?"
        ) from error
    accelerator.wait_for_everyone()
    return final


@contextmanager
def _without_frozen(accelerator: Accelerator) -> Iterator[None]:
    """Save only what trains, without the billions of frozen weights beside adapters."""

    def drop(models: list[nn.Module], weights: list[dict[str, Any]], folder: str) -> None:
        for model, state in zip(models, weights, strict=True):
            for name, parameter in model.named_parameters():
                if not parameter.requires_grad:
                    state.pop(name, None)

    hook = accelerator.register_save_state_pre_hook(drop)
    try:
        yield
    finally:
        hook.remove()


def complete(folder: Path) -> list[Path]:
    """The finished checkpoints of a run, oldest first."""
    return sorted(
        path.parent for path in folder.glob("step-*/progress.json") if path.parent.suffix != ".part"
    )


def set_aside(folder: Path, after: int) -> None:
    """Rename the checkpoints after the step that a run goes on from, which belong to an abandoned branch."""
    for state in complete(folder):
        if int(state.name.removeprefix("step-")) > after:
            shutil.rmtree(folder / f"left-{state.name}", ignore_errors=True)
            state.rename(folder / f"left-{state.name}")


def load(checkpoint: Path, accelerator: Accelerator, partly: bool = False) -> dict[str, Any]:
    """Restore what `save` wrote and return its progress. Raises TrainingError when it does not fit.

    partly: whether there are frozen weights, which a checkpoint does not hold; all others must be in it.
    """
    try:
        with _complete_for_training(accelerator):
            accelerator.load_state(str(checkpoint), strict=not partly)
        progress: dict[str, Any] = json.loads((checkpoint / "progress.json").read_text())
    except UNREADABLE as error:
        raise TrainingError(
            f"{checkpoint} cannot be resumed ({first_line(error)}); choose another with --resume."
        ) from error
    return progress


@contextmanager
def _complete_for_training(accelerator: Accelerator) -> Iterator[None]:
    """Raise ValueError for a weight that trains and is missing.

    accelerate does not say so when it loads leniently; a checkpoint of another number of processes lacks all.
    """

    def check(models: list[nn.Module], folder: str) -> None:
        for index, model in enumerate(models):
            file = Path(folder, f"{SAFE_MODEL_NAME}{f'_{index}' if index else ''}.safetensors")
            with safe_open(file, "pt") as stored:
                known = set(stored.keys())
            for name, parameter in model.named_parameters():
                if parameter.requires_grad and name not in known:
                    raise ValueError(f"{file.name} has no {name}")

    hook = accelerator.register_load_state_pre_hook(check)
    try:
        yield
    finally:
        hook.remove()


def find(folder: Path, resume: str | None) -> Path | None:
    """The checkpoint to go on from: none (a new run), "auto" (the newest, if any), or a path.

    Raises UsageError rather than writing a new run over an old one.
    """
    existing = complete(folder)
    if resume is None:
        if existing:
            raise UsageError(
                f"{folder.parent} already holds a run: add --resume auto, or choose another --out."
            )
        return None
    if resume == "auto":
        return existing[-1] if existing else None
    path = Path(resume)
    if not (path / "progress.json").exists():
        raise UsageError(
            f"{path} is not a checkpoint; those of this run: {', '.join(map(str, existing)) or 'none'}."
        )
    return path


def _sync(folder: Path) -> None:
    """Write every file through to the disk, so that a renamed folder never holds an empty one."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDWR)  # Windows syncs what may be written only
        os.fsync(descriptor)
        os.close(descriptor)
