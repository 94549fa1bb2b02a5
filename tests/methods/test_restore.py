import pytest
import torch

from leapsr import flow
from leapsr.errors import UsageError
from leapsr.flow.solvers import EVALUATIONS
from leapsr.methods import Region, restore
from leapsr.methods.restore import check
from tests.gaussian import example

FLOW = example()
ONE = torch.ones(8).double()
SOURCE = FLOW.draw(8, torch.Generator().manual_seed(2))[1]


@pytest.mark.parametrize("region", [Region.SOURCE_EDGE, Region.TRIANGLE])
@pytest.mark.parametrize("fidelity", [0, 0.25, 0.5, 0.9])
def test_the_dial_of_an_exact_student(region, fidelity):
    """OFTSR eq. 13: the point where the trajectory is left, continued with the mean velocity so far."""
    left = FLOW.move(SOURCE, ONE, fidelity * ONE)
    expected = SOURCE - (SOURCE - left) / (1 - fidelity)
    torch.testing.assert_close(restore(FLOW.u, SOURCE, region, 1, fidelity), expected)


@pytest.mark.parametrize("region", [Region.DIAGONAL, Region.SOURCE_EDGE, Region.TRIANGLE])
def test_fidelity_one_is_the_posterior_mean(region):
    expected = SOURCE - FLOW.v(SOURCE, ONE)
    torch.testing.assert_close(restore(FLOW.u, SOURCE, region, 1, 1.0), expected)


def test_steps_of_a_teacher_converge_and_those_of_a_student_agree():
    truth = FLOW.move(SOURCE, ONE, 0 * ONE)
    few, many = (restore(FLOW.wrong, SOURCE, Region.DIAGONAL, n) for n in (4, 256))
    assert (many - truth).abs().max() < 0.05 < (few - truth).abs().max()
    torch.testing.assert_close(
        restore(FLOW.u, SOURCE, Region.TRIANGLE, 5, 0.3), restore(FLOW.u, SOURCE, Region.TRIANGLE, 1, 0.3)
    )


@pytest.mark.parametrize(
    ("region", "steps", "fidelity"),
    [
        (Region.SOURCE_EDGE, 2, 0.0),
        (Region.TRIANGLE, 0, 0.0),
        (Region.TRIANGLE, 1, 1.5),
        (Region.TRIANGLE, 1, -1),
        (Region.IMAGE_EDGE, 1, 0.5),
        (Region.IMAGE_EDGE, 1, 1.0),
        (Region.CORNER, 2, 0.0),
        (Region.CORNER, 1, 0.5),
    ],
)
def test_what_a_region_does_not_hold_is_refused(region, steps, fidelity):
    with pytest.raises(UsageError):
        restore(FLOW.u, SOURCE, region, steps, fidelity)


@pytest.mark.parametrize(("fidelity", "evaluations"), [(0, 3), (0.5, 3), (1, 1)])
def test_steps_are_evaluations_and_the_faithful_end_needs_one(fidelity, evaluations):
    calls = []
    restore(lambda *a: calls.append(a) or FLOW.u(*a), SOURCE, Region.TRIANGLE, 3, fidelity)
    assert len(calls) == evaluations


def test_from_the_image_edge_every_step_aims_at_the_image():
    torch.testing.assert_close(
        restore(FLOW.u, SOURCE, Region.IMAGE_EDGE), FLOW.move(SOURCE, ONE, 0 * ONE), rtol=1e-9, atol=1e-9
    )
    asked = []
    restore(lambda x, t, r: asked.append((t[0].item(), r[0].item())) or x, SOURCE, Region.IMAGE_EDGE, 2)
    assert asked == [(1.0, 0.0), (0.5, 0.0)]


def test_from_the_corner_there_is_one_jump_to_the_image():
    torch.testing.assert_close(
        restore(FLOW.u, SOURCE, Region.CORNER), FLOW.move(SOURCE, ONE, 0 * ONE), rtol=1e-9, atol=1e-9
    )
    with pytest.raises(UsageError, match="is for teachers"):
        check(Region.CORNER, 1, 0.0, "heun")


def test_euler_is_the_default_to_the_bit():
    for fidelity in (0.0, 0.4):
        default = restore(FLOW.wrong, SOURCE, Region.DIAGONAL, 5, fidelity)
        assert torch.equal(restore(FLOW.wrong, SOURCE, Region.DIAGONAL, 5, fidelity, "euler"), default)
        by_hand = SOURCE
        for t, r in flow.uniform_grid(5, end=fidelity).unfold(0, 2, 1):
            by_hand = by_hand - (t - r) * FLOW.v(by_hand, t * ONE)
        torch.testing.assert_close(default, by_hand - fidelity * FLOW.v(by_hand, fidelity * ONE))


@pytest.mark.parametrize("solver", ["heun", "midpoint", "ralston", "rk45"])
@pytest.mark.parametrize("fidelity", [0.0, 0.3])
def test_a_better_solver_leads_closer_to_where_the_flow_goes(solver, fidelity):
    left = FLOW.move(SOURCE, ONE, fidelity * ONE)
    truth = left - fidelity * FLOW.v(left, fidelity * ONE)

    def error(steps, solver):
        image = restore(FLOW.wrong, SOURCE, Region.DIAGONAL, steps, fidelity, solver)
        return (image - truth).square().mean().sqrt()

    assert error(1 if solver == "rk45" else 4, solver) < 0.5 * error(8, "euler")


@pytest.mark.parametrize("solver", EVALUATIONS)
def test_a_step_takes_the_evaluations_that_the_table_says(solver):
    calls = []
    restore(lambda *a: calls.append(a) or FLOW.u(*a), SOURCE, Region.DIAGONAL, 3, 0.0, solver)
    assert len(calls) == 3 * EVALUATIONS[solver]


@pytest.mark.parametrize("region", [Region.SOURCE_EDGE, Region.TRIANGLE, Region.IMAGE_EDGE])
@pytest.mark.parametrize("solver", ["euler", "rk45"])
def test_a_solver_is_for_teachers(region, solver):
    with pytest.raises(UsageError, match=f"the solver {solver} is for teachers"):
        restore(FLOW.u, SOURCE, region, 1, 0.0, solver)


def test_rk45_takes_no_number_of_steps():
    with pytest.raises(UsageError, match="rk45 chooses its own steps"):
        check(Region.DIAGONAL, 8, 0.0, "rk45")


@pytest.mark.parametrize("fidelity", [0.25, 0.6])
@pytest.mark.parametrize("solver", [None, "heun", "rk45"])
def test_a_teachers_dial_is_its_estimate_on_the_way(fidelity, solver):
    """OFTSR, figures 6 and 7: x_t + (1 - t) v(x_t, t) in its time. A student's is eq. 13, another point."""
    steps = 1 if solver == "rk45" else 64
    point = FLOW.move(SOURCE, ONE, fidelity * ONE)
    expected = point - fidelity * FLOW.v(point, fidelity * ONE)
    found = restore(FLOW.wrong, SOURCE, Region.DIAGONAL, steps, fidelity, solver)
    torch.testing.assert_close(found, expected, rtol=0, atol=0.02)
    assert (expected - (SOURCE - (SOURCE - point) / (1 - fidelity))).abs().max() > 0.05
    calls = []
    restore(lambda *a: calls.append(a) or FLOW.wrong(*a), SOURCE, Region.DIAGONAL, 3, fidelity)
    assert len(calls) == 4


@pytest.mark.parametrize("region", [Region.DIAGONAL, Region.TRIANGLE, Region.IMAGE_EDGE])
def test_the_grid_says_where_the_steps_are(region):
    def u(x, t, r):
        times.append(t[0].item())
        return FLOW.u(x, t, r)

    for grid, expected in (("uniform", [1, 0.75, 0.5, 0.25]), ("cosine", [1, 0.8536, 0.5, 0.1464])):
        times: list[float] = []
        restore(u, SOURCE, region, 4, grid=grid)
        assert times == pytest.approx(expected, abs=1e-4)
