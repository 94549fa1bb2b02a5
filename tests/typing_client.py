"""A program that uses leapsr, for `mypy` alone: what is given decides the type of what comes back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import leapsr
from leapsr import Picture, Upscaler
from leapsr.upscaling.settings import UpscaleOptions


def files(upscaler: Upscaler, path: Path) -> None:
    assert_type(upscaler(path, scale=2, fidelity=0.5), Picture)
    assert_type(upscaler("photo.jpg", width=1920, tile="auto", progress=True), Picture)
    assert_type(upscaler(path.read_bytes()), Picture)
    with path.open("rb") as file:
        assert_type(upscaler(file, max_pixels=1_000_000, fit="at_least"), Picture)
    assert_type(upscaler(upscaler(path)), Picture)
    assert_type(upscaler([path, path]), list[Picture])
    assert_type(upscaler(("a.jpg", "b.jpg")), list[Picture])
    assert_type(upscaler(path.glob("*.jpg")), Iterator[Picture])


def in_memory(upscaler: Upscaler, image: Image.Image, array: NDArray[np.uint8], tensor: torch.Tensor) -> None:
    assert_type(upscaler(image), Image.Image)
    assert_type(upscaler(array), NDArray[Any])
    assert_type(upscaler(tensor), torch.Tensor)
    assert_type(upscaler([image, image]), list[Image.Image])
    assert_type(upscaler(one for one in [tensor]), Iterator[torch.Tensor])


def options(upscaler: Upscaler, path: Path) -> None:
    given: UpscaleOptions = {"seed": 1, "denoise": 0.5, "progress": lambda done, total: None}
    assert_type(upscaler(path, **given), Picture)
    upscaler(path, colour_fix="wavelet")  # type: ignore[call-overload]
    upscaler(path, fidelity="high")  # type: ignore[call-overload]


def easy_door(image: Image.Image) -> None:
    assert_type(leapsr.upscale("photo.jpg", model="leap-small", fidelity=1), Picture)
    assert_type(leapsr.upscale(image, width=1920), Image.Image)
    leapsr.upscale("photo.jpg", colour_fix="wavelet")  # type: ignore[call-overload]


def model() -> None:
    assert_type(Upscaler.models(), list[str])
    upscaler = Upscaler.from_pretrained("leap-small", device="cpu").to("cpu", torch.float32)
    assert_type(upscaler, Upscaler)
    assert_type((upscaler.scale, upscaler.device, upscaler.dtype), tuple[int, torch.device, torch.dtype])
