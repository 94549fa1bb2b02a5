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
    space: Space
    """Of the model that will be trained."""
    autoencoder: str
    """Its fingerprint."""
    device: torch.device
    captions: str = "none"
    """Where captions are from, in words."""
    caption: Caption | None = None
    texts: TextEncoder | None = None
    """Both of each sample; None: training uses the model's own prompts."""


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
    """What the samples of shards are made with.

    Args:
        model: folder of the model that will be trained; its network is not read.
        captions: their kind.
        source: file of the captions, or folder of the captioner.
        texts: folder of text encoders; None: they are in the autoencoder's folder.
        t5, length, dtype: as in `frozen.text_encoder`.

    Raises:
        UsageError: the model needs no shards, or options do not go together.
        DataError: the file of captions cannot be read.
        WeightsError: weights are missing or damaged.
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
                "Nothing is captioned without --captions: give a kind, or leave the other options out."
            )
        return Encoders(*known)
    if source is None:
        raise UsageError(f"Captions of {captions} need --captioner: {NEEDED[captions]}.")
    encoder = text_encoder(texts or config.autoencoder, t5=t5, length=length, dtype=dtype)
    _check(encoder, config)
    described = f"{captions} of {source.name}"
    if captions == "text":
        return Encoders(*known, described, by_name(source), encoder)
    captioner = VisionLanguage(source, LLAVA if captions == "llava" else QWEN2_VL, dtype=dtype)
    return Encoders(*known, described, lambda name, image: captioner.caption(image), encoder)


NEEDED = {
    "text": 'a JSON file, {"photo.jpg": "what is in it", ...}',
    "llava": "a folder of LLaVA 1.5",
    "qwen2-vl": "a folder of Qwen2-VL",
}


def by_name(file: Path) -> Caption:
    """Captions from a JSON file, photo to caption. Raises DataError, also for a photo without one."""
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


def _check(encoder: Sd3Text | Sd21Text, config: ModelConfig) -> None:
    """Texts of samples and the model's own prompts share a batch: the same encoders must have made both."""
    if config.prompts is None:
        raise UsageError(f"A {config.network.kind} reads no text: leave --captions out.")
    book = load_book(Path(config.prompts))
    if (encoder.kind, encoder.encoders) != (book.kind, book.encoders):
        raise UsageError(
            f"The model's prompts are of {book.encoders} ({book.kind}) and those of captions would be of "
            f"{encoder.encoders} ({encoder.kind}): make them alike with --text-encoders, --t5 and --length."
        )
