import os
from pathlib import Path

import pytest

from leapsr.cli.terminal import printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\x1b]0;pwned\x07\x1b[2Jb.png", "a\\x1b]0;pwned\\x07\\x1b[2Jb.png"),
        ("c\rdone 100.png", "c\\rdone 100.png"),
        ("d\nerror: e.png", "d\\nerror: e.png"),
        ("c1\x9b31m.png", "c1\\x9b31m.png"),
        ("gpj.\u202egnp.exe", "gpj.\\u202egnp.exe"),
        ("line\u2028end", "line\\u2028end"),
        ("Grüße 写真 👩\u200d🔬 [b].png", "Grüße 写真 👩\u200d🔬 [b].png"),
    ],
)
def test_names(name, shown):
    assert printable(name) == shown


@pytest.mark.parametrize("line", ["upscale in", "upscale in --dry-run", "degrade in out", "upscale in -v"])
def test_no_message_hands_a_name_on_as_it_is(leapsr, photo, line):
    Path("in").mkdir()
    bad = ["a\x1b]0;pwned\x07.png", "c\rdone 100.png", "d\nerror: e.png", "f\x1b[2J.cr2", "g\nh.cr2"]
    for name in bad:
        Path("in", name).write_bytes(b"no picture")
    photo.save("in/fine\x1b[31m.png")
    _, out, err = leapsr(*line.split())
    assert "\\x1b" in out + err
    assert not {"\x1b", "\x07", "\r"} & set(out + err)
    assert "\nerror: e.png" not in out + err


def test_an_error_of_the_command_itself(leapsr):
    code, _, err = leapsr("upscale", "none\x1b[2J\nerror: x", "-o", "a.png")
    assert code == 1
    assert "\x1b" not in err
    assert err.count(os.linesep) == 1
