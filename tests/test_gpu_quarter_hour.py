"""benchmarks/gpu_quarter_hour.sh: what it carries away is the newest model, and a second command goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path

from PIL import Image
from safetensors.torch import save_file

from leapsr.restorer import Restorer
from tests import zoo as tiny
from tests.conftest import REPOSITORY, picture_array

SETTINGS = {
    "network.widths": "[8,8]",
    "network.blocks": "[1,1]",
    "network.embedding": "8",
    "perceptual": "none",
    "method.perceptual": "0",
    "compile": "false",
    "batch": "2",
    "data.group": "2",
    "data.crop": "64",
    "data.held_out": "1",
    "log_every": "1",
    "validate_every": "1000",
    "minutes": "null",
}


def test_a_second_command_goes_on_with_the_first(tmp_path):
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        Image.fromarray(picture_array(96, 96, seed)).save(tmp_path / "photos" / f"{seed}.png")
    save_file(tiny.compact().state_dict(), tmp_path / "teacher.safetensors")
    changes = [word for field, value in SETTINGS.items() for word in ("--set", f"{field}={value}")]
    script = str(REPOSITORY / "benchmarks" / "gpu_quarter_hour.sh")
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": paths, "PYTHONPATH": str(REPOSITORY)}
    for steps in (2, 3):
        words = [script, "photos", "teacher.safetensors", "run", "out", "5", "--cpu"]
        done = subprocess.run(
            [*words, "--set", f"steps={steps}", *changes],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        out = tmp_path / "out"
        weights = b"".join(part.read_bytes() for part in sorted(out.glob("weights.*")))
        (out / "model.safetensors").write_bytes(weights)
        assert weights == (tmp_path / "run" / "model" / "model.safetensors").read_bytes()
        assert Restorer.from_pretrained(out).config.network.widths == (8, 8)
        (out / "model.safetensors").unlink()
        assert json.loads((out / "log.jsonl").read_text().splitlines()[-1])["step"] == steps
    assert "Resumed from step 2." in done.stderr
    assert done.stdout.count("Model:") + done.stderr.count("Model:") == 1
