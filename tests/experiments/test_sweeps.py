"""The papers' experiments: every cell can be had, sweeps go on where they stopped, their report has all."""

import json
import math
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from leapsr.cli.main import app
from leapsr.errors import ConfigError, DataError, LeapsrError, UnknownName, UsageError
from leapsr.experiments import sweeps
from leapsr.experiments.sweeps import Cell, Sweep, Work
from leapsr.metrics import select
from leapsr.metrics.table import Row, Setting, Table
from leapsr.train import config, recipes
from tests.conftest import picture_array
from tests.evaluation.models import model, write_pairs

TRAININGS = [name for name in sweeps.names() if sweeps.find(name).recipe is not None]


@pytest.mark.parametrize("scale", ["tiny", "small"])
@pytest.mark.parametrize("name", TRAININGS)
def test_every_cell_is_a_run(name: str, scale: str) -> None:
    """Its fields exist and fit together, and its verb is the one that the method takes."""
    sweep = sweeps.find(name)
    recipe = recipes.get(f"{sweep.recipe}_{scale}")
    labels = ["network.quality=true"] if sweep.labels and not recipe.network.reads_labels else []
    for cell in sweep.cells:
        if cell.of == "teacher":
            config.override(recipes.get(f"teacher_{scale}"), list(cell.set))
            run = config.override(recipe, list(sweep.common))
        else:
            run = config.override(recipe, [*labels, *sweep.common, *cell.set])
        assert run.method.needs_teacher == (cell.verb == "distill"), cell.name
    assert len({cell.name for cell in sweep.cells}) == len(sweep.cells)


def test_the_experiments_of_the_papers_are_there() -> None:
    wanted = {
        "steps",
        "dial",
        "seeds",
        "teacher-student",
        "prompts",
        "velocity",
        "guidance",
        "diagonal",
        "sigma",
    }
    wanted |= {"dt", "solver", "fast-slow", "losses-smfsr", "losses-oftsr", "losses-flowsr", "data-size"}
    assert wanted <= set(sweeps.names())
    for paper in ("MFSR, table 3", "MFSR, table 4", "SMFSR, table 5", "SMFSR, table 8", "OFTSR, table 7"):
        assert any(paper in sweeps.find(name).papers for name in sweeps.names()), paper
    with pytest.raises(UnknownName, match="Did you mean 'dial'"):
        sweeps.find("dail")


@pytest.fixture
def material(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "pairs", 2)
    (tmp_path / "photos").mkdir()
    for i in range(4):
        Image.fromarray(picture_array(96, 96, i)).save(tmp_path / f"photos/{i}.png")
    model("mfsr").save_pretrained(tmp_path / "many")
    model("oftsr").save_pretrained(tmp_path / "one")
    return tmp_path


def work(material: Path, said: list[str], **changes: object) -> Work:
    on = ["--pairs", str(material / "pairs"), "--metrics", "psnr_y", "--device", "cpu"]
    known: dict[str, object] = {"models": [str(material / "many"), str(material / "one")], "jobs": 2}
    return Work(material / "out", on, say=said.append, **{**known, **changes})  # type: ignore[arg-type]


def test_evaluations_of_several_models_in_one_report(material: Path) -> None:
    """What a model does not have is left out; a second run does nothing; what was lost is done again."""
    sweep = sweeps.find("steps").model_copy(update={"cells": sweeps.find("steps").cells[:2]})
    said: list[str] = []
    table = sweeps.run(sweep, work(material, said))
    lines = [(setting.restorer, setting.steps, setting.fidelity) for setting in table.settings]
    assert lines == [("bicubic", None, None), ("many", 1, 0), ("many", 2, 0), ("one", 1, 0)]
    assert len(said) == 5  # and that a plot needs LPIPS
    stored = json.loads((material / "out/results.json").read_text(encoding="utf-8"))
    assert stored["settings"]["experiment"] == "steps"
    words = (material / "out/results.md").read_text(encoding="utf-8").splitlines()[0]
    assert words == "# 1 to 8 steps: 2 pictures of pairs, seed 0"
    assert (material / "out/report.html").is_file()
    (material / "out/cells/many_2/results.json").unlink()
    said.clear()
    again = sweeps.run(sweep, work(material, said))
    assert [line.partition(":")[0] for line in said] == ["many 2", "pd_plot.png is not drawn"]
    assert [again.mean(setting).scores for setting in again.settings] == [
        table.mean(setting).scores for setting in table.settings
    ]


def test_diversity_is_in_the_report_of_the_seeds(material: Path) -> None:
    """Bicubic has no seeds, and no such score."""
    tables = {}
    for name, scores in {"bicubic": {"psnr_y": 1.0}, "m": {"psnr_y": 2.0, "diversity_alex": 0.1}}.items():
        rows = [Row(Setting(name), "a", scores, 0.1, seed=seed) for seed in (1, 2)]
        tables[name] = Table(select(scores), rows, [], sets={(Setting(name), 1): scores})
    table = sweeps.merged(tables, rename=False)
    assert list(table.metrics) == ["psnr_y", "diversity_alex"]
    assert table.mean(Setting("m")).scores["diversity_alex"] == pytest.approx(0.1)
    assert math.isnan(table.mean(Setting("bicubic")).scores["diversity_alex"])
    assert [list(row.scores) for row in table.rows] == [["psnr_y", "diversity_alex"]] * 4


def test_trainings_in_one_report_and_a_cell_that_fails(material: Path) -> None:
    cells = (Cell(name="good", share=0.5), Cell(name="bad", set=("method.no_such_field=1",)))
    sweep = Sweep(name="mine", title="t", papers="p", recipe="oftsr", cells=cells)
    said: list[str] = []
    fields = ["steps=2", "data.held_out=0", "validate_every=1000", "batch=2"]
    table = sweeps.run(sweep, work(material, said, photos=material / "photos", settings=fields, jobs=1))
    assert [setting.restorer for setting in table.settings] == ["bicubic", "good"]
    [failure] = table.failures
    assert failure.startswith("bad: 'leapsr distill' ended with code 2: ")
    assert "no_such_field" in failure
    assert (material / "out/teacher/model/config.json").is_file()
    assert len(list((material / "out/cells/good/photos").iterdir())) == 2


def test_what_cannot_be_done_is_said(material: Path) -> None:
    said: list[str] = []
    with pytest.raises(UsageError, match="give --photos"):
        sweeps.run(sweeps.find("dt"), work(material, said))
    with pytest.raises(UsageError, match="Name the models"):
        sweeps.run(sweeps.find("dial"), work(material, said, models=[]))
    with pytest.raises(UsageError, match="None of these models has the settings"):
        sweeps.run(sweeps.find("solvers"), work(material, said))
    with pytest.raises((UsageError, ConfigError, DataError)):
        sweeps.run(sweeps.find("dt"), work(material, said, photos=material / "nowhere"))


def leapsr(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["experiment", *map(str, words)])
    if isinstance(result.exception, LeapsrError):
        return result.exception.exit_code, str(result.exception)
    return result.exit_code, result.output


def test_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, out = leapsr()
    assert code == 0
    assert all(name in out for name in (*sweeps.names(), "complexity"))
    assert leapsr("steps", "leap-small")[0] == 2
    assert leapsr("complexity")[0] == 2


def test_complexity_is_measured(material: Path) -> None:
    from leapsr.experiments.complexity import measure
    from leapsr.restorer import Restorer

    found = measure(str(material / "one"), side=16, device="cpu")
    network = Restorer.from_pretrained(material / "one").network
    assert found.parameters == found.trainable == sum(p.numel() for p in network.parameters())
    assert found.macs > 16 * 16 * 100
    assert found.memory > 50 * 2**20
    assert found.seconds > 0
    with pytest.raises(DataError, match="cannot be measured"):
        measure(str(material / "nowhere"))
