"""Two processes train what one process with both batches trains."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from leapsr.frozen.space import Space
from leapsr.methods import Batch, Losses, Method
from leapsr.train import batches, config, launch, recipes
from leapsr.train.loop import Run, fit
from tests.train.conftest import QUICK, relabelled
from tests.train.process import weights

TINY = sorted(name for name in recipes.RECIPES if name.endswith("_tiny"))
SETTINGS = [*QUICK, "steps=20", "precision=fp32", "validate_every=100", "optimizer.kind=adamw"]


@dataclass
class Both:
    """The batches of both processes in the place of one."""

    batches: list[Batch]

    @property
    def image(self) -> torch.Tensor:
        return torch.cat([batch.image for batch in self.batches])


@dataclass
class Combined:
    """A method on both batches: the mean of their losses, whose gradient is the mean of their gradients."""

    method: Method

    def __call__(self, both: Both) -> Iterator[tuple[str, Losses]]:
        for (name, one), (_, other) in zip(*(self.method(batch) for batch in both.batches), strict=True):
            yield name, {loss: (one[loss] + other[loss]) / 2 for loss in one}


def combine(run: Run) -> None:
    """Give a single process the batches that two would see, each with its own draws."""
    read, prepare, method = (
        run.read,
        batches.batch_maker(run.config, run.accelerator.device, Space(4)),
        run.method,
    )

    def both(pair: list[object], step: int) -> Both:
        draws = [prepare.generator(run.config.seed, step, rank) for rank in (0, 1)]
        return Both([prepare(sample, draw) for sample, draw in zip(pair, draws, strict=True)])

    run.read = lambda step: [read(2 * step), read(2 * step + 1)]
    run.make_batch, run.method = both, Combined(method)


@pytest.fixture(scope="module")
def teacher(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "teacher"
    settings = [*QUICK, "steps=10"]
    launch.run(config.override(recipes.get("teacher_tiny"), settings), photos, out, cpu=True)
    return out / "model"


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As the two processes have: sums in another order are other roundings, which Adam makes large."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("recipe", TINY)
def test_two_processes_equal_one_with_both_batches(recipe, photos, teacher, tmp_path, monkeypatch):
    needed = {} if recipe in ("teacher_tiny", "dial_tiny") else {"teacher": teacher}
    needed |= {"start": relabelled(teacher, "oftsr", tmp_path)} if recipe == "refine_tiny" else {}
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=29513"]
    words += [
        "-m",
        "tests.train.process",
        str(photos),
        str(tmp_path),
        *(str(needed.get(name, "")) for name in ("teacher", "start")),
    ]
    words += [recipe, *SETTINGS]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(words, env=environment, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()

    single: dict[str, torch.Tensor] = {}

    def recorded(run: Run) -> None:
        combine(run)
        fit(run)
        single.update(weights(run))

    monkeypatch.setattr(launch, "fit", recorded)
    resolved = config.override(recipes.get(recipe), SETTINGS)
    launch.run(resolved, photos, tmp_path / "single", cpu=True, **needed)

    first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1))
    assert first.keys() == second.keys() == single.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
        torch.testing.assert_close(
            value, single[name], rtol=0, atol=2e-5, msg=lambda m, name=name: f"{name}: {m}"
        )
