"""Captions in files: every form that is read says the same, and what is wrong is said."""

import json

import pytest

from leapsr.data.captions import read_captions
from leapsr.errors import DataError

SAID = {"a.png": "a red fox, asleep", "sub/b.jpg": "zwei Dächer", "sub/c.webp": ""}


def as_lines(columns):
    rows = [dict(zip(columns, pair, strict=True)) for pair in SAID.items()]
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n"


@pytest.fixture(params=["json", "jsonl", "jsonl of others", "csv", "txt"])
def source(request, tmp_path):
    kind = request.param
    if kind == "txt":
        for name, text in SAID.items():
            file = (tmp_path / name).with_suffix(".txt")
            file.parent.mkdir(exist_ok=True)
            file.write_text(text.replace(" ", "\n") + "\n", encoding="utf-8")
        return tmp_path
    file = tmp_path / f"captions.{kind[:5].strip()}"
    content = {
        "json": json.dumps(SAID),
        "jsonl": as_lines(("file_name", "text")),
        "jsonl of others": as_lines(("image", "caption")),
        "csv": 'file_name,text\na.png,"a red fox, asleep"\nsub/b.jpg,zwei Dächer\nsub/c.webp,\n',
    }
    file.write_text(content[kind], encoding="utf-8")
    return file


def test_each_picture_has_its_caption(source):
    find = read_captions(source)
    assert {name: find(name) for name in SAID} == SAID


def test_a_picture_of_another_suffix_or_without_has_it_too(source):
    """A pair of pictures has a name without suffix, and its small picture may be of another kind."""
    find = read_captions(source)
    assert find("sub/b") == find("sub/b.png") == SAID["sub/b.jpg"]


def test_a_picture_without_a_caption_is_named(source):
    find = read_captions(source)
    for name in ("d.png", "b.jpg"):
        with pytest.raises(DataError, match=rf"{name}.* one, an empty"):
            find(name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", "{"),
        ("a.json", "[1]"),
        ("a.json", '{"a.png": 3}'),
        ("a.jsonl", "3"),
        ("a.jsonl", '{"file_name": "a.png"}'),
        ("a.csv", "name,said\na.png,a fox"),
        ("a.txt", "a fox"),
        ("missing.jsonl", None),
    ],
)
def test_what_is_no_file_of_captions_is_said(name, content, tmp_path):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=r"captions.*give \.jsonl or \.csv with file_name and text"):
        read_captions(tmp_path / name)
