"""What turns photos into the samples of shards: a model's own space, a captioner and text encoders."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from ..errors import DataError, UsageError
from ..frozen import (
    Captioner,
    Sd3Text,
    Sd21Text,
    TextEncoder,
    VisionLanguage,
    load_book,
    text_encoder,
)
from ..frozen.fingerprint import fingerprint
from ..frozen.space import Space
from ..hub.repositories import LLAVA, QWEN2_VL
from ..restorer import ModelConfig, located, space

Captions = Literal["none", "text", "llava", "qwen2-vl"]

Caption = Callable[[str, Tensor], str]
"""(name of the photo, its clean crop, (3, S, S) in [-1, 1]) -> what is in it."""


@dataclass(frozen=True)
class Encoders:
    """space: of the model that will train. autoencoder: the fingerprint of its autoencoder.

    caption, texts: of each sample; None leaves samples to the model's own prompts. captions: where captions
    are from, in words.
    """

    space: Space
    autoencoder: str
    device: torch.device
    captions: str = "none"
    caption: Caption | None = None
    texts: TextEncoder | None = None


def encoders(
    model: Path,
    device: torch.device,
    captions: Captions = "none",
    source: Path | None = None,
    *,
    texts: Path | None = None,
    t5: bool = True,
    length: int = 256,
    dtype: torch.dtype = torch.float32,
) -> Encoders:
    """model: its folder; of its network nothing is read. captions: of which kind, and source: the file of
    the texts, or the captioner's folder. texts: folder of text encoders, None where
    they are in the autoencoder's. t5, length, dtype: as in `frozen.text_encoder`.

    Raises UsageError for a model that needs no shards or options that do not go together, DataError for a
    file of texts that cannot be read, WeightsError.
    """
    config = located(model)
    if config.autoencoder is None:
        raise UsageError(
            f"{model} works on pixels: train it from the photos themselves, or pack them with 'leapsr pack'."
        )
    known = space(config), fingerprint(config.autoencoder), device
    if captions == "none":
        if source is not None or texts is not None:
            raise UsageError(
                "Without --captions nothing is captioned: say of which kind, or leave the rest out."
            )
        return Encoders(*known)
    if source is None:
        raise UsageError(f"Captions of {captions} need --captioner: {NEEDED[captions]}.")
    encoder = text_encoder(texts or config.autoencoder, t5=t5, length=length, dtype=dtype)
    _check(encoder, config)
    caption = by_name(source) if captions == "text" else _seen(captioner(captions, source, dtype))
    return Encoders(*known, f"{captions} of {source.name}", caption, encoder)


NEEDED = {
    "text": 'a JSON file, {"photo.jpg": "what is in it", ...}',
    "llava": "a folder of LLaVA 1.5",
    "qwen2-vl": "a folder of Qwen2-VL",
}


def captioner(kind: Captions, folder: Path, dtype: torch.dtype) -> Captioner:
    return VisionLanguage(folder, LLAVA if kind == "llava" else QWEN2_VL, dtype=dtype)


def by_name(file: Path) -> Caption:
    """Texts that are there already, one for each photo. Raises DataError, also for a photo without one."""
    try:
        texts = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read as captions ({error}); give {NEEDED['text']}.") from error
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise DataError(f"{file} holds no captions; give {NEEDED['text']}.")

    def caption(name: str, image: Tensor) -> str:
        if name not in texts:
            raise DataError(f"{file} has no caption for {name}; add one, an empty one if there is none.")
        return texts[name]

    return caption


def _seen(captioner: Captioner) -> Caption:
    return lambda name, image: captioner.caption(image)


def _check(encoder: Sd3Text | Sd21Text, config: ModelConfig) -> None:
    """Texts of samples and the model's own prompts stand in one batch: both must be of one make."""
    if config.prompts is None:
        raise UsageError(f"A {config.network.kind} reads no text: leave --captions out.")
    book = load_book(Path(config.prompts))
    if (encoder.kind, encoder.encoders) != (book.kind, book.encoders):
        raise UsageError(
            f"The model's prompts are of {book.encoders} ({book.kind}) and those of captions would be of "
            f"{encoder.encoders} ({encoder.kind}): make them alike with --text-encoders, --t5 and --length."
        )
