import os
from dataclasses import replace

import pytest

from leapsr.batch.existing import ExistingPolicy
from leapsr.batch.jobs import Job
from leapsr.errors import OutputError

RECIPE = {"leapsr": "1.0", "model": "tiny", "model_sha256": "0123456789abcdef" * 4, "seed": 0, "scale": None}


@pytest.fixture
def job(tmp_path):
    (tmp_path / "a.png").write_text("source")
    (tmp_path / "a_x4.png").write_text("result")
    return Job(tmp_path / "a.png", tmp_path / "a_x4.png", tmp_path)


@pytest.fixture
def remembered(job):
    policy = ExistingPolicy("skip", RECIPE)
    policy.remember(job, policy.fingerprint(job))
    return job


def again(job, **changed):
    return ExistingPolicy("skip", {**RECIPE, **changed}).decide(job)


@pytest.mark.parametrize("existing", ["refuse", "skip", "overwrite"])
def test_what_is_not_there_is_made(remembered, existing):
    remembered.output.unlink()
    assert ExistingPolicy(existing, RECIPE).decide(remembered).make


def test_what_is_there(job):
    with pytest.raises(OutputError, match="--overwrite or --skip-existing"):
        ExistingPolicy("refuse", RECIPE).decide(job)
    assert ExistingPolicy("overwrite", RECIPE).decide(job).make


def test_the_same_again_is_skipped(remembered):
    decision = again(remembered)
    assert (decision.make, decision.is_uncertain) == (False, False)


def test_another_caption_makes_one_picture_again(job):
    """The recipe is that of all pictures; each may have a caption of its own."""
    said = replace(job, caption="a fox")
    policy = ExistingPolicy("skip", {**RECIPE, "caption": ""})
    policy.remember(said, policy.fingerprint(said))
    again = ExistingPolicy("skip", {**RECIPE, "caption": ""})
    assert not again.decide(said).make
    assert "caption was a fox and is a cat" in again.decide(replace(job, caption="a cat")).reason


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
    assert (decision.make, decision.is_uncertain) == (False, True)
    assert "--overwrite" in decision.reason


def test_what_somebody_changed_is_kept_even_with_other_settings(remembered):
    remembered.output.write_text("retouched")
    assert not again(remembered).make
    decision = again(remembered, seed=3)
    assert (decision.make, decision.is_uncertain) == (False, True)
    assert "changed by someone" in decision.reason


def test_the_result_of_another_photo_is_kept(remembered, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.png").write_text("another photo")
    decision = again(Job(tmp_path / "other" / "a.png", remembered.output, tmp_path))
    assert (decision.make, decision.is_uncertain) == (False, True)
    assert "was made of a.png" in decision.reason


def test_what_somebody_changed_is_told_also_where_nothing_else_did(remembered):
    remembered.output.write_text("retouched")
    decision = again(remembered)
    assert (decision.make, decision.is_uncertain) == (False, True)
    assert "changed by someone" in decision.reason


@pytest.fixture
def accompanied(job):
    """A job whose result has a file beside it, both remembered."""
    beside = job.output.with_name("a_x4_detail.png")
    beside.write_text("map")
    policy = ExistingPolicy("skip", RECIPE)
    policy.remember(job, policy.fingerprint(job), [beside])
    return job, beside


def test_files_beside_a_result_are_replaced_only_where_they_are_known(accompanied):
    job, beside = accompanied
    stranger = job.output.with_name("a_x4_samples.png")
    stranger.write_text("somebody's")
    decision = ExistingPolicy("skip", {**RECIPE, "seed": 3}).decide(job, [beside, stranger])
    assert decision.make
    assert decision.keep == {stranger}
    beside.write_text("retouched")
    decision = ExistingPolicy("skip", {**RECIPE, "seed": 3}).decide(job, [beside])
    assert (decision.make, decision.is_uncertain) == (False, True)


def test_one_picked_and_the_others_deleted(accompanied):
    job, beside = accompanied
    job.output.unlink()
    decision = ExistingPolicy("skip", RECIPE).decide(job, [beside])
    assert (decision.make, decision.is_uncertain) == (False, True)
    beside.unlink()
    assert ExistingPolicy("skip", RECIPE).decide(job, [beside]).make


def test_what_a_killed_run_left_beside_is_kept_and_the_result_made(job):
    beside = job.output.with_name("a_x4_detail.png")
    beside.write_text("map")
    job.output.unlink()
    decision = ExistingPolicy("skip", RECIPE).decide(job, [beside])
    assert (decision.make, decision.is_uncertain) == (True, True)
    assert f"{beside} was there before a_x4.png" in decision.reason
    assert decision.keep == {beside}


def test_without_a_home_whatever_is_there_is_taken(remembered):
    decision = again(Job(remembered.source, remembered.output), seed=3)
    assert (decision.make, decision.is_uncertain) == (False, False)


def test_a_result_is_known_by_its_size_and_date(remembered):
    found = remembered.output.stat()
    as_on_fat = found.st_mtime_ns - 1_500_000_000
    os.utime(remembered.output, ns=(as_on_fat, as_on_fat))
    assert again(remembered, seed=3).make
    os.utime(remembered.output, (1, 1))
    assert again(remembered, seed=3).is_uncertain
