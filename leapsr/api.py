"""The functions of `leapsr` itself: open a picture, enlarge one."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, Unpack, overload

from .hub.catalog import default_name
from .pictures.picture import Picture, Source, load
from .upscaling.upscaler import File, Held, UpscaleOptions, Upscaler

KEPT_MODELS = 2
"""How many models stay loaded for the next call: the one that was used last is the last to go."""

_Key = tuple[str | Path, str, str]
_loaded: OrderedDict[_Key, Upscaler] = OrderedDict()
_lock = threading.Lock()


def open(source: Source) -> Picture:
    """A picture with all that its file says of it, upright, in its own depth.

    Args:
        source: a path, a file's bytes, a PIL image, an array (H, W) or (H, W, C) of uint8 or uint16, or a
            float tensor (3, H, W) in [0, 1].
    Raises:
        ImageError: in one sentence, for what cannot be read.
    """
    return load(source)


@overload
def upscale(
    image: File,
    *,
    model: str | Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    **options: Unpack[UpscaleOptions],
) -> Picture: ...
@overload
def upscale(
    image: Held,
    *,
    model: str | Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    **options: Unpack[UpscaleOptions],
) -> Held: ...
def upscale(
    image: Any,
    *,
    model: str | Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    **options: Unpack[UpscaleOptions],
) -> Any:
    """The picture, larger. The model stays loaded for the next call.

    Args:
        image: a path or a file's bytes, which give a `Picture` that keeps what the file said; or a PIL image,
            an array or a tensor, which give the same kind.
        model: a name or a folder. None is the default for the scale: of the x2 models up to 2, else of the
            x4 models.
        device: auto, cpu, cuda, cuda:1, mps. dtype: auto, fp32, bf16, fp16.
        options: scale, width, fidelity, denoise, seed, ...: see `UpscaleOptions`.
    Raises:
        LeapsrError: see `leapsr.errors`.
    """
    chosen = default_name(factor=options.get("scale")) if model is None else model
    return _model(chosen, device, dtype)(image, **options)


def _model(name: str | Path, device: str, dtype: str) -> Upscaler:
    with _lock:
        key = name, device, dtype
        if key not in _loaded:
            _loaded[key] = Upscaler.from_pretrained(name, device, dtype)
        _loaded.move_to_end(key)
        while len(_loaded) > KEPT_MODELS:
            _loaded.popitem(last=False)
        return _loaded[key]
