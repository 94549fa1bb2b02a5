"""The papers' test sets: the table, what is said of a folder, and what is made."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from leapsr.cli.main import app
from leapsr.data.pairs import read_pairs, read_rgb
from leapsr.errors import DataError, LeapsrError, UnknownName, UsageError
from leapsr.evaluation import benchmarks
from leapsr.evaluation.benchmarks import Benchmark, Making
from leapsr.evaluation.published import _every
from tests.conftest import picture_array


def small(**changes: object) -> Benchmark:
    return benchmarks.find("div2k-100").model_copy(update={"name": "mine", "count": 3, **changes})


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for i, (height, width) in enumerate([(70, 91), (64, 64), (66, 130)]):
        Image.fromarray(picture_array(height, width, seed=i)).save(tmp_path / f"photos/{i}.png")
    return tmp_path / "photos"


def test_the_table_has_the_papers_sets() -> None:
    assert benchmarks.find("drealsr").count == 93
    assert benchmarks.find("realsr").hr == (512, 512)
    assert not benchmarks.find("reallq250").reference
    assert {benchmarks.find(name).count for name in ("div2k-100", "div2k-3000")} == {100, 3000}
    for name in benchmarks.names():
        each = benchmarks.find(name)
        if each.hr is not None and each.lr is not None:
            assert each.hr == tuple(each.scale * side for side in each.lr)
        assert not each.reference or {"psnr_y", "psnr_rgb"} & set(each.metrics)
    with pytest.raises(UnknownName, match="Did you mean 'realsr'"):
        benchmarks.find("realsrr")


def test_every_published_table_is_of_a_set() -> None:
    for each in _every():
        assert each["benchmark"] in benchmarks.names()
        assert all(len(row) == 1 + len(each["metrics"]) for row in each["rows"])


@pytest.mark.parametrize("kind", ["bicubic", "realesrgan-light"])
def test_random_crops_are_made_and_made_the_same(photos: Path, tmp_path: Path, kind: str) -> None:
    making = Making(kind=kind, crop="random", side=32, seed=3)
    benchmark = small(make=making, hr=(32, 32), lr=(8, 8))
    for root in ("a", "b"):
        benchmarks.make(benchmark, photos, tmp_path / root)
        assert benchmark.problems(tmp_path / root) == []
    for path in sorted((tmp_path / "a").rglob("*.png")):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()
    hr, whole = read_rgb(tmp_path / "a/mine/HR/0.png"), read_rgb(photos / "0.png")
    assert any(torch.equal(hr[0], whole[0, :, y : y + 32, x : x + 32]) for y in range(39) for x in range(60))


def test_oftsrs_noisy_pictures_are_means_with_noise(tmp_path: Path) -> None:
    """Section 5: average pooling and noise of 0.05 in [-1, 1]; pooling tells from bicubic on stripes."""
    (tmp_path / "photos").mkdir()
    stripes = np.repeat(np.array([[60, 200], [90, 170]], np.uint8), 2, axis=1).repeat(2, axis=0)
    for i in range(3):
        Image.fromarray(np.tile(stripes, (64, 64))[..., None].repeat(3, 2)).save(tmp_path / f"photos/{i}.png")
    own = benchmarks.find("ffhq-256-noisy").model_copy(update={"name": "mine", "count": 3})
    benchmarks.make(own, tmp_path / "photos", tmp_path)
    for pair in read_pairs(tmp_path / "mine"):
        noise = pair.lr - torch.nn.functional.avg_pool2d(pair.hr, 4)
        assert noise.std().item() == pytest.approx(0.025, rel=0.05)
        assert abs(noise.mean().item()) < 0.001


def test_squares_with_noise(photos: Path, tmp_path: Path) -> None:
    clean = small(make=Making(kind="bicubic", crop="square", side=64), hr=(64, 64), lr=(16, 16))
    noisy = clean.model_copy(update={"make": Making(kind="bicubic", crop="square", side=64, noise=0.05)})
    for benchmark, root in ((clean, "clean"), (noisy, "noisy")):
        benchmarks.make(benchmark, photos, tmp_path / root)
        assert benchmark.problems(tmp_path / root) == []
    pairs = [read_pairs(tmp_path / root / "mine") for root in ("clean", "noisy")]
    apart = torch.cat([(b.lr - a.lr).flatten() for a, b in zip(*pairs, strict=True)])
    assert apart.std().item() == pytest.approx(0.025, rel=0.1)
    with Image.open(photos / "1.png") as image:  # 64 x 64 already
        assert np.array_equal(np.asarray(image), np.asarray(Image.open(tmp_path / "clean/mine/HR/1.png")))


def test_a_set_that_was_begun_in_another_way_is_not_gone_on_with(photos: Path, tmp_path: Path) -> None:
    benchmark = small(make=Making(kind="bicubic", crop="square", side=64), hr=(64, 64), lr=(16, 16))
    benchmarks.make(benchmark, photos, tmp_path)
    benchmarks.make(benchmark, photos, tmp_path)
    other = benchmark.model_copy(update={"make": Making(kind="average", crop="square", side=64)})
    with pytest.raises(UsageError, match="another protocol"):
        benchmarks.make(other, photos, tmp_path)


def test_centre_crops_of_pairs(tmp_path: Path) -> None:
    for part, side in (("HR", 160), ("LR", 40)):
        (tmp_path / "source" / part).mkdir(parents=True)
        for i in range(3):
            Image.fromarray(picture_array(side, side, i)).save(tmp_path / f"source/{part}/{i}.png")
    benchmark = small(make=Making(kind="pairs", crop="centre", side=64), hr=(64, 64), lr=(16, 16))
    benchmarks.make(benchmark, tmp_path / "source", tmp_path)
    assert benchmark.problems(tmp_path) == []
    cut = read_rgb(tmp_path / "mine/LR/2.png")
    assert torch.equal(cut, read_rgb(tmp_path / "source/LR/2.png")[..., 12:28, 12:28])
    larger = small(make=Making(kind="pairs", crop="centre", side=192), hr=(192, 192), lr=(48, 48))
    with pytest.raises(DataError, match=r"HR/0\.png is smaller than 192 pixels"):
        benchmarks.make(larger, tmp_path / "source", tmp_path / "larger")


def test_what_is_wrong_is_named(photos: Path, tmp_path: Path) -> None:
    benchmark = small(make=Making(kind="bicubic"), hr=None, lr=None)
    assert "lay it out as mine/ with HR" in benchmark.problems(tmp_path)[0]
    benchmarks.make(benchmark, photos, tmp_path)
    assert benchmark.problems(tmp_path) == []
    more = benchmark.model_copy(update={"count": 4, "lr": (16, 16)})
    problems = more.problems(tmp_path)
    assert "has 3 pictures and should have 4" in problems[0]
    assert [problem.split(" ")[0].rsplit("/", 1)[-1] for problem in problems[1:]] == ["0.png", "2.png"]
    with pytest.raises(DataError, match="mine cannot be used"):
        more.pairs(tmp_path)
    with pytest.raises(DataError, match="holds 3 pictures; mine needs 4"):
        benchmarks.make(more, photos, tmp_path)
    with pytest.raises(UsageError, match="is had as it is"):
        benchmarks.make(benchmarks.find("realset80"), photos, tmp_path)


def leapsr(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*map(str, words)])
    if isinstance(result.exception, LeapsrError):
        return result.exception.exit_code, str(result.exception)
    return result.exit_code, result.output


def test_the_command_lists_checks_and_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "photos").mkdir()
    for i in range(5):
        Image.fromarray(picture_array(64, 48, i)).save(tmp_path / f"photos/{i}.png")
    code, out = leapsr("benchmarks", "--root", tmp_path)
    assert code == 0
    assert all(name in out for name in benchmarks.names())
    assert leapsr("benchmarks", "set5", "--root", tmp_path)[0] == 1
    code, out = leapsr("benchmarks", "set5", "--root", tmp_path, "--make", tmp_path / "photos")
    assert (code, "complete" in out) == (0, True)
    [line] = [line for line in leapsr("benchmarks", "--root", tmp_path)[1].splitlines() if "Set5" in line]
    assert "ready" in line
    (tmp_path / "set5/LR/3.png").unlink()
    code, out = leapsr("benchmarks", "set5", "--root", tmp_path)
    assert code == 1
    assert "3.png has no partner" in out


def test_an_evaluation_follows_the_protocol(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for i in range(5):
        Image.fromarray(picture_array(64, 48, i)).save(tmp_path / f"photos/{i}.png")
    leapsr("benchmarks", "set5", "--root", tmp_path, "--make", tmp_path / "photos")
    words = ("evaluate", "lanczos", "--benchmark", "set5", "--root", tmp_path, "--out", tmp_path / "out")
    code, out = leapsr(*words)
    assert code == 0, out
    text = (tmp_path / "out/results.json").read_text(encoding="utf-8")
    assert '"border": 4' in text
    assert '"psnr_y": "higher is better"' in text
    assert "lr_psnr" not in text
    code, out = leapsr("evaluate", "bicubic", "--benchmark", "set14", "--root", tmp_path)
    assert (code, "set14 cannot be used" in out) == (1, True)
    assert leapsr("evaluate", "bicubic")[0] == 2
