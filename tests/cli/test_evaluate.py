import csv
import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from leapsr.cli.main import app
from leapsr.errors import DataError, LeapsrError, UnknownName, UsageError, WeightsError
from tests.conftest import picture_array


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LEAPSR_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    for part in ("HR", "LR"):
        (tmp_path / "pairs" / part).mkdir(parents=True)
    for i in range(2):
        hr = Image.fromarray(picture_array(64, 96, seed=i))
        hr.save(tmp_path / f"pairs/HR/{i}.png")
        hr.resize((24, 16), Image.Resampling.BICUBIC).save(tmp_path / f"pairs/LR/{i}.png")
    return tmp_path / "pairs"


def run(*arguments: object) -> str:
    """What it prints. Raises what the command raises."""
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    if isinstance(result.exception, LeapsrError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_bicubic_as_the_model(pairs: Path, tmp_path: Path) -> None:
    printed = run("bicubic", pairs, "--out", tmp_path / "out")
    assert "bicubic" in printed
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "results.csv",
        "results.json",
        "sheet.png",
    }
    assert [(row["restorer"], row["image"]) for row in rows(tmp_path / "out")] == [
        ("bicubic", "0"),
        ("bicubic", "1"),
    ]
    assert all(20 < float(row["psnr_y"]) < 50 for row in rows(tmp_path / "out"))


def test_metrics_without_their_files_are_skipped_and_said(pairs: Path, tmp_path: Path) -> None:
    printed = run("bicubic", pairs, "--out", tmp_path / "out")
    stored = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    assert set(stored["metrics"]) == {"psnr_y", "ssim_y", "lr_psnr"}
    assert [note.split()[0] for note in stored["notes"]] == ["lpips_squeeze", "niqe"]
    assert "niqe is skipped" in printed
    with pytest.raises(WeightsError, match="niqe_pris_params"):
        run("bicubic", pairs, "--metrics", "niqe")


def test_a_model_at_every_position_of_its_dial(pairs: Path, tmp_path: Path, tiny_model: Path) -> None:
    out = tmp_path / "out"
    run(tiny_model, pairs, "--fidelity", "0,1", "--metrics", "psnr_y", "--out", out, "--device", "cpu")
    assert [(row["restorer"], row["steps"], row["fidelity"]) for row in rows(out)[::2]] == [
        ("bicubic", "", ""),
        ("tiny", "1", "0.0"),
        ("tiny", "1", "1.0"),
    ]
    stored = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert stored["settings"]["fidelity"] == [0, 1]
    assert stored["settings"]["border"] == 4
    assert (out / "dial.png").is_file()


def test_the_same_seed_gives_the_same_scores(pairs: Path, tmp_path: Path, tiny_model: Path) -> None:
    def scores(seed: int, name: str) -> list[str]:
        options = ("--no-baseline", "--fidelity", "0", "--metrics", "psnr_rgb", "--seed", seed)
        run(tiny_model, pairs, *options, "--out", tmp_path / name, "--device", "cpu")
        return [row["psnr_rgb"] for row in rows(tmp_path / name)]

    first = scores(5, "first")
    assert scores(5, "second") == first
    assert scores(6, "third") != first


def test_the_limit_and_the_border(pairs: Path, tmp_path: Path) -> None:
    run("bicubic", pairs, "--limit", 1, "--border", 0, "--metrics", "psnr_y", "--out", tmp_path / "out")
    stored = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    assert (stored["settings"]["pictures"], stored["settings"]["border"]) == (1, 0)


def test_pictures_without_reference(pairs: Path, tmp_path: Path) -> None:
    printed = run("bicubic", pairs / "LR", "--metrics", "psnr_y,lr_psnr", "--out", tmp_path / "out")
    assert "psnr_y is skipped" in printed
    assert "psnr_y" not in rows(tmp_path / "out")[0]


@pytest.mark.parametrize(
    ("arguments", "error", "complaint"),
    [
        (["--metrics", "psnr"], UnknownName, "no metric 'psnr'"),
        (["--steps", "one"], UsageError, "--steps takes numbers"),
        (["--fidelity", "0,,1"], UsageError, "--fidelity takes numbers"),
        (["--scale", "3"], DataError, "should be 72x48"),
    ],
)
def test_what_cannot_work_is_said(
    pairs: Path, arguments: list[str], error: type[LeapsrError], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        run("bicubic", pairs, *arguments)


def test_what_the_model_cannot_do_is_said(pairs: Path, tiny_model: Path) -> None:
    with pytest.raises(UsageError, match="one step"):
        run(tiny_model, pairs, "--steps", "1,4", "--device", "cpu")
