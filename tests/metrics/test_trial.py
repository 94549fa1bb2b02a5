import math
from pathlib import Path

import pytest
import torch

from leapsr.data.pairs import PairFolder
from leapsr.errors import UsageError
from leapsr.flow.solvers import EVALUATIONS
from leapsr.methods import Region
from leapsr.metrics import select
from leapsr.metrics.evaluate import Setting, bicubic
from leapsr.metrics.restorers import at, noise_for
from leapsr.metrics.trial import Trial
from tests.metrics.models import model, some_pairs


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> PairFolder:
    return some_pairs(tmp_path_factory.mktemp("pairs") / "pairs")


@pytest.mark.parametrize("solver", EVALUATIONS)
def test_evaluations_are_counted_where_a_step_takes_more_than_one(pairs: PairFolder, solver: str) -> None:
    trial = Trial("m", model("teacher"), pairs, border=4, solver=solver)  # type: ignore[arg-type]
    table = trial.run(trial.restorers([1, 3], [0.0, 1.0], baseline=True), select(["psnr_y"]), [])
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
    trial = Trial("m", model("oftsr"), pairs, border=4)
    for _ in range(2):
        table = trial.run(trial.restorers([1], [0.0], baseline=False), {}, [])
        assert [row.evaluations for row in table.rows] == [1, 1]
    assert trial.restorer is not None
    assert not trial.restorer.network._forward_hooks


def test_rk45_has_no_number_of_steps_but_one_of_evaluations(pairs: PairFolder) -> None:
    trial = Trial("m", model("teacher"), pairs, border=4, solver="rk45")
    table = trial.run(trial.restorers([1], [0.0], baseline=False), select(["psnr_y"]), [])
    assert table.settings == [Setting("m", None, 0.0, "rk45")]
    counts = [row.evaluations for row in table.rows]
    assert all(
        count >= 8 and (count - 2) % 6 == 0 for count in counts
    )  # six for a step, two to find its size
    with pytest.raises(UsageError, match="rk45"):
        trial.restorers([8], [0.0], baseline=False)


def test_a_setting_is_the_restorer_with_noise_by_position(pairs: PairFolder) -> None:
    restorer, lr = model("teacher"), torch.rand(1, 3, 6, 5)
    found = at(restorer, Setting("m", 2, None, "heun"), seed=3)(lr, "")
    noise = noise_for(restorer, lr, seed=3)
    assert noise.shape == (1, 3, 24, 20)
    assert torch.equal(found, restorer.restore(lr, noise, steps=2, fidelity=0.5, solver="heun"))
    assert not torch.equal(found, at(restorer, Setting("m", 2), seed=3)(lr, ""))
    assert not torch.equal(found, at(restorer, Setting("m", 2, None, "heun"), seed=4)(lr, ""))


def test_straightness_is_of_teachers(pairs: PairFolder) -> None:
    teacher = Trial("m", model("teacher"), pairs, border=4)
    bent = teacher.straightness()
    assert math.isfinite(bent)
    assert bent > 0
    still = model("teacher")
    for parameter in still.network.parameters():
        torch.nn.init.zeros_(parameter)
    assert Trial("m", still, pairs, border=4).straightness() < 1e-3 * bent
    for other in ("oftsr", "mfsr"):
        with pytest.raises(UsageError, match="straightness is for teachers"):
            Trial("m", model(other), pairs, border=4).straightness()


def test_straightness_is_of_the_flow_without_guidance(pairs: PairFolder) -> None:
    guided = Trial("m", model("teacher"), pairs, border=4, guidance=3.0)
    with pytest.raises(UsageError, match="without guidance"):
        Trial("m", model("teacher"), pairs, border=4, guidance=0.0).check_flow()
    with pytest.raises(UsageError, match="without guidance"):
        guided.straightness()


def test_a_position_with_overflow_is_not_chosen(pairs: PairFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """PSNR is best at 0, and one picture is not finite there."""
    restorer = model("oftsr")
    dark = iter([True] * 100)

    def restore(lr: torch.Tensor, noise: torch.Tensor, *, fidelity: float, **other: object) -> torch.Tensor:
        good = bicubic(4)(lr, "") * (1 - 0.1 * fidelity)
        return good / 0 if fidelity == 0 and next(dark, False) else good

    monkeypatch.setattr(restorer, "restore", restore)
    choice = Trial("m", restorer, pairs, border=4).choice("psnr_y=1", 1, None)
    assert choice.fidelity > 0
    assert math.isnan(choice.tried[0.0]["psnr_y"])


def test_the_dial_is_chosen_on_the_pictures(pairs: PairFolder) -> None:
    trial = Trial("m", model("oftsr"), pairs, border=4)
    ends = trial.run(trial.restorers([1], [0.0, 1.0], baseline=False), select(["psnr_y"]), [])
    low, high = sorted(ends.mean(setting).scores["psnr_y"] for setting in ends.settings)
    choice = trial.choice(f"psnr_y={(low + high) / 2}", 1, None)
    assert 0 < choice.fidelity < 1
    assert choice.scores["psnr_y"] >= (low + high) / 2
    table = trial.run(trial.restorers([1], [choice.fidelity], baseline=False), select(["psnr_y"]), [])
    assert table.mean(table.settings[0]).scores["psnr_y"] == choice.scores["psnr_y"]


def test_best_weighs_psnr_against_lpips(pairs: PairFolder, shared: Path) -> None:
    choice = Trial("m", model("oftsr"), pairs, border=4).choice("best", 1, shared / "weights")
    assert set(choice.scores) == {"psnr_y", "lpips_squeeze"}
    sums = [
        sum(
            sign * (scores[name] - worst) / (high - low)
            for name, sign in (("psnr_y", 1), ("lpips_squeeze", -1))
            for low, high in [_range(choice.tried, name)]
            for worst in [low if sign > 0 else high]
        )
        for scores in choice.tried.values()
    ]
    assert list(choice.tried)[sums.index(max(sums))] == choice.fidelity


def _range(tried: dict[float, dict[str, float]], name: str) -> tuple[float, float]:
    coarse = [scores[name] for fidelity, scores in tried.items() if fidelity * 4 % 1 == 0]
    return min(coarse), max(coarse)


def test_who_has_no_dial(pairs: PairFolder) -> None:
    with pytest.raises(UsageError, match="bicubic is no model"):
        Trial("bicubic", None, pairs, border=4).check_dial(1)
    with pytest.raises(UsageError, match="more --steps"):
        Trial("m", model("teacher"), pairs, border=4).check_dial(1)
    Trial("m", model("teacher"), pairs, border=4).check_dial(2)
    edge = model("oftsr")
    edge.region = Region.IMAGE_EDGE
    with pytest.raises(UsageError, match="no dial"):
        Trial("m", edge, pairs, border=4).check_dial(1)


def test_progress_is_told_what_it_is_about(pairs: PairFolder) -> None:
    told: list[str] = []
    trial = Trial("m", model("oftsr"), pairs, 4, watch=lambda each, doing: told.append(doing) or each)
    trial.choice("psnr_y=1", 1, None)  # met everywhere, so that the ends tell all
    assert told == ["fidelity 1", "fidelity 0"]
