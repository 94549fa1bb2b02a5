"""The table of metrics, and the files that some of them need."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from leapsr.errors import DataError, UnknownName, WeightsError
from leapsr.metrics import METRICS, available, missing, perceptual, select

FILELESS = {
    "psnr_y",
    "ssim_y",
    "psnr_rgb",
    "ssim_rgb",
    "lr_psnr",
    "fine_detail",
    "color_shift",
    "grid_artifact",
    "straightness",  # of a teacher
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No weights folder, and an empty torch cache."""
    monkeypatch.delenv("LEAPSR_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def test_without_files_the_other_metrics_are_left() -> None:
    assert set(available()) == FILELESS
    assert set(missing()) == METRICS.keys() - FILELESS


def test_what_is_missing_says_how_to_get_it(tmp_path: Path) -> None:
    reasons = missing(tmp_path)
    assert "torchvision.models.squeezenet1_1(weights='DEFAULT')" in reasons["lpips_squeeze"]
    assert str(tmp_path / "torch_home/hub/checkpoints") in reasons["lpips_squeeze"]
    assert "niqe_pris_params.npz" in reasons["niqe"]


def test_a_metric_without_its_file_refuses_to_run(photo_tensor: Tensor) -> None:
    with pytest.raises(WeightsError, match="squeezenet"):
        METRICS["lpips_squeeze"].function(photo_tensor, photo_tensor, 0)


@pytest.mark.parametrize("how", ["argument", "LEAPSR_WEIGHTS", "TORCH_HOME"])
def test_files_are_found(shared: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    weights = shared / "weights"
    if how == "LEAPSR_WEIGHTS":
        monkeypatch.setenv(how, str(weights))
    if how == "TORCH_HOME":
        monkeypatch.setenv(how, str(weights / "torch_home"))
    ready = available(weights if how == "argument" else None)
    assert "lpips_squeeze" in ready
    assert ("niqe" in ready) == (how != "TORCH_HOME")


def test_every_available_metric_prefers_the_original(shared: Path) -> None:
    clean = torch.nn.functional.interpolate(
        torch.rand(1, 3, 24, 48, generator=torch.Generator().manual_seed(1)), scale_factor=8, mode="bicubic"
    ).clamp(0, 1)
    damaged = (clean + 0.3 * torch.rand(clean.shape, generator=torch.Generator().manual_seed(2))).clamp(0, 1)
    lr = torch.nn.functional.interpolate(clean, scale_factor=0.25, mode="bicubic", antialias=True)
    for name, metric in available(shared / "weights").items():
        if metric.needs in ("set", "seeds", "flow"):
            continue
        target = {"hr": clean, "lr": lr, "none": clean}[metric.needs]
        good, bad = (metric.function(image, target, 4) for image in (clean, damaged))
        assert good.shape == bad.shape == (1,)
        if metric.needs != "none":
            assert (good > bad) == (metric.direction == "higher"), name


def test_lpips_of_equal_pictures_is_zero_and_torch_hub_is_as_before(
    shared: Path, photo_tensor: Tensor
) -> None:
    before = torch.hub.get_dir()
    picture = torch.cat([photo_tensor, photo_tensor.flip(3)], dim=2)
    scores = perceptual.lpips(
        picture.repeat(2, 1, 1, 1), picture.repeat(2, 1, 1, 1), weights=shared / "weights"
    )
    assert scores.tolist() == [0, 0]
    assert torch.hub.get_dir() == before


@pytest.mark.parametrize("content", [b"", b"half of a file"])
def test_damaged_weights_are_no_bug(content: bytes, tmp_path: Path, photo_tensor: Tensor) -> None:
    checkpoints = tmp_path / "torch_home" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / perceptual.CHECKPOINTS["squeeze"]).write_bytes(content)
    large = photo_tensor.repeat(1, 1, 2, 2)
    with pytest.raises(WeightsError, match=r"is damaged \(.*download it again"):
        perceptual.lpips(large, large, weights=tmp_path)


def test_lpips_refuses_small_pictures(shared: Path, photo_tensor: Tensor) -> None:
    with pytest.raises(DataError, match="at least 64"):
        perceptual.lpips(photo_tensor, photo_tensor, weights=shared / "weights")


def test_names_are_selected_in_order() -> None:
    assert list(select(["niqe", "psnr_y"])) == ["niqe", "psnr_y"]
    assert select(["all"]) == METRICS
    with pytest.raises(UnknownName, match="Did you mean 'psnr_y'"):
        select(["psnr_z"])
