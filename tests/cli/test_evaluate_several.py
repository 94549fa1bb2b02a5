import json
import shutil
from pathlib import Path

import pytest

from leapsr.hub import catalog
from leapsr.restorer import Restorer
from tests.cli.conftest import Leapsr, names
from tests.cli.test_bad_input import only_sentence
from tests.evaluation.models import model, write_pairs

DEVICE = ("--device", "cpu")
DISTS = ("--metrics", "default,dists")


@pytest.fixture
def workplace(leapsr: Leapsr, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Here: pairs, and two runs whose models have dials and steps of different kinds; no metric's files."""
    monkeypatch.delenv("LEAPSR_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", "torch")
    write_pairs(Path("pairs"), 1)
    for run, method in (("flat", "oftsr"), ("steep", "mfsr")):
        model(method).save_pretrained(Path(run) / "model")
    Path("flat/log.jsonl").write_text('{"step": 1, "samples_per_s": 41.0}\n')
    state = Path("flat/checkpoints/step-00000001")
    state.mkdir(parents=True)
    (state / "progress.json").write_text('{"step": 1, "samples": 16, "seconds": 7200}')
    return Path()


def test_one_table_for_several_models(leapsr: Leapsr, workplace: Path) -> None:
    line = "evaluate flat/model steep/model tiny --pairs pairs -o out --steps 1,2 --fidelity 0,1"
    code, out, err = leapsr(*line.split(), *DISTS, *DEVICE)
    assert code == 0, err
    assert names("out") == [
        "means.csv", "report.html", "results.csv", "results.json", "results.md", "results.tex", "sheet.png"
    ]  # fmt: skip
    assert "pd_plot.png is not drawn" in err
    assert "dists is skipped" in err
    stored = json.loads(Path("out/results.json").read_text(encoding="utf-8"))
    lines = [
        (row["restorer"], row["steps"], row["fidelity"], row["psnr_y"] is None) for row in stored["means"]
    ]
    assert lines == [
        ("bicubic", None, None, False),
        ("flat", 1, 0, False), ("flat", 2, 0, True), ("flat", 1, 1, False),
        ("steep", 1, 0, False), ("steep", 2, 0, False), ("steep", 1, 1, False),
        ("tiny", 1, 0, False), ("tiny", 2, 0, True), ("tiny", 1, 1, False),
    ]  # fmt: skip
    assert stored["settings"]["training"] == [
        {"model": "flat", "recipe": None, "samples": 16, "hours": 2.0, "samples_per_s": 41.0}
    ]
    document = Path("out/results.md").read_text(encoding="utf-8")
    assert "| flat | - | 16 | 2.00 | 41.0 |" in document
    assert "steep" in out


def test_with_the_metrics_files_there_is_a_plot(leapsr: Leapsr, workplace: Path, shared: Path) -> None:
    line = "evaluate flat/model steep/model --pairs pairs -o out --steps 1 --fidelity 0,1 --weights"
    code, out, err = leapsr(*line.split(), shared / "weights", *DISTS, *DEVICE)
    assert code == 0, err
    assert Path("out/pd_plot.png").is_file()
    assert "dists" in out or "dists is skipped" in err


def test_the_same_scores_as_alone(leapsr: Leapsr, workplace: Path) -> None:
    line = "evaluate steep/model tiny --pairs pairs --fidelity 0.3 -o a"
    assert leapsr(*line.split(), *DEVICE)[0] == 0
    line = "evaluate tiny --pairs pairs --fidelity 0.3 --metrics psnr_y,lr_psnr -o b"
    assert leapsr(*line.split(), *DEVICE)[0] == 0
    one, other = (
        json.loads(Path(file).read_text(encoding="utf-8"))["means"][-1]
        for file in ("a/results.json", "b/results.json")
    )
    assert one["fidelity"] == other["fidelity"] == 0.3
    assert (one["psnr_y"], one["lr_psnr"]) == (other["psnr_y"], other["lr_psnr"])


def test_too_little_memory_is_one_sentence(
    leapsr: Leapsr, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(Restorer, "restore", full)
    code, _, err = leapsr("evaluate", "tiny", "steep/model", "--pairs", "pairs", "-o", "out", *DEVICE)
    assert code == 1
    assert "2 failed:" in err
    assert err.count("There is not enough memory") == 2


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("tiny nothing --pairs pairs -o out", 2, "no model 'nothing'"),
        ("tiny ./nowhere --pairs pairs -o out", 3, "no model folder"),
        ("tiny tiny --pairs pairs -o out", 2, "given twice"),
        ("tiny steep/model --pairs nowhere -o out", 1, "not a folder"),
        ("tiny steep/model --pairs pairs -o out --steps 0", 2, "at least 1"),
        ("tiny steep/model --pairs pairs -o out --fidelity 0,2", 2, "between 0"),
        ("tiny steep/model --pairs pairs -o out --fidelity low", 2, "--fidelity takes numbers"),
        ("tiny steep/model --pairs pairs -o pairs/HR/0.png", 1, "0.png is a file"),
        ("tiny ./broken --pairs pairs -o out", 3, "no model.safetensors"),
    ],
)
def test_one_sentence(
    leapsr: Leapsr, workplace: Path, tiny_model: Path, line: str, code: int, says: str
) -> None:
    shutil.copytree(tiny_model, "broken")
    (Path("broken") / catalog.WEIGHTS).unlink()
    before = names()
    got, out, err = leapsr("evaluate", *line.split(), *DEVICE)
    assert (got, out) == (code, "")
    assert says in only_sentence(err)
    assert names() == before
