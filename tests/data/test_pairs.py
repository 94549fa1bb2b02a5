from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from leapsr.data.pairs import read_pairs
from leapsr.errors import DataError


def save(path: Path, width: int, height: int, value: int = 128, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), value, np.uint8)).save(path, **options)


@pytest.mark.parametrize(("hr", "lr"), [("HR", "LR"), ("gt", "lq"), ("test_HR", "test_LR")])
def test_pairs_are_matched_by_name(tmp_path: Path, hr: str, lr: str) -> None:
    for i, name in enumerate("ba"):
        save(tmp_path / hr / f"{name}.png", 20, 12, value=i * 255)
        save(tmp_path / lr / f"{name}.bmp", 5, 3, value=i * 255)
    (tmp_path / lr / "notes.txt").write_text("not a picture")
    pairs = read_pairs(tmp_path, 4)
    assert pairs.has_reference
    assert len(pairs) == 2
    assert [pair.name for pair in pairs] == ["a", "b"]
    for pair, value in zip(pairs, (1.0, 0.0), strict=True):
        assert pair.hr is not None
        assert torch.equal(pair.lr, torch.full((1, 3, 3, 5), value))
        assert torch.equal(pair.hr, torch.full((1, 3, 12, 20), value))


@pytest.mark.parametrize("folder", ["LR", "."])
def test_low_resolution_pictures_alone_have_no_reference(tmp_path: Path, folder: str) -> None:
    save(tmp_path / folder / "a.png", 5, 3)
    pairs = read_pairs(tmp_path, 4)
    assert not pairs.has_reference
    assert [pair.hr for pair in pairs] == [None]


def test_the_limit_takes_the_first_names(tmp_path: Path) -> None:
    for name in "cab":
        save(tmp_path / f"{name}.png", 5, 3)
    assert [pair.name for pair in read_pairs(tmp_path, 4, limit=2)] == ["a", "b"]


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "HR/a.jpg", 12, 20, exif=exif)
    save(tmp_path / "LR/a.png", 5, 3)
    (pair,) = read_pairs(tmp_path, 4)
    assert pair.hr is not None
    assert pair.hr.shape == (1, 3, 12, 20)


def test_an_orientation_behind_the_pixels(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "HR/a.png", 12, 20, exif=exif)
    save(tmp_path / "LR/a.png", 3, 5)
    data = (tmp_path / "HR/a.png").read_bytes()
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4])
    chunk, rest = data[start:end], data[:start] + data[end:]
    (tmp_path / "HR/a.png").write_bytes(rest[:-12] + chunk + rest[-12:])
    with pytest.raises(DataError, match="should be"):
        list(read_pairs(tmp_path, 4))


def test_alpha_and_palettes_are_read_as_rgb(tmp_path: Path) -> None:
    Image.new("LA", (4, 2), (255, 0)).save(tmp_path / "alpha.png")
    Image.new("P", (4, 2)).save(tmp_path / "palette.png")
    assert {pair.lr.shape for pair in read_pairs(tmp_path, 4)} == {(1, 3, 2, 4)}


def test_pictures_are_read_only_when_walked(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 64, 64)
    pairs = read_pairs(tmp_path, 4)
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    with pytest.raises(DataError, match=r"a\.png"):
        list(pairs)


def only_hr(folder: Path) -> None:
    save(folder / "HR/a.png", 8, 8)


def no_partner(folder: Path) -> None:
    save(folder / "HR/a.png", 8, 8)
    save(folder / "LR/a.png", 2, 2)
    save(folder / "LR/lonely.png", 2, 2)


def no_low_partner(folder: Path) -> None:
    save(folder / "HR/a.png", 8, 8)
    save(folder / "HR/lonely.png", 8, 8)
    save(folder / "LR/a.png", 2, 2)


def wrong_size(folder: Path) -> None:
    save(folder / "HR/odd.png", 9, 8)
    save(folder / "LR/odd.png", 2, 2)


def same_name(folder: Path) -> None:
    save(folder / "twin.png", 2, 2)
    save(folder / "twin.bmp", 2, 2)


def damaged(folder: Path) -> None:
    save(folder / "LR/broken.png", 2, 2)
    (folder / "HR").mkdir()
    (folder / "HR/broken.png").write_text("no picture")


def empty(folder: Path) -> None:
    (folder / "LR").mkdir()


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (only_hr, "has HR but no LR"),
        (no_partner, r"LR.lonely\.png has no partner in .*HR"),
        (no_low_partner, r"HR.lonely\.png has no partner in .*LR"),
        (wrong_size, r"odd\.png is 9x8 but should be 8x8"),
        (same_name, r"twin\.png and twin\.bmp"),
        (damaged, r"broken\.png cannot be read"),
        (empty, "LR holds no picture"),
    ],
)
def test_a_folder_that_cannot_be_used_names_the_file(
    tmp_path: Path, make: Callable[[Path], None], complaint: str
) -> None:
    make(tmp_path)
    with pytest.raises(DataError, match=complaint):
        read_pairs(tmp_path, 4)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        read_pairs(tmp_path / "absent", 4)


def test_every_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    for name, side in (("a", 8), ("b", 9), ("c", 10)):
        save(tmp_path / f"HR/{name}.png", side, 8)
        save(tmp_path / f"LR/{name}.png", 2, 2)
    with pytest.raises(DataError, match=r"^2 pictures cannot be used\. .*b\.png is 9x8.*c\.png is 10x8"):
        read_pairs(tmp_path, 4)
    for name in "xyz":
        save(tmp_path / f"LR/{name}.png", 2, 2)
    with pytest.raises(DataError, match=r"^3 pictures .*x\.png has no.*y\.png has no.*z\.png has no"):
        read_pairs(tmp_path, 4)


def test_the_scale_is_that_of_the_first_pair(tmp_path: Path) -> None:
    save(tmp_path / "HR/a.png", 9, 6)
    save(tmp_path / "LR/a.png", 3, 2)
    assert read_pairs(tmp_path).scale == 3
    assert read_pairs(tmp_path / "LR").scale == 4
    save(tmp_path / "HR/b.png", 12, 8)
    save(tmp_path / "LR/b.png", 3, 2)
    with pytest.raises(DataError, match=r"b\.png is 12x8 but should be 9x6"):
        read_pairs(tmp_path)


@pytest.mark.parametrize(
    ("name", "sentence"), [("b.ppm", "not read"), ("b.exr", "not read"), ("b.tar", "archive")]
)
def test_what_could_be_a_picture_and_is_not_read_is_named(tmp_path: Path, name: str, sentence: str) -> None:
    for part, side in (("HR", 32), ("LR", 8)):
        (tmp_path / part).mkdir()
        Image.new("RGB", (side, side)).save(tmp_path / part / "a.png")
        (tmp_path / part / name).write_bytes(b"")
    with pytest.raises(DataError, match=sentence) as error:
        read_pairs(tmp_path)
    assert name in str(error.value)
