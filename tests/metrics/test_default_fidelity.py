import shutil
from pathlib import Path

import pytest

from leapsr.errors import OutputError, UsageError, WeightsError
from leapsr.hub import catalog
from leapsr.metrics.default_fidelity import check_writable, write_default
from leapsr.restorer import Restorer, read_config


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "mine"))


def test_only_the_default_changes_and_the_checksums_follow(folder: Path) -> None:
    before = read_config(folder)
    write_default(folder, 0.37)
    assert read_config(folder) == before.model_copy(update={"fidelity": 0.37})
    assert Restorer.from_pretrained(folder).default_fidelity == 0.37
    assert "config.json" in catalog.verify(folder)
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors", "SHA256SUMS"}


def test_a_folder_without_checksums_gets_none(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()
    write_default(folder, 0.37)
    assert not (folder / "SHA256SUMS").exists()


def test_packaged_models_stay_as_they_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "PACKAGED", folder.parent)
    before = (folder / "config.json").read_bytes()
    for refuse in (check_writable, lambda each: write_default(each, 0.37)):
        with pytest.raises(UsageError, match=r"mine is packaged with leapsr and is never changed"):
            refuse(folder.parent / "x" / ".." / "mine")
    assert (folder / "config.json").read_bytes() == before


def test_damage_to_other_files_stays_visible(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    write_default(folder, 0.37)
    with pytest.raises(WeightsError, match=r"model\.safetensors is missing or damaged"):
        catalog.verify(folder)


def test_a_config_that_was_not_the_recorded_one_is_not_recorded(folder: Path) -> None:
    with (folder / "config.json").open("a") as file:
        file.write(" ")
    before = (folder / "SHA256SUMS").read_bytes()
    write_default(folder, 0.37)
    assert read_config(folder).fidelity == 0.37
    assert (folder / "SHA256SUMS").read_bytes() == before


@pytest.mark.parametrize(
    ("method", "failing"),
    [
        ("write_bytes", 1),  # config.json
        ("write_bytes", 2),  # SHA256SUMS
        ("replace", 1),
        ("replace", 2),
    ],
)
def test_a_failure_changes_nothing(
    folder: Path, method: str, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    working = getattr(Path, method)
    failed, calls = [], []

    def full(path: Path, *arguments: object) -> None:
        calls.append(path)
        if len(calls) == failing:
            failed.append(path)
            raise OSError(28, "No space left on device")
        working(path, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Path, method, full)
        with pytest.raises(OutputError, match="No space"):
            write_default(folder, 0.37)
    assert failed
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_permission_is_asked_for_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_writable(folder)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(OutputError, match=r"No permission to write .*mine/config\.json"):
        check_writable(folder)


def test_a_config_that_cannot_be_read(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    with pytest.raises(WeightsError):
        write_default(folder, 0.37)
