"""leapsr upscale --samples, --detail-map, --consistency."""

import json
from pathlib import Path

import pytest
from PIL import Image

from leapsr.metrics.fidelity import lr_psnr
from leapsr.pictures.picture import load
from tests.cli.conftest import names


def test_samples(leapsr, photo):
    photo.save("a.jpg")
    code, out, err = leapsr("upscale", "a.jpg", "--samples", "3", "--seed", "5", "--fidelity", "0", "--json")
    assert code == 0, err
    assert names() == ["a.jpg", "a_x4_s5.jpg", "a_x4_s6.jpg", "a_x4_s7.jpg", "a_x4_samples.png"]
    (result,) = json.loads(out)["results"]
    assert result["output"] == "a_x4_s5.jpg"
    assert result["beside"] == ["a_x4_s6.jpg", "a_x4_s7.jpg", "a_x4_samples.png"]
    assert "invented" not in result
    with Image.open("a_x4_samples.png") as sheet:
        assert sheet.width > 4 * 256


def test_detail_map(leapsr, photo):
    photo.save("a.png")
    code, out, err = leapsr("upscale", "a.png", "--detail-map", "--fidelity", "0", "--json")
    assert code == 0, err
    assert names() == ["a.png", "a_x4.png", "a_x4_detail.png"]
    share = json.loads(out)["results"][0]["invented"]
    assert 0 < share <= 1
    assert f"a_x4.png: {share:.0%} of the fine detail is invented" in err


def test_what_is_beside_a_result_is_not_written_over(leapsr, photo):
    photo.save("a.png")
    Path("a_x4_detail.png").write_text("precious")
    code, _, err = leapsr("upscale", "a.png", "--detail-map")
    assert code == 1
    assert "a_x4_detail.png is already there; use --overwrite" in err
    assert names() == ["a.png", "a_x4_detail.png"]
    assert leapsr("upscale", "a.png", "--detail-map", "--overwrite")[0] == 0
    with Image.open("a_x4_detail.png") as drawn:
        assert drawn.mode == "RGB"


def test_a_second_run_leaves_all_as_it_is(leapsr, photo):
    Path("in").mkdir()
    photo.save("in/a.png")
    options = ["in", "--samples", "2", "--detail-map", "--fidelity", "0"]
    assert leapsr("upscale", *options)[0] == 0
    before = names()
    code, _, err = leapsr("upscale", *options, "--skip-existing")
    assert code == 0
    assert "1 skipped" in err
    assert names() == before


def test_consistency(leapsr, photo):
    photo.resize((37, 24)).save("a.png")
    assert leapsr("upscale", "a.png", "-o", "free.png", "--fidelity", "0")[0] == 0
    assert leapsr("upscale", "a.png", "-o", "tied.png", "--fidelity", "0", "--consistency")[0] == 0
    source = load("a.png").rgb[None]
    free, tied = (lr_psnr(load(name).rgb[None], source).item() for name in ("free.png", "tied.png"))
    assert tied > 45 > free


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tolerance", "2"], "give both"),
        (["--consistency", "--tolerance", "0"], "grey levels"),
        (["--samples", "0"], "--samples"),
        (["-o", "-", "--samples", "2"], "leave out --samples"),
        (["-o", "-", "--detail-map"], "leave out --detail-map"),
    ],
)
def test_what_cannot_work_is_said_before_any_work(leapsr, photo, options, message):
    photo.save("a.png")
    code, _, err = leapsr("upscale", "a.png", *options)
    assert code == 2
    assert message in err
    assert names() == ["a.png"]


def test_a_source_among_the_samples(leapsr, photo):
    photo.save("b_s1.png")
    code, _, err = leapsr("upscale", "b_s1.png", "-o", "b.png", "--samples", "2", "--overwrite")
    assert code == 2
    assert "never written over" in err
