"""Training as a Python function."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import OutputError, UsageError, optional
from ..hub import catalog
from . import config as configs
from . import recipes
from .callbacks import SILENT, Callbacks
from .config import TrainConfig


def train_model(
    recipe: str | TrainConfig,
    photos: str | Path,
    out: str | Path | None = None,
    *,
    teacher: str | Path | None = None,
    start_from: str | Path | None = None,
    options: Mapping[str, Any] | Iterable[str] = (),
    config_file: str | Path | None = None,
    resume: str | None = None,
    max_minutes: float | None = None,
    cpu: bool = False,
    callbacks: Callbacks = SILENT,
) -> Path:
    """Train a model on clean photos; they are damaged on the way.

        model = leapsr.train_model("teacher_tiny", "photos", "run", options={"steps": 100})
        leapsr.upscale("small.jpg", model=model)

    Args:
        recipe: name of a recipe (`leapsr recipes`), or a whole configuration.
        photos: folder of photos, an archive made by `leapsr pack`, or shards made by `leapsr prepare`.
        out: folder of the run, which receives config.json, log.jsonl, TensorBoard events, samples/,
            checkpoints/, model/ and best/; None is runs/RECIPE.
        teacher: name or folder of the model that a student is distilled from; recipes of teachers have none.
            A dial may have any upscaler for its teacher, also the file of another project.
        start_from: name or folder of a model whose weights the training begins with.
        options: fields of the configuration to change, such as {"optimizer.learning_rate": 1e-4}, or the
            same as texts, "optimizer.learning_rate=1e-4".
        config_file: config.json of a run of this recipe, to be used instead of the recipe.
        resume: None for a new run; "auto" to go on from the newest checkpoint in `out`, if there is one; or
            the folder of a checkpoint. A run that is resumed keeps its own configuration.
        max_minutes: time after which the run saves and stops, to be resumed; None: when it is done.
        cpu: stay on the CPU although there is a GPU.
        callbacks: functions that are told how the run is going.

    Returns:
        The folder of the trained model, for Upscaler.from_pretrained.

    Raises:
        MissingExtra: accelerate or TensorBoard is not installed.
        UsageError: an argument, a name or a field of the configuration cannot be used.
        DataError: the photos cannot be used.
        WeightsError: the teacher, or the model to start from, cannot be loaded.
        TrainingError: a loss was not finite, or a checkpoint does not fit.
        OutputError: `out` cannot be written.
    """
    optional("accelerate", "train")
    optional("tensorboard", "train")
    from . import launch
    from .loop import MODEL

    folder = Path(out or Path("runs") / (recipe if isinstance(recipe, str) else recipe.recipe))
    if config_file is None and resume is not None and (folder / launch.CONFIG).exists():
        config_file = folder / launch.CONFIG
    config = configs.override(_config(recipe, config_file), options)
    try:
        launch.run(
            config,
            photos,
            folder,
            teacher=None if teacher is None else catalog.find(teacher),
            start=None if start_from is None else catalog.find(start_from),
            resume=resume,
            minutes=max_minutes,
            cpu=cpu,
            callbacks=callbacks,
        )
    except OSError as error:  # a run writes from many places
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}.") from error
    return folder / MODEL


def _config(recipe: str | TrainConfig, file: str | Path | None) -> TrainConfig:
    if file is None:
        return recipes.get(recipe) if isinstance(recipe, str) else recipe
    found, name = configs.read(Path(file)), recipe if isinstance(recipe, str) else recipe.recipe
    if found.recipe != name:
        raise UsageError(f"{file} is of the recipe {found.recipe}, not {name}.")
    return found
