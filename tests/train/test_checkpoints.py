import shutil

import pytest

from leapsr.errors import TrainingError
from leapsr.train import checkpoints, config, launch, recipes
from tests.train.conftest import QUICK

# Of random_states_0.pkl, accelerate says nothing: the run goes on with other random numbers.
FILES = ("model.safetensors", "optimizer.bin", "custom_checkpoint_0.pkl", "progress.json")


def train(photos, out, *settings, **options):
    resolved = config.override(recipes.get("teacher_tiny"), [*QUICK, "data.held_out=0", *settings])
    launch.run(resolved, photos, out, cpu=True, **options)


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    train(photos, out, "steps=2")
    return out


@pytest.mark.parametrize("kept", [0, 1, 0.5])
@pytest.mark.parametrize("name", FILES)
def test_a_state_that_is_cut_short_is_refused(name, kept, run, photos, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    [state] = checkpoints.complete(tmp_path / "run" / "checkpoints")
    whole = (state / name).read_bytes()
    (state / name).write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    with pytest.raises(TrainingError, match=r"step-00000002 cannot be resumed \(.+\); choose another"):
        train(photos, tmp_path / "run", "steps=3", resume="auto")
