import csv
import json
import math
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import torch
from PIL import Image
from rich.console import Console

from leapsr import __version__
from leapsr.data.pairs import Pair
from leapsr.errors import DataError, OutputError
from leapsr.methods.restore import Solver
from leapsr.metrics import select
from leapsr.metrics.plots import curves, save_dial
from leapsr.metrics.report import headings, lines, read_json, text, write_csv, write_json
from leapsr.metrics.sheet import CELL, GAP, HEADER, Sheet, busiest_box, sheet_size
from leapsr.metrics.table import Row, Setting, Table


@pytest.fixture
def table() -> Table:
    rows = [
        Row(Setting(name, steps, fidelity), image, {"psnr_y": score, "lpips_squeeze": 0.5}, 0.25)
        for name, steps, fidelity, scores in [
            ("bicubic", None, None, (20.0, 24.0)),
            ("m", 1, 0.0, (math.nan, 23.125)),
            ("m", 1, 1.0, (math.inf, 26.0)),
        ]
        for image, score in zip(("a", "b, c"), scores, strict=True)
    ]
    return Table(select(["psnr_y", "lpips_squeeze"]), rows, ["niqe is skipped: no file."])


def test_csv_gives_back_the_rows(table: Table, tmp_path: Path) -> None:
    write_csv(table, tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["image"] for line in lines] == ["a", "b, c"] * 3
    for line, row in zip(lines, table.rows, strict=True):
        setting = Setting(
            line["restorer"],
            int(line["steps"]) if line["steps"] else None,
            float(line["fidelity"]) if line["fidelity"] else None,
        )
        assert setting == row.setting
        assert float(line["psnr_y"] or "nan") == pytest.approx(row.scores["psnr_y"], nan_ok=True)
        assert float(line["seconds_per_megapixel"]) == row.seconds_per_megapixel


def test_json_gives_back_rows_means_and_settings(table: Table, tmp_path: Path) -> None:
    settings = {"model": "m", "seed": 3, "border": 4}
    write_json(table, tmp_path / "results.json", settings)
    stored = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert stored["settings"] == settings
    assert stored["leapsr"] == __version__
    assert stored["torch"] == torch.__version__
    assert stored["metrics"]["lpips_squeeze"] == "lower is better"
    assert stored["notes"] == table.notes
    assert [row["psnr_y"] for row in stored["images"]] == [20, 24, None, 23.125, "inf", 26]
    assert [row["psnr_y"] for row in stored["means"]] == [22, 23.125, "inf"]
    assert [row["pictures"]["psnr_y"] for row in stored["means"]] == [2, 1, 2]


def test_json_gives_the_table_back(table: Table, tmp_path: Path) -> None:
    metrics = {**table.metrics, **select(["fid"])}
    rows = [row._replace(scores={**row.scores, "fid": math.nan}) for row in table.rows]
    whole = replace(table, metrics=metrics, rows=rows, sets={(Setting("m", 1, 1.0), 0): {"fid": 1.5}})
    write_json(whole, tmp_path / "results.json", {})
    back = read_json(tmp_path / "results.json")
    assert [row._replace(scores={}) for row in back.rows] == [row._replace(scores={}) for row in table.rows]
    for setting in table.settings:
        assert back.mean(setting).scores == pytest.approx(whole.mean(setting).scores, nan_ok=True)
    assert back.settings == table.settings
    assert back.notes == table.notes
    assert back.mean(Setting("m", 1, 1.0)).scores["fid"] == 1.5
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(DataError, match="no evaluation"):
        read_json(tmp_path / "results.json")


def test_text_fits_a_terminal_and_shows_every_setting(table: Table) -> None:
    console = Console(width=80, record=True, file=StringIO())
    console.print(text(table))
    lines = [line.split() for line in console.export_text().splitlines()]
    assert ["bicubic", "-", "-", "22.00", "0.5000", "0.25"] in lines
    assert ["m", "1", "0", "23.12", "(1/2)", "0.5000", "0.25"] in lines
    assert ["m", "1", "1", "inf", "0.5000", "0.25"] in lines


def test_a_result_that_cannot_be_written_is_an_output_error(table: Table, tmp_path: Path) -> None:
    absent = tmp_path / "file"
    absent.touch()
    with pytest.raises(OutputError, match=r"results\.csv cannot be written"):
        write_csv(table, absent / "results.csv")
    with pytest.raises(OutputError, match=r"results\.json cannot be written"):
        write_json(table, absent / "results.json", {})
    with pytest.raises(OutputError, match=r"dial\.png cannot be written"):
        save_dial(table, absent / "dial.png")


def test_a_failure_leaves_what_was_there(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.csv"
    path.write_text("precious")

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    for name in ("open", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, refuse)
            with pytest.raises(OutputError, match=r"results\.csv cannot be written: Permission denied"):
                write_csv(table, path)
        assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("results.csv", "precious")]
    write_csv(table, path)
    assert [each.name for each in tmp_path.iterdir()] == ["results.csv"]
    assert path.read_text(encoding="utf-8").startswith("restorer,")


def test_json_takes_numbers_that_are_not_finite_in_settings_too(table: Table, tmp_path: Path) -> None:
    settings = {
        "straightness": math.nan,
        "tried": {0.25: {"psnr_y": math.inf}, 0.5: {"psnr_y": math.nan}},
        "fidelity": [0.5, -math.inf],
    }
    write_json(table, tmp_path / "results.json", settings)
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["settings"] == {
        "straightness": None,
        "tried": {"0.25": {"psnr_y": "inf"}, "0.5": {"psnr_y": None}},
        "fidelity": [0.5, "-inf"],
    }


def test_evaluations_are_shown_where_steps_do_not_tell_them() -> None:
    def shown(steps: int | None, evaluations: float, solver: Solver | None = None) -> list[str]:
        row = Row(Setting("m", steps, 0.0, solver), "a", {"psnr_y": 20.0}, 0.25, evaluations)
        table = Table(select(["psnr_y"]), [row], [])
        assert [len(line) for line in lines(table)] == [len(headings(table))]
        return headings(table)[1:-2]

    assert shown(2, 2) == ["steps", "fidelity"]
    assert shown(2, 0) == ["steps", "fidelity"]
    assert shown(2, 4) == ["steps", "fidelity", "NFE"]  # guidance
    assert shown(2, 4, "heun") == ["solver", "steps", "fidelity", "NFE"]
    assert shown(None, 14, "rk45") == ["solver", "steps", "fidelity", "NFE"]
    assert shown(2, 2, "euler") == ["solver", "steps", "fidelity"]


def test_a_setting_that_is_not_finite_is_marked_and_not_the_best() -> None:
    rows = [
        Row(Setting(name), image, {"psnr_y": score}, 0.25, usable=not math.isnan(score))
        for name, scores in (("whole", (20.0, 22.0)), ("weak", (19.0, 21.0)), ("broken", (math.nan, 30.0)))
        for image, score in zip("ab", scores, strict=True)
    ]
    cells = {line[0].text: line[3] for line in lines(Table(select(["psnr_y"]), rows, []))}
    assert cells == {"whole": ("21.00", 1), "weak": ("20.00", 2), "broken": ("nan", 0)}


def test_the_dial_has_a_curve_for_what_was_turned(table: Table, tmp_path: Path) -> None:
    assert curves(table, "psnr_y") == {"m": ([0.0, 1.0], [23.125, math.inf])}
    assert curves(table, "lpips_squeeze") == {"m": ([0.0, 1.0], [0.5, 0.5])}
    save_dial(table, tmp_path / "dial.png")
    with Image.open(tmp_path / "dial.png") as image:
        assert image.size == (960, 408)


@pytest.mark.parametrize("reference", [True, False])
def test_the_sheet_has_a_row_for_each_picture_and_a_column_for_each_result(reference: bool) -> None:
    sheet = Sheet(rows=2)
    for name in ("a", "b", "one too many"):
        hr = torch.full((1, 3, 160, 256), 0.2)
        pair = Pair(name, torch.rand(1, 3, 40, 64), hr if reference else None)
        sheet.observe(pair, Setting("dark"), torch.zeros(1, 3, 160, 256))
        sheet.observe(pair, Setting("bright", 1, 0.5), torch.ones(1, 3, 160, 256))
    image = sheet.draw()
    assert image.size == sheet_size(columns=5 if reference else 4, rows=2)
    middle = [(x * (CELL + GAP) + CELL // 2, 2 * HEADER + CELL // 2) for x in range(5)]
    assert image.getpixel(middle[2]) == (0, 0, 0)
    assert image.getpixel(middle[3]) == (255, 255, 255)
    if reference:
        assert image.getpixel(middle[4]) == (51, 51, 51)


def test_the_busiest_region_is_where_the_texture_is() -> None:
    lr = torch.full((1, 3, 64, 96), 0.5)
    lr[..., 40:56, 60:76] = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    left, top, right, bottom = busiest_box(lr, 32)
    assert (right - left, bottom - top) == (32, 32)
    assert left <= 60 <= 76 <= right
    assert top <= 40 <= 56 <= bottom


def test_a_region_never_leaves_a_small_picture() -> None:
    assert busiest_box(torch.rand(1, 3, 5, 9), 32)[1::2] == (0, 5)
