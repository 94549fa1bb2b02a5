import math

import pytest
import torch

from leapsr.errors import UsageError
from leapsr.flow import SLOPES, follow, rk45, solve, straightness, uniform_grid
from leapsr.flow.solvers import EVALUATIONS
from tests.gaussian import GaussianFlow, example

FLOW = example()
ORDERS = {"euler": 1, "heun": 2, "midpoint": 2, "ralston": 2}


@pytest.fixture
def source():
    return FLOW.draw(8, torch.Generator().manual_seed(1))[1]


def error(solver: str, steps: int) -> float:
    """Of dx/dt = x^2 cos t from t = 1 to 0, where 1/x - 1/x(1) = sin 1 - sin t.

    Not the Gaussian flow: its symmetry makes the midpoint rule third order there.
    """
    start = torch.linspace(0.2, 0.6, 8).double()
    end = solve(lambda x, t: x**2 * t.cos(), start, uniform_grid(steps), SLOPES[solver])
    return (end - 1 / (1 / start + math.sin(1))).square().mean().sqrt().item()


@pytest.mark.parametrize("solver", SLOPES)
def test_order_of_convergence(solver):
    measured = math.log2(error(solver, 64) / error(solver, 128))
    assert measured == pytest.approx(ORDERS[solver], abs=0.05)


@pytest.mark.parametrize("solver", SLOPES)
def test_evaluations_are_what_the_table_says(solver, source):
    calls = []
    solve(lambda x, t: calls.append(t) or FLOW.v(x, t), source, uniform_grid(3), SLOPES[solver])
    assert len(calls) == 3 * EVALUATIONS[solver]


def test_the_exact_average_velocity_needs_one_step(source):
    truth = FLOW.move(source, torch.ones(8).double(), torch.zeros(8).double())
    for steps in (1, 2, 5):
        torch.testing.assert_close(follow(FLOW.u, source, uniform_grid(steps)), truth)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6])
def test_rk45_reaches_its_tolerance(tolerance, source):
    end, evaluations = rk45(FLOW.v, source, tolerance=tolerance)
    truth = FLOW.move(source, torch.ones(8).double(), torch.zeros(8).double())
    assert (end - truth).abs().max() < 20 * tolerance
    assert 7 <= evaluations < 200


@pytest.mark.parametrize("good", [0.0, 0.5])
def test_rk45_does_not_look_for_steps_small_enough_for_nan(good):
    """At the first point SciPy would hang, later it would stop on the way."""

    def v(x, t):
        return torch.where(t < 1 - good, torch.nan, 1.0) if good else torch.full_like(x, torch.nan)

    with pytest.raises(UsageError, match=r"velocity that is not finite at t = (1|0\.\d+);"):
        rk45(v, torch.full((2,), 2.0).double())


def test_rk45_that_does_not_arrive_is_an_error():
    """dx/ds = x^2 with x = 2 at s = 1 - t = 0 is infinite at s = 1/2."""
    with pytest.raises(UsageError, match=r"rk45 stopped at t = 0\.5\d* on the way to 0, "):
        rk45(lambda x, t: -(x**2), torch.full((2,), 2.0).double())


def test_straightness_is_zero_exactly_for_straight_flows(source):
    shifted = GaussianFlow(
        FLOW.image_mean, FLOW.image_std, FLOW.source_mean, FLOW.image_std * 1e-12
    )  # a point source
    constant = torch.ones_like(source)
    assert straightness(lambda x, t: constant, source).max() < 1e-24
    assert straightness(FLOW.v, source).min() > 1e-3
    assert straightness(shifted.v, source).isfinite().all()
