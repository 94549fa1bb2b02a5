import shutil
from pathlib import Path

import pytest

from leapsr import catalog
from leapsr.errors import OutputError, UsageError, WeightsError
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


def test_what_cannot_be_read_or_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "config.json").read_bytes()

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OutputError, match="No space"):
            write_default(folder, 0.37)
    assert (folder / "config.json").read_bytes() == before
    assert not list(folder.glob("*.part"))
    (folder / "config.json").write_text("{")
    with pytest.raises(WeightsError):
        write_default(folder, 0.37)
