import json
import sys

import pytest
import torch

from leapsr.cli import doctor_checks
from leapsr.cli.main import main
from leapsr.hub import catalog
from leapsr.upscaling.upscaler import Upscaler


@pytest.fixture
def doctor(monkeypatch, capsys):
    """Run it with the packaged models: (exit code, stdout)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["leapsr", "doctor", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code, capsys.readouterr().out

    return run


@pytest.fixture
def only_default(monkeypatch, tmp_path):
    """A copy of the default model as the only one there is."""
    folder = tmp_path / "models" / catalog.DEFAULT
    folder.mkdir(parents=True)
    for file in (catalog.PACKAGED / catalog.DEFAULT).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(catalog, "PACKAGED", folder.parent)
    monkeypatch.delenv(catalog.MODEL_DIR_VARIABLE, raising=False)
    return folder


def test_all_is_well(doctor, only_default):
    code, out = doctor()
    assert code == 0, out
    lines = out.splitlines()
    assert any(line.startswith("ok") and "leap-small: README.md, config.json" in line for line in lines)
    assert any(line.startswith("ok   test picture") and "64 x 48 to 256 x 192" in line for line in lines)
    assert not any(line.startswith("BAD") for line in lines)


def findings(out):
    report = json.loads(out)
    return report["good"], {item["topic"]: item for item in report["findings"]}


def test_as_json(doctor, only_default):
    code, out = doctor("--json")
    assert code == 0
    good, found = findings(out)
    assert good
    assert {"leapsr", "python", "libraries", "cpu", "memory", "device", "model", "extra"} <= found.keys()


def test_a_damaged_model(doctor, only_default):
    weights = only_default / catalog.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    code, out = doctor("--json")
    assert code == 1
    good, found = findings(out)
    assert not good
    assert found["model"]["good"] is False
    assert "SHA-256 differs" in found["model"]["text"]


def test_no_model(doctor, monkeypatch, tmp_path):
    monkeypatch.setattr(catalog, "PACKAGED", tmp_path)
    monkeypatch.setenv(catalog.MODEL_DIR_VARIABLE, str(tmp_path / "none"))
    code, out = doctor("--json")
    assert code == 1
    found = findings(out)[1]
    assert "there is no such folder" in out
    assert found["models"]["good"] is False
    assert "No model is installed" in found["test picture"]["text"]


@pytest.mark.parametrize("wrong", [lambda result: 255 - result, lambda result: result[:-1]])
def test_a_machine_that_computes_nonsense(doctor, only_default, monkeypatch, wrong):
    call = Upscaler.__call__
    monkeypatch.setattr(
        Upscaler, "__call__", lambda self, *given, **named: wrong(call(self, *given, **named))
    )
    code, out = doctor("--json")
    assert code == 1
    assert findings(out)[1]["test picture"]["good"] is False


def test_what_is_not_installed_is_named_with_its_command(doctor, only_default, monkeypatch):
    monkeypatch.setattr(doctor_checks, "_is_installed", lambda library: library != "matplotlib")
    code, out = doctor()
    assert code == 0
    assert "lacks matplotlib: pip install 'leapsr[plots]'" in out


def test_a_model_of_ones_own_has_nothing_to_be_compared_with(doctor, only_default):
    (only_default / catalog.CHECKSUMS).unlink()
    code, out = doctor("--json")
    assert code == 0
    assert findings(out)[1]["model"]["good"] is None


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("no kernel image")]
)
def test_a_device_that_cannot_be_used(doctor, only_default, monkeypatch, error):
    def fail(*given: object, **named: object) -> None:
        raise error

    monkeypatch.setattr(Upscaler, "__call__", fail)
    code, out = doctor("--json")
    assert code == 1
    assert findings(out)[1]["test picture"] == {"topic": "test picture", "text": str(error), "good": False}
