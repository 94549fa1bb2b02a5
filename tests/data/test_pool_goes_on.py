"""A pool that was interrupted is gone on with, and is then the pool that it would have been."""

import numpy as np
import pytest
from PIL import Image

from leapsr.data import pool
from leapsr.data.photos import open_photos
from tests.conftest import picture_array

ARRAYS = ("image.npy", "lr.npy", "measures.npy")


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(4):
        Image.fromarray(picture_array(64, 64, number)).save(tmp_path / "photos" / f"{number}.png")
    return open_photos(tmp_path / "photos", 32)


def spec(photos, seed=0):
    return pool.PoolSpec("photos", photos.names, photos.sizes, "average", 1, False, 4, 32, 12, seed)


def interrupted(folder, photos, after, seed=0):
    """After so many photos: the crops that were told to be done."""
    told, asked = [], iter(range(after))
    with pytest.raises(KeyboardInterrupt):
        pool.build(
            folder,
            spec(photos, seed),
            photos,
            [0, 1, 2, 3],
            lambda done, total: told.append(done),
            stop=lambda: next(asked, None) == after - 1,
        )
    return told


def test_what_is_done_is_kept(tmp_path, photos, monkeypatch):
    pool.build(tmp_path / "whole", spec(photos), photos, [0, 1, 2, 3])
    assert interrupted(tmp_path / "part", photos, 2)[-1] == 6
    with (tmp_path / "part" / "begun.jsonl").open("a") as file:
        file.write("9")  # as a process that was killed while it wrote leaves it
    made, spread = [], pool.spread
    monkeypatch.setattr(
        pool, "spread", lambda *given: (made.extend(rows.start for _, rows in given[1]), spread(*given))[1]
    )
    told = []
    pool.build(tmp_path / "part", spec(photos), photos, [0, 1, 2, 3], lambda done, total: told.append(done))
    assert len(made) == 2
    assert told == [9, 12]
    for name in ARRAYS:
        assert np.array_equal(np.load(tmp_path / "part" / name), np.load(tmp_path / "whole" / name))
    assert sorted(path.name for path in (tmp_path / "part").iterdir()) == sorted((*ARRAYS, "pool.json"))


def test_a_torn_line_joins_no_other(tmp_path, photos):
    """ "1" and "9" would say that the crops from 19 on are done."""
    interrupted(tmp_path, photos, 2)
    with (tmp_path / "begun.jsonl").open("a") as file:
        file.write("1")
    interrupted(tmp_path, photos, 1)
    rows = (tmp_path / "begun.jsonl").read_text().splitlines()[1:]
    assert len(rows) == 3
    assert set(rows) <= {"0", "3", "6", "9"}


def test_of_another_pool_nothing_is_kept(tmp_path, photos):
    interrupted(tmp_path / "pool", photos, 2)
    pool.build(tmp_path / "pool", spec(photos, seed=1), photos, [0, 1, 2, 3])
    pool.build(tmp_path / "fresh", spec(photos, seed=1), photos, [0, 1, 2, 3])
    for name in ARRAYS:
        assert np.array_equal(np.load(tmp_path / "pool" / name), np.load(tmp_path / "fresh" / name))
