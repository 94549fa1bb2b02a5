import logging

import pytest
import torch

from leapsr.errors import UsageError
from leapsr.pictures.picture import Picture, load
from leapsr.upscaling.samples import alike, samples
from leapsr.upscaling.sizes import Target
from leapsr.upscaling.upscaler import Settings


def test_each_sample_is_the_result_of_its_seed(upscaler, photo):
    drawn = list(samples(upscaler, load(photo), 3, Target(scale=2), Settings(seed=7, fidelity=0.0)))
    assert [sample.seed for sample in drawn] == [7, 8, 9]
    for seed, picture in drawn:
        alone = upscaler.upscale(load(photo), Target(scale=2), Settings(seed=seed, fidelity=0.0))
        assert torch.equal(picture.rgb, alone.rgb)
    assert not torch.equal(drawn[0].picture.rgb, drawn[1].picture.rgb)


def test_where_the_seed_changes_nothing_there_is_one(upscaler, fake_restorer, photo, caplog):
    with caplog.at_level(logging.WARNING):
        drawn = list(samples(upscaler, load(photo), 5, settings=Settings(seed=3, fidelity=1.0)))
    assert [sample.seed for sample in drawn] == [3]
    assert "the same for every seed" in caplog.text
    assert len(fake_restorer.calls) == 2  # no more than it takes to find out


def test_samples_are_made_when_they_are_asked_for(upscaler, fake_restorer, photo):
    drawn = samples(upscaler, load(photo), 100, settings=Settings(fidelity=0.0))
    next(drawn)
    assert len(fake_restorer.calls) == 1


def test_one_sample_needs_no_comparison(upscaler, fake_restorer, photo):
    assert len(list(samples(upscaler, load(photo), 1, settings=Settings(fidelity=1.0)))) == 1
    assert len(fake_restorer.calls) == 1


def test_progress_counts_all_samples(upscaler, photo):
    seen = []
    settings = Settings(fidelity=0.0, tile=16)
    list(samples(upscaler, load(photo), 3, settings=settings, progress=lambda *about: seen.append(about)))
    shares = [done / total for done, total in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(set(shares)) == len(shares) > 3


def test_a_small_spot_that_differs_is_seen():
    one = Picture(torch.full((3, 400, 400), 0.5))
    rgb = one.rgb.clone()
    rgb[:, 200:206, 200:206] += 10 / 255
    assert not alike(one, Picture(rgb))
    assert alike(one, Picture(one.rgb + 0.4 / 255))  # less than rounding


@pytest.mark.parametrize("count", [0, -1])
def test_a_number_that_cannot_work(upscaler, photo, count):
    with pytest.raises(UsageError, match="at least 1"):
        samples(upscaler, load(photo), count)
