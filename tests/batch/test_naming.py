import os
from pathlib import Path

import pytest

from leapsr.batch.naming import LONGEST_NAME, make_distinct, output_name


@pytest.mark.parametrize(
    ("source", "suffix", "expected"),
    [
        ("a.jpg", None, "a_x4.jpg"),
        ("a.b.JPG", None, "a.b_x4.JPG"),
        ("a.bmp", None, "a_x4.png"),
        ("a.heic", None, "a_x4.jpg"),
        ("a.jpg", ".webp", "a_x4.webp"),
        ("über 写真.png", None, "über 写真_x4.png"),
    ],
)
def test_names(source, suffix, expected):
    assert output_name(Path(source), "x4", suffix) == expected


@pytest.mark.parametrize("letter", ["a", "é", "写", "👩"])
def test_names_are_as_long_as_file_systems_allow(tmp_path, letter):
    longest = letter * ((LONGEST_NAME - 4) // len(letter.encode()))
    sources = [tmp_path / f"{longest}.png", tmp_path / f"{longest[:-1]}b.png"]
    names = [output_name(source, "x4", None) for source in sources]
    assert len(set(names)) == 2
    for name in names:
        assert name.endswith("_x4.png")
        assert LONGEST_NAME - 8 < len(os.fsencode(name)) <= LONGEST_NAME
        (tmp_path / name).touch()


def test_distinct_names_stay_short_too():
    sources = [Path("a" * 250 + suffix) for suffix in (".png", ".bmp")]
    wanted = [Path(output_name(source, "x4", None)) for source in sources]
    assert wanted[0] == wanted[1]
    got = make_distinct(sources, wanted, "x4")
    assert len(set(got)) == 2
    assert all(len(os.fsencode(path.name)) <= LONGEST_NAME for path in got)


@pytest.mark.parametrize("has_sidecars", [False, True])
def test_names_that_differ_by_case_only(has_sidecars):
    sources = [Path(name) for name in ("in/IMG_1.JPG", "in/IMG_1.jpg", "in/IMG_2.jpg", "in/Img_1.jpg")]
    wanted = [Path("out", output_name(source, "x4", None)) for source in sources]
    got = [path.name for path in make_distinct(sources, wanted, "x4", has_sidecars)]
    assert len({name.casefold() for name in got}) == 4
    assert got[2] == "IMG_2_x4.jpg"
    for source, name in zip(sources, got, strict=True):
        assert name.startswith(source.stem)
        assert name.endswith(f"_x4{source.suffix}")
    # Neither the other photos nor their order decide what a photo is called.
    again = make_distinct(sources[1::-1], wanted[1::-1], "x4", has_sidecars)
    assert [path.name for path in again] == [got[1], got[0]]


def test_folders_that_differ_by_case_only():
    sources = [Path(name) for name in ("in/Day/a.jpg", "in/day/a.jpg", "in/b/a.jpg", "in/c/A.jpg")]
    got = make_distinct(sources, [Path("out/a_x4.jpg")] * 4, "x4")
    assert len({str(path).casefold() for path in got}) == 4
    assert [path.name for path in got[2:]] == ["b_a.jpg_x4.jpg", "c_A.jpg_x4.jpg"]
