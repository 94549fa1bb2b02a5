import math

import pytest
import torch
from torch import Tensor

from leapsr.data.pairs import Pair
from leapsr.errors import DataError
from leapsr.metrics import Metric, available, select
from leapsr.metrics import table as module
from leapsr.metrics.report import differences, lines, ranks
from leapsr.metrics.table import Restore, Row, Setting, Table, bicubic, evaluate, lanczos
from leapsr.ops.color import round_to_8_bits


def pairs(count: int, side: int = 16) -> list[Pair]:
    generator = torch.Generator().manual_seed(0)
    hr = round_to_8_bits(torch.rand(count, 1, 3, 4 * side, 4 * side, generator=generator))
    lr = torch.rand(count, 1, 3, side, side, generator=generator)
    return [Pair(f"picture {i}", lr[i], hr[i]) for i in range(count)]


def truth(examples: list[Pair]) -> dict[str, Tensor]:
    return {pair.name: pair.hr for pair in examples if pair.hr is not None}


def score(restore: Restore, examples: list[Pair], metrics: dict[str, Metric], border: int) -> Table:
    return evaluate({Setting("restorer"): restore}, examples, metrics, border)


def test_results_are_scored_as_8_bit_files() -> None:
    """An error below half a level does not survive in a file, nor does what lies outside [0, 1]."""
    examples = pairs(2)
    hr = truth(examples)
    table = score(lambda _, name: hr[name] + 0.4 / 255, examples, select(["psnr_rgb"]), border=4)
    assert [row.scores["psnr_rgb"] for row in table.rows] == [math.inf, math.inf]
    white = [Pair("white", torch.ones(1, 3, 4, 4), torch.ones(1, 3, 16, 16))]
    table = score(lambda _, __: torch.full((1, 3, 16, 16), 3.0), white, select(["psnr_rgb"]), border=0)
    assert table.rows[0].scores["psnr_rgb"] == math.inf


def test_rows_go_setting_by_setting_and_means_are_means() -> None:
    examples = pairs(3)
    hr = truth(examples)
    shift = {Setting("model", 1, 0.0): 10 / 255, Setting("model", 1, 1.0): 5 / 255}
    restorers = {
        setting: lambda _, name, shift=shift: hr[name] * 0.5 + 0.25 + shift
        for setting, shift in shift.items()
    }
    table = evaluate(restorers, examples, select(["psnr_rgb", "ssim_y"]), border=0)
    assert [(row.setting.fidelity, row.image) for row in table.rows] == [
        (fidelity, f"picture {i}") for fidelity in (0.0, 1.0) for i in range(3)
    ]
    assert table.settings == list(shift)
    rows = [row.scores["psnr_rgb"] for row in table.rows[:3]]
    assert table.mean(table.settings[0]).scores["psnr_rgb"] == pytest.approx(sum(rows) / 3)
    assert all(row.seconds_per_megapixel > 0 for row in table.rows)


TINY = Pair("tiny", torch.rand(1, 3, 2, 2), torch.rand(1, 3, 8, 8))


def test_a_picture_that_a_metric_cannot_score_is_a_failure_and_the_mean_says_of_how_many_it_is() -> None:
    restorers = {Setting("a"): bicubic(4), Setting("b"): lanczos(4)}
    table = evaluate(restorers, [*pairs(1), TINY], select(["ssim_y", "psnr_y"]), border=0)
    large, tiny = (row.scores["ssim_y"] for row in table.rows_of(Setting("a")))
    assert math.isnan(tiny)
    assert table.mean(Setting("a")).scores["ssim_y"] == large
    assert table.counted(Setting("a"), "ssim_y") == 1
    assert table.counted(Setting("a"), "psnr_y") == table.pictures == 2
    assert table.failures == (
        "tiny: ssim_y is lacking. SSIM needs at least 11 pixels a side inside the border of 0.",
    )
    assert table.notes == []


def test_a_metric_that_can_score_nothing_is_its_columns_note() -> None:
    table = score(bicubic(4), [TINY, TINY._replace(name="other")], select(["ssim_y", "psnr_y"]), border=0)
    [note] = table.notes
    assert note.startswith("ssim_y is skipped: tiny: SSIM needs at least 11 pixels")
    assert table.failures == ()
    assert table.counted(table.settings[0], "ssim_y") == 0


def odd(pictures: dict[str, float]) -> Metric:
    """Scores by the shade of a result: NaN for those named, by it; else the shade."""

    def function(restored: Tensor, _: Tensor, border: int) -> Tensor:
        shade = round(restored.mean().item(), 2)
        return torch.tensor([pictures.get(str(shade), shade)], dtype=torch.float64)

    return Metric("odd", "higher", "none", function)


def test_only_means_of_the_same_pictures_are_compared() -> None:
    """The one with the best mean of four lost the fifth, which was hard."""
    shades = {"lossy": [0.9, 0.9, 0.9, 0.9, 0.1], "good": [0.6] * 5, "poor": [0.5] * 5}
    examples = [pair._replace(name=str(i)) for i, pair in enumerate(pairs(5))]
    restorers = {
        Setting(name): lambda lr, name, own=own: torch.full((1, 3, 64, 64), own[int(name)])
        for name, own in shades.items()
    }
    table = evaluate(restorers, examples, {"odd": odd({"0.1": math.nan})}, 0)
    assert table.failures == ("4: odd of lossy is not a number.",)
    assert table.counted(Setting("lossy"), "odd") == 4
    assert table.compared("odd") == [Setting("good"), Setting("poor")]
    assert ranks(table, "odd") == {Setting("good"): 1, Setting("poor"): 2}
    assert [line[3].text for line in lines(table)] == ["0.9000 (4/5)", "0.6000", "0.5000"]
    assert [line[3].rank for line in lines(table)] == [0, 1, 2]
    assert differences(table) == ["odd: good is ahead of poor, +0.1 [+0.1, +0.1]"]
    apart = table.difference(Setting("lossy"), Setting("good"), "odd")  # on the four that both have
    assert apart is not None
    assert apart.mean == pytest.approx(0.3)


def test_of_a_metric_that_is_best_at_1_the_nearest_is_ahead() -> None:
    means = {"over": 1.6, "near": 0.9, "under": 0.5, "twice": 2.0}
    rows = [
        Row(Setting(name), image, {"fine_detail": mean + shift}, 0.1)
        for name, mean in means.items()
        for image, shift in zip("abcde", (-0.02, -0.01, 0.0, 0.01, 0.02), strict=True)
    ]
    table = Table(select(["fine_detail"]), rows, [])
    assert [each.restorer for each in table.compared("fine_detail")][:2] == ["near", "over"]
    assert ranks(table, "fine_detail") == {Setting("near"): 1, Setting("over"): 2}
    [said] = differences(table)
    assert said.startswith("fine_detail: near is nearer to 1 than over, by the factor 1.44 [1.")
    even = table.difference(Setting("under"), Setting("twice"), "fine_detail")  # as far from 1
    assert even is not None
    assert even.holds_zero


def test_a_set_that_a_metric_cannot_take_is_its_columns_note_and_the_rest_is_computed() -> None:
    def features(image: Tensor) -> Tensor:
        if image.shape[-1] < 64:
            raise DataError("It is too small.")
        return image.mean((2, 3)).double()

    calls = []

    def distance(one: Tensor, other: Tensor, border: int) -> Tensor:
        calls.append(len(one))
        return (one.mean(0) - other.mean(0)).square().sum()

    patch = Metric("patch", "lower", "set", distance, features=features)
    other = Metric("other", "lower", "set", distance, features=lambda image: image.mean((2, 3)).double())
    metrics = {"patch": patch, "other": other, **select(["psnr_y"])}
    table = evaluate({Setting("m"): bicubic(4)}, [*pairs(2), TINY], metrics, 0)
    mean = table.mean(Setting("m")).scores
    assert math.isnan(mean["patch"])
    assert mean["other"] >= 0
    assert mean["psnr_y"] > 0
    assert (table.notes, table.failures) == (["patch is skipped: tiny: It is too small."], ())
    assert calls == [3]  # once for each metric and setting
    assert evaluate({Setting("m"): bicubic(4)}, pairs(1), select(["psnr_y"]), 0).sets == {}


def test_a_picture_without_reference_has_only_the_other_scores() -> None:
    table = score(
        bicubic(4), [Pair("alone", torch.rand(1, 3, 9, 7), None)], select(["psnr_y", "lr_psnr"]), border=0
    )
    assert math.isnan(table.rows[0].scores["psnr_y"])
    assert table.rows[0].scores["lr_psnr"] > 10


def test_every_result_is_observed() -> None:
    seen: list[tuple[str, Setting, tuple[int, ...]]] = []
    settings = {Setting("a"): bicubic(4), Setting("b"): bicubic(4)}
    examples = pairs(2)
    evaluate(
        settings, examples, {}, 0, lambda pair, setting, image: seen.append((pair.name, setting, image.shape))
    )
    assert [(name, setting.restorer) for name, setting, _ in seen] == [
        ("picture 0", "a"), ("picture 0", "b"), ("picture 1", "a"), ("picture 1", "b"),
    ]  # fmt: skip
    assert {tuple(shape) for _, _, shape in seen} == {(1, 3, 64, 64)}


@pytest.mark.parametrize(
    ("setting", "label"),
    [
        (Setting("bicubic"), "bicubic"),
        (Setting("m", 1, 0.5), "m fidelity 0.5"),
        (Setting("m", 8, None), "m 8 steps"),
    ],
)
def test_labels(setting: Setting, label: str) -> None:
    assert setting.label == label


def test_available_metrics_can_be_given() -> None:
    metrics = {name: metric for name, metric in available().items() if name == "psnr_y"}
    assert score(bicubic(4), pairs(1), metrics, border=4).rows[0].scores["psnr_y"] > 0


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_restorer_that_blows_up_is_noted_and_has_no_means(broken: float) -> None:
    """The mean over the other pictures would be better than that of a restorer that managed all."""
    examples = pairs(2)

    def restore(lr: Tensor, name: str) -> Tensor:
        result = bicubic(4)(lr, name)
        return torch.where(result == result.max(), broken, result) if name == "picture 0" else result

    table = evaluate({Setting("m", 4): restore}, examples, select(["psnr_y"]), border=0)
    [note] = table.failures
    assert note.startswith("picture 0: m 4 steps gave values that are not finite, so it has no means;")
    assert [(row.usable, math.isnan(row.scores["psnr_y"])) for row in table.rows] == [
        (False, True), (True, False),
    ]  # fmt: skip
    mean = table.mean(Setting("m", 4))
    assert not mean.usable
    assert math.isnan(mean.scores["psnr_y"])


def test_rounding_to_8_bits_takes_none_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def work(seconds: float, result: Tensor) -> Tensor:
        nonlocal now
        now += seconds
        return result

    monkeypatch.setattr(module, "perf_counter", lambda: now)
    monkeypatch.setattr(module, "round_to_8_bits", lambda image: work(100, round_to_8_bits(image)))
    [pair] = pairs(1)
    table = score(lambda lr, name: work(2, bicubic(4)(lr, name)), [pair], {}, border=0)
    assert table.rows[0].seconds_per_megapixel == pytest.approx(2e6 / 64**2)


def test_evaluations_are_asked_for_after_every_restoration() -> None:
    settings = {Setting("a"): bicubic(4), Setting("b"): bicubic(4)}
    counts = iter([1, 2, 3, 5])
    table = evaluate(settings, pairs(2), {}, 0, evaluations=lambda: next(counts))
    assert [(row.setting.restorer, row.evaluations) for row in table.rows] == [
        ("a", 1), ("a", 3), ("b", 2), ("b", 5),
    ]  # fmt: skip
    assert table.mean(Setting("b")).evaluations == 3.5
