import pytest
import torch

from leapsr.errors import UsageError
from leapsr.methods import Region, restore
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


@pytest.mark.parametrize("region", Region)
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
