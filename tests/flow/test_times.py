import json
import math
from statistics import NormalDist

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from leapsr.flow import (
    GRIDS,
    cosine_grid,
    logit_normal,
    logit_normal_pairs,
    pairs,
    stochastic_count,
    uniform_pairs,
)
from leapsr.flow.times import host_uniform
from tests.conftest import GOLDEN


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_logit_normal_times_have_the_quantiles_of_their_law():
    times = logit_normal(1000, generator(), mean=-0.4, std=1.5).logit().sort().values
    for share in (0.01, 0.25, 0.5, 0.9, 0.99):
        assert times[int(1000 * share)].item() == pytest.approx(NormalDist(-0.4, 1.5).inv_cdf(share), abs=0.1)


def test_the_margin_keeps_times_from_the_ends():
    times = logit_normal(4000, generator(), std=6.0, margin=1e-4)
    assert times.min().item() == pytest.approx(1e-4)
    assert times.max().item() == pytest.approx(1 - 1e-4)
    assert logit_normal(4000, generator(), std=6.0).max() > 1 - 1e-5


@pytest.mark.parametrize("pairs", [uniform_pairs, logit_normal_pairs])
def test_pairs_are_sorted_and_belong_to_the_generator(pairs):
    t, r = pairs(1000, generator())
    assert (r <= t).all()
    assert r.min() >= 0
    assert t.max() <= 1
    again, other = pairs(1000, generator()), pairs(1000, generator(1))
    assert torch.equal(torch.stack([t, r]), torch.stack(again))
    assert not torch.equal(t, other[0])


def test_uniform_pairs_cover_the_triangle_evenly():
    """t has density 2t, r density 2 (1 - r), their covariance is 1/36."""
    t, r = uniform_pairs(20000, generator())
    assert t.mean().item() == pytest.approx(2 / 3, abs=0.005)
    assert r.mean().item() == pytest.approx(1 / 3, abs=0.005)
    assert torch.cov(torch.stack([t, r]))[0, 1].item() == pytest.approx(1 / 36, abs=0.002)


def test_logit_normal_pairs_are_the_larger_and_the_smaller_of_two_draws():
    """Of two normal numbers the larger one has the mean mean + std / sqrt(pi)."""
    t, r = (time.logit() for time in logit_normal_pairs(20000, generator(), mean=-0.4, std=1.0))
    assert t.mean().item() == pytest.approx(-0.4 + math.pi**-0.5, abs=0.02)
    assert r.mean().item() == pytest.approx(-0.4 - math.pi**-0.5, abs=0.02)


def test_a_share_of_the_batch_holds_on_average():
    source = generator()
    assert {stochastic_count(10, 0.6, source) for _ in range(50)} == {6}
    assert {stochastic_count(4, share, source) for share in (0.0, 1.0) for _ in range(50)} == {0, 4}
    counts = [stochastic_count(1, 0.3, source) for _ in range(2000)]
    assert set(counts) == {0, 1}
    assert sum(counts) / 2000 == pytest.approx(0.3, abs=0.04)


def test_a_share_is_drawn_without_waiting_for_the_device():
    """Reading a number out of a tensor is what makes a GPU stop."""
    calls = []

    class Listening(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            calls.append(function.overloadpacket)
            return function(*args, **(kwargs or {}))

    with Listening():
        assert stochastic_count(3, 0.5, generator()) in (1, 2)
    assert torch.ops.aten.rand in calls
    assert torch.ops.aten._local_scalar_dense not in calls


def test_coins_are_uniform_and_belong_to_the_generator():
    source = generator(3)
    coins = torch.tensor([host_uniform(source) for _ in range(4000)])
    assert torch.histc(coins, 4, 0, 1).sub(1000).abs().max() < 5 * 1000**0.5
    assert torch.corrcoef(torch.stack([coins[1:], coins[:-1]]))[0, 1].abs() < 0.05
    again, other = generator(3), generator(4)
    assert [host_uniform(again) for _ in range(3)] == pytest.approx(coins[:3].tolist())
    assert host_uniform(other) != coins[0]


def test_pairs_by_name():
    law = {"mean": 1.0, "std": 2.0, "margin": 0.1}
    for found, own in (
        (pairs("uniform", 9, generator(), **law), uniform_pairs(9, generator())),
        (pairs("logit_normal", 9, generator(), **law), logit_normal_pairs(9, generator(), **law)),
    ):
        assert torch.equal(torch.stack(found), torch.stack(own))


def test_the_cosine_grid_is_smfsrs_backwards():
    expected = [0.5 * (1 - math.cos(math.pi * k / 5)) for k in range(5, -1, -1)]
    torch.testing.assert_close(cosine_grid(5), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "kind"), [("smfsr_cosine_time_grid", "cosine"), ("dit4sr_sigma_table", "shifted")]
)
def test_grids_are_the_references(name, kind):
    table = json.loads((GOLDEN / "sr3_time_grids.json").read_text())[name]
    grids = table["grid"] if kind == "cosine" else {n: row["sigmas"] for n, row in table["steps"].items()}
    for steps, expected in grids.items():
        found = GRIDS[kind](int(steps), 1.0, 0.0)
        torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), atol=2e-7, rtol=0)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_grids_walk_down_from_start_to_end(grid):
    for steps in (1, 2, 7):
        times = grid(steps, 0.9, 0.1)
        assert times.shape == (steps + 1,)
        assert times.dtype == torch.float64
        assert (times.diff() < 0).all()
        torch.testing.assert_close(times[[0, -1]], torch.tensor([0.9, 0.1]).double())
