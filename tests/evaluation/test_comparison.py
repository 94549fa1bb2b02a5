import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from leapsr.errors import MissingExtra, OutputError, UsageError
from leapsr.evaluation.report import write
from leapsr.evaluation.run import Evaluation
from leapsr.evaluation.subjects import Interpolation, Outputs, common_scale, labels, named
from leapsr.methods import Region
from leapsr.metrics import plots, select
from leapsr.metrics.plots import axes, points
from leapsr.metrics.report import markdown_costs, markdown_scores
from leapsr.metrics.runs import Training
from leapsr.metrics.table import Row, Setting, Table
from tests.evaluation.models import some_pairs, subject

STEPS, POSITIONS = [1, 2], [0.0, 0.5, 1.0]


def test_every_model_is_asked_for_what_its_region_holds(tmp_path: Path) -> None:
    edge = subject("oftsr")
    edge.restorer.region = Region.IMAGE_EDGE
    models = {"o": subject("oftsr"), "m": subject("mfsr"), "t": subject("teacher"), "e": edge}
    plan = Evaluation(models, some_pairs(tmp_path / "p", 1), 4).plan(STEPS, POSITIONS)
    every = [(1, 0.0), (2, 0.0), (1, 0.5), (1, 1.0)]
    assert list(plan) == [
        Setting("bicubic"),
        *(Setting(name, *each, "euler" if name == "t" else None) for name in models for each in every),
    ]
    had = {
        name: [setting[1:3] for setting, restore in plan.items() if setting.restorer == name and restore]
        for name in models
    }
    assert had == {
        "o": [(1, 0.0), (1, 0.5), (1, 1.0)],
        "m": every,
        "t": every,
        "e": [(1, 0.0), (2, 0.0)],
    }


@pytest.mark.parametrize(("steps", "positions"), [([0], [0.0]), ([1], [1.5]), ([1, -2], [])])
def test_numbers_that_no_model_has_are_refused(
    steps: list[int], positions: list[float], tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        Evaluation({"o": subject("oftsr"), "m": subject("mfsr")}, some_pairs(tmp_path / "p", 1), 4).plan(
            steps, positions
        )


def test_models_of_different_scales_are_not_compared() -> None:
    two = subject("oftsr")
    two.restorer.space = replace(two.restorer.space, scale=2)
    with pytest.raises(UsageError, match=r"\(four x4, two x2\)"):
        common_scale({"four": subject("oftsr"), "two": two})


def test_the_table_has_a_line_for_what_cannot_be_done(tmp_path: Path) -> None:
    subjects = {"m": subject("mfsr"), "o": subject("oftsr")}
    evaluation = Evaluation(subjects, some_pairs(tmp_path / "p", 1), 4)
    table = evaluation.run(evaluation.plan(STEPS, [0.0]), select(["psnr_y"]), ["first note"])
    assert table.settings == [
        Setting("bicubic"),
        *(Setting(name, steps, 0.0) for name in "mo" for steps in STEPS),
    ]
    assert [row.evaluations for row in table.rows] == [0, 1, 2, 1]
    assert table.notes == ["first note"]
    assert markdown_scores(table).splitlines()[-1] == "|  | 2 | 0 | - | - |"


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["models/a", "models/b"], ["a", "b"]),
        (["runs/a/model", "runs/b/model"], ["a", "b"]),
        (["runs/a/model", "models/a"], ["runs/a", "models/a"]),
        (["runs/a/model", "runs/a"], ["model", "a"]),
        (["x/model"], ["x"]),
    ],
)
def test_names_tell_models_apart(folders: list[str], names: list[str]) -> None:
    assert labels([Path("/", folder) for folder in folders]) == names


def test_a_folder_is_never_called_as_interpolation_is(tmp_path: Path) -> None:
    """Else its scores would stand in the baseline's place."""
    folder = Outputs(tmp_path / "theirs/bicubic")
    assert list(named([folder])) == ["theirs/bicubic"]
    assert list(named([folder, Interpolation("bicubic")])) == ["theirs/bicubic", "bicubic"]


def test_a_model_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="given twice"):
        named([Outputs(tmp_path / "a"), Outputs(tmp_path / "b/../a")])


@pytest.fixture
def table() -> Table:
    rows = [
        Row(setting, "a", {"psnr_y": psnr, "lpips_squeeze": lpips, "niqe": 5.0}, 0.25, setting.steps or 0)
        for setting, psnr, lpips in [
            (Setting("bicubic"), 23.0, 0.7),
            (Setting("one", 1, 0.0), 24.0, 0.4),
            (Setting("one", 1, 1.0), 26.0, 0.6),
            (Setting("two|b", 1, 0.0), 24.5, 0.5),
            (Setting("two|b", 4, 0.0), 23.5, 0.3),
        ]
    ]
    planned = [row.setting for row in rows]
    planned.insert(2, Setting("one", 4, 0.0))
    return Table(select(["psnr_y", "lpips_squeeze", "niqe"]), rows, ["dists is skipped."], tuple(planned))


TRAININGS = [Training("one", "oftsr_small", 117392, 0.8, 41.25), Training("two", None, None, None, None)]
SETTINGS = {"pairs": "data/heavy", "pictures": 1, "seeds": [0]}


def test_markdown_is_grouped_and_the_best_of_each_column_is_bold(table: Table) -> None:
    lines = markdown_scores(table).splitlines()
    assert lines == [
        "| restorer | steps | fidelity | psnr_y ↑ | lpips_squeeze ↓ | niqe ↓ | s/MP |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| bicubic | - | - | 23.00 | 0.7000 | **5.00** | 0.25 |",
        "| one | 1 | 0 | 24.00 | 0.4000 | **5.00** | 0.25 |",
        "|  | 4 | 0 | - | - | - | - |",
        "|  | 1 | 1 | **26.00** | 0.6000 | **5.00** | 0.25 |",
        "| two\\|b | 1 | 0 | 24.50 | 0.5000 | **5.00** | 0.25 |",
        "|  | 4 | 0 | 23.50 | **0.3000** | **5.00** | 0.25 |",
    ]


def test_what_training_took(table: Table) -> None:
    assert markdown_costs(TRAININGS).splitlines()[2:] == [
        "| one | oftsr_small | 117,392 | 0.80 | 41.2 |",
        "| two | - | - | - | - |",
    ]


def test_files(table: Table, tmp_path: Path) -> None:
    assert write(table, TRAININGS, tmp_path / "out", SETTINGS) == []
    document = (tmp_path / "out/results.md").read_text(encoding="utf-8")
    assert document.startswith("# 1 picture of heavy, seed 0\n\n| restorer")
    assert markdown_costs(TRAININGS) in document
    assert document.endswith("\n- dists is skipped.\n")
    assert "is ahead of" not in document  # a single picture says nothing about the next one
    assert "- psnr_y: one fidelity 1 and two|b fidelity 0 cannot be told apart" in document
    with (tmp_path / "out/means.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["psnr_y"] for row in rows] == ["23.0", "24.0", "", "26.0", "24.5", "23.5"]
    assert [row["steps"] for row in rows] == ["", "1", "4", "1", "1", "4"]
    stored = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    assert stored["means"][2]["psnr_y"] is None
    assert stored["settings"]["training"][0]["samples"] == 117392
    with Image.open(tmp_path / "out/pd_plot.png") as image:
        assert image.size == (1350, 810)


def test_a_table_without_trainings_or_notes_is_the_table_alone(table: Table, tmp_path: Path) -> None:
    write(Table(table.metrics, table.rows, []), [], tmp_path, SETTINGS)
    document = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "dists" not in document
    assert "training samples" not in document


def test_the_plot_shows_what_has_both_scores(table: Table) -> None:
    assert axes(table) == ("psnr_y", "lpips_squeeze")
    shown = [(point.setting.restorer, point.distortion, point.perception) for point in points(table)]
    assert shown == [
        ("bicubic", 23.0, 0.7), ("one", 24.0, 0.4), ("one", 26.0, 0.6), ("two|b", 24.5, 0.5),
        ("two|b", 23.5, 0.3),
    ]  # fmt: skip


def test_without_lpips_or_matplotlib_there_are_tables_and_a_sentence(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Table(select(["psnr_y"]), [row._replace(scores={"psnr_y": 1.0}) for row in table.rows], [])
    assert write(plain, [], tmp_path / "a", SETTINGS) == [
        "pd_plot.png is not drawn: it needs psnr_y and LPIPS."
    ]

    def absent(module: str, extra: str) -> None:
        raise MissingExtra("This needs matplotlib: pip install 'leapsr[plots]'.")

    monkeypatch.setattr(plots, "optional", absent)
    [note] = write(table, [], tmp_path / "b", SETTINGS)
    assert note == "pd_plot.png is not drawn. This needs matplotlib: pip install 'leapsr[plots]'."
    names = {"results.md", "results.csv", "means.csv", "results.json", "results.tex", "report.html"}
    for folder in ("a", "b"):
        assert {path.name for path in (tmp_path / folder).iterdir()} == names


def test_more_models_than_colours_can_be_drawn(tmp_path: Path) -> None:
    rows = [
        Row(Setting(f"m{i}", steps, 0.0), "a", {"psnr_y": 20.0 + i, "lpips_alex": 0.1 * steps}, 0.1)
        for i in range(9)
        for steps in range(1, 11)
    ]
    plots.save_pd_plot(Table(select(["psnr_y", "lpips_alex"]), rows, []), tmp_path / "pd_plot.png")
    assert (tmp_path / "pd_plot.png").stat().st_size > 10_000


def test_nothing_is_left_on_the_networks(tmp_path: Path) -> None:
    one = subject("oftsr")
    evaluation = Evaluation({"o": one}, some_pairs(tmp_path / "p", 1), 4)
    evaluation.run(evaluation.plan([1], [0.0]), {})
    assert not one.restorer.network._forward_hooks


def test_a_folder_that_cannot_be_made(table: Table, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"results\.md cannot be written"):
        write(table, [], tmp_path / "file/out", SETTINGS)
