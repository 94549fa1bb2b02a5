import pytest
import torch

from leapsr.degrade.draw import apply_where, chance, choice, resize_factor, uniform


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_uniform_stays_within_bounds_that_may_differ(generator):
    low = torch.tensor([0.0, 5.0]).repeat(500)
    values = uniform(low, low + 2, 1000, generator)
    assert (values >= low).all()
    assert (values < low + 2).all()
    assert (values - low).mean() == pytest.approx(1, abs=0.06)


def test_chance_and_choice_have_their_odds(generator):
    assert chance(0.3, 4000, generator).float().mean() == pytest.approx(0.3, abs=0.03)
    assert not chance(0.0, 1000, generator).any()
    assert chance(1.0, 1000, generator).all()
    counts = choice((1, 2, 1), 4000, generator).bincount() / 4000
    torch.testing.assert_close(counts, torch.tensor([0.25, 0.5, 0.25]), rtol=0, atol=0.03)


def test_resize_factors(generator):
    factor = resize_factor((0.2, 0.7, 0.1), (0.15, 1.5), 4000, generator)
    assert factor.min() >= 0.15
    assert factor.max() < 1.5
    assert (factor > 1).float().mean() == pytest.approx(0.2, abs=0.03)
    assert (factor == 1).float().mean() == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("rows", [[True, False, True], [True] * 3, [False] * 3])
def test_on_rows_changes_those_rows_with_their_parameters(rows):
    rows, image, level = torch.tensor(rows), torch.rand(3, 1, 2, 2), torch.tensor([1.0, 2.0, 3.0])
    before = image.clone()
    changed = apply_where(rows, lambda some, add: some + add.view(-1, 1, 1, 1), image, level)
    torch.testing.assert_close(changed - image, (level * rows).view(3, 1, 1, 1).expand(3, 1, 2, 2))
    assert torch.equal(image, before)
