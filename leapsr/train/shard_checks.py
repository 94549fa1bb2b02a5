"""Whether shards hold what a run would have made of the photos itself."""

import json
from pathlib import Path

from ..data.shard_reader import Shards
from ..errors import DataError
from ..frozen import load_book
from ..frozen.fingerprint import fingerprint
from ..restorer import ModelConfig
from .config import TrainConfig

NO_VALIDATION = (
    "Shards hold no photos, so nothing is held out for validation: compare the models with 'leapsr evaluate'."
)


def check_data(shards: Shards, config: TrainConfig) -> None:
    """Raises DataError where the shards are made with other settings than the recipe's."""
    made, data = shards.description, config.data
    pairs = {
        "scale": (made.scale, config.factor),
        "data.crop": (made.crop, data.crop),
        "data.degradation": (made.degradation, data.degradation),
        "data.sharpen": (made.sharpen, data.sharpen),
        "data.resize": (made.resize, data.resize),
        "data.drawing": (made.drawing, data.drawing),
        **{
            f"data.symmetries.{name}": (share, getattr(data.symmetries, name))
            for name, share in made.symmetries
        },
        "data.pool": (0, data.pool),
        "data.on_device": (False, data.on_device),
    }
    for field, (found, wanted) in pairs.items():
        if found != wanted:
            made_with, asked = (json.dumps(value).strip('"') for value in (found, wanted))
            raise DataError(
                f"{shards.folder} is made with {field}={made_with} and the recipe has {asked}: "
                f"use --set {field}={made_with}, or prepare other shards."
            )


def check_photos(shards: Shards, config: TrainConfig) -> None:
    """Raises DataError where a loss compares with photos and the shards hold none."""
    if config.method.compares_photos and not shards.description.photo:
        raise DataError(
            f"{config.recipe} compares results with the photos, and {shards.folder} holds latents alone: "
            "prepare them with --pixels."
        )


def check_quality(data: object, config: TrainConfig) -> None:
    """Raises DataError where a loss compares with captions of quality and the data has none."""
    if not isinstance(data, Shards) or data.description.quality is None:
        raise DataError(
            f"{config.recipe} compares results with captions of the quality of each picture: give it shards "
            "that 'leapsr prepare' made with --quality, or use --set method.captions=fixed, the paper's two "
            "examples for all."
        )


def check_model(shards: Shards, model: ModelConfig) -> None:
    """Raises DataError for latents of another autoencoder or texts of other encoders than the model's."""
    made = shards.description
    if model.autoencoder is None:
        raise DataError(f"{shards.folder} holds latents and this network works on pixels: give it photos.")
    if fingerprint(model.autoencoder) != made.autoencoder:
        raise DataError(
            f"The latents in {shards.folder} are of another autoencoder than {model.autoencoder}: prepare "
            "the photos with --model the one that the training begins with."
        )
    if made.texts is None:
        return
    book = None if model.prompts is None else load_book(Path(model.prompts))
    if book is None or (book.kind, book.encoders) != (made.texts.kind, made.texts.encoders):
        raise DataError(
            f"The texts in {shards.folder} are of {made.texts.encoders} ({made.texts.kind}) and the model's "
            f"prompts of {'none' if book is None else f'{book.encoders} ({book.kind})'}: prepare the photos "
            "with --model the one that the training begins with."
        )
