"""Checks of the installation: the facts that a bug report needs, and a test picture."""

import importlib.metadata
import os
import platform
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
import torch

from .. import __version__, memory
from ..devices import choose_device
from ..errors import LeapsrError
from ..hub import catalog
from ..ops.resize import resize
from ..upscaling.upscaler import Upscaler

_DEVELOPMENT = "dev"
_LARGEST_DIFFERENCE = 8.0
"""Mean grey levels of 255 between the test picture and its result made small again."""


@dataclass(frozen=True)
class Finding:
    """good: False where something has to be done, which `text` says; None for mere information."""

    topic: str
    text: str
    good: bool | None = None


def diagnose(model_dir: Path | None = None) -> Iterator[Finding]:
    """Yield each finding as it is made. model_dir: as in `catalog.find`."""
    yield Finding("leapsr", f"{__version__} in {Path(__file__).parent.parent}")
    yield Finding("python", f"{platform.python_version()} on {platform.platform()}, {sys.executable}")
    yield Finding("libraries", f"torch {torch.__version__}, pillow {PIL.__version__}, numpy {np.__version__}")
    yield from _devices()
    yield from _folders(model_dir)
    yield from _models(model_dir)
    yield from _extras()
    yield _test_picture(model_dir)


def _devices() -> Iterator[Finding]:
    capability = torch.backends.cpu.get_cpu_capability()
    yield Finding("cpu", f"{torch.get_num_threads()} of {os.cpu_count()} cores in use, {capability}")
    yield Finding("memory", f"{_gibibytes(memory.available(torch.device('cpu')))} free")
    for index in range(torch.cuda.device_count()):
        name = torch.cuda.get_device_name(index)
        yield Finding(
            f"cuda:{index}", f"{name}, {_gibibytes(memory.available(torch.device('cuda', index)))} free"
        )
    yield Finding("device", f"--device auto is {choose_device('auto')}")


def _gibibytes(size: int | None) -> str:
    return "an unknown amount" if size is None else f"{size / 2**30:.1f} GiB"


def _folders(model_dir: Path | None) -> Iterator[Finding]:
    yield Finding("models in", str(catalog.PACKAGED))
    for where, folder in (("-m", model_dir), (catalog.MODEL_DIR_VARIABLE, _model_dir_variable())):
        if folder is not None:
            there = folder.is_dir()
            yield Finding(
                "models in", f"{folder} ({where}{'' if there else ': there is no such folder'})", there
            )
    cache = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    yield Finding("cache", f"{catalog.expanded(cache)} (HF_HOME)")


def _model_dir_variable() -> Path | None:
    variable = os.environ.get(catalog.MODEL_DIR_VARIABLE)
    return catalog.expanded(variable) if variable else None


def _models(model_dir: Path | None) -> Iterator[Finding]:
    try:
        names = catalog.names(model_dir)
    except (LeapsrError, OSError) as error:
        yield Finding("models", str(error), False)
        return
    if not names:
        yield Finding("models", "none is installed; install leapsr again, or give a folder with -m", False)
    for name in names:
        try:
            if not catalog.is_recorded(name, model_dir):
                yield Finding("model", f"{name}: nothing to compare it with ({catalog.CHECKSUMS})")
                continue
            yield Finding("model", f"{name}: {', '.join(catalog.verify(name, model_dir))} as recorded", True)
        except LeapsrError as error:
            yield Finding("model", f"{name}: {error}", False)


def _extras() -> Iterator[Finding]:
    """Optional libraries; nobody needs all of them, so a missing one is not bad."""
    needed: dict[str, list[str]] = {}
    for requirement in _requirements():
        made = re.match(r"([\w.-]+).*\bextra\s*==\s*['\"]([\w-]+)['\"]", requirement)
        if made is not None and made[2] != _DEVELOPMENT:
            needed.setdefault(made[2], []).append(made[1])
    for extra, libraries in needed.items():
        lacking = [library for library in libraries if not _is_installed(library)]
        command = f"lacks {', '.join(lacking)}: pip install 'leapsr[{extra}]'"
        yield Finding("extra", f"{extra}: {command if lacking else ', '.join(libraries)}")


def _requirements() -> list[str]:
    try:
        return importlib.metadata.requires("leapsr") or []
    except importlib.metadata.PackageNotFoundError:  # a checkout that is not installed
        return []


def _is_installed(library: str) -> bool:
    try:
        importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _test_picture(model_dir: Path | None) -> Finding:
    """Whether the result of the default model has the right size, is near its source, and equal in tiles."""
    height, width = 48, 64
    y, x = np.mgrid[0:height, 0:width]
    source = np.stack([4 * x, 4 * y, 120 + 80 * (x > y)], -1).clip(0, 255).astype(np.uint8)
    try:
        upscaler = Upscaler.from_pretrained(model_dir=model_dir)
        begun = time.monotonic()
        result = upscaler(source, fidelity=upscaler.restorer.most_faithful, tile=0)
        seconds = time.monotonic() - begun
        tiled = upscaler(source, fidelity=upscaler.restorer.most_faithful, tile=32)
    except (LeapsrError, OSError, RuntimeError, MemoryError) as error:  # a full device, one too old for torch
        return Finding("test picture", str(error) or type(error).__name__, False)
    scale = upscaler.restorer.scale
    if result.shape != (scale * height, scale * width, 3):
        return Finding(
            "test picture", f"its result has the shape {result.shape}; install leapsr again", False
        )
    difference = _difference(result, source)
    seam = int(np.abs(result.astype(int) - tiled.astype(int)).max())
    figures = (
        f"{width} x {height} to {scale * width} x {scale * height} in {seconds:.2f} s on "
        f"{upscaler.restorer.device}; {difference:.1f} grey levels from its source, tiles differ by {seam}"
    )
    good = difference <= _LARGEST_DIFFERENCE and seam <= 1
    return Finding("test picture", figures if good else f"{figures}: wrong; try '--device cpu'", good)


def _difference(result: np.ndarray, source: np.ndarray) -> float:
    """Mean, in grey levels, between a source and its result made as small again."""
    large = torch.from_numpy(result).permute(2, 0, 1)[None].float()
    small = resize(large, source.shape[:2], antialias=True)[0].permute(1, 2, 0)
    return float((small - torch.from_numpy(source)).abs().mean())
