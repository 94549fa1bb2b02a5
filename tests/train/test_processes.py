"""Two processes train what one process trains that takes their shares of each batch in turn."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from leapsr.train import config, launch, recipes
from leapsr.train.loop import Run, fit
from tests.train.conftest import QUICK, relabelled
from tests.train.process import needs, weights

TINY = sorted(name for name in recipes.RECIPES if name.endswith("_tiny"))
SETTINGS = [*QUICK, "steps=20", "precision=fp32", "validate_every=100", "optimizer.kind=adamw"]
SETTINGS += ["batch=4"]


@pytest.fixture(scope="module")
def teacher(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "teacher"
    settings = [*QUICK, "steps=10"]
    launch.run(config.override(recipes.get("teacher_tiny"), settings), photos, out, cpu=True)
    return out / "model"


@pytest.fixture(scope="module")
def start(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return relabelled(teacher, "oftsr", tmp_path_factory.mktemp("start"))


@pytest.fixture(scope="module")
def by_two(
    photos: Path, teacher: Path, start: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, torch.Tensor]]]:
    """The weights in both processes at the end, by recipe. One launch for all: that takes longest."""
    out = tmp_path_factory.mktemp("two")
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=29520"]
    words += ["-m", "tests.train.process", str(photos), str(out), str(teacher), str(start), ",".join(TINY)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(words + SETTINGS, env=environment, capture_output=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return {name: [torch.load(out / name / f"rank{rank}.pt") for rank in (0, 1)] for name in TINY}


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As the two processes have: sums in another order are other roundings, which Adam makes large."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("recipe", TINY)
def test_two_processes_equal_one_that_takes_both_shares(
    recipe, photos, teacher, start, by_two, tmp_path, monkeypatch
):
    single: dict[str, torch.Tensor] = {}

    def recorded(run: Run) -> None:
        fit(run)
        single.update(weights(run))

    monkeypatch.setattr(launch, "fit", recorded)
    resolved = config.override(recipes.get(recipe), [*SETTINGS, "at_once=2"])
    launch.run(resolved, photos, tmp_path / "single", cpu=True, **needs(recipe, teacher, start))

    first, second = by_two[recipe]
    assert first.keys() == second.keys() == single.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
        torch.testing.assert_close(
            value, single[name], rtol=0, atol=2e-5, msg=lambda m, name=name: f"{name}: {m}"
        )
