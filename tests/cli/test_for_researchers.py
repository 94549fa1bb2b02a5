"""What whoever trains is told, and what never happens to their files."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from leapsr.cli.main import app
from leapsr.errors import TrainingError, WeightsError
from leapsr.hub import catalog
from leapsr.train import api, recipes
from leapsr.train.callbacks import Callbacks
from leapsr.upscaling.upscaler import Upscaler
from tests.conftest import picture_array
from tests.train.conftest import QUICK

POOL = ["data.pool=4000", "data.pool_crop=64", "data.held_out=1", *QUICK]


@pytest.fixture
def photos(tmp_path):
    from PIL import Image

    (tmp_path / "photos" / "deep").mkdir(parents=True)
    for number in range(4):
        Image.fromarray(picture_array(90, 96, number)).save(tmp_path / "photos" / f"{number}.png")
    Image.fromarray(picture_array(20, 20)).save(tmp_path / "photos" / "small.png")
    for name in ("a.nef", "deep/b.psd"):
        (tmp_path / "photos" / name).write_bytes(b"?")
    return tmp_path / "photos"


def test_a_run_says_what_it_found_before_it_begins(photos, tmp_path, monkeypatch):
    told = []

    def compile_check(device):
        raise TrainingError("compiling")

    monkeypatch.setattr("leapsr.train.launch.check_compiler", compile_check)
    with pytest.raises(TrainingError, match="compiling"):
        api.train_model(
            "teacher_tiny",
            photos,
            tmp_path / "run",
            options=["compile=true", "data.held_out=1", "data.crop=32"],
            cpu=True,
            callbacks=Callbacks(notice=told.append),
        )
    assert told == [
        "4 photos: 3 to train on, 1 held out to look at.",
        "Left out, with a side below 32 pixels: 1 of 5 photos.",
        "1 RAW file left out (a.nef): develop it first.",
        "1 layered file left out (b.psd): save it flat, as PNG or TIFF, first.",
    ]


def test_a_missing_file_of_lpips_is_told_before_anything_else(tmp_path, monkeypatch):
    monkeypatch.setenv("LEAPSR_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    pytest.importorskip("torchmetrics", reason="without the extra 'metrics' that is what is told")
    with pytest.raises(WeightsError, match=r"squeezenet1_1.* is missing"):
        api.train_model("dial_small", tmp_path / "no photos", tmp_path / "run", cpu=True)
    assert not (tmp_path / "run").exists()


def test_the_time_bounds_the_pool_and_what_is_done_is_kept(photos, tmp_path):
    done = []
    callbacks = Callbacks(degrading=lambda crops, total: done.append(crops))
    with pytest.raises(TrainingError, match="before the pool of crops was made"):
        api.train_model(
            "teacher_tiny",
            photos,
            tmp_path / "run",
            options=POOL,
            max_minutes=0,
            cpu=True,
            callbacks=callbacks,
        )
    assert 0 < done[-1] < 4000
    first = done[-1]
    done.clear()
    api.train_model(
        "teacher_tiny",
        photos,
        tmp_path / "run",
        options=[*POOL, "steps=2"],
        resume="auto",
        cpu=True,
        callbacks=callbacks,
    )
    assert first < done[0]
    assert done[-1] == 4000


def test_stopping_says_how_to_go_on(photos, tmp_path, monkeypatch):
    def stop(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr("leapsr.train.launch.run", stop)
    result = CliRunner().invoke(app, ["train", "teacher_tiny", str(photos), "-o", str(tmp_path / "run")])
    assert "--resume auto goes on" in result.output


def test_a_run_is_no_broken_model(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setenv(catalog.MODEL_DIR_VARIABLE, str(tmp_path / "runs"))
    for run in ("begun", "saved"):
        (tmp_path / "runs" / run / "checkpoints").mkdir(parents=True)
        (tmp_path / "runs" / run / catalog.CONFIG).write_text(recipes.get("teacher_tiny").model_dump_json())
    shutil.copytree(tiny_model, tmp_path / "runs" / "saved" / "model")
    listed = CliRunner().invoke(app, ["models", "list"]).output
    assert "begun" not in listed
    (line,) = (line for line in listed.splitlines() if "saved" in line)
    assert str(tmp_path / "runs" / "saved" / "model") in line
    for name in ("saved", str(tmp_path / "runs" / "saved"), tmp_path / "runs" / "saved" / "model"):
        assert catalog.find(name) == tmp_path / "runs" / "saved" / "model"
        assert Upscaler.from_pretrained(name).scale == 4
    with pytest.raises(WeightsError, match="has saved no model yet"):
        catalog.find(str(tmp_path / "runs" / "begun"))


def test_results_are_not_replaced(photos, tmp_path):
    for verb in (
        ["degrade", str(photos / "0.png"), str(tmp_path / "pairs"), "--pairs"],
        ["pack", str(photos), str(tmp_path / "a.safetensors")],
    ):
        assert CliRunner().invoke(app, verb).exit_code == 0
        files = [path for path in tmp_path.rglob("*") if path.is_file() and photos not in path.parents]
        before = {path: path.stat().st_mtime_ns for path in files}
        again = CliRunner().invoke(app, verb)
        assert again.exit_code != 0
        assert "is already there" in str(again.exception)
        assert before == {path: path.stat().st_mtime_ns for path in files}
        assert CliRunner().invoke(app, [*verb, "--overwrite"]).exit_code == 0


def test_recipes_are_listed_and_shown():
    listed = CliRunner().invoke(app, ["recipes"]).output
    for name in recipes.RECIPES:
        assert f"\n{name} " in f"\n{listed}"
    shown = CliRunner().invoke(app, ["recipes", "oftsr_small"]).output
    assert "leapsr distill oftsr_small PHOTOS --teacher MODEL" in shown
    assert json.loads(shown[shown.index("{") :])["recipe"] == "oftsr_small"
    assert CliRunner().invoke(app, ["recipes", "none"]).exit_code != 0


def test_what_a_metric_lacks_is_told_before_the_evaluation(tiny_model, photos, tmp_path, monkeypatch):
    """And not once more below the table."""
    from leapsr.evaluation.run import Evaluation

    monkeypatch.setenv("LEAPSR_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    CliRunner().invoke(app, ["degrade", str(photos / "0.png"), str(tmp_path / "pairs"), "--pairs"])
    words = ["evaluate", str(tiny_model), "--pairs", str(tmp_path / "pairs"), "--metrics", "psnr_y,niqe"]
    whole = CliRunner().invoke(app, words)
    assert (whole.exit_code, whole.output.count("niqe_pris_params.npz is missing")) == (0, 1)

    def fail(*given, **named):
        raise TrainingError("evaluating")

    monkeypatch.setattr(Evaluation, "run", fail)
    early = CliRunner().invoke(app, words)
    assert "niqe_pris_params.npz is missing" in early.output
