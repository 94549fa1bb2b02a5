import math

import pytest
import torch

from leapsr.data.pairs import PairFolder
from leapsr.errors import UsageError
from leapsr.flow.solvers import EVALUATIONS
from leapsr.metrics import select
from leapsr.metrics.evaluation import Evaluation, noise_for, restore_at
from leapsr.metrics.table import Setting
from tests.metrics.models import model, some_pairs


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> PairFolder:
    return some_pairs(tmp_path_factory.mktemp("pairs") / "pairs")


@pytest.mark.parametrize("solver", EVALUATIONS)
def test_evaluations_are_counted_where_a_step_takes_more_than_one(pairs: PairFolder, solver: str) -> None:
    evaluation = Evaluation({"m": model("teacher")}, pairs, border=4, solver=solver)  # type: ignore[arg-type]
    table = evaluation.run(evaluation.combinations([1, 3], [0.0, 1.0], baseline=True), select(["psnr_y"]), [])
    counted = {setting: table.mean(setting).evaluations for setting in table.settings}
    own = EVALUATIONS[solver]  # type: ignore[index]
    assert counted == {
        Setting("bicubic"): 0,
        Setting("m", 1, 0.0, solver): own,
        Setting("m", 1, 1.0, solver): 1,
        Setting("m", 3, 0.0, solver): 3 * own,
        Setting("m", 3, 1.0, solver): 1,
    }


def test_evaluations_are_counted_only_meanwhile(pairs: PairFolder) -> None:
    evaluation = Evaluation({"m": model("oftsr")}, pairs, border=4)
    for _ in range(2):
        table = evaluation.run(evaluation.combinations([1], [0.0], baseline=False), {}, [])
        assert [row.evaluations for row in table.rows] == [1, 1]
    assert not evaluation.models["m"].network._forward_hooks


def test_rk45_has_no_number_of_steps_but_one_of_evaluations(pairs: PairFolder) -> None:
    evaluation = Evaluation({"m": model("teacher")}, pairs, border=4, solver="rk45")
    table = evaluation.run(evaluation.combinations([1], [0.0], baseline=False), select(["psnr_y"]), [])
    assert table.settings == [Setting("m", None, 0.0, "rk45")]
    counts = [row.evaluations for row in table.rows]
    assert all(
        count >= 8 and (count - 2) % 6 == 0 for count in counts
    )  # six for a step, two to find its size
    with pytest.raises(UsageError, match="rk45"):
        evaluation.combinations([8], [0.0], baseline=False)


def test_a_line_says_what_was_used(pairs: PairFolder) -> None:
    """Also where nothing was asked for: the model's own place of the dial, and how a teacher is followed."""
    models = {"student": model("oftsr"), "teacher": model("teacher")}
    plan = Evaluation(models, pairs, border=4).combinations([1], None, baseline=False)
    assert list(plan) == [Setting("student", 1, 0.5), Setting("teacher", 1, 0.5, "euler")]


def test_a_setting_is_the_restorer_with_noise_by_position(pairs: PairFolder) -> None:
    restorer, lr = model("teacher"), torch.rand(1, 3, 6, 5)
    found = restore_at(restorer, Setting("m", 2, None, "heun"), seed=3)(lr, "")
    noise = noise_for(restorer, lr, seed=3)
    assert noise.shape == (1, 3, 24, 20)
    assert torch.equal(found, restorer.restore(lr, noise, steps=2, fidelity=0.5, solver="heun"))
    assert not torch.equal(found, restore_at(restorer, Setting("m", 2), seed=3)(lr, ""))
    assert not torch.equal(found, restore_at(restorer, Setting("m", 2, None, "heun"), seed=4)(lr, ""))


def test_straightness_is_of_teachers(pairs: PairFolder) -> None:
    teacher = Evaluation({"m": model("teacher")}, pairs, border=4)
    bent = teacher.straightness()
    assert math.isfinite(bent)
    assert bent > 0
    still = model("teacher")
    for parameter in still.network.parameters():
        torch.nn.init.zeros_(parameter)
    assert Evaluation({"m": still}, pairs, border=4).straightness() < 1e-3 * bent
    for other in ("oftsr", "mfsr"):
        with pytest.raises(UsageError, match="straightness is for teachers"):
            Evaluation({"m": model(other)}, pairs, border=4).straightness()


def test_straightness_is_of_the_flow_without_guidance(pairs: PairFolder) -> None:
    guided = Evaluation({"m": model("teacher")}, pairs, border=4, guidance=3.0)
    with pytest.raises(UsageError, match="without guidance"):
        Evaluation({"m": model("teacher")}, pairs, border=4, guidance=0.0).check_flow()
    with pytest.raises(UsageError, match="without guidance"):
        guided.straightness()
