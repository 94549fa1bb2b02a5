from pathlib import Path

import pytest

from leapsr.errors import UnknownName, UsageError, WeightsError
from leapsr.metrics import usable


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No weights folder, and an empty torch cache."""
    monkeypatch.delenv("LEAPSR_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def test_what_cannot_be_computed_is_left_out_with_a_sentence() -> None:
    chosen, notes = usable(["ssim_y", "niqe", "lr_psnr"], None, has_reference=True)
    assert list(chosen) == ["ssim_y", "lr_psnr"]
    assert [note.split(":")[0] for note in notes] == ["niqe is skipped"]
    chosen, notes = usable(["ssim_y", "lr_psnr"], None, has_reference=False)
    assert list(chosen) == ["lr_psnr"]
    assert notes == ["ssim_y is skipped: these pictures have no reference."]


def test_nothing_left_is_an_error_that_says_why() -> None:
    with pytest.raises(WeightsError, match="niqe_pris_params"):
        usable(["niqe"], None, has_reference=True)
    with pytest.raises(UsageError, match="no reference"):
        usable(["psnr_y"], None, has_reference=False)
    with pytest.raises(UnknownName):
        usable(["psnr_z"], None, has_reference=True)
