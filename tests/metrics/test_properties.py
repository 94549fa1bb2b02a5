"""What holds of every metric that compares two pictures, whatever the pictures."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from leapsr.data.pairs import Pair
from leapsr.metrics import METRICS, Metric, iqa
from leapsr.metrics.table import Setting, evaluate

SYMMETRIC = ("psnr_y", "psnr_rgb", "ssim_y", "ssim_rgb", "color_shift")
COMPARING = (*SYMMETRIC, "lr_psnr")


def picture(seed: int, side: int = 48) -> Tensor:
    """Smooth colours with an edge: (1, 3, side, side)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 5, 5, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    smooth[..., side // 3 :] *= 0.7
    return smooth


def noisy(image: Tensor, strength: float, seed: int = 0) -> Tensor:
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))
    return (image + strength * noise).clamp(0, 1)


def badness(metric: Metric, restored: Tensor, target: Tensor) -> float:
    score = metric.function(restored, target, 4).item()
    return -score if metric.direction == "higher" else score


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(COMPARING))
def test_nothing_is_better_than_equal(seed: int, name: str) -> None:
    metric, image = METRICS[name], picture(seed)
    assert badness(metric, image, image) <= badness(metric, noisy(image, 0.05), image)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(SYMMETRIC))
def test_it_does_not_matter_which_is_the_reference(seed: int, name: str) -> None:
    metric, one, other = METRICS[name], picture(seed), picture(seed + 1)
    assert metric.function(one, other, 0).item() == pytest.approx(
        metric.function(other, one, 0).item(), rel=1e-9
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from((*COMPARING, "fine_detail")))
def test_more_noise_is_never_better(seed: int, name: str) -> None:
    metric, image = METRICS[name], picture(seed) * 0.6 + 0.2  # no clipping
    if name == "fine_detail":  # it counts detail of any kind
        scores = [metric.function(noisy(image, s), noisy(image, 0.01), 4).item() for s in (0.02, 0.05, 0.1)]
    else:
        scores = [badness(metric, noisy(image, strength), image) for strength in (0.02, 0.05, 0.1)]
    assert scores == sorted(scores)


def apart(restored: Tensor, target: Tensor, border: int) -> Tensor:
    return (restored - target).abs().mean((1, 2, 3)).double()


def test_diversity_is_the_distance_from_the_first_seed() -> None:
    """SMFSR table 4: the other seeds' results against the first one's."""
    levels = {4: 0.2, 1: 0.4, 7: 0.8}
    metric = Metric("diversity", "higher", "seeds", apart)
    restorers = {
        seed: lambda lr, name, level=level: torch.full((1, 3, 32, 32), level)
        for seed, level in levels.items()
    }
    table = evaluate(
        {Setting("m"): restorers}, [Pair("a", torch.rand(1, 3, 8, 8), None)], {"diversity": metric}, 0
    )
    assert [row.seed for row in table.rows] == [4, 1, 7]
    expected = (0.2 + 0.6) / 2
    assert [row.scores["diversity"] for row in table.rows] == pytest.approx([expected] * 3, abs=1e-6)
    assert table.failures == ()


def test_a_score_of_a_set_belongs_to_the_line(shared: Path) -> None:
    """One setting has all pictures, another lost one: that one has no score."""
    from leapsr.errors import DataError

    def features(image: Tensor) -> Tensor:
        return image.mean((2, 3)).double()

    def distance(one: Tensor, other: Tensor, border: int) -> Tensor:
        return (one.mean(0) - other.mean(0)).square().sum()

    def lost(lr: Tensor, name: str) -> Tensor:
        if name == "1":
            raise DataError("lost.")
        return torch.full((1, 3, 32, 32), 0.6)

    metric = Metric("set", "lower", "set", distance, features=features)
    examples = [Pair(str(i), torch.rand(1, 3, 8, 8), torch.full((1, 3, 32, 32), 0.6)) for i in range(2)]
    restorers = {Setting("all"): lambda lr, _: torch.full((1, 3, 32, 32), 0.2), Setting("some"): lost}
    table = evaluate(restorers, examples, {"set": metric}, 0)
    assert table.mean(Setting("all")).scores["set"] == pytest.approx(3 * 0.4**2)
    assert table.mean(Setting("some")).scores["set"] != table.mean(Setting("some")).scores["set"]
    assert table.failures == ("1: some has no result: lost.",)


@pytest.mark.parametrize("value", [float("nan")])
def test_a_score_that_is_no_number_is_named(value: float) -> None:
    metric = Metric("odd", "lower", "none", lambda x, _, border: torch.tensor([value]))
    table = evaluate(
        {Setting("m"): lambda lr, _: lr}, [Pair("a", torch.rand(1, 3, 8, 8), None)], {"odd": metric}, 0
    )
    assert table.failures == ("a: odd of m is not a number.",)


def test_pyiqa_is_not_needed_and_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from leapsr.metrics import missing

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    reasons = missing(tmp_path)
    for name in iqa.JUDGES:
        assert "pip install 'leapsr[iqa]'" in reasons[name] or "pyiqa.create_metric" in reasons[name]


def test_pyiqa_says_the_same_where_it_can_run(tmp_path: Path) -> None:
    """Those of its metrics that need no weights, through the door that the others use."""
    pytest.importorskip("pyiqa", reason="needs leapsr[iqa]")
    image, other = picture(1, 96), noisy(picture(1, 96), 0.05)
    score = iqa.load("psnr", tmp_path)(other, image).item()
    assert score == pytest.approx(METRICS["psnr_rgb"].function(other, image, 0).item(), abs=1e-3)
