import json
from pathlib import Path

import pytest

from leapsr.metrics.runs import Training, training


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two checkpoints, the newer one not the last by name, and one that was never finished."""
    folder = tmp_path / "run"
    states = {
        "step-00000200": {"step": 200, "samples": 3200, "seconds": 36.0},
        "step-00000090": {"step": 90, "samples": 1440, "seconds": 18.0},
        "step-00000300.part": {"step": 300, "samples": 4800, "seconds": 54.0},
        "left-step-00000900": {"step": 900, "samples": 14400, "seconds": 99.0},
    }
    for name, state in states.items():
        (folder / "checkpoints" / name).mkdir(parents=True)
        (folder / "checkpoints" / name / "progress.json").write_text(json.dumps(state))
    (folder / "model").mkdir()
    (folder / "config.json").write_text(json.dumps({"recipe": "oftsr_small", "steps": 1000}))
    speeds = [{"step": i, "samples_per_s": speed} for i, speed in enumerate((20.0, 100.0, 104.0))]
    lines = [*map(json.dumps, [*speeds, {"step": 3, "psnr_fidelity_1": 24.0}]), '{"step": 4, "samp']
    (folder / "log.jsonl").write_text("\n".join(lines))
    return folder


def test_what_a_run_tells(run: Path) -> None:
    assert training("mine", run / "model") == Training("mine", "oftsr_small", 3200, 0.01, 100.0)


def test_without_a_log_the_speed_is_the_mean(run: Path) -> None:
    (run / "log.jsonl").unlink()
    assert training("mine", run / "model") == Training("mine", "oftsr_small", 3200, 0.01, 3200 / 36)


def test_without_a_checkpoint_only_the_log_speaks(run: Path) -> None:
    for path in (run / "checkpoints").rglob("progress.json"):
        path.unlink()
    assert training("mine", run / "model") == Training("mine", "oftsr_small", None, None, 100.0)


@pytest.mark.parametrize("content", ["", "[1]", "{", "\x00"])
def test_damaged_files_tell_nothing(run: Path, content: str) -> None:
    for path in (run / "config.json", run / "log.jsonl", *(run / "checkpoints").rglob("progress.json")):
        path.write_text(content)
    assert training("mine", run / "model") == Training("mine", None, None, None, None)


def test_a_model_without_a_run(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "config.json").write_text('{"recipe": "x"}')
    assert training("mine", tmp_path / "model") is None
