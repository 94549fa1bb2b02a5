import math

import numpy as np
import pytest

from leapsr.metrics import select
from leapsr.metrics.intervals import Interval, bootstrap
from leapsr.metrics.report import differences
from leapsr.metrics.table import Row, Setting, Table


def test_the_interval_of_a_normal_mean() -> None:
    """Of many values it is that of the central limit, 1.96 standard errors; and it is the same each time."""
    values = np.random.default_rng(1).normal(3, 2, 400)
    found = bootstrap(list(values))
    error = 1.96 * values.std(ddof=1) / 20
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - error, abs=0.1 * error)
    assert found.high == pytest.approx(values.mean() + error, abs=0.1 * error)
    assert bootstrap(list(values)) == found


def test_it_holds_the_truth_as_often_as_it_says() -> None:
    draws = np.random.default_rng(2).normal(0, 1, (100, 60))
    assert 88 <= sum(bootstrap(list(each)).holds_zero for each in draws) <= 99


def test_of_a_few_values_nothing_is_known() -> None:
    assert bootstrap([2.0, 2.1, 2.2]) == Interval(pytest.approx(2.1), -math.inf, math.inf)


def rows(name: str, scores: list[float], seeds: int = 1) -> list[Row]:
    return [
        Row(Setting(name), str(i), {"psnr_y": score + 0.1 * seed}, 1.0, seed=seed)
        for i, score in enumerate(scores)
        for seed in range(seeds)
    ]


def test_differences_are_paired() -> None:
    """The pictures differ by decibels and the restorers by a tenth: only the paired interval sees it."""
    hard = list(np.random.default_rng(0).normal(25, 4, 20))
    table = Table(
        select(["psnr_y"]),
        rows("a", [score + 0.1 for score in hard]) + rows("b", hard) + rows("c", [20.0] * 20),
        [],
    )
    apart = table.difference(Setting("a"), Setting("b"), "psnr_y")
    assert apart is not None
    assert apart == pytest.approx((0.1, 0.1, 0.1))
    assert differences(table) == ["psnr_y: a is ahead of b, +0.1 [+0.1, +0.1]"]
    noisy = [score + (-1) ** i for i, score in enumerate(hard)]
    [line] = differences(Table(table.metrics, rows("a", noisy) + rows("b", hard), []))
    assert "cannot be told apart" in line


def test_seeds_are_averaged_and_deviate() -> None:
    table = Table(select(["psnr_y"]), rows("a", [20.0, 30.0], seeds=3), [])
    assert table.mean(Setting("a")).scores["psnr_y"] == pytest.approx(25.1)
    assert table.mean(Setting("a"), seed=2).scores["psnr_y"] == pytest.approx(25.2)
    assert table.deviations(Setting("a"))["psnr_y"] == pytest.approx(0.1)
    assert table.by_image(Setting("a"), "psnr_y") == pytest.approx({"0": 20.1, "1": 30.1})
    assert math.isnan(Table(table.metrics, rows("a", [20.0]), []).deviations(Setting("a"))["psnr_y"])
