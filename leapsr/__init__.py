"""Small, damaged photos made large and clean, in one evaluation of a network.

A photo from a file to a file, with everything that the file says of it (profile, EXIF, resolution, 16 bits):

    import leapsr
    leapsr.upscale("small.jpg").save("large.png")
    leapsr.upscale("small.jpg", fidelity=1).save("faithful.png")    # 1 is faithful, 0 realistic
    leapsr.upscale("small.jpg", width=3840, denoise=0).save("large.jpg")

What a program holds comes back as what it was: a PIL image, a numpy array, a torch tensor.

    larger = leapsr.upscale(Image.open("small.jpg"))

Many photos, or a model and a device of your choice:

    upscaler = leapsr.Upscaler.from_pretrained("leap-medium", device="cuda")
    for name in names:
        upscaler(name).save(f"large/{name}")

Any upscaler that was published as a file of weights (with the extra zoo):

    upscaler = leapsr.load("RealESRGAN_x4plus.pth")

Models of your own: `leapsr.train_model(recipe, photos, out)` and `leapsr.evaluate(models, pairs)`. Pictures
themselves: `leapsr.open(path)` gives a `Picture` with `.pil()`, `.numpy()`, `.save(path)`. Every
error that is raised on purpose is a `leapsr.LeapsrError`. Nothing heavy is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    ConfigError,
    DataError,
    DiskFull,
    ImageError,
    LeapsrError,
    MissingExtra,
    OutputError,
    TrainingError,
    UnknownName,
    UsageError,
    WeightsError,
)

if TYPE_CHECKING:
    from .api import evaluate, load, open, upscale
    from .pictures.picture import Picture
    from .restorer import Restorer
    from .train.api import train_model
    from .upscaling.upscaler import Upscaler

    __version__: str

__all__ = [
    "ConfigError",
    "DataError",
    "DiskFull",
    "ImageError",
    "LeapsrError",
    "MissingExtra",
    "OutputError",
    "Picture",
    "Restorer",
    "TrainingError",
    "UnknownName",
    "Upscaler",
    "UsageError",
    "WeightsError",
    "__version__",
    "evaluate",
    "load",
    "open",
    "train_model",
    "upscale",
]

_LAZY = {
    "evaluate": ".api",
    "train_model": ".train.api",
    "load": ".api",
    "open": ".api",
    "upscale": ".api",
    "Picture": ".pictures.picture",
    "Restorer": ".restorer",
    "Upscaler": ".upscaling.upscaler",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value = _version()
    elif name in _LAZY:
        value = getattr(import_module(_LAZY[name], __name__), name)
    else:
        raise AttributeError(f"module 'leapsr' has no attribute '{name}'")
    globals()[name] = value
    return value


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # a sixth of the time of leapsr --help

    try:
        return version("leapsr")
    except PackageNotFoundError:  # a checkout that is not installed
        return "0.0.0"


def __dir__() -> list[str]:
    return __all__
