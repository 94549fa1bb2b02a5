"""Small models with random weights, and pairs to try them on."""

from pathlib import Path

import torch
from PIL import Image

from leapsr.data.pairs import PairFolder, read_pairs
from leapsr.evaluation.subjects import Model
from leapsr.networks import PRESETS, UNet
from leapsr.restorer import ModelConfig, Restorer
from leapsr.upscaling.upscaler import Upscaler
from tests.conftest import picture_array


def model(method: str, seed: int = 0) -> Restorer:
    torch.manual_seed(seed)
    network = UNet(PRESETS["tiny"])
    for parameter in network.parameters():  # layers that start at zero would hide mistakes
        torch.nn.init.normal_(parameter, std=0.05)
    return Restorer(ModelConfig(method=method, network=PRESETS["tiny"]), network)


def subject(method: str, seed: int = 0) -> Model:
    return Model(Path(method), Upscaler(model(method, seed)))


def write_pairs(folder: Path, count: int = 2) -> Path:
    """HR of 96 x 64 and LR of 24 x 16 pixels."""
    for part in ("HR", "LR"):
        (folder / part).mkdir(parents=True)
    for i in range(count):
        hr = Image.fromarray(picture_array(64, 96, seed=i))
        hr.save(folder / f"HR/{i}.png")
        hr.resize((24, 16), Image.Resampling.BICUBIC).save(folder / f"LR/{i}.png")
    return folder


def some_pairs(folder: Path, count: int = 2) -> PairFolder:
    return read_pairs(write_pairs(folder, count), 4)
