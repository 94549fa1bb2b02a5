import pytest

from tests.cli.resuming import resume


@pytest.mark.parametrize("seed", [0])
def test_a_killed_batch_goes_on(tmp_path, tiny_model, seed):
    """`python -m tests.cli.resuming` does it with 500 files."""
    found = resume(tmp_path, tiny_model, files=40, seed=seed)
    assert len(found.there) >= 1
