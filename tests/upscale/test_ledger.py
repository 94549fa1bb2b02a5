import os

import pytest

from leapsr.errors import OutputError
from leapsr.upscale.jobs import Job
from leapsr.upscale.ledger import Ledger

RECIPE = {"leapsr": "1.0", "model": "tiny", "model_sha256": "0123456789abcdef" * 4, "seed": 0, "scale": None}


@pytest.fixture
def job(tmp_path):
    (tmp_path / "a.png").write_text("source")
    (tmp_path / "a_x4.png").write_text("result")
    return Job(tmp_path / "a.png", tmp_path / "a_x4.png", tmp_path)


@pytest.fixture
def remembered(job):
    ledger = Ledger("skip", RECIPE)
    ledger.remember(job, ledger.fingerprint(job))
    return job


def again(job, **changed):
    return Ledger("skip", {**RECIPE, **changed}).decide(job)


@pytest.mark.parametrize("existing", ["refuse", "skip", "overwrite"])
def test_what_is_not_there_is_made(remembered, existing):
    remembered.output.unlink()
    assert Ledger(existing, RECIPE).decide(remembered).make


def test_what_is_there(job):
    with pytest.raises(OutputError, match="--overwrite or --skip-existing"):
        Ledger("refuse", RECIPE).decide(job)
    assert Ledger("overwrite", RECIPE).decide(job).make


def test_the_same_again_is_skipped(remembered):
    decision = again(remembered)
    assert (decision.make, decision.doubtful) == (False, False)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"seed": 3}, "seed was 0 and is 3"),
        ({"scale": 2.5}, "scale was not set and is 2.5"),
        ({"leapsr": "2.0"}, "leapsr was 1.0 and is 2.0"),
        ({"model": "other"}, "model was tiny and is other"),
        ({"model_sha256": "f" * 64}, "model sha256 was 0123456789ab"),
        ({"a_new_option": True}, "a new option was not set and is True"),
    ],
)
def test_other_settings_make_it_again(remembered, changed, told):
    decision = again(remembered, **changed)
    assert decision.make
    assert told in decision.reason


def test_another_source_makes_it_again(remembered):
    os.utime(remembered.source, (1, 1))
    assert not again(remembered).make  # copied, not changed
    remembered.source.write_text("SOURCE")
    decision = again(remembered)
    assert decision.make
    assert "a.png has changed" in decision.reason


def test_what_nobody_knows_is_kept(job):
    decision = again(job)
    assert (decision.make, decision.doubtful) == (False, True)
    assert "--overwrite" in decision.reason


def test_what_somebody_changed_is_kept_even_with_other_settings(remembered):
    remembered.output.write_text("retouched")
    assert not again(remembered).make
    decision = again(remembered, seed=3)
    assert (decision.make, decision.doubtful) == (False, True)
    assert "changed by someone" in decision.reason


def test_without_a_home_whatever_is_there_is_taken(remembered):
    decision = again(Job(remembered.source, remembered.output), seed=3)
    assert (decision.make, decision.doubtful) == (False, False)
