import pytest
import torch

from leapsr.flow import guide, meanflow_guide

COND, OTHER, PATH = torch.randn(3, 4, 3, 5, 5, generator=torch.Generator().manual_seed(0)).double()


def test_scale_1_is_the_condition_alone_and_0_the_other():
    assert torch.equal(guide(COND, OTHER, 1), COND)
    assert torch.equal(guide(COND, OTHER, 0), OTHER)


def test_more_leads_away_along_the_line_through_both():
    torch.testing.assert_close(guide(COND, OTHER, 6), COND + 5 * (COND - OTHER))


@pytest.mark.parametrize(("omega", "kappa"), [(1.0, 0.5), (3.0, 0.5), (2.0, 0.0)])
def test_meanflows_mixture_settles_at_its_effective_scale(omega, kappa):
    """Where u_c is the mixture itself and u_none the plain velocity: MeanFlow's omega / (1 - kappa)."""
    settled = guide(PATH, OTHER, omega / (1 - kappa))
    torch.testing.assert_close(meanflow_guide(PATH, settled, OTHER, omega, kappa), settled)


def test_the_weights_of_the_mixture():
    mixed = meanflow_guide(PATH, COND, OTHER, 1.5, 0.25)
    torch.testing.assert_close(mixed, 1.5 * PATH + 0.25 * COND - 0.75 * OTHER)
