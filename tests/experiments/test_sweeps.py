"""The papers' experiments: every cell can be had, sweeps go on where they stopped, their report has all."""

import json
import math
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from leapsr.cli.main import app
from leapsr.errors import ConfigError, DataError, LeapsrError, UnknownName, UsageError
from leapsr.experiments import sweeps
from leapsr.experiments.sweeps import Cell, Job, Sweep, Work
from leapsr.metrics import plots, select
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
    known = {"pairs": on, "models": [str(material / "many"), str(material / "one")], "jobs": 2}
    return Work(material / "out", say=said.append, **{**known, **changes})  # type: ignore[arg-type]


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
    table = sweeps.merged(tables, {name: Job([]) for name in tables})
    assert list(table.metrics) == ["psnr_y", "diversity_alex"]
    assert table.mean(Setting("m")).scores["diversity_alex"] == pytest.approx(0.1)
    assert math.isnan(table.mean(Setting("bicubic")).scores["diversity_alex"])
    assert [list(row.scores) for row in table.rows] == [["psnr_y", "diversity_alex"]] * 4


def test_trainings_in_one_report_and_a_cell_that_fails(material: Path) -> None:
    cells = (Cell(name="good", share=0.5), Cell(name="bad", set=("method.no_such_field=1",)))
    sweep = Sweep(name="mine", title="t", papers="p", recipe="oftsr", cells=cells)
    said: list[str] = []
    fields = ["steps=2", "data.held_out=0", "validate_every=1000", "batch=2"]
    photos = material / "photos"
    table = sweeps.run(sweep, work(material, said, models=[], photos=photos, settings=fields, jobs=1))
    assert [setting.restorer for setting in table.settings] == ["bicubic", "good"]
    [failure] = table.failures
    assert failure.startswith("bad: 'leapsr distill' ended with code 2: ")
    assert "no_such_field" in failure
    assert (material / "out/teacher/model/config.json").is_file()
    assert len(list((material / "out/cells/good/photos").iterdir())) == 2
    trained = [words for words in said if " train " in words or " distill " in words]
    assert len(trained) == 3
    assert all(" --cpu" in words for words in trained)  # as evaluations: --device cpu
    assert json.loads((material / "out/cells/bad/run/done.command").read_text())["leapsr"]  # though it failed
    others = work(material, said, models=[], photos=photos, settings=[*fields, "seed=1"], jobs=1)
    (material / "out/teacher/done").unlink()  # as of a training that was killed
    with pytest.raises(UsageError, match=r"teacher was made otherwise \(command changed\)"):
        sweeps.run(sweep, others)


def test_what_cannot_be_done_is_said(material: Path) -> None:
    said: list[str] = []
    with pytest.raises(UsageError, match="give --photos"):
        sweeps.run(sweeps.find("dt"), work(material, said))
    with pytest.raises(UsageError, match="Name the models"):
        sweeps.run(sweeps.find("dial"), work(material, said, models=[]))
    with pytest.raises(UsageError, match="None of these models has the settings"):
        sweeps.run(sweeps.find("solvers"), work(material, said))
    with pytest.raises((UsageError, ConfigError, DataError)):
        sweeps.run(sweeps.find("dt"), work(material, said, models=[], photos=material / "nowhere"))


STEPS = sweeps.find("steps")
ONE_STEP = STEPS.model_copy(update={"cells": STEPS.cells[:1]})


def test_what_was_done_with_something_else_is_no_result(material: Path) -> None:
    """Another model in the same folder, another picture of the same name; without a record nobody knows."""
    said: list[str] = []
    many = work(material, said, models=[str(material / "many")])
    first = sweeps.run(ONE_STEP, many)
    shutil.copytree(material / "many", material / "kept")
    model("mfsr", seed=1).save_pretrained(material / "many")
    with pytest.raises(UsageError, match=r"cells/many_1 was made otherwise \(models changed\)"):
        sweeps.run(ONE_STEP, many)
    shutil.copytree(material / "kept", material / "many", dirs_exist_ok=True)
    again = sweeps.run(ONE_STEP, many)
    assert [row.scores for row in again.rows] == [row.scores for row in first.rows]

    hr = material / "pairs/HR/0.png"
    content, times = hr.read_bytes(), (hr.stat().st_atime_ns, hr.stat().st_mtime_ns)
    Image.fromarray(picture_array(64, 96, seed=9)).save(hr)
    with pytest.raises(UsageError, match=r"cells/bicubic was made otherwise \(pictures changed\)"):
        sweeps.run(ONE_STEP, many)
    hr.write_bytes(content)
    os.utime(hr, ns=times)
    Image.fromarray(picture_array(8, 8)).save(material / "pairs/plot.png")  # a result beside HR and LR
    sweeps.run(ONE_STEP, many)

    (material / "out/cells/bicubic/results.json.command").unlink()
    write_pairs(material / "elsewhere", 1)
    (material / "out/cells/many_1/results.json").unlink()
    said.clear()
    on = ["--pairs", str(material / "elsewhere"), *many.pairs[2:]]
    table = sweeps.run(ONE_STEP, work(material, said, models=many.models, pairs=on))
    assert [line.partition(":")[0] for line in said][:2] == ["bicubic", "many 1"]
    assert {row.image for row in table.rows} == {"0"}


def test_a_record_is_written_before_the_command_starts(
    material: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that is killed may have left its results already."""
    from leapsr.experiments import commands

    class Killed(Exception):
        pass

    def start() -> None:
        raise Killed

    monkeypatch.setattr(commands, "_process", start)
    with pytest.raises(Killed):
        sweeps.run(ONE_STEP, work(material, [], models=[str(material / "many")], jobs=1))
    record = json.loads((material / "out/cells/bicubic/results.json.command").read_text())
    assert record["command"][:2] == ["evaluate", "bicubic"]


def lines(restorer: str, settings: Sequence[tuple[int, float]], notes: Sequence[str] = ()) -> Table:
    """What `leapsr evaluate` finds of one model, at (steps, fidelity)."""
    rows = [Row(Setting(restorer, *setting), "a", {"psnr_y": 1.0}, 0.1) for setting in settings]
    return Table(select(["psnr_y"]), rows, [*notes], failures=tuple(f"a: {note}" for note in notes))


def test_models_of_one_folder_name_are_told_apart() -> None:
    tables, cells = {"bicubic": lines("bicubic", [])}, {"bicubic": Job([])}
    for name in ("0.05/run", "0.5/run"):
        for cell, settings in {"1": [(1, 0.0)], "2": [(2, 0.0)]}.items():
            tables[f"{name} {cell}"] = lines("run", settings)
            cells[f"{name} {cell}"] = Job([], "run", name)
    tables["0.5/run 4"], cells["0.5/run 4"] = lines("run guidance 2", [(4, 0.0)]), cells["0.5/run 2"]
    found = [(setting.restorer, setting.steps) for setting in sweeps.merged(tables, cells).settings]
    expected = [("0.05/run", 1), ("0.05/run", 2), ("0.5/run", 1), ("0.5/run", 2)]
    assert found == [*expected, ("0.5/run guidance 2", 4)]


def test_cells_whose_settings_are_alike_are_named() -> None:
    """As with several sources of the prompt."""
    tables = {f"m {cell}": lines("m", [(1, 0.0)]) for cell in ("own prompt", "one caption")}
    cells = {name: Job([], "m", "m") for name in tables}
    found = sweeps.merged(tables, cells)
    assert [setting.restorer for setting in found.settings] == ["m own prompt", "m one caption"]
    assert [row.setting.restorer for row in found.rows] == ["m own prompt", "m one caption"]


def test_notes_and_failures_say_of_which_cell_they_are() -> None:
    common = "niqe is skipped."
    tables = {"bicubic": lines("bicubic", [(1, 0.0)], [common])}
    tables |= {cell: lines("run", [(1, 0.0)], [common, "run was trained on x."]) for cell in ("0", "0.5")}
    cells = {"bicubic": Job([]), **{cell: Job([], "run", cell) for cell in ("0", "0.5")}}
    table = sweeps.merged(tables, cells)
    assert table.notes == [common, "0: run was trained on x.", "0.5: run was trained on x."]
    assert table.failures == (
        f"a: {common}", "0: a: run was trained on x.", "0.5: a: run was trained on x.",
    )  # fmt: skip


def test_models_that_have_no_cell_are_named_and_a_dial_keeps_the_positions_that_there_are(
    material: Path,
) -> None:
    model("teacher").save_pretrained(material / "sage")
    model("flowsr").save_pretrained(material / "flow")
    dial = sweeps.find("dial").model_copy(update={"cells": sweeps.find("dial").cells[:2]})
    said: list[str] = []
    cells = sweeps._evaluations(dial, work(material, said, models=[str(material / "flow")]), said)
    assert list(cells) == ["bicubic", "flow 0"]
    words = cells["flow 0"].steps[0].words
    assert words[words.index("--fidelity") + 1] == "0"
    assert said == []

    both = work(material, said, models=[str(material / "sage"), str(material / "one")])
    euler = sweeps.find("solvers").model_copy(update={"cells": sweeps.find("solvers").cells[:1]})
    table = sweeps.run(euler, both)
    assert [setting.restorer for setting in table.settings] == ["bicubic", "sage"]
    [note] = [note for note in table.notes if note.startswith("one is left out: ")]
    assert "the solver euler is for teachers" in note
    assert note in said


def test_options_that_would_be_ignored_are_refused(material: Path) -> None:
    said: list[str] = []
    train = {"models": [], "photos": material / "photos"}
    for name in ("sigma", "starts"):
        with pytest.raises(UsageError, match="no use for --teacher"):
            sweeps.run(sweeps.find(name), work(material, said, **train, teacher=str(material / "many")))
    with pytest.raises(UsageError, match="no use for models"):
        sweeps.run(sweeps.find("dt"), work(material, said, photos=material / "photos"))
    with pytest.raises(UsageError, match="no use for --photos, --set"):
        sweeps.run(STEPS, work(material, said, photos=material / "photos", settings=["steps=1"]))
    with pytest.raises(UsageError, match="no use for --captioner"):
        sweeps.run(STEPS, work(material, said, captioner=material))
    on = ["--pairs", str(material / "pairs"), "--device", "cuda:99"]
    with pytest.raises(UsageError, match="cuda:99"):
        sweeps.run(sweeps.find("dt"), work(material, said, **train, pairs=on))
    assert said == []


def test_bicubic_is_as_large_as_the_models_where_pairs_do_not_say_it(material: Path) -> None:
    dt, said = sweeps.find("dt"), list[str]()
    assert configured(sweeps._evaluations(STEPS, work(material, said), said)) == "4"
    known = work(material, said, models=[], photos=material / "photos", teacher=str(material / "many"))
    assert configured(sweeps._trainings(dt, known, [])) == "4"
    config = model("oftsr").config
    twice = config.model_copy(update={"network": config.network.model_copy(update={"scale": 2})})
    for name in ("one", "many"):
        (material / name / "config.json").write_text(twice.model_dump_json())
    assert configured(sweeps._evaluations(STEPS, work(material, said), said)) == "2"
    doubled = work(
        material, said, models=[], photos=known.photos, teacher=known.teacher, settings=["network.scale=2"]
    )
    assert configured(sweeps._trainings(dt, doubled, [])) == "2"
    model("oftsr").save_pretrained(material / "one")
    with pytest.raises(UsageError, match=r"different scales cannot be compared \(many x2, one x4\)"):
        sweeps.run(STEPS, work(material, said))


def configured(cells: dict[str, Job]) -> str:
    words = cells["bicubic"].steps[0].words
    return words[words.index("--scale") + 1]


@pytest.mark.parametrize("scale", ["tiny", "small"])
@pytest.mark.parametrize("name", TRAININGS)
def test_the_scale_of_every_sweep_is_known_before_it_trains(name: str, scale: str, material: Path) -> None:
    sweep, given = sweeps.find(name), {"models": [], "photos": material / "photos", "scale": scale}
    if any(cell.of == "student" for cell in sweep.cells):
        given["teacher"] = str(material / "many")
    if sweep.begins is not None:
        given["start"] = str(material / "one")
    assert configured(sweeps._trainings(sweep, work(material, [], **given), [])) == "4"


def test_a_solver_that_chooses_its_steps_is_in_the_plot_of_several_teachers(tmp_path: Path) -> None:
    scores = {"psnr_y": 20.0, "lpips_alex": 0.3}
    settings = [
        Setting(name, steps, 0.0, solver)
        for name in ("a", "b")
        for steps, solver in ((8, "euler"), (4, "heun"), (None, "rk45"))
    ]
    rows = [Row(setting, "p", scores, 0.1) for setting in settings]
    assert plots.save(Table(select(scores), rows, []), tmp_path) == []
    assert (tmp_path / "pd_plot.png").stat().st_size > 10_000


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
