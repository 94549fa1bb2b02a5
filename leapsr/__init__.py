"""One-step generative super-resolution of photos.

    import leapsr
    leapsr.upscale("small.jpg").save("large.png")

Nothing heavy is imported before it is used.
"""

from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from .errors import LeapsrError

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from .pictures.picture import Picture
    from .restorer import Restorer
    from .upscaling.upscaler import Upscaler

try:
    __version__ = version("leapsr")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0.0.0"

__all__ = ["LeapsrError", "Picture", "Restorer", "Upscaler", "__version__", "upscale"]

_LAZY = {"Picture": ".pictures.picture", "Restorer": ".restorer", "Upscaler": ".upscaling.upscaler"}


def upscale(
    image: "str | Path | bytes | Image.Image",
    *,
    model: "str | Path | None" = None,
    device: str = "auto",
    dtype: str = "auto",
    **options: Any,
) -> "Image.Image":
    """The picture, larger, as a PIL image. The model stays loaded for the next call.

    image: a path, a file's bytes or a PIL image. model: a name or a folder; None is the default model for the
    scale that is asked for. device, dtype: see Upscaler.from_pretrained. options: scale, width, seed,
    fidelity, ...: see Upscaler.__call__.
    Raises LeapsrError.
    """
    from .hub.catalog import default_name

    chosen = default_name(factor=options.get("scale")) if model is None else model
    result: Image.Image = _loaded(chosen, device, dtype)(image, **options)
    return result


@cache
def _loaded(model: "str | Path | None", device: str, dtype: str) -> "Upscaler":
    from .upscaling.upscaler import Upscaler

    return Upscaler.from_pretrained(model, device, dtype)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name], __name__), name)
    raise AttributeError(f"module 'leapsr' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
