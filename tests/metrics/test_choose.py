import math
from collections.abc import Mapping

import pytest

from leapsr.errors import DataError, UnknownName, UsageError
from leapsr.metrics import METRICS
from leapsr.metrics.choose import STRIDES, Score, Target, best, parse, reach, weights

PSNR, LPIPS = METRICS["psnr_y"], METRICS["lpips_squeeze"]


class Dial:
    """Scores in closed form, and where they were asked for."""

    def __init__(self, **scores: Score) -> None:
        self.scores = scores
        self.asked: list[float] = []

    def __call__(self, fidelity: float) -> Mapping[str, float]:
        self.asked.append(fidelity)
        return {name: float(score(fidelity)) for name, score in self.scores.items()}  # type: ignore[arg-type]


def straight() -> Dial:
    """24 to 26 dB, LPIPS 0.2 to 0.6."""
    return Dial(psnr_y=lambda f: 24 + 2 * f, lpips_squeeze=lambda f: 0.2 + 0.4 * f)


@pytest.mark.parametrize(
    ("target", "fidelity"),
    [
        (Target(PSNR, 24.739), 0.37),  # the lowest hundredth with that much
        (Target(PSNR, 25), 0.5),
        (Target(PSNR, 26), 1),
        (Target(LPIPS, 0.301), 0.25),
        (Target(LPIPS, 0.351), 0.37),  # the highest with that little
        (Target(LPIPS, 0.2), 0),
    ],
)
def test_a_target_is_met_with_least_given_away(target: Target, fidelity: float) -> None:
    dial = straight()
    choice = reach(dial, target)
    assert choice.fidelity == fidelity
    assert choice.scores == dial(fidelity)
    step = -0.01 if target.metric is PSNR else 0.01
    if 0 <= fidelity + step <= 1:
        beyond = dial(fidelity + step)[target.metric.name]
        assert (beyond < target.value) == (target.metric is PSNR)


def test_a_target_that_is_met_everywhere_leaves_the_dial_at_the_other_end() -> None:
    assert reach(straight(), Target(PSNR, 20)).fidelity == 0
    assert reach(straight(), Target(LPIPS, 0.9)).fidelity == 1


@pytest.mark.parametrize("target", [Target(PSNR, 24.739), Target(PSNR, 27), Target(LPIPS, 0.351)])
def test_no_position_is_scored_twice_and_few_are_scored(target: Target) -> None:
    dial = straight()
    try:
        choice = reach(dial, target)
    except UsageError:
        pass
    else:
        assert list(choice.tried) == sorted(dial.asked)
    assert len(set(dial.asked)) == len(dial.asked) <= 5 + 2 * len(STRIDES)


def test_a_target_out_of_reach_says_the_best_and_where() -> None:
    with pytest.raises(UsageError, match=r"psnr_y=27 cannot be reached: the best is 26, at --fidelity 1\."):
        reach(straight(), Target(PSNR, 27))
    with pytest.raises(UsageError, match=r"lpips_squeeze=0\.1 .* the best is 0\.2, at --fidelity 0\."):
        reach(straight(), Target(LPIPS, 0.1))


def test_a_metric_that_is_best_inside_the_dial() -> None:
    """NIQE often is; the quarters miss its best, which is found between them."""
    dial = Dial(niqe=lambda f: 7 + (f - 0.33) ** 2)
    assert reach(dial, Target(METRICS["niqe"], 7.0001)).fidelity == pytest.approx(0.33, abs=0.011)
    with pytest.raises(UsageError, match=r"the best is 7, at --fidelity 0\.33"):
        reach(dial, Target(METRICS["niqe"], 6.9))


def test_noise_on_the_way_does_not_lead_to_a_position_that_fails() -> None:
    wavy = Dial(psnr_y=lambda f: 24 + 2 * f + 0.1 * math.sin(60 * f))
    for value in (24.2, 24.9, 25.3, 25.8):
        choice = reach(wavy, Target(PSNR, value))
        assert choice.scores["psnr_y"] >= value
        assert choice.scores["psnr_y"] < value + 0.2


def test_best_is_where_the_weighted_sum_is_greatest() -> None:
    """n = 1 - (1 - f)^2 of PSNR, 1 - f^2 of LPIPS: the sum is greatest in the middle, 1 : 2 at a third."""
    dial = Dial(psnr_y=lambda f: 26 - 3 * (1 - f) ** 2, lpips_squeeze=lambda f: 0.2 + 0.4 * f**2)
    assert best(dial, {"psnr_y": 0.5, "lpips_squeeze": 0.5}).fidelity == 0.5
    assert best(dial, {"psnr_y": 1, "lpips_squeeze": 2}).fidelity == 0.33
    assert best(dial, {"psnr_y": 3, "lpips_squeeze": 1}).fidelity == 0.75
    assert len(set(dial.asked)) <= 3 * (5 + 2 * len(STRIDES))


def test_best_does_not_depend_on_units() -> None:
    def at_scale(scale: float) -> float:
        dial = Dial(psnr_y=lambda f: scale * (1 - (1 - f) ** 3), lpips_squeeze=lambda f: f**2)
        return best(dial, {"psnr_y": 0.5, "lpips_squeeze": 0.5}).fidelity

    assert at_scale(1) == at_scale(1000) == pytest.approx(0.46, abs=0.02)  # 3 (1 - f)^2 = 2 f


def test_a_metric_that_stays_the_same_counts_nothing() -> None:
    dial = Dial(psnr_y=lambda f: 25.0, lpips_squeeze=lambda f: 0.5 - 0.1 * f)
    assert best(dial, {"psnr_y": 0.9, "lpips_squeeze": 0.1}).fidelity == 1


def test_pictures_without_a_score_are_an_error() -> None:
    dial = Dial(psnr_y=lambda f: math.nan, lpips_squeeze=lambda f: f)
    with pytest.raises(DataError, match="can be scored"):
        best(dial, {"psnr_y": 0.5, "lpips_squeeze": 0.5})
    with pytest.raises(DataError, match="can be scored"):
        reach(dial, Target(PSNR, 25))


HALVES = {"psnr_y": 0.5, "lpips_squeeze": 0.5}


def test_a_position_without_a_score_does_not_hide_the_others() -> None:
    """The sum is greatest in the middle; without the middle, beside it."""

    def broken_at(position: float) -> Dial:
        return Dial(
            psnr_y=lambda f: math.nan if f == position else 26 - 3 * (1 - f) ** 2,
            lpips_squeeze=lambda f: 0.2 + 0.4 * f**2,
        )

    assert [best(broken_at(each), HALVES).fidelity for each in (0.25, 0.75)] == [0.5, 0.5]
    assert best(broken_at(0.5), HALVES).fidelity in (0.49, 0.51)
    for end in (0, 1):
        assert 0 < best(broken_at(end), HALVES).fidelity < 1


@pytest.mark.parametrize("end", [0, 1])
def test_a_target_is_met_with_least_given_away_where_an_end_has_no_score(end: int) -> None:
    dial = Dial(lpips_squeeze=lambda f: math.nan if f == end else 0.2 + 0.4 * f)
    assert reach(dial, Target(LPIPS, 0.351)).fidelity == 0.37


@pytest.mark.parametrize("position", [0, 0.5, 1])
def test_an_infinite_psnr_wins(position: float) -> None:
    dial = Dial(psnr_y=lambda f: math.inf if f == position else 24 + f, lpips_squeeze=lambda f: 0.5 - 0.3 * f)
    assert best(dial, HALVES).fidelity == position


def test_where_psnr_is_infinite_everywhere_lpips_decides() -> None:
    dial = Dial(psnr_y=lambda f: math.inf, lpips_squeeze=lambda f: (f - 0.3) ** 2)
    assert best(dial, HALVES).fidelity == pytest.approx(0.3, abs=0.01)


def test_weights_are_half_and_half_of_what_there_is() -> None:
    assert weights(["niqe", "psnr_y", "lpips_vgg", "dists"]) == {"psnr_y": 0.5, "lpips_vgg": 0.5}
    assert weights(["dists", "psnr_y"]) == {"psnr_y": 0.5, "dists": 0.5}
    with pytest.raises(UsageError, match="LEAPSR_WEIGHTS"):
        weights(["psnr_y", "ssim_y"])


def test_goals_are_read() -> None:
    assert parse("best") is None
    assert parse("psnr_y=25") == Target(PSNR, 25)
    assert str(parse("lpips_squeeze=0.3")) == "lpips_squeeze=0.3"


@pytest.mark.parametrize("goal", ["", "psnr_y", "psnr_y=", "psnr_y=much", "psnr_y=nan", "all=3", "best=3"])
def test_what_is_no_goal_is_refused(goal: str) -> None:
    with pytest.raises(UsageError):
        parse(goal)


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'psnr_y'"):
        parse("psnr_z=25")
