import io
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from PIL import Image

from leapsr import files
from leapsr.cli import standard_streams
from tests.cli.conftest import names


@pytest.fixture
def pipe(monkeypatch, leapsr):
    """Run the command with bytes on standard input: (exit code, bytes on stdout, text on stderr)."""

    def run(given, *arguments):
        taken = io.BytesIO()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(taken, write_through=True))
        code, _, err = leapsr("upscale", *arguments)
        return code, taken.getvalue(), err

    return run


def encoded(photo, kind):
    buffer = io.BytesIO()
    photo.save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("PNG", [], "PNG"),
        ("JPEG", [], "JPEG"),
        ("WEBP", [], "WEBP"),
        ("TIFF", [], "TIFF"),
        ("BMP", [], "PNG"),
        ("PNG", ["-f", "jpg"], "JPEG"),
    ],
)
def test_a_picture_through_a_pipe(pipe, photo, kind, options, expected):
    code, out, err = pipe(encoded(photo, kind), "-", "-o", "-", *options)
    assert (code, err) == (0, "")
    with Image.open(io.BytesIO(out)) as image:
        assert (image.format, image.size) == (expected, (148, 96))
    assert names() == []


def test_the_same_as_from_file_to_file(pipe, leapsr, photo):
    photo.save("a.png")
    given = Path("a.png").read_bytes()
    assert leapsr("upscale", "a.png")[0] == 0
    expected = Path("a_x4.png").read_bytes()
    assert pipe(given, "-", "-o", "-")[1] == expected
    assert pipe(b"", "a.png", "-o", "-")[1] == expected
    assert pipe(given, "-", "-o", "b.png")[:2] == (0, b"")
    assert Path("b.png").read_bytes() == expected


def test_what_is_large_enough_passes_unchanged(pipe, photo):
    given = encoded(photo, "JPEG")
    assert pipe(given, "-", "-o", "-", "--width", "37")[1] == given


def test_results_that_are_there(pipe, photo):
    Path("b.png").write_text("precious")
    code, _, err = pipe(encoded(photo, "PNG"), "-", "-o", "b.png")
    assert code == 1
    assert "--overwrite or --skip-existing" in err
    code, _, err = pipe(encoded(photo, "PNG"), "-", "-o", "b.png", "--skip-existing")
    assert code == 0
    assert "already there" in err
    assert Path("b.png").read_text() == "precious"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"", "Nothing came"),
        (b"text", "standard input is not a picture"),
        (b"\x89PNG\r\n\x1a\n", "standard input"),
    ],
)
def test_what_is_no_picture(pipe, given, says):
    code, out, err = pipe(given, "-", "-o", "-")
    assert (code, out) == (1, b"")
    assert says in err
    assert "/tmp" not in err
    assert err.count("\n") == 1


def test_damage_is_told_without_names_of_our_own(pipe, photo):
    code, out, err = pipe(encoded(photo, "PNG")[:-600], "-", "-o", "-")
    assert (code, out) == (1, b"")
    assert "standard input.png is damaged" in err
    assert "leapsr-" not in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-", "a.png", "-o", "-"], "one picture"),
        ([".", "-o", "-"], "one picture"),
        (["-"], "has no name"),
        (["-", "-o", "."], "has no name"),
        (["-", "-o", "-", "--json"], "--json"),
        (["-", "-o", "b.png", "--dry-run", "--overwrite"], "--dry-run"),
        (["-", "-o", "b.png", "--shard", "1/2"], "--shard"),
        (["-", "-o", "b.gif"], "has no suffix"),
        (["-", "-o", "b.png", "-f", "jpg"], "two formats"),
    ],
)
def test_pipes_that_cannot_work(pipe, photo, arguments, says):
    photo.save("a.png")
    code, out, err = pipe(encoded(photo, "PNG"), *arguments)
    assert (code, out) == (2, b"")
    assert says in err
    assert names() == ["a.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_read_once(leapsr, photo):
    """What `<(curl ...)` of a shell names."""
    os.mkfifo("fifo")
    writer = threading.Thread(target=lambda: Path("fifo").write_bytes(encoded(photo, "PNG")), daemon=True)
    writer.start()
    assert leapsr("upscale", "fifo", "-o", "b.png")[0] == 0
    with Image.open("b.png") as image:
        assert image.size == (148, 96)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("end", ["stdin", "stdout"])
def test_a_terminal_is_no_pipe(leapsr, monkeypatch, end):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys, end, Terminal())
    code, _, err = leapsr("upscale", "-", "-o", "-")
    assert code == 2
    assert "terminal" in err


WRITE = (
    "import sys\nfrom leapsr.cli import standard_streams\nfrom leapsr.errors import OutputError\n"
    "try: standard_streams._write(bytes(1 << 20))\n"
    "except OutputError as error: sys.exit(f'said: {error}')"
)


def test_a_reader_that_has_ended():
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()\n" + WRITE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(standard_streams.__file__).parents[2],
    )
    process.stdout.close()
    process.stdin.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait() == 1
    assert said.startswith("said: ")
    assert "Exception ignored" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_behind_the_pipe():
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", WRITE],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(standard_streams.__file__).parents[2],
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.strip() == "said: Standard output could not be written: No space left on device."


def test_standard_input_is_never_written_over(leapsr, monkeypatch, photo):
    photo.save("a.jpg")
    before = Path("a.jpg").read_bytes()
    with Path("a.jpg").open() as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", file)
        code, _, err = leapsr("upscale", "-", "-o", "a.jpg", "--overwrite")
    assert code == 2
    assert "a.jpg is one of the sources" in err
    assert Path("a.jpg").read_bytes() == before


@pytest.mark.parametrize("end", ["stdin", "stdout"])
def test_a_closed_end(leapsr, monkeypatch, end):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO())
        patch.setattr(sys, end, None)
        code, _, err = leapsr("upscale", "-", "-o", "-")
    assert code == 2
    assert "is closed" in err


def test_a_full_folder_for_temporary_files_is_named(pipe, photo, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = pipe(encoded(photo, "PNG"), "-", "-o", "-")
    assert code == 1
    assert f"{tempfile.gettempdir()} cannot hold the picture" in err
    assert "TMPDIR" in err


def test_a_result_with_a_name_is_written_beside_it(pipe, photo, monkeypatch):
    """Not in the folder for temporary files, where there may be no room for it."""
    written = []
    whole = files.new_part

    def seen(folder):
        written.append(folder.resolve())
        return whole(folder)

    monkeypatch.setattr(files, "new_part", seen)
    assert pipe(encoded(photo, "PNG"), "-", "-o", "new/b.png")[0] == 0
    assert set(written) == {Path("new").resolve()}


def test_no_room_for_the_result(pipe, photo, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("leapsr.pictures.save_file.encode", full)
    code, _, err = pipe(encoded(photo, "PNG"), "-", "-o", "-")
    assert code == 1
    assert f"The disk is full: {tempfile.gettempdir()}" in err
    code, _, err = pipe(encoded(photo, "PNG"), "-", "-o", "b.png")
    assert code == 1
    assert "The disk is full: b.png" in err
