"""Drawn pictures are what they promise: seeded, on the grid of small pixels, of every kind."""

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from leapsr.cli.graphics import graphics
from leapsr.data.graphics import KINDS, fonts, patterns, recoloured, render, write
from leapsr.data.graphics.canvas import Canvas
from leapsr.data.graphics.recolouring import RECOLOURINGS
from leapsr.data.photos import open_photos
from leapsr.errors import DataError, OutputError, UnknownName, UsageError

app = typer.Typer()
app.command()(graphics)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def rng(*seed):
    return np.random.default_rng(seed)


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def reduced(picture, scale):
    """The mean of each scale x scale block."""
    side = len(picture) // scale
    blocks = picture[: side * scale, : side * scale].reshape(side, scale, side, scale, 3)
    return blocks.mean((1, 3))


@pytest.fixture
def photo():
    """Blue to red from left to right, brighter downwards, all levels."""
    y, x = np.mgrid[:96, :128] / np.array([95, 127]).reshape(2, 1, 1)
    return (255 * np.stack((x * y, y * 0.5, (1 - x) * y), -1)).round().astype(np.uint8)


@pytest.fixture
def photos(tmp_path, photo):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(3):
        Image.fromarray(photo).resize((600, 520 + i)).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("side", "scale"), [(256, 2), (256, 3), (256, 4), (512, 2), (512, 3), (512, 4)])
def test_every_kind(kind, side, scale):
    pictures = [render(rng(seed), side, scale, kind) for seed in (1, 2)]
    assert all(picture.shape == (side, side, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert not np.array_equal(*pictures)
    assert np.array_equal(pictures[0], render(rng(1), side, scale, kind))


def test_without_fonts(monkeypatch):
    monkeypatch.setattr(fonts, "font_files", lambda: {"sans": [], "serif": [], "mono": []})
    assert np.ptp(render(rng(0), 256, 4, "document")) > 100


def test_a_command_for_fonts_that_fails(monkeypatch):
    monkeypatch.setattr(fonts.shutil, "which", lambda name: "/nowhere/fc-list")
    assert fonts._system_fonts() == {}


def test_fonts_are_of_letters():
    names = [file.name for families in fonts.font_files().values() for files in families for file in files]
    assert not any(word in name for name in names for word in ("Symbol", "Emoji", "Math"))


def test_pictures_differ():
    pictures = [render(rng(seed), 128) for seed in range(40)]
    assert sum(np.ptp(picture) > 0 for picture in pictures) > 36
    assert np.ptp([picture.mean((0, 1)) for picture in pictures], 0).min() > 150


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_patterns_are_exact_after_an_average(scale):
    """Each small pixel has one colour, so that neighbours on a checkerboard keep their contrast."""
    for seed in range(20):
        picture = patterns.checkers(rng(seed), 256, scale)
        small = reduced(picture, scale)
        assert np.array_equal(small, picture[::scale, ::scale][: len(small), : len(small)])


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_checkerboard_of_single_pixels(scale, monkeypatch):
    monkeypatch.setattr(patterns, "pair", lambda rng: ((0, 0, 0), (255, 255, 255)))
    monkeypatch.setattr(patterns, "_woven", lambda rng, x, y: (x + y) % 2 == 1)
    small = reduced(patterns.checkers(rng(0), 256, scale), scale)
    y, x = np.mgrid[: len(small), : len(small)]
    assert np.array_equal(small, np.repeat(255 * ((x + y) % 2)[..., None], 3, 2))


def test_lines_of_a_canvas_are_exact_after_an_average():
    canvas = Canvas(64, 64, 4, (255, 255, 255))
    canvas.row(2, 9, 5, (255, 0, 0))
    canvas.box((1, 8, 7, 14), border=(0, 0, 0))
    expected = np.full((16, 16, 3), 255)
    expected[5, 2:9] = 255, 0, 0
    expected[8:14, 1:7] = 0
    expected[9:13, 2:6] = 255
    assert np.array_equal(reduced(canvas.pixels(), 4), expected)


def test_kinds_of_recolouring(photo):
    for seed in range(5):
        made = {kind: recoloured(rng(seed), photo, kind).astype(int) for kind in RECOLOURINGS}
        assert all(picture.shape == photo.shape for picture in made.values())
        assert made["stage"][:, 0].min(1).max() == 0  # a second light, if any, comes from the right
        assert np.ptp(made["monochrome"], 2).max() == 0
        assert made["dark"].max() <= 30
        assert made["bright"].min() >= 150
        assert (made["clipped"].max(2) == 255).mean() > 0.04
        assert np.ptp(made["saturated"], 2).mean() > 1.3 * np.ptp(photo.astype(int), 2).mean()
        colours, counts = np.unique(made["screen"].reshape(-1, 3), axis=0, return_counts=True)
        assert counts.max() > 0.1 * counts.sum()
        assert colours[counts.argmax()].argmax() in (1, 2)
        levels = made["tinted"].reshape(-1, 3)
        assert np.linalg.matrix_rank(levels - levels[0], tol=60) == 1


def test_recolouring_draws_a_kind(photo):
    made = {recoloured(rng(seed), photo).tobytes() for seed in range(20)}
    assert len(made) > 15


def test_the_same_seed_writes_the_same_bytes(tmp_path, photos):
    source = open_photos(photos, 512)
    for folder, count, seed in (("one", 2, 0), ("more", 3, 0), ("other", 2, 1)):
        assert write(tmp_path / folder, count, photos=source, recoloured_count=2, seed=seed) == count + 2
    one, more, other = (files(tmp_path / folder) for folder in ("one", "more", "other"))
    assert set(one) == {f"{name}-0000{i}.webp" for name in ("graphics", "recoloured") for i in (1, 2)}
    assert one.items() < more.items()
    assert not set(one.values()) & set(other.values())


def test_files_are_lossless_photos(tmp_path):
    write(tmp_path, 1, seed=3, side=256)
    written = open_photos(tmp_path, 256).whole(0)
    expected = render(rng(3, 1, False), 256)
    assert torch.equal(written, torch.from_numpy(expected).permute(2, 0, 1))


def test_one_kind_alone(tmp_path):
    write(tmp_path, 2, kind="checkers", side=128)
    for file in sorted(tmp_path.glob("*.webp")):
        with Image.open(file) as image:
            assert 2 <= len(image.getcolors(128 * 128)) <= 18  # two in each of at most nine fields
    with pytest.raises(UnknownName, match="checkers"):
        write(tmp_path, 1, kind="chekers")


def test_whole_files_are_kept(tmp_path):
    write(tmp_path, 3, side=128)
    before = files(tmp_path)
    Image.new("RGB", (128, 128), "red").save(tmp_path / "graphics-00001.webp", lossless=True)
    kept = (tmp_path / "graphics-00001.webp").read_bytes()
    (tmp_path / "graphics-00002.webp").write_bytes(before["graphics-00002.webp"][:-40])
    (tmp_path / "graphics-00003.webp").unlink()
    told = []
    assert write(tmp_path, 3, side=128, progress=lambda done, total: told.append((done, total))) == 2
    assert files(tmp_path) == {**before, "graphics-00001.webp": kept}
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_folder_inside_that_of_the_photos(photos):
    """What was written there is not recoloured in its turn when the command goes on."""
    inside = photos / "graphics"
    assert run(inside, "--count", 1, "--recoloured", 2, "--photos", photos).exit_code == 0
    before = files(inside)
    (inside / "recoloured-00001.webp").unlink()
    result = run(inside, "--count", 1, "--recoloured", 2, "--photos", photos)
    assert "3 pictures, 1 new" in result.stderr
    assert files(inside) == before


def test_photos_that_are_too_small(tmp_path, photos):
    with pytest.raises(DataError, match=r"\.png is smaller than 530 pixels"):
        write(tmp_path / "out", 0, photos=open_photos(photos, 8), recoloured_count=1, side=530)


@pytest.mark.parametrize(
    ("error", "arguments", "sentence"),
    [
        (UsageError, ["out", "--recoloured", 3], "need each other"),
        (UsageError, ["out", "--photos", "photos"], "need each other"),
        (DataError, ["out", "--recoloured", 3, "--photos", "nowhere"], "neither a folder"),
        (OutputError, ["photos/0.png"], r"0\.png cannot be made"),
    ],
)
def test_refusals(error, arguments, sentence, tmp_path, photos, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=sentence):
        raise run(*arguments).exception
    assert not (tmp_path / "out").exists()


def test_a_count_that_is_none():
    assert run("out", "--count", -1).exit_code == 2
