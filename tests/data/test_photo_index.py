"""The index of a large folder: written once, true, and made anew where something changed."""

import io
import os
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leapsr.data import measuring, photo_index
from leapsr.data.photos import open_photos
from leapsr.errors import DataError
from tests.conftest import picture_array

NAMES = ["a/0.png", "a/1.png", "a-b.png", "b.jpg", "sub/deep/2.webp"]
OLD = 1_000_000_000  # seconds; a time of change that is trusted


def save(place, seed=0, size=(20, 30)):
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture_array(*size, seed)).save(place)


def settle(folder):
    """As if nothing had changed for long."""
    for place, _, _ in os.walk(folder):
        os.utime(place, (OLD, OLD))


@pytest.fixture
def opened(monkeypatch):
    """The files whose sizes were read, in this process."""
    seen, size_of = [], measuring.size_of
    monkeypatch.setattr(
        measuring, "size_of", lambda file, name=None: seen.append(str(name or file)) or size_of(file, name)
    )
    return seen


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LEAPSR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(photo_index, "LARGE", 3)
    for seed, name in enumerate(NAMES):
        save(tmp_path / "photos" / name, seed, (20, 30 + seed))
    settle(tmp_path / "photos")
    return tmp_path / "photos"


def listed(folder):
    photos = open_photos(folder, 8)
    return dict(zip(photos.names, photos.sizes, strict=True))


SIZES = {name: (20, 30 + seed) for seed, name in enumerate(NAMES)}


def test_no_photo_is_opened_again(folder, opened):
    assert listed(folder) == SIZES
    assert len(opened) == len(NAMES)
    opened.clear()
    assert listed(folder) == SIZES
    assert opened == []
    assert [path.suffix for path in (folder.parent / "cache/photos").iterdir()].count(".npz") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["a", "a-b.png", "b.jpg", "sub"]


def test_the_order_is_that_of_their_parts(folder):
    """As sorted paths have it; the crops that a seed draws depend on it."""
    found = open_photos(folder, 8).names
    assert found == [path.relative_to(folder).as_posix() for path in sorted(folder / name for name in NAMES)]
    assert open_photos(folder, 8).names == found


def test_what_is_too_small_is_left_out_of_what_is_known(folder):
    listed(folder)
    save(folder / "small.png", 9, (8, 40))
    assert "small.png" in listed(folder)
    settle(folder)
    photos = open_photos(folder, 10)
    assert ("small.png" in photos.names, photos.too_small) == (False, 1)
    assert open_photos(folder, 10).sizes == photos.sizes


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "replaced"])
def test_a_change_is_seen_and_only_what_is_new_is_opened(change, folder, opened):
    listed(folder)
    opened.clear()
    expected = dict(SIZES)
    if change == "added":
        save(folder / "sub/new.png", 7, (24, 24))
        expected["sub/new.png"] = (24, 24)
    elif change == "removed":
        (folder / "a/1.png").unlink()
        del expected["a/1.png"]
    elif change == "renamed":
        (folder / "a/1.png").rename(folder / "a/9.png")
        expected["a/9.png"] = expected.pop("a/1.png")
    else:
        save(folder.parent / "other.png", 7, (26, 28))
        (folder.parent / "other.png").replace(folder / "b.jpg")
        expected["b.jpg"] = (26, 28)
    assert listed(folder) == expected
    assert len(opened) == (change != "removed")
    settle(folder)
    assert listed(folder) == expected


def test_a_folder_that_has_just_changed_is_not_trusted(folder, opened):
    """Another change in the same moment would leave the same time."""
    save(folder / "new.png", 7)
    now = folder.stat().st_mtime_ns
    listed(folder)
    save(folder / "newer.png", 8)
    os.utime(folder, ns=(now, now))
    assert "newer.png" in listed(folder)


def test_a_photo_that_was_written_over_in_place_is_found_when_it_is_read(folder):
    listed(folder)
    with (folder / "b.jpg").open("wb") as file:
        Image.fromarray(picture_array(40, 44, 5)).save(file, "JPEG")
    photos = open_photos(folder, 8)
    number = photos.names.index("b.jpg")
    assert photos.sizes[number] == SIZES["b.jpg"]
    with pytest.raises(DataError, match=r"b\.jpg has other sides than when the photos were listed"):
        photos.whole(number)
    assert listed(folder)["b.jpg"] == (40, 44)


def test_a_damaged_photo_is_named_and_what_was_read_is_kept(folder, opened):
    (folder / "sub/deep/2.webp").write_bytes(b"RIFF")
    with pytest.raises(DataError, match=r"2\.webp cannot be read"):
        listed(folder)
    opened.clear()
    save(folder / "sub/deep/2.webp", 4, (20, 34))
    assert listed(folder) == SIZES
    assert [Path(name).name for name in opened] == ["2.webp"]


def test_a_damaged_index_is_made_anew(folder):
    listed(folder)
    photo_index.file_of(folder).write_bytes(b"PK\3\4 torn")
    assert listed(folder) == SIZES


def test_a_cache_that_cannot_be_written_stops_nothing(folder, monkeypatch):
    (folder.parent / "file").write_text("")
    monkeypatch.setenv("LEAPSR_CACHE", str(folder.parent / "file"))
    told = []
    photos = open_photos(folder, 8, tell=told.append)
    assert len(photos.names) == len(NAMES)
    assert any("read again next time" in sentence for sentence in told)


def test_a_small_folder_leaves_nothing_behind(folder, monkeypatch):
    monkeypatch.setattr(photo_index, "LARGE", 1000)
    assert listed(folder) == SIZES
    (folder / "b.jpg").write_bytes(b"no JPEG")
    with pytest.raises(DataError, match=r"b\.jpg cannot be read"):
        listed(folder)
    assert not (folder.parent / "cache").exists()


def test_an_interrupted_first_start_goes_on(folder, opened, monkeypatch):
    def interrupted(file, name=None):
        if Path(file).name == "2.webp":
            raise KeyboardInterrupt
        return opened_size(file, name)

    opened_size = measuring.size_of
    monkeypatch.setattr(photo_index, "AT_ONCE", 1)
    monkeypatch.setattr(measuring, "size_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        listed(folder)
    monkeypatch.setattr(measuring, "size_of", opened_size)
    opened.clear()
    assert listed(folder) == SIZES
    assert [Path(name).name for name in opened] == ["2.webp"]


def test_names_that_are_no_unicode_are_told_of_photos_alone(folder):
    """Others may have any name, and the index holds them."""
    (folder / os.fsdecode(b"caf\xe9")).mkdir()
    save(folder / "a/2.png", 3)
    (folder / os.fsdecode(b"caf\xe9") / "a.svg").write_text("")
    settle(folder)
    assert "a/2.png" in listed(folder)
    assert open_photos(folder, 8).left_out == open_photos(folder, 8).left_out != []


def test_many_jobs_are_shared_out_to_processes_with_the_same_result(folder, monkeypatch):
    monkeypatch.setattr(photo_index, "AT_ONCE", 1)
    for number in range(12):
        save(folder / f"more/{number}.png", number, (20, 40 + number))
    found = listed(folder)
    assert {name: found[name] for name in SIZES} == SIZES
    assert all(found[f"more/{number}.png"] == (20, 40 + number) for number in range(12))


def pack(place, names, seeds):
    with tarfile.open(place, "w") as archive:
        for name, seed in zip(names, seeds, strict=True):
            content = io.BytesIO()
            if name.endswith(".png"):
                Image.fromarray(picture_array(20, 30 + seed, seed)).save(content, "PNG")
            else:
                content.write(b"a label")
            member = tarfile.TarInfo(name)
            member.size = len(content.getvalue())
            content.seek(0)
            archive.addfile(member, content)


@pytest.fixture
def archives(folder):
    """Three archives as WebDataset has them, labels between the pictures."""
    place = folder.parent / "archives"
    place.mkdir()
    for number in range(3):
        members = [name for row in range(2) for name in (f"./{row}.png", f"./{row}.cls")]
        pack(place / f"train-{number:03d}.tar", members, [10 * number + row // 2 for row in range(4)])
        os.utime(place / f"train-{number:03d}.tar", (OLD, OLD))
    settle(place)
    return place


def test_archives_of_any_number_are_read_where_their_photos_lie(archives, opened):
    photos = open_photos(archives, 8)
    expected = {f"train-{n:03d}.tar/{row}.png": (20, 30 + 10 * n + row) for n in range(3) for row in range(2)}
    assert dict(zip(photos.names, photos.sizes, strict=True)) == expected
    opened.clear()
    again = open_photos(archives, 8)
    assert opened == []
    for number, name in enumerate(again.names):
        seed = int(name[6:9]) * 10 + int(name[-5])
        assert np.array_equal(again.whole(number).permute(1, 2, 0), picture_array(20, 30 + seed, seed))
    assert (again.crop(3, 2, 4, 8) == again.whole(3)[:, 2:10, 4:12]).all()


def test_one_archive_alone_and_one_more(archives, opened):
    alone = open_photos(archives / "train-001.tar", 8)
    assert alone.names == ["train-001.tar/0.png", "train-001.tar/1.png"]
    open_photos(archives, 8)
    opened.clear()
    pack(archives / "train-000b.tar", ["7.png"], [3])
    assert [size for name, size in listed(archives).items() if "000b" in name] == [(20, 33)]
    assert len(opened) == 1


def test_archives_beside_pictures_are_left_out_and_that_is_said(archives):
    save(archives / "a.png")
    photos = open_photos(archives, 8)
    assert photos.names == ["a.png"]
    assert any("3 archives left out" in sentence for sentence in photos.left_out)


def test_archives_that_cannot_be_read_are_named(archives):
    (archives / "train-001.tar").write_bytes(b"\x1f\x8b no tar")
    with pytest.raises(DataError, match=r"train-001\.tar cannot be read as an archive .* not compressed"):
        open_photos(archives, 8)
    pack(archives / "train-001.tar", ["0.png"], [1])
    content = (archives / "train-001.tar").read_bytes()
    (archives / "train-001.tar").write_bytes(content[:512] + bytes(200) + content[712:])
    with pytest.raises(DataError, match=r"train-001\.tar/0\.png cannot be read as a photo"):
        open_photos(archives, 8)


def test_processes_wait_for_the_first(folder):
    """Who comes second finds the index, and opens nothing."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as other:
        with photo_index.alone(photo_index.file_of(folder)):
            later = other.submit(listed, folder)
            time.sleep(0.2)
            assert not later.done()
            index = photo_index._Maker(folder, folder, photo_index.file_of(folder), print).make()
        assert later.result(30) == dict(zip(index.names, map(tuple, index.sizes.tolist()), strict=True))


def test_a_folder_that_may_not_be_looked_into_is_told_and_looked_at_again(folder, monkeypatch):
    scandir = os.scandir

    def refusing(place):
        if str(place).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    with monkeypatch.context() as closed:
        closed.setattr(os, "scandir", refusing)
        for _ in range(2):
            photos = open_photos(folder, 8)
            assert photos.names == NAMES[:-1]
            assert "1 folder left out, which may not be looked into (deep)" in photos.left_out[0]
    assert listed(folder) == SIZES
    assert open_photos(folder, 8).left_out == []
