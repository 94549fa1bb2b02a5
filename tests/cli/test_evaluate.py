import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from leapsr.cli.main import app
from leapsr.errors import DataError, LeapsrError, UnknownName, UsageError, WeightsError
from leapsr.networks import PRESETS, UNet
from leapsr.restorer import ModelConfig, Restorer
from tests.conftest import picture_array
from tests.metrics.models import model


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
        "means.csv",
        "results.csv",
        "results.json",
        "results.md",
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
    assert set(stored["metrics"]) == {"psnr_y", "ssim_y", "lr_psnr", "fine_detail", "grid_artifact"}
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


@pytest.fixture
def own(tmp_path: Path, tiny_model: Path) -> Path:
    """A copy of the tiny model that may be changed."""
    return Path(shutil.copytree(tiny_model, tmp_path / "own"))


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    """The model of a run, so that it is called by the run's name."""
    model("teacher").save_pretrained(tmp_path / "sage" / "model")
    return tmp_path / "sage" / "model"


QUICK = ("--metrics", "psnr_y", "--device", "cpu", "--no-baseline")


def psnr(out: Path) -> float:
    scores = [float(row["psnr_y"]) for row in rows(out)]
    return sum(scores) / len(scores)


@pytest.mark.parametrize(
    ("arguments", "error", "complaint"),
    [
        (["--solver", "heun"], UsageError, "the solver heun is for teachers"),
        (["--straightness"], UsageError, "straightness is for teachers"),
    ],
)
def test_what_cannot_be_solved_is_said(
    pairs: Path, own: Path, arguments: list[str], error: type[LeapsrError], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        run(own, pairs, *arguments, *QUICK)


@pytest.mark.parametrize(
    "option",
    [
        ["--solver", "heun"],
        ["--straightness"],
        ["--guidance", "3"],
        ["--fidelity", "0"],
        ["--steps", "2"],
        ["--steps", "1,2"],
    ],
)
def test_bicubic_is_no_model(pairs: Path, option: list[str]) -> None:
    with pytest.raises(UsageError, match="bicubic is no model"):
        run("bicubic", pairs, *option)


def test_bicubic_has_the_defaults(pairs: Path) -> None:
    assert "bicubic" in run("bicubic", pairs, "--steps", "1", "--guidance", "1", *QUICK)


def test_guidance_is_a_finite_number(pairs: Path, teacher: Path) -> None:
    with pytest.raises(UsageError, match="--guidance takes a finite number, as 3, not inf"):
        run(teacher, pairs, "--guidance", "inf", *QUICK)


@pytest.fixture
def pupil(tmp_path: Path) -> Path:
    """A teacher that knows labels."""
    torch.manual_seed(0)
    config = PRESETS["tiny"].model_copy(update={"quality": True})
    network = UNet(config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    Restorer(ModelConfig(method="teacher", network=config), network).save_pretrained(tmp_path / "labelled")
    return tmp_path / "labelled"


def test_guidance_doubles_the_evaluations_that_are_shown(pairs: Path, tmp_path: Path, pupil: Path) -> None:
    options = (*QUICK, "--fidelity", "0", "--steps", "2", "--out", tmp_path / "out")
    assert "NFE" not in run(pupil, pairs, *options)
    assert "NFE" in run(pupil, pairs, *options, "--guidance", "3")
    assert {row["evaluations"] for row in rows(tmp_path / "out")} == {"4"}
    with pytest.raises(UsageError, match="straightness is of the flow without guidance"):
        run(pupil, pairs, *options, "--guidance", "3", "--straightness")


def test_the_guidance_is_the_models_own_where_none_is_given(pairs: Path, tmp_path: Path, pupil: Path) -> None:
    config = json.loads((pupil / "config.json").read_text())
    (pupil / "config.json").write_text(json.dumps({**config, "guidance": 2.0}))
    options = (*QUICK, "--fidelity", "0", "--steps", "2", "--out", tmp_path / "out")
    assert "guidance 2" in run(pupil, pairs, *options)
    assert {row["evaluations"] for row in rows(tmp_path / "out")} == {"4"}


def test_what_was_found_is_written_before_it_is_shown(
    pairs: Path, tmp_path: Path, pupil: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapsr.cli.evaluate.show", fail(DataError("no place to show it")))
    with pytest.raises(DataError):
        run(pupil, pairs, *QUICK, "--out", tmp_path / "out")
    assert (tmp_path / "out" / "results.csv").is_file()


def fail(error: Exception) -> Callable[..., None]:
    def failing(*arguments: object, **options: object) -> None:
        raise error

    return failing


ALLOCATION = "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError(ALLOCATION)])
def test_too_little_memory_is_one_sentence(
    pairs: Path, own: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Restorer, "restore", fail(error))
    with pytest.raises(DataError, match="not enough memory"):
        run(own, pairs, *QUICK)


def test_other_errors_are_not_taken_for_it(pairs: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Restorer, "restore", fail(RuntimeError("shapes differ")))
    result = CliRunner().invoke(app, ["evaluate", str(own), str(pairs), *QUICK])
    assert str(result.exception) == "shapes differ"


def test_a_teacher_with_a_solver(pairs: Path, tmp_path: Path, teacher: Path) -> None:
    options = ("--fidelity", 0, "--metrics", "psnr_y", "--device", "cpu", "--no-baseline")
    scores = {}
    for solver in ("euler", "heun", "rk45"):
        steps = () if solver == "rk45" else ("--steps", "1,3")
        printed = run(teacher, pairs, *options, "--solver", solver, *steps, "--out", tmp_path / solver)
        assert ("NFE" in printed) == (solver != "euler")
        scores[solver] = psnr(tmp_path / solver)
    lines = [
        (row["restorer"], row["solver"], row["steps"], row["evaluations"]) for row in rows(tmp_path / "heun")
    ]
    assert lines[::2] == [("sage", "heun", "1", "2"), ("sage", "heun", "3", "6")]
    assert {row["steps"] for row in rows(tmp_path / "rk45")} == {""}
    assert len(set(scores.values())) == 3
    run(teacher, pairs, *options, "--steps", "1,3", "--out", tmp_path / "none")
    assert psnr(tmp_path / "none") == scores["euler"]
    with pytest.raises(UsageError, match="rk45 chooses its own steps"):
        run(teacher, pairs, *options, "--solver", "rk45", "--steps", "8")


def test_the_straightness_of_a_teacher(pairs: Path, tmp_path: Path, teacher: Path) -> None:
    printed = run(teacher, pairs, "--straightness", *QUICK, "--out", tmp_path / "out")
    stored = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    assert stored["settings"]["straightness"] > 0
    assert f"straightness {stored['settings']['straightness']:.4g} " in printed
