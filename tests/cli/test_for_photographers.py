"""What a photographer reads before, while and after pictures are made."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from leapsr.cli.main import app
from leapsr.hub import catalog
from leapsr.restorer import Restorer


def test_a_factor_below_one_is_an_error(leapsr, photo):
    photo.save("a.png")
    code, _, err = leapsr("upscale", "a.png", "-s", "0.5")
    assert (code, err.count("\n")) == (2, 1)
    assert "1 or more, not 0.5" in err
    assert not Path("a_x0.5.png").exists()


def test_the_first_line_says_model_device_precision_and_threads(leapsr, photo):
    photo.save("a.png")
    before = torch.get_num_threads()
    try:
        assert leapsr("upscale", "a.png", "--threads", "2")[2].startswith("tiny on cpu, fp32, 2 threads\n")
        assert torch.get_num_threads() == 2
        err = leapsr("upscale", "a.png", "--threads", "1", "--dtype", "bf16", "--overwrite")[2]
        assert err.startswith("tiny on cpu, bf16, 1 thread\n")
    finally:
        torch.set_num_threads(before)
    assert "tiny on" not in leapsr("upscale", "a.png", "--dry-run", "--overwrite")[2]


def test_the_list_says_which_model_is_for_what():
    listed = CliRunner().invoke(app, ["models", "list"]).output.splitlines()
    assert {line.split()[0 if line.startswith(" ") else 1] for line in listed[1:]} == catalog.PURPOSES.keys()
    (default,) = (line for line in listed if line.startswith("*"))
    assert default.split()[1:] == ["leap-small", "x4", "0.6", "0.26", "any", "photo"]
    help_text = CliRunner().invoke(app, ["upscale", "--help"], env={"COLUMNS": "200"}).output
    for words in ("leap-medium", "half as long again", "Default: the model's"):
        assert words in help_text


def test_what_lies_beside_a_result_is_named(leapsr, photo):
    photo.save("a.png")
    _, _, err = leapsr("upscale", "a.png", "--samples", "2", "--detail-map", "--fidelity", "0", "-o", "b.png")
    (line,) = (line for line in err.splitlines() if "beside it" in line)
    assert line.startswith("b.png, and beside it ")
    assert set(line.removeprefix("b.png, and beside it ").split(", ")) == {
        path.name for path in Path().glob("b_*")
    }


def test_a_missing_file_is_told_before_torch_is_loaded(tmp_path):
    code = (
        "import sys; from leapsr.cli.main import main\n"
        "sys.argv = ['leapsr', 'upscale', 'nope.jpg', 'neither.jpg']\n"
        "try: main()\n"
        "finally: print('torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    assert done.stderr == "error: nope.jpg does not exist. neither.jpg does not exist.\nFalse\n"


def test_a_missing_file_among_others_stops_nothing(leapsr, photo):
    photo.save("a.png")
    code, _, err = leapsr("upscale", "nope.jpg", "a.png")
    assert code == 1
    assert "error: nope.jpg does not exist." in err
    assert "1 done, 1 failed" in err


def test_a_preview_instead_of_the_result(leapsr, photo):
    photo.save("a.jpg")
    code, _, err = leapsr("upscale", "a.jpg", "--preview")
    assert code == 0, err
    assert {path.name for path in Path().iterdir() if path.is_file()} == {"a.jpg", "a_x4_preview.png"}
    with Image.open("a_x4_preview.png") as sheet:
        assert sheet.width > 2 * 96
    Path("folder").mkdir()
    Path("a_x4_preview.png").rename("folder/a_x4_preview.png")
    photo.save("folder/b.jpg")
    assert "left out, because leapsr made it" in leapsr("upscale", "folder", "-o", "large")[2]
    code, _, err = leapsr("upscale", "a.jpg", "--preview", "--samples", "2")
    assert (code, "leave out --samples" in err) == (2, True)


def test_progress_moves_inside_a_tile():
    """Eight times, and for as many evaluations as there are."""
    restorer, shares = Restorer.from_pretrained(catalog.find("leap-small-smfsr")), list[float]()
    for steps in (1, 3):
        shares.clear()
        with restorer.watched(steps, shares.append):
            restorer.restore(torch.rand(1, 3, 8, 8), torch.randn(1, 3, 32, 32), steps=steps)
        assert shares == sorted(shares)
        assert 4 * steps <= len(shares) < 8 * steps
        assert 0 < shares[0] < 0.3
        assert 0.7 < shares[-1] < 1
    restorer.restore(torch.rand(1, 3, 8, 8), torch.randn(1, 3, 32, 32))
    assert len(shares) < 24


@pytest.mark.parametrize("scale", [2, 4])
def test_a_caller_hears_of_parts_of_tiles(tiny_model, photo_tensor, scale):
    from leapsr.upscaling.upscaler import Upscaler

    seen: list[float] = []
    Upscaler.from_pretrained(tiny_model)(
        photo_tensor[0], scale=scale, tile=32, progress=lambda done, total: seen.append(done / total)
    )
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert {0.25, 0.5, 0.75, 1.0} < set(seen)
    assert len(seen) > 16


def test_starting_is_told_on_a_terminal(tmp_path, photo):
    """A spinner, from the first moment on."""
    pty = pytest.importorskip("pty")
    import os

    photo.save(tmp_path / "a.png")
    main, other = pty.openpty()
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "leapsr", "upscale", "a.png"], cwd=tmp_path, stderr=other, stdout=other
    )
    os.close(other)
    seen = b""
    while b"Starting" not in seen:
        seen += os.read(main, 1000)
    assert process.poll() is None, time.monotonic() - begun
    try:
        while chunk := os.read(main, 1000):
            seen += chunk
    except OSError:  # the terminal's other end is closed
        pass
    assert process.wait() == 0
    os.close(main)
    assert b"Loading leap-small" in seen


def test_a_preview_with_a_name(leapsr, photo):
    photo.save("a.jpg")
    code, out, _ = leapsr("upscale", "a.jpg", "--preview", "-o", "look.jpg", "--json")
    assert code == 0
    with Image.open("look.jpg") as sheet:
        assert sheet.format == "JPEG"
        assert json.loads(out)["results"][0]["output_size"] == list(sheet.size)
    assert leapsr("upscale", "a.jpg", "--preview", "-o", "looks")[0] == 0
    assert Path("looks/a_x4_preview.png").exists()
