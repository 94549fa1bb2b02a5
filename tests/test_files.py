"""Only what nobody works on any more is removed."""

import os
import time

import pytest

from leapsr import files
from leapsr.files import STALE_AFTER, remove_stale_parts
from leapsr.pictures.save_file import write_by


@pytest.fixture
def part(tmp_path):
    """One that a killed process left long ago."""
    path = files.new_part(tmp_path)
    path.write_bytes(b"half a picture")
    _grow_old(path)
    return path


def _grow_old(path, seconds=STALE_AFTER + 60):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_abandoned_parts_are_removed(tmp_path, part):
    fresh, other = files.new_part(tmp_path), tmp_path / "other.part"
    for path in (fresh, other):
        path.touch()
    _grow_old(other)
    remove_stale_parts(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([fresh, other])


def test_a_part_that_is_being_written_is_not_abandoned_however_old_it_looks(tmp_path):
    def slow(file):
        file.write(b"half")
        file.flush()
        (part,) = tmp_path.glob(files.PATTERN)
        _grow_old(part)
        remove_stale_parts(tmp_path)
        file.write(b" and half")

    write_by(tmp_path / "a.png", slow)
    assert (tmp_path / "a.png").read_bytes() == b"half and half"


@pytest.mark.parametrize("ahead", [-7200, 7200])
def test_the_clock_is_that_of_the_file_system(tmp_path, part, monkeypatch, ahead):
    fresh = files.new_part(tmp_path)
    fresh.touch()
    wall = time.time
    monkeypatch.setattr(time, "time", lambda: wall() + ahead)
    remove_stale_parts(tmp_path)
    assert list(tmp_path.iterdir()) == [fresh]


def test_a_folder_that_cannot_be_written_stays_as_it_is(tmp_path, part, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    remove_stale_parts(tmp_path)
    assert part.exists()


def test_nothing_is_written_where_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_clock", None)
    remove_stale_parts(tmp_path)
    assert list(tmp_path.iterdir()) == []
