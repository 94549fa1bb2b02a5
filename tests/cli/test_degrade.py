import re

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from leapsr.cli.degrade import KINDS, degrade
from leapsr.errors import LeapsrError, UnknownName, UsageError

app = typer.Typer()
app.command()(degrade)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(error, *arguments):
    result = run(*arguments)
    assert isinstance(result.exception, error)
    return str(result.exception)


def pixels(path):
    with Image.open(path) as image:
        assert image.mode == "RGB"
        assert image.format == "PNG"
        return np.asarray(image)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, size in {"a.png": (33, 46), "b.jpg": (40, 32), "sub/c.webp": (24, 24)}.items():
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(folder / name)
    return folder


def test_names_that_are_one_file_where_case_does_not_count(photos, tmp_path):
    Image.new("RGB", (40, 40)).save(photos / "A.bmp")
    assert "would both become" in refused(UsageError, photos, tmp_path / "out")


def test_pairs_are_aligned(photos, tmp_path):
    out = tmp_path / "out"
    assert run(photos, out, "--pairs", "--kind", "bicubic").exit_code == 0
    for name, (width, height) in {"a": (32, 44), "b": (40, 32), "sub/c": (24, 24)}.items():
        hr, lr = pixels(out / "HR" / f"{name}.png"), pixels(out / "LR" / f"{name}.png")
        assert hr.shape == (height, width, 3)
        assert lr.shape == (height // 4, width // 4, 3)
        assert abs(hr.mean() - lr.mean()) < 3
    with Image.open(photos / "a.png") as original:
        assert np.array_equal(pixels(out / "HR/a.png"), np.asarray(original)[:44, :32])


def test_without_pairs_only_low_resolution_is_written(photos, tmp_path):
    assert run(photos, tmp_path / "out", "--scale", 2).exit_code == 0
    written = sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")
    )
    assert written == ["a.png", "b.png", "sub/c.png"]
    assert pixels(tmp_path / "out/a.png").shape == (23, 16, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_depends_on_seed_and_name_only(photos, tmp_path, kind):
    for out, seed in (("one", 0), ("again", 0), ("other", 1)):
        assert run(photos, tmp_path / out, "--kind", kind, "--seed", seed).exit_code == 0
        (photos / "a.png").unlink(missing_ok=True)
    one, again, other = (pixels(tmp_path / out / "b.png") for out in ("one", "again", "other"))
    assert np.array_equal(one, again)
    assert np.array_equal(one, other) == (kind in {"bicubic"}) or kind == "photo"


def test_a_single_file(photos, tmp_path):
    assert run(photos / "a.png", tmp_path / "single").exit_code == 0
    assert run(photos, tmp_path / "all").exit_code == 0
    assert np.array_equal(pixels(tmp_path / "single/a.png"), pixels(tmp_path / "all/a.png"))


def test_a_bad_file_is_one_line_and_the_rest_is_finished(photos, tmp_path):
    (photos / "aa.png").write_bytes(b"not a picture")
    Image.new("RGB", (3, 50)).save(photos / "small.png")
    result = run(photos, tmp_path / "out")
    assert result.exit_code == 1
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 3
    assert "aa.png" in lines[0]
    assert "small.png is smaller than 4 pixels" in lines[1]
    assert lines[2].startswith("3 pictures: ")
    assert len(list((tmp_path / "out").rglob("*.png"))) == 3
    assert not list((tmp_path / "out").rglob("*.part"))


def test_pictures_are_turned_upright(tmp_path):
    image = Image.new("RGB", (32, 16))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert run(tmp_path / "turned.jpg", tmp_path / "out").exit_code == 0
    assert pixels(tmp_path / "out/turned.png").shape == (8, 4, 3)


def test_refusals_come_before_any_work(photos, tmp_path):
    empty, out = tmp_path / "empty", tmp_path / "out"
    empty.mkdir()
    assert "holds no picture" in refused(UsageError, empty, out)
    assert "does not exist" in refused(UsageError, tmp_path / "none", out)
    assert "Did you mean 'bicubic'" in refused(UnknownName, photos, out, "--kind", "bicubi")
    assert "one of the sources" in refused(UsageError, photos, photos)
    Image.new("RGB", (8, 8)).save(photos / "a.jpg")
    assert "would both become a.png" in refused(UsageError, photos, out)
    assert run(photos, out, "--scale", 0).exit_code == 2
    assert not out.exists()


def test_an_output_that_cannot_be_written_stops_the_run(photos, tmp_path):
    (tmp_path / "out").write_text("a file where the folder should be")
    assert "out" in refused(LeapsrError, photos, tmp_path / "out")


def test_help_names_every_kind():
    from leapsr.degrade import DEGRADATIONS

    assert set(KINDS) == set(DEGRADATIONS)
    text = re.sub(r"\x1b\[[0-9;]*m", "", run("--help").stdout)
    assert all(kind in text for kind in ("bicubic", "photo"))
