"""Model names to folders. A model folder holds config.json, model.safetensors, README.md and SHA256SUMS.

A model of another project is a file, see `networks.zoo`; it has no name here, only its path.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UnknownName, UsageError, WeightsError
from ..files import sha256

PACKAGED = Path(__file__).parent.parent / "models"
MODEL_DIR_VARIABLE = "LEAPSR_MODEL_DIR"
DEFAULT = "leap-small"
DEFAULT_X2 = "leap-small-x2"
"""For results up to twice as large: a x4 result made smaller takes longer, and shows a pattern."""
PURPOSES = {
    "leap-small": ("0.26", "any photo"),
    "leap-medium": ("0.4", "any photo; its sharp end shows no pattern"),
    "leap-small-x2": ("0.8", "twice as large or less; -s 2 takes it by itself"),
    "leap-small-flowsr": ("0.4", "comparison of methods; has no dial"),
    "leap-small-smfsr": ("0.3", "guesses to choose from (--samples); comparison of methods"),
    "leap-small-mfsr": ("0.3", "comparison of methods"),
    "leap-small-oftsr": ("0.3", "comparison of methods"),
    "leap-small-refined": ("0.4", "comparison of methods"),
}
"""Of the packaged models: seconds for a megapixel of the result, on two threads of a CPU in fp32 with a
photo of 384 x 256 pixels, and what they are for."""
TRAINED_WITH = dict.fromkeys(
    ("leap-small", "leap-medium", "leap-small-x2", "leap-small-flowsr", "leap-small-refined"), "lpips_squeeze"
)
"""The metric in the loss of a packaged model, which says too much good of it; the others had none."""
LICENCE = "Apache-2.0"
"""The licence of this package and its own models."""
CONFIG, WEIGHTS, CARD, CHECKSUMS = "config.json", "model.safetensors", "README.md", "SHA256SUMS"
SAVED = "model"
"""The model folder in the folder of a training run."""
PROMPTS = "prompts.safetensors"
"""Only in the folders of networks that read text."""
FILES = (".safetensors", ".pth", ".pt", ".ckpt")
"""Suffixes of models of other projects."""


def _places(model_dir: str | Path | None = None) -> Iterator[Path]:
    """The folders that hold model folders, first choice first."""
    if model_dir is not None:
        folder = expanded(model_dir)
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder} to look for models in.")
        yield folder
    yield PACKAGED
    if variable := os.environ.get(MODEL_DIR_VARIABLE):
        yield expanded(variable)


def expanded(path: str | Path) -> Path:
    """With the home folder for ~; unchanged for the ~name of an unknown user."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  Path.expanduser() raises RuntimeError then


def _is_model(folder: Path) -> bool:
    return (folder / CONFIG).is_file() and not _is_run(folder)


def _is_run(folder: Path) -> bool:
    """Whether it is the folder of a training run, which has a config.json of its own."""
    try:
        found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and "recipe" in found


def _models_in(place: Path) -> dict[str, Path]:
    """By name; of a run the model that it has saved, if it has."""
    folders = list(place.iterdir()) if place.is_dir() else []
    saved = {folder.name: folder / SAVED for folder in folders if _is_model(folder / SAVED)}
    return saved | {folder.name: folder for folder in folders if _is_model(folder)}


def _looks_like_path(name: str) -> bool:
    separators = {"/", os.sep, os.altsep or os.sep}
    begins = name.startswith((".", "~")) or any(mark in name for mark in separators)
    return begins or name.lower().endswith(FILES) or Path(name).is_dir()


def _model_folder(path: Path) -> Path:
    if path.is_file() and path.suffix.lower() in FILES:
        ours = path.name == WEIGHTS and _is_model(path.parent)
        return path.parent if ours else path
    if path.is_file():
        raise WeightsError(
            f"{path} is no model: give a model folder, or a file of weights ({', '.join(FILES)})."
        )
    if path.suffix.lower() in FILES and not path.is_dir():
        raise WeightsError(f"There is no file {path}; 'leapsr models list' shows the models known by name.")
    if not path.is_dir():
        raise WeightsError(
            f"There is no model folder {path}; 'leapsr models list' shows the models known by name."
        )
    if not _is_model(path) and _is_model(path / SAVED):
        path = path / SAVED
    if _is_run(path):
        raise WeightsError(f"{path} is a run that has saved no model yet; let it go on with '--resume auto'.")
    if not _is_model(path):
        raise WeightsError(
            f"{path} is not a model folder: it has no {CONFIG} (and should have {WEIGHTS} beside it)."
        )
    if not (path / WEIGHTS).is_file():
        raise WeightsError(f"{path} has no {WEIGHTS}; copy the complete model folder there.")
    return path


def find(name: str | Path, model_dir: str | Path | None = None) -> Path:
    """The folder of a model given by name, or by the path of its folder; of another project's, its file.

    A name is looked up in model_dir (None: nowhere), then among the packaged models, then in
    $LEAPSR_MODEL_DIR.
    Raises UnknownName for a name that is in none of them, WeightsError for a folder that is not a complete
    model, or a file that is none.
    """
    if not isinstance(name, str | Path):
        raise UsageError(f"A model is given by its name or its folder, not by {name!r}.")
    for place in _places(model_dir):
        if isinstance(name, str) and (known := _models_in(place).get(name)) is not None:
            return _model_folder(known)
    if isinstance(name, Path) or _looks_like_path(name):
        return _model_folder(expanded(name))
    raise UnknownName("model", name, names(model_dir))


def model_name(folder: Path) -> str:
    """What a model's folder or file is called; the model of a run, as its run."""
    return folder.parent.name if folder.name == SAVED else folder.name


def weights_of(model: Path) -> Path:
    """The file of a model's weights. model: its folder, or that file itself."""
    return model if model.is_file() else model / WEIGHTS


def names(model_dir: str | Path | None = None) -> list[str]:
    """All model names that find() accepts, sorted."""
    return sorted({name for place in _places(model_dir) for name in _models_in(place)})


def default_name(model_dir: str | Path | None = None, factor: float | None = None) -> str:
    """The model used when none is named: of the first folder with models, the default or the first.

    factor: how many times larger the result will be; None is unknown, or the model's own.
    Raises WeightsError where no model is installed, UsageError for a factor that is no number.
    """
    _check_factor(factor)
    known = next(filter(None, map(_models_in, _places(model_dir))), {})
    if not known:
        raise WeightsError(
            f"No model is installed; set {MODEL_DIR_VARIABLE} or give the folder of one with -m."
        )
    wanted = [DEFAULT_X2, DEFAULT] if factor is not None and factor <= 2 else [DEFAULT]
    return next((name for name in wanted if name in known), min(known))


def _check_factor(factor: object) -> None:
    if not isinstance(factor, Real | None):
        raise UsageError(f"scale is a number, not {factor!r}.")


def find_or_default(
    name: str | Path | None, model_dir: str | Path | None = None, factor: float | None = None
) -> Path:
    """As `find`; without a name the folder of `default_name(model_dir, factor)`.

    Raises what these raise, and UsageError for a model_dir to choose from that holds no model.
    """
    if name is None:
        if model_dir is not None:
            check_holds_models(model_dir)
        name = default_name(model_dir, factor)
    return find(name, model_dir)


def check_holds_models(model_dir: str | Path) -> None:
    """Raises UsageError where the folder has no models."""
    if not _models_in(next(_places(model_dir))):
        raise UsageError(f"{model_dir} holds no model folders; give another folder, or a model's name.")


class Summary(NamedTuple):
    """What the files of a model say without being loaded; None where they say nothing."""

    licence: str | None
    method: str | None
    scale: int | None
    size: int
    """Bytes of the weights; 0 where they are missing."""
    fidelity: float | None
    """Where the dial stands by default."""


def summary(folder: Path) -> Summary:
    """Never raises, not even for damaged folders."""
    try:
        found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    known: dict[str, Any] = found if isinstance(found, dict) else {}
    network = known.get("network")
    own = network.get("scale") if isinstance(network, dict) else None
    weights = folder / WEIGHTS
    size = weights.stat().st_size if weights.is_file() else 0
    scale, dial = own or known.get("scale"), known.get("fidelity")
    return Summary(known.get("licence"), known.get("method"), scale, size, dial)


def is_recorded(name: str | Path, model_dir: str | Path | None = None) -> bool:
    """Whether it has checksums, as packaged and converted models do."""
    return (find(name, model_dir) / CHECKSUMS).is_file()


def verify(name: str | Path, model_dir: str | Path | None = None) -> list[str]:
    """Compare a model's files with its SHA256SUMS and return the names of the files checked.

    Raises WeightsError when the list or a file is missing, or a file differs from it.
    """
    folder = find(name, model_dir)
    if not (folder / CHECKSUMS).is_file():
        raise WeightsError(f"{folder} has no {CHECKSUMS}, so its files cannot be verified.")
    expected = _checksums(folder / CHECKSUMS)
    if WEIGHTS not in expected:
        raise WeightsError(f"{folder / CHECKSUMS} does not list {WEIGHTS}; install the model again.")
    for file, digest in expected.items():
        if not (folder / file).is_file() or _sha256(folder / file) != digest:
            raise WeightsError(
                f"{folder / file} is missing or damaged (its SHA-256 differs); install the model again."
            )
    return sorted(expected)


def digest(model: Path) -> str:
    """SHA-256 of what results depend on: a model's configuration, weights, prompts if any; or its file."""
    if model.is_file():
        return _sha256(model)
    whole = hashlib.sha256()
    for name in (CONFIG, WEIGHTS, PROMPTS):
        if (model / name).is_file():
            whole.update(bytes.fromhex(_sha256(model / name)))
    return whole.hexdigest()


def write_checksums(folder: Path) -> None:
    """Record the SHA-256 of the model's files in SHA256SUMS (the format of the sha256sum command)."""
    files = [name for name in (CONFIG, WEIGHTS, PROMPTS, CARD) if (folder / name).is_file()]
    lines = [f"{_sha256(folder / name)}  {name}\n" for name in files]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _checksums(file: Path) -> dict[str, str]:
    """The digests of SHA256SUMS by name of the file."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise _unreadable(file, error) from error
    parts = (line.partition(" ") for line in lines)
    return {name.strip().removeprefix("*"): digest for digest, _, name in parts if name}


def _sha256(file: Path) -> str:
    try:
        return sha256(file)
    except OSError as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: OSError) -> WeightsError:
    return WeightsError(f"{file} cannot be read ({error.strerror or error}); make it readable.")
