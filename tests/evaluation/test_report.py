"""The page and the tables that an evaluation leaves behind."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from leapsr.data.pairs import Pair
from leapsr.evaluation.crops import Crops
from leapsr.evaluation.html import write_html
from leapsr.evaluation.published import published
from leapsr.metrics import select
from leapsr.metrics.report import write_latex
from leapsr.metrics.table import Row, Setting, Table


@pytest.fixture
def table() -> Table:
    scores = {
        Setting("bicubic"): (23.0, 25.0, 24.0, 24.0, 24.0),
        Setting("one_&_only", 1, 0.0): (24.0, 27.0, 25.5, 25.5, 25.5),
        Setting("one_&_only", 1, 1.0): (26.0, 27.5, 26.75, 26.75, 26.75),
        Setting("</script>", 4, 0.0): (21.0, float("inf"), 21.0, 21.0, 21.0),
    }
    rows = [
        Row(setting, image, {"psnr_y": score, "lpips_alex": 1 / score}, 0.5, 2)
        for setting, own in scores.items()
        for image, score in zip("abcde", own, strict=True)
    ]
    return Table(select(["psnr_y", "lpips_alex"]), rows, ["a note"], failures=("b: it failed.",))


def crops() -> Crops:
    found = Crops(pictures=1)
    for name in "ab":
        pair = Pair(name, torch.rand(1, 3, 40, 60), torch.full((1, 3, 160, 240), 0.25))
        found.observe(pair, Setting("bicubic"), torch.full((1, 3, 160, 240), 0.75))
    return found


def data_of(page: str) -> dict[str, Any]:
    [text] = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, flags=re.DOTALL)
    return dict(json.loads(text))


def test_the_page_has_all_and_asks_nothing_of_the_network(table: Table, tmp_path: Path) -> None:
    shown = published("realsr", "RealSR crops")
    write_html(table, crops(), tmp_path / "r.html", "2 pictures", {"what": ["</script>"]}, shown)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    data = data_of(page)
    assert not re.findall(
        r"""(?:src|href)\s*=\s*["'](?!data:)|url\(|@import|fetch\(|https?://(?!www\.w3\.org)""", page
    )
    assert [setting["label"] for setting in data["settings"]][-1] == "</script> 4 steps fidelity 0"
    assert data["settings"][2]["ranks"] == {"psnr_y": 2, "lpips_alex": 1}
    assert data["settings"][3]["means"]["psnr_y"] == "inf"
    low, high = data["settings"][0]["intervals"]["psnr_y"]
    assert 23 < low < 24 < high < 25
    assert "psnr_y" not in data["settings"][3]["intervals"]
    assert (data["failures"], data["notes"]) == (["b: it failed."], ["a note"])
    assert data["published"][0]["source"].startswith("MFSR")
    assert not {row[0] for group in data["published"] for row in group["rows"]} & {"bicubic", "one_&_only"}


def test_crops_are_pictures_of_the_same_place() -> None:
    regions = crops().regions
    assert list(regions) == ["a"]
    assert list(regions["a"]) == ["source", "reference", "bicubic"]
    opened = {
        name: Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
        for name, uri in regions["a"].items()
    }
    assert {image.size for image in opened.values()} == {(160, 160)}
    assert opened["bicubic"].getpixel((80, 80)) == pytest.approx((191, 191, 191), abs=2)
    assert opened["reference"].getpixel((80, 80)) == pytest.approx((64, 64, 64), abs=2)


def test_latex_marks_the_best_two_and_escapes(table: Table, tmp_path: Path) -> None:
    write_latex(table, tmp_path / "t.tex", "2 pictures")
    lines = (tmp_path / "t.tex").read_text(encoding="utf-8").splitlines()
    assert lines[1] == r"\begin{tabular}{lrrrrrr}"
    assert lines[3].startswith(r"restorer & steps & fidelity & NFE & psnr\_y $\uparrow$ & lpips\_alex")
    assert r"one\_\&\_only & 1 & 1 & 2 & \underline{26.75} & \textbf{0.0374} & 0.5 \\" in lines
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    assert all(line.count("&") - line.count(r"\&") == 6 for line in lines[3:4] + lines[5:-2])


def test_published_figures_are_what_the_papers_print() -> None:
    """A figure from each table, by eye from the paper."""
    found = {
        (each.source.split(" (")[0], row[0]): dict(zip(each.metrics, row[1:], strict=True))
        for each in published("realsr", "")
        for row in each.rows
    }
    assert found["MFSR", "MFSR-1s"]["musiq"] == 67.95
    assert found["SMFSR", "SMFSR"] == {
        "clipiqa": 0.7065, "musiq": 69.17, "maniqa": 0.6642, "psnr": 23.14, "ssim": 0.6535, "lpips": 0.3667,
    }  # fmt: skip
    assert found["FlowSR", "FlowSR, 1 step"]["dists"] == 0.2013
    assert found["OFTSR", "OFTSR distilled-1s (t = 1)"]["lpips"] == 0.288
    assert published("nowhere", "") == []
