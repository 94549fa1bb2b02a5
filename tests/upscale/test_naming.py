import os
from pathlib import Path

import pytest

from leapsr.upscale.naming import LONGEST_NAME, distinct, output_name


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
    got = distinct(sources, wanted, "x4")
    assert len(set(got)) == 2
    assert all(len(os.fsencode(path.name)) <= LONGEST_NAME for path in got)
