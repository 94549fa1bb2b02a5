"""What another upscaler makes of the small pictures of a pool: computed once, in 8 bits, beside it.

On disk: answer.npy (N, 3, S, S) uint8, answered.npy (N,), which of them are there, and answers.json, which
says whose answers they are. A build that was killed goes on where it was.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.lib.format import open_memmap
from torch import Tensor

from ..files import atomic_write, sha256
from ..hub.catalog import model_name, weights_of
from ..ops.color import to_uint8
from ..ops.noise import position_noise
from ..restorer import Restorer, read_config
from .photos import Progress
from .pool import check_free, holds, made_from
from .processes import spread

AT_ONCE = 8
"""Crops of one job, and of one batch on a GPU."""
ANSWER, ANSWERED, MARKER = "answer.npy", "answered.npy", "answers.json"


class Answerer(NamedTuple):
    """Who answers, and what of: another upscaler or another pool has other answers.

    pool: SHA-256 of its pool.json.
    """

    name: str
    sha256: str
    licence: str
    pool: str


def build(
    folder: Path,
    teacher: Path,
    device: torch.device,
    progress: Progress = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Compute the answers that a complete pool in `folder` still lacks.

    Args:
        teacher: folder or file of the model that answers, at its defaults.
        device: on a CPU each core has a process; elsewhere this process does it.
        progress: (done, total) crops. stop: asked now and then.

    Raises:
        KeyboardInterrupt: `stop` said so.
        DataError: the disk has not the space, or a process was killed.
        Whatever reading the teacher raises.
    """
    global _work
    licence = read_config(teacher).licence
    who = Answerer(model_name(teacher), sha256(weights_of(teacher)), licence, sha256(folder / "pool.json"))
    pictures = np.load(folder / "image.npy", mmap_mode="r")
    arrays = {ANSWER: (np.uint8, pictures.shape), ANSWERED: (np.bool_, pictures.shape[:1])}
    begun = made_from(folder / MARKER) == who._asdict()
    if not (begun and all(holds(folder / name, shape) for name, (_, shape) in arrays.items())):
        for name in (MARKER, *arrays):
            (folder / name).unlink(missing_ok=True)
        check_free(folder, "What the teacher answers", pictures.nbytes)
        for name, (kind, shape) in arrays.items():
            open_memmap(folder / name, "w+", kind, shape).flush()
        with atomic_write(folder / MARKER) as part:
            part.write_text(json.dumps(who._asdict(), indent=2) + "\n")
    left = np.flatnonzero(~np.load(folder / ANSWERED))
    done, total = len(pictures) - len(left), len(pictures)
    jobs = np.array_split(left, -(-len(left) // AT_ONCE)) if len(left) else []
    alone = () if device.type == "cpu" else (str(device),)
    try:
        for job, _ in spread(_answer, jobs, _start, (folder, teacher), stop, alone):
            done += len(job)
            progress(done, total)
    finally:
        _work = None  # the device's memory is for training


def answers(restorer: Restorer, lr: Tensor, noise: Tensor) -> Tensor:
    """As `Restorer.restore`; in float32 from now on, where numbers were too large for half precision."""
    restored = restorer.restore(lr, noise)
    if restorer.dtype != torch.float32 and not restored.isfinite().all():
        restored = restorer.to(restorer.device, torch.float32).restore(lr, noise)
    return restored


def _start(folder: Path, teacher: Path, place: str = "cpu") -> None:
    """What every job of a process shares."""
    global _work
    device = torch.device(place)
    dtype = torch.float32 if device.type == "cpu" else read_config(teacher).preferred_half
    _work = folder, Restorer.from_pretrained(teacher, device, dtype)


_work: tuple[Path, Restorer] | None = None


def _answer(rows: np.ndarray) -> None:
    assert _work is not None
    folder, restorer = _work
    lr = np.load(folder / "lr.npy", mmap_mode="r")
    answer, answered = (np.load(folder / name, mmap_mode="r+") for name in (ANSWER, ANSWERED))
    small = torch.from_numpy(lr[rows]).float() / 255
    channels, height, width = restorer.space.state_shape(*small.shape[2:])
    noise = [position_noise(row, 0, 0, height, width, channels, restorer.device) for row in rows.tolist()]
    answer[rows] = to_uint8(answers(restorer, small, torch.stack(noise))).cpu().numpy()
    answer.flush()  # before they are said to be there
    answered[rows] = True
