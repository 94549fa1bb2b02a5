import csv
import json
import shutil
import sys
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
from tests.evaluation.models import model


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
    printed = run("bicubic", "--pairs", pairs, "--out", tmp_path / "out")
    assert "bicubic" in printed
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "means.csv",
        "report.html",
        "results.csv",
        "results.json",
        "results.md",
        "results.tex",
        "sheet.png",
    }
    assert [(row["restorer"], row["image"]) for row in rows(tmp_path / "out")] == [
        ("bicubic", "0"),
        ("bicubic", "1"),
    ]
    assert all(20 < float(row["psnr_y"]) < 50 for row in rows(tmp_path / "out"))


def test_metrics_without_their_files_are_skipped_and_said(pairs: Path, tmp_path: Path) -> None:
    printed = run("bicubic", "--pairs", pairs, "--out", tmp_path / "out")
    stored = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    assert set(stored["metrics"]) == {"psnr_y", "ssim_y", "lr_psnr", "fine_detail", "grid_artifact"}
    assert [note.split()[0] for note in stored["notes"]] == ["lpips_squeeze", "niqe"]
    assert "niqe is skipped" in printed
    with pytest.raises(WeightsError, match="niqe_pris_params"):
        run("bicubic", "--pairs", pairs, "--metrics", "niqe")


def test_a_model_at_every_position_of_its_dial(pairs: Path, tmp_path: Path, tiny_model: Path) -> None:
    out = tmp_path / "out"
    run(
        tiny_model,
        "--pairs",
        pairs,
        "--fidelity",
        "0,1",
        "--metrics",
        "psnr_y",
        "--out",
        out,
        "--device",
        "cpu",
    )
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
        run(tiny_model, "--pairs", pairs, *options, "--out", tmp_path / name, "--device", "cpu")
        return [row["psnr_rgb"] for row in rows(tmp_path / name)]

    first = scores(5, "first")
    assert scores(5, "second") == first
    assert scores(6, "third") != first


def test_the_limit_and_the_border(pairs: Path, tmp_path: Path) -> None:
    run(
        "bicubic",
        "--pairs",
        pairs,
        "--limit",
        1,
        "--border",
        0,
        "--metrics",
        "psnr_y",
        "--out",
        tmp_path / "out",
    )
    stored = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    assert (stored["settings"]["pictures"], stored["settings"]["border"]) == (1, 0)


def test_pictures_without_reference(pairs: Path, tmp_path: Path) -> None:
    printed = run(
        "bicubic", "--pairs", pairs / "LR", "--metrics", "psnr_y,lr_psnr", "--out", tmp_path / "out"
    )
    assert "psnr_y is skipped" in printed
    assert "psnr_y" not in rows(tmp_path / "out")[0]


@pytest.mark.parametrize(
    ("arguments", "error", "complaint"),
    [
        (["--metrics", "psnr"], UnknownName, "no metric 'psnr'"),
        (["--seed", "3-1"], UsageError, "--seed takes numbers"),
        (["--steps", "one"], UsageError, "--steps takes numbers"),
        (["--fidelity", "0,,1"], UsageError, "--fidelity takes numbers"),
        (["--scale", "3"], DataError, "should be 72x48"),
    ],
)
def test_what_cannot_work_is_said(
    pairs: Path, arguments: list[str], error: type[LeapsrError], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        run("bicubic", "--pairs", pairs, *arguments)


def test_what_the_model_cannot_do_is_said(pairs: Path, tiny_model: Path) -> None:
    with pytest.raises(UsageError, match="one step"):
        run(tiny_model, "--pairs", pairs, "--steps", "1,4", "--device", "cpu")


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
        (["--metrics", "straightness"], UsageError, "straightness is for teachers"),
    ],
)
def test_what_cannot_be_solved_is_said(
    pairs: Path, own: Path, arguments: list[str], error: type[LeapsrError], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        run(own, "--pairs", pairs, *QUICK, *arguments)


@pytest.mark.parametrize(
    "option",
    [
        ["--solver", "heun"],
        ["--guidance", "3"],
        ["--fidelity", "0"],
        ["--steps", "2"],
        ["--steps", "1,2"],
    ],
)
def test_bicubic_is_no_model(pairs: Path, option: list[str]) -> None:
    with pytest.raises(UsageError, match="bicubic is no model"):
        run("bicubic", "--pairs", pairs, *option)


def test_bicubic_has_the_defaults(pairs: Path) -> None:
    assert "bicubic" in run("bicubic", "--pairs", pairs, "--steps", "1", "--guidance", "1", *QUICK)


def test_guidance_is_a_finite_number(pairs: Path, teacher: Path) -> None:
    with pytest.raises(UsageError, match="guidance is a number, 1 for none, not inf"):
        run(teacher, "--pairs", pairs, "--guidance", "inf", *QUICK)


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
    assert "NFE" not in run(pupil, "--pairs", pairs, *options)
    assert "NFE" in run(pupil, "--pairs", pairs, *options, "--guidance", "3")
    assert {row["evaluations"] for row in rows(tmp_path / "out")} == {"4"}
    with pytest.raises(UsageError, match="straightness is of the flow without guidance"):
        run(pupil, "--pairs", pairs, *options, "--guidance", "3", "--metrics", "straightness")


def test_the_guidance_is_the_models_own_where_none_is_given(pairs: Path, tmp_path: Path, pupil: Path) -> None:
    config = json.loads((pupil / "config.json").read_text())
    (pupil / "config.json").write_text(json.dumps({**config, "guidance": 2.0}))
    options = (*QUICK, "--fidelity", "0", "--steps", "2", "--out", tmp_path / "out")
    assert "guidance 2" in run(pupil, "--pairs", pairs, *options)
    assert {row["evaluations"] for row in rows(tmp_path / "out")} == {"4"}


def test_what_was_found_is_written_before_it_is_shown(
    pairs: Path, tmp_path: Path, pupil: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapsr.cli.evaluate.show", fail(DataError("no place to show it")))
    with pytest.raises(DataError):
        run(pupil, "--pairs", pairs, *QUICK, "--out", tmp_path / "out")
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
    printed = failing(own, "--pairs", pairs, *QUICK)
    assert printed.count("There is not enough memory") == 2  # of each picture


def test_other_errors_are_not_taken_for_it(pairs: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Restorer, "restore", fail(RuntimeError("shapes differ")))
    result = CliRunner().invoke(app, ["evaluate", str(own), "--pairs", str(pairs), *QUICK])
    assert str(result.exception) == "shapes differ"


def test_a_teacher_with_a_solver(pairs: Path, tmp_path: Path, teacher: Path) -> None:
    options = ("--fidelity", 0, "--metrics", "psnr_y", "--device", "cpu", "--no-baseline")
    scores = {}
    for solver in ("euler", "heun", "rk45"):
        steps = () if solver == "rk45" else ("--steps", "1,3")
        printed = run(
            teacher, "--pairs", pairs, *options, "--solver", solver, *steps, "--out", tmp_path / solver
        )
        assert ("NFE" in printed) == (solver != "euler")
        scores[solver] = psnr(tmp_path / solver)
    lines = [
        (row["restorer"], row["solver"], row["steps"], row["evaluations"]) for row in rows(tmp_path / "heun")
    ]
    assert lines[::2] == [("sage", "heun", "1", "2"), ("sage", "heun", "3", "6")]
    assert {row["steps"] for row in rows(tmp_path / "rk45")} == {""}
    assert len(set(scores.values())) == 3
    run(teacher, "--pairs", pairs, *options, "--steps", "1,3", "--out", tmp_path / "none")
    assert psnr(tmp_path / "none") == scores["euler"]
    with pytest.raises(UsageError, match="rk45 chooses its own steps"):
        run(teacher, "--pairs", pairs, *options, "--solver", "rk45", "--steps", "8")


def test_the_straightness_of_a_teacher(pairs: Path, tmp_path: Path, teacher: Path) -> None:
    options = (*QUICK, "--metrics", "psnr_y,straightness", "--out", tmp_path / "out")
    run(teacher, "--pairs", pairs, *options)
    assert all(float(row["straightness"]) > 0 for row in rows(tmp_path / "out"))


def failing(*arguments: object) -> str:
    """What it prints where it ends with code 1."""
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    return result.output


def test_folders_of_results_are_scored_as_they_lie(pairs: Path, tmp_path: Path) -> None:
    shutil.copytree(pairs / "HR", tmp_path / "perfect")
    (tmp_path / "named").mkdir()
    for i in range(2):
        shutil.copy(pairs / f"HR/{1 - i}.png", tmp_path / f"named/{i}_x4.png")
    out = tmp_path / "out"
    run(tmp_path / "perfect", tmp_path / "named", "--pairs", pairs, "--metrics", "psnr_rgb", "--out", out)
    scores = {(row["restorer"], row["image"]): float(row["psnr_rgb"]) for row in rows(out)}
    assert scores["perfect", "0"] == scores["perfect", "1"] == float("inf")
    assert scores["named", "0"] == pytest.approx(scores["named", "1"]) != float("inf")
    assert {row["seconds_per_megapixel"] for row in rows(out) if row["restorer"] == "perfect"} == {""}


def test_results_that_do_not_fit_are_named_before_the_work(pairs: Path, tmp_path: Path) -> None:
    place = tmp_path / "results"
    place.mkdir()
    shutil.copy(pairs / "HR/0.png", place / "0.png")
    shutil.copy(pairs / "HR/0.png", place / "stray.png")
    with pytest.raises(DataError, match=r"no result of 1 \(2 results, 2 pictures\).*stray\.png is no result"):
        run(place, "--pairs", pairs)
    (place / "1.png").write_text("no picture")
    (place / "stray.png").unlink()
    printed = failing(place, "--pairs", pairs, "--metrics", "psnr_y")
    assert "1: results has no result: " in printed
    assert "1.png cannot be read" in printed
    Image.new("RGB", (9, 9)).save(place / "1.png")
    assert "1: results is 9x9 but should be 96x64" in failing(place, "--pairs", pairs, "--metrics", "psnr_y")


def test_a_score_that_is_lacking_is_named_and_the_rest_is_done(pairs: Path, tmp_path: Path) -> None:
    for part, size in (("HR", (24, 24)), ("LR", (6, 6))):
        Image.new("RGB", size, (9, 99, 199)).save(pairs / part / "small.png")
    printed = failing(
        "lanczos", "--pairs", pairs, "--metrics", "psnr_y,fine_detail", "--out", tmp_path / "out"
    )
    assert "1 failed:" in printed
    assert "small: fine_detail is lacking. fine_detail needs at least 32 pixels" in printed
    assert "(2/3)" in printed
    with (tmp_path / "out/means.csv").open(newline="", encoding="utf-8") as file:
        counts = {(row["pictures psnr_y"], row["pictures fine_detail"]) for row in csv.DictReader(file)}
    assert counts == {("3", "2")}
    report = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert '"counts": {"psnr_y": 3, "fine_detail": 2}' in report


def test_a_picture_that_cannot_be_decoded_is_named_and_the_rest_is_done(pairs: Path, tmp_path: Path) -> None:
    whole = (pairs / "LR/1.png").read_bytes()
    (pairs / "LR/1.png").write_bytes(whole[: len(whole) // 2])
    printed = failing(
        "bicubic", "lanczos", "--pairs", pairs, "--metrics", "psnr_y", "--out", tmp_path / "out"
    )
    assert "1.png cannot be read" in printed
    assert [row["image"] for row in rows(tmp_path / "out")] == ["0", "0"]


PROGRAM = """
import sys
from PIL import Image
small = Image.open(sys.argv[1])
if small.getpixel((0, 0))[0] in map(int, sys.argv[3:]):
    sys.exit("this one is too hard")
small.resize((4 * small.width, 4 * small.height), Image.Resampling.NEAREST).save(sys.argv[2])
"""


def test_a_command_line_is_run_for_each_picture(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    line = f"{sys.executable} {tmp_path / 'program.py'} {{in}} {{out}}"
    run(line, "--pairs", pairs, "--metrics", "lr_psnr,psnr_y", "--out", tmp_path / "out")
    assert len([row for row in rows(tmp_path / "out") if float(row["lr_psnr"]) > 25]) >= 2
    with Image.open(pairs / "LR/1.png") as small:
        level = small.getpixel((0, 0))[0]  # type: ignore[index]
    printed = failing(f"{line} {level}", "--pairs", pairs, "--metrics", "psnr_y", "--out", tmp_path / "out")
    assert "ended with code 1, this one is too hard" in printed
    stored = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    assert [row["psnr_y"] is None for row in stored["means"]] == [False, True]
    assert len(stored["failures"]) == 1
    with pytest.raises(UsageError, match="says nowhere where its result goes"):
        run("program {in}", "--pairs", pairs)


def test_pictures_of_another_program_are_not_taken_for_its_own(pairs: Path, tmp_path: Path) -> None:
    """The same command line, another file behind it: a program, or its weights."""
    (tmp_path / "program.py").write_text(PROGRAM.replace("4 * small.width", "3 * small.width"))
    line = f"{sys.executable} {tmp_path / 'program.py'} {{in}} {{out}}"
    options = (line, "--pairs", pairs, "--metrics", "psnr_y", "--save", tmp_path / "kept")
    assert "72x64 but should be 96x64" in failing(*options, "--no-baseline")
    assert not list((tmp_path / "kept").rglob("*.png"))
    (tmp_path / "program.py").write_text(PROGRAM)
    with pytest.raises(UsageError, match=r"made otherwise .*command_files changed"):
        run(*options)


def test_a_second_run_makes_only_what_is_missing(
    pairs: Path, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--pairs", pairs, *QUICK, "--save", tmp_path / "kept", "--fidelity", "0", "--seed", "0,1")
    run(own, *options, "--out", tmp_path / "a")
    [folder] = (tmp_path / "kept").iterdir()
    pictures = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))
    assert pictures == ["seed-0/0.png", "seed-0/1.png", "seed-1/0.png", "seed-1/1.png"]
    made = []
    restore = Restorer.restore
    monkeypatch.setattr(Restorer, "restore", lambda *given, **more: made.append(1) or restore(*given, **more))
    (folder / "seed-1/0.png").write_bytes((folder / "seed-1/0.png").read_bytes()[:50])
    run(own, *options, "--out", tmp_path / "b")
    assert len(made) == 1
    assert rows(tmp_path / "a") == rows(tmp_path / "b") or psnr(tmp_path / "a") == psnr(tmp_path / "b")
    config = json.loads((own / "config.json").read_text())
    (own / "config.json").write_text(json.dumps({**config, "fidelity": 0.1}))
    with pytest.raises(UsageError, match=r"made otherwise .*model_sha256 changed"):
        run(own, *options)


def test_saved_pictures_are_those_of_upscale(pairs: Path, tmp_path: Path, own: Path) -> None:
    settings = ("--fidelity", "0", "--seed", "5", "--color-fix", "wavelet", "--device", "cpu")
    run(own, "--pairs", pairs, "--no-baseline", "--save", tmp_path / "kept", "--metrics", "psnr_y", *settings)
    upscale = ["upscale", str(pairs / "LR"), "-n", str(own), "-o", str(tmp_path / "large"), *settings]
    result = CliRunner().invoke(app, upscale)
    assert result.exit_code == 0, result.output
    for i in range(2):
        ours, theirs = next((tmp_path / "kept").rglob(f"{i}.png")), tmp_path / f"large/{i}_x4.png"
        with Image.open(ours) as one, Image.open(theirs) as other:
            assert one.tobytes() == other.convert("RGB").tobytes()


def test_pairs_must_be_given() -> None:
    with pytest.raises(UsageError, match="Give --pairs"):
        run("bicubic")
