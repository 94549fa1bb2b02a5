"""Fixtures shared by all tests: the data folder, small pictures, and a restorer that needs no weights."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from leapsr.frozen.space import Space

if TYPE_CHECKING:
    from leapsr.restorer import Restorer
    from leapsr.upscaling.upscaler import Upscaler

REPOSITORY = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"
"""Numbers that the papers' own code gave, see its README.md."""


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with weights of metrics and validation pictures; $LEAPSR_DATA or ../shared."""
    folder = Path(os.environ.get("LEAPSR_DATA", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"needs the data folder {folder}; set LEAPSR_DATA to where it is")
    return folder


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was left out for lack of photos or weights, in one line."""
    skipped = [
        each for each in terminalreporter.stats.get("skipped", []) if "LEAPSR_DATA" in str(each.longrepr)
    ]
    if skipped:
        terminalreporter.write_line(
            f"{len(skipped)} tests left out: they need photos or the weights of metrics in $LEAPSR_DATA."
        )


def picture_array(height: int, width: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(height, width, 3) uint8 with smooth colour, an edge and a little texture."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 9 + phase) + np.cos(y / 7 - phase) for phase in (0.0, 1.0, 2.0)]
    texture = np.random.default_rng(seed).normal(0, 6, (height, width, 3))
    picture = np.stack(waves, -1) * 50 + 127 + 30 * (x > y)[..., None] + texture
    return np.asarray(picture.clip(0, 255), np.uint8)


@pytest.fixture
def photo() -> Image.Image:
    return Image.fromarray(picture_array(24, 37))


@pytest.fixture
def photo_tensor() -> Tensor:
    """(1, 3, 48, 64) float32 in [0, 1]"""
    return torch.from_numpy(picture_array(48, 64)).permute(2, 0, 1)[None].float() / 255


class FakeRestorer:
    """The interface of Restorer with no network: bicubic upsampling plus locally filtered noise."""

    scale = 4
    alignment = 4
    default_fidelity = 0.25
    most_faithful = 1.0
    largest = None
    reads_damage = False
    bytes_per_pixel = 8_192
    keeps_light = True
    space = Space(scale)
    device = torch.device("cpu")
    dtype = torch.float32
    config = SimpleNamespace(color_fix="none", autoencoder=None)

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Self:
        assert torch.device(device) == self.device
        self.dtype = dtype or self.dtype
        return self

    def halo(self, steps: int) -> int:
        return 2 + steps

    def watched(self, steps: int, report: Callable[[float], None]) -> AbstractContextManager[None]:
        return nullcontext()

    def restore(
        self,
        lr: Tensor,
        noise: Tensor,
        *,
        steps: int = 1,
        fidelity: float | None = None,
        solver: None = None,
        guidance: float | None = None,
        prompt: None = None,
        measures: None = None,
        denoise: float = 1.0,
    ) -> Tensor:
        assert steps >= 1
        assert measures is None
        assert denoise == 1
        self.calls.append((lr.shape[-2], lr.shape[-1]))
        assert noise.shape == (*lr.shape[:2], self.scale * lr.shape[2], self.scale * lr.shape[3])
        fidelity = self.default_fidelity if fidelity is None else fidelity
        kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]).expand(3, 1, 3, 3) / 16
        detail = F.conv2d(noise, kernel, padding=1, groups=3)
        return F.interpolate(lr, scale_factor=self.scale, mode="bicubic") + 0.2 * (1 - fidelity) * detail


@pytest.fixture
def fake_restorer() -> FakeRestorer:
    return FakeRestorer()


@pytest.fixture
def upscaler(fake_restorer: FakeRestorer) -> "Upscaler":
    from leapsr.upscaling.upscaler import Upscaler

    return Upscaler(cast("Restorer", fake_restorer))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete model folder, `tiny`: the smallest network, with random weights."""
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


def make_tiny_model(folder: Path) -> Path:
    from leapsr.hub import catalog
    from leapsr.networks import UNet
    from leapsr.networks.pixel.unet import PRESETS
    from leapsr.restorer import ModelConfig, Restorer

    torch.manual_seed(0)
    network = UNet(PRESETS["tiny"])
    for parameter in network.parameters():  # layers that start at zero would hide mistakes
        torch.nn.init.normal_(parameter, std=0.05)
    Restorer(ModelConfig(method="oftsr", network=PRESETS["tiny"]), network).save_pretrained(folder)
    catalog.write_checksums(folder)
    return folder


@pytest.fixture
def no_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the network says, as it says it."""
    from leapsr.upscaling import guard

    monkeypatch.setattr(guard, "MARGIN", 0)
    monkeypatch.setattr(guard, "limited", lambda restored, source, scale: (restored, torch.zeros(1, 1)))
